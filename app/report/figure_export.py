"""Exporting what a run found: every number as a table, every figure as SVG, from the database alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.core import leaving, results
from app.core.home import Home
from app.report.figure import Figure
from app.report.number_table import number_table
from engine.contract.errors import UsageError, WorldError
from engine.contract.results import AnyResults
from engine.contract.run import write_whole

NUMBERS = "numbers.csv"


def figures_of(found: AnyResults) -> list[Figure]:
    """The figures of a run's results; none for a kind that has none."""
    from app.report import stress_figures

    ways: dict[str, Callable[[Any], list[Figure]]] = {"stress": stress_figures.figures}
    return ways[found.kind](found) if found.kind in ways else []


def export(home: Home, job_id: str, folder: Path) -> list[Path]:
    """Write the numbers and figures of a finished run into a folder; gives back the files.

    Raises:
        UsageError: no such job, or it has no results.
        WorldError: the folder cannot be written, or a file would hold an identifier seen at import.
    """
    from app.report.svg import svg_text

    with home.db.read() as session:
        found = results.results(session, job_id)
    if found is None:
        raise UsageError(f"job {job_id}", "it has no results", "Wait until it is done, or name another job")
    folder = Path(os.path.abspath(folder.expanduser()))
    texts = {NUMBERS: number_table(found)}
    texts |= {f"{one.name}.svg": svg_text(one.drawing, one.title, one.told) for one in figures_of(found)}
    leaving.refuse_file(home, "figures", folder, _searched(texts))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text)
    except OSError as error:
        reason = f"it cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError(f"folder {folder.name}", reason, "Choose a folder that you may write") from None
    return [folder / name for name in texts]


def _searched(texts: dict[str, str]) -> dict[str, str]:
    """What the files say in words, by file."""
    table = {NUMBERS: leaving.cells_of_csv(texts[NUMBERS])}
    return table | {name: leaving.shown_of_svg(text) for name, text in texts.items() if name != NUMBERS}
