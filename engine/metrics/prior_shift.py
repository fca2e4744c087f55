"""How often a label occurs among local recordings, reckoned from scores alone: for where no local label is at hand.

A threshold turns scores into alerts. Its sensitivity and its false alarms are counted on the reference, its alerts on
the local recordings, and the share of the label that explains those alerts is `drift.implied_share`. The interval
repeats this on resampled patients of both sides.

Legend: N recordings of a side, P patients of a side, B resamples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.drift import PriorShift
from engine.contract.estimate import Estimate, Interval
from engine.metrics.drift import implied_share
from engine.metrics.uncertainty import percentile_interval

Floats = NDArray[np.float64]
FEWEST = 10
"""Patients with the label, and without it, below which the reference tells too little of a threshold."""


@dataclass(frozen=True)
class Side:
    """One side's recordings.

    Attributes:
        y_N: 1, 0, NaN where unknown.
        score_N: NaN where missing.
        patient_N: codes 0..P-1.
        weight_PB: how often each patient is drawn in each resample.
    """

    y_N: Floats
    score_N: Floats
    patient_N: NDArray[np.intp]
    weight_PB: NDArray[np.integer]

    def share(self, chosen_N: NDArray[np.bool_], among_N: NDArray[np.bool_]) -> tuple[float, Floats]:
        """Share of the chosen among others, as it is and in every resample; NaN where there is nobody."""
        counts = [self._per_patient(chosen_N & among_N), self._per_patient(among_N)]
        once = [float(count_P.sum()) for count_P in counts]
        with np.errstate(invalid="ignore", divide="ignore"):
            again_B = (counts[0] @ self.weight_PB) / (counts[1] @ self.weight_PB)
        return (once[0] / once[1] if once[1] else float("nan")), np.asarray(again_B, dtype=np.float64)

    def patients(self, chosen_N: NDArray[np.bool_]) -> int:
        """How many patients these recordings are of."""
        return len(np.unique(self.patient_N[chosen_N]))

    def _per_patient(self, chosen_N: NDArray[np.bool_]) -> Floats:
        return np.bincount(self.patient_N[chosen_N], minlength=len(self.weight_PB)).astype(np.float64)


def prior_shift(label: str, reference: Side, local: Side, confidence: float = 0.95) -> PriorShift:
    """The share of a label on both sides.

    Args:
        label: its name.
        reference: labels and scores of recordings that the scores were not fitted on.
        local: scores, and labels where there are any.
        confidence: of the intervals.
    """
    known_N = np.isfinite(reference.y_N) & np.isfinite(reference.score_N)
    positive_N = known_N & (reference.y_N > 0.5)
    negative_N = known_N & ~positive_N
    scored_N = np.isfinite(local.score_N)
    few = min(reference.patients(positive_N), reference.patients(negative_N))
    reason = f"the reference has {few} patients with or without the label, {FEWEST} are needed" if few < FEWEST else ""
    if not reason and not scored_N.any():
        reason = "no local recording has a score"
    threshold = 0.0 if reason else middle_threshold(reference.y_N[known_N], reference.score_N[known_N])
    implied = (
        Estimate(not_estimable=reason, records=int(scored_N.sum()), patients=local.patients(scored_N))
        if reason
        else _implied(reference, local, positive_N, negative_N, scored_N, threshold, confidence)
    )
    return PriorShift(
        label=label,
        threshold=threshold,
        reference=_observed(reference, known_N, confidence),
        local=implied,
        observed=_observed(local, np.isfinite(local.y_N), confidence) if np.isfinite(local.y_N).any() else None,
    )


def middle_threshold(y_N: Floats, score_N: Floats) -> float:
    """Half-way between the mean scores of both classes; alerts are the scores at or above it.

    The threshold with the largest distance between sensitivity and false alarms would be picked by the very recordings
    that both are counted on: they then look too good, and the implied share comes out too low (docs/coverage.md).
    """
    positive_N = y_N > 0.5
    return float((score_N[positive_N].mean() + score_N[~positive_N].mean()) / 2)


def _implied(
    reference: Side,
    local: Side,
    positive_N: NDArray[np.bool_],
    negative_N: NDArray[np.bool_],
    scored_N: NDArray[np.bool_],
    threshold: float,
    confidence: float,
) -> Estimate:
    with np.errstate(invalid="ignore"):
        alert_N, local_alert_N = reference.score_N >= threshold, local.score_N >= threshold
    sensitivity, false_alarms = reference.share(alert_N, positive_N), reference.share(alert_N, negative_N)
    alerts = local.share(local_alert_N, scored_N)
    once = implied_share(*(np.array([part[0]]) for part in (alerts, sensitivity, false_alarms)))
    again_B = implied_share(alerts[1], sensitivity[1], false_alarms[1])
    counts = {"records": int(scored_N.sum()), "patients": local.patients(scored_N)}
    if not np.isfinite(once[0]):
        return Estimate(not_estimable="the threshold tells nothing apart on the reference", **counts)
    return _estimate(float(once[0]), again_B, confidence, counts)


def _observed(side: Side, known_N: NDArray[np.bool_], confidence: float) -> Estimate:
    counts = {"records": int(known_N.sum()), "patients": side.patients(known_N)}
    if not known_N.any():
        return Estimate(not_estimable="no recording has a known label", **counts)
    with np.errstate(invalid="ignore"):
        value, again_B = side.share(side.y_N > 0.5, known_N)
    return _estimate(value, again_B, confidence, counts)


def _estimate(value: float, again_B: Floats, confidence: float, counts: dict[str, int]) -> Estimate:
    told_B = again_B[np.isfinite(again_B)]
    if counts["patients"] < 2 or 2 * len(told_B) <= len(again_B):
        return Estimate(value=value, not_estimable="no interval: too few patients to draw from", **counts)
    low, high = percentile_interval(told_B, confidence)
    method = f"patient-clustered bootstrap, {len(told_B):,} resamples, percentile"
    return Estimate(value=value, interval=Interval(low=low, high=high, method=method, confidence=confidence), **counts)
