"""What a finished evaluation finds and misses at any threshold, with intervals clustered by patient, and of whom.

The run keeps its scores, the database the labels: both are held together here, and nothing is opened anew, for the
same labels were opened for the evaluation itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import jobs
from app.core.home import Home
from app.core.schema import Job, RecordLabel
from app.core.scored_records import ScoredRecords
from engine.contract.config import EvaluateConfig
from engine.contract.errors import UsageError, WorldError
from engine.contract.estimate import Estimate
from engine.contract.operating import Measure

if TYPE_CHECKING:
    from engine.metrics.confusion import Confusion

MOST_RESAMPLES = 500
"""Enough for an interval that is looked at while a threshold is moved; the evaluation's own are drawn more often."""
TESTED_ONLY: tuple[Measure, ...] = ("accuracy", "f1", "kappa")
"""Hold for the tested share of positives alone: left out where another prevalence is asked for."""


@dataclass(frozen=True)
class _Kept:
    """What a run kept of one label, N tested recordings in one order."""

    job: Job
    ids: list[str]
    patients: list[str]
    score_N: NDArray[np.float64]
    truth_N: NDArray[np.float64]


def measures_at(
    session: Session, home: Home, job_id: str, label: str, threshold: float, prevalence: float | None = None
) -> dict[Measure, Estimate]:
    """Sensitivity, predictive values, alerts and so on when recordings with at least this score are called positive.

    Args:
        session: of the workspace's database.
        home: the workspace.
        job_id: a finished evaluation.
        label: one that it scored.
        threshold: a score.
        prevalence: what hangs on the share of positives is re-weighted to this one, taken as exactly known, and what
            cannot be is left out; the tested share when None.

    Raises:
        UsageError: no finished evaluation, it has not scored this label, or a prevalence that is none.
        WorldError: its scores are gone or damaged.
    """
    # Here: they bring scipy, which a workspace opens without.
    from engine.metrics.confusion import Confusion, operating_measures
    from engine.metrics.uncertainty import draw_multiplicities, patient_codes

    kept = _kept(session, home, job_id, label)
    patient_N, people = patient_codes(kept.patients)
    config = EvaluateConfig.model_validate(jobs.config_of(kept.job))
    weight_PB = draw_multiplicities(people, min(config.resamples, MOST_RESAMPLES), config.seed)
    silent_N = ~np.isfinite(kept.score_N)
    called_N = np.greater_equal(kept.score_N, threshold, where=~silent_N, out=np.zeros(len(kept.ids), dtype=bool))
    confusion = Confusion.of(kept.truth_N, called_N, patient_N, weight_PB, silent_N)
    here = operating_measures(confusion, config.confidence)
    return here if prevalence is None else _there(here, confusion, prevalence, config.confidence)


def scored(session: Session, home: Home, job_id: str, label: str) -> ScoredRecords:
    """Every tested recording of a finished evaluation with its score of a label and whether it has it.

    Args:
        session: of the workspace's database.
        home: the workspace.
        job_id: a finished evaluation.
        label: one that it scored.

    Raises:
        UsageError: no finished evaluation, or it has not scored this label.
        WorldError: its scores are gone or damaged.
    """
    kept = _kept(session, home, job_id, label)
    return ScoredRecords.of(kept.ids, kept.score_N, kept.truth_N)


def _there(
    here: dict[Measure, Estimate], confusion: Confusion, prevalence: float, confidence: float
) -> dict[Measure, Estimate]:
    from engine.metrics.confusion import reciprocal
    from engine.metrics.prevalence import at_prevalence
    from engine.metrics.proportions import rescaled

    told = at_prevalence(confusion, prevalence, confidence=confidence)
    there: dict[Measure, Estimate] = {
        "ppv": told.ppv,
        "npv": told.npv,
        "alerts_per_100": told.alerts_per_100,
        "screened_per_finding": told.screened_per_finding,
        "alerts_per_finding": rescaled(told.ppv, reciprocal, "nothing is found: no true positive"),
    }
    return {name: there.get(name, one) for name, one in here.items() if name not in TESTED_ONLY}


def _kept(session: Session, home: Home, job_id: str, label: str) -> _Kept:
    job = jobs.get(session, job_id)
    if job.kind != "evaluate" or job.state != "done":
        raise UsageError(f"job {job_id}", "it is no finished evaluation", "See: isoline results")
    try:
        with np.load(home.run(job_id).path / "predictions.npz") as file:
            names, ids, patients = (file[name].tolist() for name in ("labels", "record_id", "patient"))
            score_NL = file["scores"]
    except (OSError, ValueError, KeyError):
        raise WorldError(f"job {job_id}", "its scores are missing or damaged", "Evaluate again") from None
    if label not in names:
        has = f"It has: {', '.join(names)}" if names else "It predicts measured numbers only"
        raise UsageError(f"label {label}", "this evaluation has not scored it", has)
    score_N = np.asarray(score_NL[:, names.index(label)], dtype=np.float64)
    return _Kept(job, ids, patients, score_N, _truth(session, ids, label))


def _truth(session: Session, ids: list[str], label: str) -> NDArray[np.float64]:
    """1, 0 or NaN of one label; read whole, for a test part may be a hundred thousand recordings."""
    query = select(RecordLabel.record_id, RecordLabel.value).where(RecordLabel.label == label)
    known = {row.record_id: row.value for row in session.execute(query)}
    return np.array([known.get(one, np.nan) for one in ids], dtype=np.float64)
