"""What follows from a finished run, in the transaction that takes in its results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from app.core import audit, labels, models, rechecks
from app.core.changes import Changes
from app.core.home import Home
from app.core.schema import Job
from engine.contract.results import ImportResults, PretrainResults, RecheckResults
from engine.contract.vetting import VetResults

Act = Callable[[Session, Home, Job, Any], Changes]


def _import(session: Session, home: Home, job: Job, results: ImportResults) -> Changes:
    labels.apply_rows(session, job.job_id)
    return Changes.RECORDS


def _pretrain(session: Session, home: Home, job: Job, results: PretrainResults) -> Changes:
    models.register_pretrained(session, home, job, results)
    return Changes.MODELS


def _recheck(session: Session, home: Home, job: Job, results: RecheckResults) -> Changes:
    rechecks.take_in(session, home, job, results)
    return Changes.RECORDS


def _vet(session: Session, home: Home, job: Job, results: VetResults) -> Changes:
    told = {"job": job.job_id, "sha256": results.model_sha256, "parity": results.parity.verdict}
    counts = {weight: len(results.weighing(weight)) for weight in ("blocking", "serious", "note")}
    silent = len(results.dangerous)
    audit.append(session, "model vetted", str(job.model), {**told, **counts, "silent losses": silent})
    return Changes.MODELS


def _nothing_more(session: Session, home: Home, job: Job, results: Any) -> Changes:
    return Changes.NOTHING


ACTS: dict[str, Act] = {
    "import": _import,
    "pretrain": _pretrain,
    "verify": _nothing_more,
    "recheck": _recheck,
    "estimate": _nothing_more,
    "efficiency": _nothing_more,
    "study": _nothing_more,
    "embed": _nothing_more,
    "evaluate": _nothing_more,
    "compare": _nothing_more,
    "leakage": _nothing_more,
    "stress": _nothing_more,
    "drift": _nothing_more,
    "version": _nothing_more,
    "vet": _vet,
    "try": _nothing_more,
}
"""One entry a kind of run."""
