"""Evaluations of a workspace as a list tells them: what was scored, how, and the one number that sums it up.

The results of an evaluation hold megabytes of curves. The database takes the few values out itself, so that a list of
hundreds comes at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from app.core import jobs
from app.core.rows import JobRow
from app.core.schema import Job
from engine.contract.estimate import Estimate
from engine.contract.evaluation import MODES


@dataclass(frozen=True)
class EvaluationRow:
    """One evaluation that waits, works or is past.

    Attributes:
        mode: in words; of one that is done as its results tell it ("age + sex", "scores as supplied").
        task: of the study, empty where labels were named.
        labels: how many labels of two classes it predicts.
        targets: how many measured numbers.
        macro: macro AUROC; None while it has no results or has no labels.
        macro_mae: mean standardised error of its measured numbers; None where there are none.
    """

    job: JobRow
    mode: str
    task: str
    labels: int
    targets: int
    macro: Estimate | None
    macro_mae: Estimate | None


@dataclass(frozen=True)
class SummedUp:
    """What the list takes out of an evaluation's results."""

    mode: str
    macro: Estimate | None
    macro_mae: Estimate | None


_KNOWN: dict[str, SummedUp] = {}
"""By hash of the results, which never change: to take a few values out of megabytes costs some 30 ms each time."""


def evaluation_rows(session: Session) -> list[EvaluationRow]:
    """All evaluations, the newest first."""
    config = Job.config
    asked = (
        func.json_extract(config, "$.mode"),
        func.json_extract(config, "$.task"),
        func.json_array_length(config, "$.labels"),
        func.json_array_length(config, "$.targets"),
    )
    query = select(Job, *asked).options(defer(Job.results)).where(Job.kind == "evaluate").order_by(Job.number.desc())
    rows = session.execute(query).all()
    found = _summed_up(session, [row[0] for row in rows])
    return [
        EvaluationRow(
            job=jobs.as_row(job),
            mode=found[job.job_id].mode if job.job_id in found else MODES.get(mode, MODES["linear"]),
            task=str(task or ""),
            labels=int(labels or 0),
            targets=int(targets or 0),
            macro=found[job.job_id].macro if labels and job.job_id in found else None,
            macro_mae=found[job.job_id].macro_mae if job.job_id in found else None,
        )
        for job, mode, task, labels, targets in rows
    ]


def _summed_up(session: Session, evaluations: Sequence[Job]) -> dict[str, SummedUp]:
    """By job, of those that have results."""
    found = {job.job_id: _KNOWN[job.results_sha256] for job in evaluations if job.results_sha256 in _KNOWN}
    left = {job.job_id: job.results_sha256 for job in evaluations if job.state == "done" and job.job_id not in found}
    values = (func.json_extract(Job.results, f"$.{name}") for name in ("mode", "macro", "macro_mae"))
    query = select(Job.job_id, *values).where(Job.job_id.in_(left), Job.results.is_not(None))
    for job_id, mode, macro, mae in session.execute(query):
        found[job_id] = SummedUp(str(mode), _estimate(macro), _estimate(mae))
        if left[job_id]:
            _KNOWN[left[job_id]] = found[job_id]
    return found


def _estimate(text: str | None) -> Estimate | None:
    return None if text is None else Estimate.model_validate_json(text)
