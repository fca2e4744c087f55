"""What stands beside a measurement of cost: those of other models, and evaluations that tell what each can."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.schema import Job
from engine.contract.efficiency import EfficiencyResults
from engine.contract.results import EvaluateResults, parse_results

T = TypeVar("T", EfficiencyResults, EvaluateResults)


def beside(session: Session, found: EfficiencyResults) -> tuple[list[EfficiencyResults], list[EvaluateResults]]:
    """The newest measurement of each other model; of one test part and mode, the newest evaluation of each measured.

    The test part and the mode are those of the newest evaluation of this model that has a macro AUROC; where there is
    none, no evaluation is given. Weights must be the same: a model that was trained on is another.
    """
    measured: dict[str, EfficiencyResults] = {}
    for cost in _newest(session, "efficiency", EfficiencyResults):
        measured.setdefault(cost.model, cost)
    others = [cost for name, cost in measured.items() if name != found.model]
    weights = {cost.model: cost.model_sha256 for cost in (*others, found)}
    told = [
        one
        for one in _newest(session, "evaluate", EvaluateResults)
        if one.macro.value is not None and weights.get(one.model) == one.model_sha256
    ]
    own = next((one for one in told if one.model == found.model), None)
    evaluated: dict[str, EvaluateResults] = {}
    for one in told:
        if own is not None and (one.test_sha256, one.mode) == (own.test_sha256, own.mode):
            evaluated.setdefault(one.model, one)
    return others, list(evaluated.values())


def _newest(session: Session, kind: str, page: type[T]) -> list[T]:
    done = select(Job.results).where(Job.kind == kind, Job.state == "done", Job.results.is_not(None))
    texts = session.scalars(done.order_by(Job.finished.desc(), Job.job_id.desc()))
    return [one for one in (parse_results(str(text)) for text in texts) if isinstance(one, page)]
