"""Exporting a study: its table and its figures, from the database alone."""

from __future__ import annotations

from pathlib import Path

from app.core import jobs, studies
from app.core.home import Home
from app.report.written import write_texts
from engine.contract.config import StudyConfig
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
    texts = {TABLE: table_text(results.axes, results.rows)}
    texts |= {f"{name}.svg": svg for name, svg in svg_figures(results, config).items()}
    return write_texts(home, "study export", folder, texts)
