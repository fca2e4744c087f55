"""Evaluations of a workspace as a list tells them: what was scored, how, and the one number that sums it up.

The results of an evaluation hold megabytes of curves. The database takes the few values out itself, so that a list of
hundreds comes at once.
"""

from __future__ import annotations

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


def evaluation_rows(session: Session) -> list[EvaluationRow]:
    """All evaluations, the newest first."""
    config, results = Job.config, Job.results
    told = (
        func.json_extract(config, "$.mode"),
        func.json_extract(config, "$.task"),
        func.json_array_length(config, "$.labels"),
        func.json_array_length(config, "$.targets"),
        func.json_extract(results, "$.mode"),
        func.json_extract(results, "$.macro"),
        func.json_extract(results, "$.macro_mae"),
    )
    query = select(Job, *told).options(defer(Job.results)).where(Job.kind == "evaluate").order_by(Job.number.desc())
    return [
        EvaluationRow(
            job=jobs.as_row(job),
            mode=str(found or MODES.get(mode, "linear probe")),
            task=str(task or ""),
            labels=int(labels or 0),
            targets=int(targets or 0),
            macro=_estimate(macro) if labels else None,
            macro_mae=_estimate(mae),
        )
        for job, mode, task, labels, targets, found, macro, mae in session.execute(query)
    ]


def _estimate(text: str | None) -> Estimate | None:
    return None if text is None else Estimate.model_validate_json(text)
