"""Exporting a study: its table and its figures, from the database alone."""

from __future__ import annotations

import os
from pathlib import Path

from app.core import jobs, leaving, studies
from app.core.home import Home
from engine.contract.config import StudyConfig
from engine.contract.errors import WorldError
from engine.contract.run import write_whole
from engine.study.table import table_text

TABLE = "study.csv"


def export(home: Home, job_id: str, folder: Path) -> list[Path]:
    """Write the table and the figures into a folder; gives back the files.

    Raises:
        UsageError: the job is no study.
        WorldError: the folder cannot be written, or a file would hold an identifier seen at import.
    """
    from app.report.study_figures import svg_figures

    with home.db.read() as session:
        results = studies.summary(session, job_id)
        config = StudyConfig.model_validate(jobs.config_of(jobs.get(session, job_id)))
    folder = Path(os.path.abspath(folder.expanduser()))
    texts = {TABLE: table_text(results.axes, results.rows)}
    texts |= {f"{name}.svg": svg for name, svg in svg_figures(results, config).items()}
    leaving.refuse_file(home, "study export", folder, _searched(texts))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text)
    except OSError as error:
        reason = f"it cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError(f"folder {folder.name}", reason, "Choose a folder that you may write") from None
    return [folder / name for name in texts]


def _searched(texts: dict[str, str]) -> dict[str, str]:
    """What the files say in words, by file, and their names."""
    table = {TABLE: leaving.cells_of_csv(texts[TABLE])}
    return table | {name: f"{name}\n{leaving.shown_of_svg(text)}" for name, text in texts.items() if name != TABLE}
