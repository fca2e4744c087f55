"""What a finished evaluation finds and misses at any threshold, with intervals clustered by patient.

The run keeps its scores, the database the labels: both are held together here, and nothing is opened anew, for the
same labels were opened for the evaluation itself.
"""

from __future__ import annotations

import numpy as np
from sqlalchemy.orm import Session

from app.core import cohorts, jobs
from app.core.home import Home
from engine.contract.config import EvaluateConfig
from engine.contract.errors import UsageError, WorldError
from engine.contract.estimate import Estimate
from engine.contract.operating import Measure

MOST_RESAMPLES = 500
"""Enough for an interval that is looked at while a threshold is moved; the evaluation's own are drawn more often."""


def measures_at(session: Session, home: Home, job_id: str, label: str, threshold: float) -> dict[Measure, Estimate]:
    """Sensitivity, predictive values, alerts and so on when recordings with at least this score are called positive.

    Raises:
        UsageError: no finished evaluation, or it has not scored this label.
        WorldError: its scores are gone or damaged.
    """
    # Here: they bring scipy, which a workspace opens without.
    from engine.metrics.confusion import Confusion, operating_measures
    from engine.metrics.uncertainty import draw_multiplicities, patient_codes

    job = jobs.get(session, job_id)
    if job.kind != "evaluate" or job.state != "done":
        raise UsageError(f"job {job_id}", "it is no finished evaluation", "See: isoline results")
    try:
        with np.load(home.run(job_id).path / "predictions.npz") as kept:
            names, ids, patients = (kept[name].tolist() for name in ("labels", "record_id", "patient"))
            score_NL = kept["scores"]
    except (OSError, ValueError, KeyError):
        raise WorldError(f"job {job_id}", "its scores are missing or damaged", "Evaluate again") from None
    if label not in names:
        raise UsageError(f"label {label}", "this evaluation has not scored it", f"It has: {', '.join(names)}")
    score_N = score_NL[:, names.index(label)]
    y_N = cohorts.label_matrix(session, ids, [label])[:, 0]
    patient_N, people = patient_codes(patients)
    config = EvaluateConfig.model_validate(jobs.config_of(job))
    weight_PB = draw_multiplicities(people, min(config.resamples, MOST_RESAMPLES), config.seed)
    silent_N = ~np.isfinite(score_N)
    called_N = np.greater_equal(score_N, threshold, where=~silent_N, out=np.zeros(len(ids), dtype=bool))
    return operating_measures(Confusion.of(y_N, called_N, patient_N, weight_PB, silent_N), config.confidence)
