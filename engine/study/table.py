"""study.csv: one line a run, its place on the axes first, then its state, then every number that any run has."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from engine.contract.errors import disk_error
from engine.contract.results import StudyRow
from engine.contract.run import write_whole


def write_table(path: Path, axes: Sequence[str], rows: Sequence[StudyRow]) -> None:
    """Write the table, whole or not at all. Raises WorldError when the disk refuses."""
    try:
        write_whole(path, table_text(axes, rows))
    except OSError as error:
        raise disk_error(error, "table") from None


def table_text(axes: Sequence[str], rows: Sequence[StudyRow]) -> str:
    """The table as CSV text; a number that a run lacks is an empty cell."""
    names = sorted({name for row in rows for name in row.metrics})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run", *axes, "state", *names, "message"])
    for row in rows:
        place = [row.values.get(axis, "") for axis in axes]
        numbers = [_cell(row.metrics.get(name)) for name in names]
        writer.writerow([row.number, *place, row.state, *numbers, row.message])
    return out.getvalue()


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
