"""Two models on the same recordings: paired rates, their tests, and whether one is not worse by more than a margin.

Sources: McNemar, Psychometrika 12:153-157 (1947), here with the exact binomial p-value; Tango, Stat Med 17:891-908
(1998), the score interval of a paired difference, which also holds where few disagree; Eliasziw and Donner, Stat Med
10:1981-1991 (1991), disagreement that is clustered in patients counted by its design effect.

Legend: N pairs, P patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import bdtr, ndtri

from engine.contract.errors import UsageError
from engine.contract.estimate import Estimate, Interval
from engine.metrics.discrimination import Floats, Ints
from engine.metrics.uncertainty import Bounds

Rows = NDArray[np.bool_]
Verdict = Literal["superior", "non-inferior", "not shown", "inferior"]


def mcnemar(first_only: int, second_only: int) -> float:
    """Exact two-sided p-value that both are right equally often, from the pairs on which they disagree."""
    disagreeing = first_only + second_only
    if disagreeing == 0:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(first_only, second_only), disagreeing, 0.5)))


def tango(first_only: float, second_only: float, pairs: float, confidence: float) -> Bounds:
    """Score interval of the difference of two paired rates, first minus second; counts need not be whole."""
    z = float(ndtri(0.5 + confidence / 2))
    value = (first_only - second_only) / pairs

    def score(gap: float) -> float:
        a = 2 * pairs
        b = -first_only - second_only + (2 * pairs - first_only + second_only) * gap
        c = -second_only * gap * (1 - gap)
        # The share of pairs that only the second has, were the difference `gap`.
        share = (np.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        variance = pairs * (2 * share + gap * (1 - gap))
        distance = first_only - second_only - pairs * gap
        if variance <= 0:
            return float(np.sign(distance)) * np.inf if distance else 0.0
        return float(distance / np.sqrt(variance))

    edge = 1 - 1e-12
    low = -1.0 if score(-edge) < z else float(brentq(lambda gap: _finite(score(gap)) - z, -edge, value))
    high = 1.0 if score(edge) > -z else float(brentq(lambda gap: _finite(score(gap)) + z, value, edge))
    return low, high


def _finite(score: float) -> float:
    return float(np.clip(score, -1e12, 1e12))


def paired_rate_difference(
    first_right_N: Rows, second_right_N: Rows, patient_N: Ints, confidence: float = 0.95
) -> Estimate:
    """Difference of two rates on the same recordings, first minus second, by Tango's interval.

    Args:
        first_right_N: whether the first is right (among positives: sensitivity; among negatives: specificity).
        second_right_N: the second.
        patient_N: patient code of each recording.
        confidence: of the interval.
    """
    pairs, patients = len(first_right_N), len(np.unique(patient_N))
    counts = {"records": pairs, "patients": patients}
    if pairs == 0:
        return Estimate(not_estimable="no recording to compare on", **counts)
    gap_N = first_right_N.astype(np.float64) - second_right_N
    first_only, second_only, value = int((gap_N > 0).sum()), int((gap_N < 0).sum()), float(gap_N.mean())
    if patients < 2:
        return Estimate(value=value, not_estimable="no interval: all recordings are of one patient", **counts)
    effect = _design_effect(gap_N, patient_N, patients) if patients < pairs else 1.0
    bounds = tango(first_only / effect, second_only / effect, pairs / effect, confidence)
    told = "Tango score" if patients == pairs else f"Tango score, design effect {effect:.2f} over patients"
    interval = Interval(low=bounds[0], high=bounds[1], method=told, confidence=confidence)
    return Estimate(value=value, interval=interval, **counts)


def _design_effect(gap_N: Floats, patient_N: Ints, patients: int) -> float:
    """Variance over patients over that of independent recordings; where nothing varies, recordings a patient."""
    alone = float(np.sum((gap_N - gap_N.mean()) ** 2))
    if alone == 0:
        return len(gap_N) / patients
    error_P = np.bincount(patient_N, weights=gap_N - gap_N.mean())
    return max(1.0, patients / (patients - 1) * float(np.sum(error_P**2)) / alone)


@dataclass(frozen=True)
class NonInferiority:
    """What a paired difference says about a margin that was set before.

    Attributes:
        difference: examined minus reference, more is better.
        margin: the loss that would be accepted, above 0.
        verdict: by the interval of the difference alone.
    """

    difference: Estimate
    margin: float
    verdict: Verdict
    problem: str = ""


def non_inferiority(difference: Estimate, margin: float) -> NonInferiority:
    """Judge a difference by its interval: its lower end above -margin is non-inferior, above 0 superior.

    Raises:
        UsageError: the margin is not above 0.
    """
    if not 0 < margin < 1:
        raise UsageError("margin", "it is not between 0 and 1", "Give the loss that would be accepted, such as 0.03")
    interval = difference.interval
    if difference.value is None or interval is None:
        return NonInferiority(difference, margin, "not shown", difference.not_estimable or "there is no interval")
    if interval.low > -margin:
        return NonInferiority(difference, margin, "superior" if interval.low > 0 else "non-inferior")
    return NonInferiority(difference, margin, "inferior" if interval.high < -margin else "not shown")
