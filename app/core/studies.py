"""Studies as the database knows them: where each run stands, and which of their models are kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import jobs, models, records, results
from app.core.home import Home
from app.core.rows import ModelRow
from app.core.schema import JobMember, StudyRunRow
from engine.contract.config import StudyConfig
from engine.contract.errors import UsageError, WorldError
from engine.contract.results import StudyResults, StudyRow
from engine.contract.run import ManifestRow, RunFolder, write_whole
from engine.contract.scaling import DataBudget
from engine.data.splits import split_digest
from engine.study.subsets import ALL, Subsets, read_sizes
from engine.study.summary import budgets as budgets_of
from engine.study.summary import summarise

CORPUS = "corpus"
"""The axis whose values are collections."""


def rows(session: Session, job_id: str) -> list[StudyRow]:
    """The latest state of each run of a study, by number. Raises UsageError when the job is no study."""
    job = jobs.get(session, job_id)
    if job.kind != "study":
        raise UsageError(f"job {job_id}", f"it is a run of kind {job.kind}", "Name a study")
    query = select(StudyRunRow).where(StudyRunRow.job_id == job_id).order_by(StudyRunRow.number)
    return [_row(found) for found in session.scalars(query)]


def summary(session: Session, job_id: str) -> StudyResults:
    """Means over seeds, ranks and fits of the runs that have ended so far. Raises UsageError when it is no study."""
    found = rows(session, job_id)
    kept = results.results(session, job_id)
    if isinstance(kept, StudyResults):
        return kept
    config = StudyConfig.model_validate(jobs.config_of(jobs.get(session, job_id)))
    return summarise(config, found, (), 0.0)


def budgets(session: Session, job_id: str, worth: float, times: Sequence[float]) -> list[DataBudget]:
    """What more data would buy by the runs of a study. Raises UsageError when it has too few sizes of data."""
    told = budgets_of(rows(session, job_id), worth, times)
    if not told:
        raise UsageError(
            f"study {job_id}", "it has too few sizes of data for a law", "Run one over three sizes or more"
        )
    return told


def read_by(session: Session, job_id: str, corpus_sha256: str) -> set[str] | None:
    """Recordings that a run of a study was given, told by the hash that its model's card holds; None when none fits."""
    config = StudyConfig.model_validate(jobs.config_of(jobs.get(session, job_id)))
    found = session.scalars(select(JobMember).where(JobMember.job_id == job_id))
    manifest = [ManifestRow(member.record_id, member.patient, member.split) for member in found]
    known = corpora(session, manifest) if CORPUS in config.axes else {}
    sizes = read_sizes(config.axes.get("records", ()), config.name)
    subsets = Subsets(manifest, sizes, config.layout, config.subset_seed, known)
    for records_, corpus in product(config.axes.get("records", (ALL,)), config.axes.get(CORPUS, ("",))):
        rows = subsets.manifest({"records": records_, CORPUS: corpus})
        if split_digest([row.record_id for row in rows], [row.split for row in rows]) == corpus_sha256:
            return {row.record_id for row in rows}
    return None


def corpora(session: Session, manifest: Sequence[ManifestRow]) -> dict[str, str]:
    """The collection of each recording, for a study that compares collections."""
    found = records.by_ids(session, [row.record_id for row in manifest])
    return {record_id: record.dataset for record_id, record in found.items()}


def write_corpora(session: Session, folder: RunFolder) -> None:
    """Write which collection each recording of a study is of."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["record_id", CORPUS])
    writer.writerows(corpora(session, folder.manifest()).items())
    write_whole(folder.path / "corpora.csv", out.getvalue())


def keep_model(home: Home, job_id: str, number: int, name: str | None) -> ModelRow:
    """Register the model that a run of a study has made.

    Raises:
        UsageError: no such run, or one that is not done; the name is taken.
        WorldError: its checkpoint is missing or damaged.
    """
    with home.db.read() as session:
        row = next((row for row in rows(session, job_id) if row.number == number), None)
    if row is None or row.state != "done":
        state = "not there" if row is None else row.state
        raise UsageError(f"run {number} of {job_id}", f"it is {state}", f"See: isoline study show {job_id}")
    return models.add_checkpoint(home, newest_checkpoint(home, job_id, row), name or row.name, job_id)


def newest_checkpoint(home: Home, job_id: str, row: StudyRow) -> Path:
    """The last checkpoint of a study's run, below the study's own run folder."""
    found = sorted(home.run(job_id).path.glob(f"runs/{row.number:04d}/checkpoints/step-*[0-9]"))
    if not found:
        raise WorldError(f"run {row.number} of {job_id}", "its checkpoint is gone", "Resume the study, or run it again")
    return found[-1]


def _row(found: StudyRunRow) -> StudyRow:
    told = {name: getattr(found, name) for name in StudyRow.model_fields}
    return StudyRow.model_validate(told)
