"""What became of the files of an import, as a CSV for whoever must look after the refused ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from app.core.rows import FileOutcome
from app.core.whole_file import write_file

COLUMNS = ("outcome", "file", "format", "record", "reason", "next_step", "folder")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_outcomes(outcomes: Sequence[FileOutcome], path: Path) -> Path:
    """Write one line a file; it names files, so it stays in the house.

    Raises:
        WorldError: the file cannot be written.
    """
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for row in outcomes:
        cells = (row.status, row.file, row.format, row.record_id or "", row.reason, row.next_step, row.folder)
        lines.writerow([harmless(cell) for cell in cells])
    return write_file("list of files", path, text.getvalue().encode("utf-8-sig"))


def harmless(cell: str) -> str:
    """A file name or a note must not become a formula in a spreadsheet."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
