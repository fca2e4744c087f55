"""How far predicted numbers lie from measured ones: errors, explained variance, limits of agreement, calibration slope.

Limits of agreement with several recordings a patient add the variance between patients to that within them, by a
one-way analysis of variance of the differences, as the measured value may change between recordings.

Source: Bland and Altman, J Biopharm Stat 17:571-582 (2007), section 3 (true value varies).

Legend: N recordings, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from engine.contract.estimate import Estimate
from engine.contract.regression import RegressionResults
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.patient_sums import PatientSums, SampleSize, Scale, estimate

AGREEMENT = 0.95
"""Share of differences within the limits of agreement."""


def regression_results(
    measured_N: Floats, predicted_N: Floats, patient_N: Ints, weight_PB: Counts, confidence: float = 0.95
) -> RegressionResults:
    """Everything about one target.

    Args:
        measured_N: measured values; NaN where unknown.
        predicted_N: predictions; non-finite where missing.
        patient_N: patient code of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
        confidence: of the intervals.
    """
    known = np.isfinite(measured_N) & np.isfinite(predicted_N)
    patient = patient_N[known]
    size = SampleSize.of(patient)
    names = ("mae", "rmse", "r2", "bias", "lower_limit", "upper_limit", "slope")
    if size.records == 0:
        none = size.undefined("no recording has both a measured and a predicted value")
        return RegressionResults(**dict.fromkeys(names, none))
    sums = PatientSums.of(_rows(measured_N[known], predicted_N[known], patient), patient, weight_PB)
    scales: dict[str, Scale] = {"mae": "log", "rmse": "log", "r2": "log of 1 -"}
    reasons = {"r2": "the measured values are all equal", "slope": "the predictions are all equal"}
    told: dict[str, Estimate] = {}
    for name in names:
        scale, reason = scales.get(name, "plain"), reasons.get(name, "it needs two recordings")
        told[name] = estimate(sums.sampled(_STATISTICS[name]), size, confidence, scale, reason)
    between, within = variances(sums.whole_M[:, None])
    repeated = size.records > size.patients > 1
    return RegressionResults(
        **told,
        between_sd=float(np.sqrt(between[0])) if repeated else None,
        within_sd=float(np.sqrt(within[0])) if repeated else None,
        notes=_notes(size, len(known)),
    )


def _rows(measured_N: Floats, predicted_N: Floats, patient_N: Ints) -> Floats:
    """What is summed, [12, N]. Values are centred first: squares of large numbers would lose the small digits."""
    y, p = measured_N - measured_N.mean(), predicted_N - predicted_N.mean()
    off = predicted_N - measured_N
    count_P = np.bincount(patient_N)
    of_patient = np.bincount(patient_N, weights=off)
    times = count_P[patient_N].astype(np.float64)
    ones = np.ones_like(off)
    mean_off = of_patient[patient_N] / times
    return np.array([ones, off, np.abs(off), off**2, y, y**2, p, p**2, p * y, 1 / times, times, mean_off**2])


def variances(sum_M: Floats) -> tuple[Floats, Floats]:
    """Variance of differences between patients and within them, by analysis of variance; none is below 0.

    A patient drawn twice counts as two. With one recording a patient all variance is told as between.

    Args:
        sum_M: sums of `_rows`, [12, any].
    """
    count, off, off2 = sum_M[0], sum_M[1], sum_M[3]
    patients, count2, mean2 = np.round(sum_M[9]), sum_M[10], sum_M[11]
    mean = off / count
    repeats = count - patients
    others = np.maximum(patients - 1, 1)
    between_square = (mean2 - count * mean**2) / others
    within = np.where(repeats > 0, np.maximum(off2 - mean2, 0) / np.maximum(repeats, 1), 0.0)
    each = (count - count2 / count) / others
    told = np.divide(between_square - within, each, out=np.zeros_like(each), where=each > 0)
    return np.maximum(told, 0.0), within


def _limit(sum_M: Floats, side: float) -> Floats:
    between, within = variances(sum_M)
    reach = float(ndtri(0.5 + AGREEMENT / 2)) * np.sqrt(between + within)
    return np.where(sum_M[9] > 1.5, sum_M[1] / sum_M[0] + side * reach, np.nan)


def _explained(sum_M: Floats) -> Floats:
    total = sum_M[5] - sum_M[4] ** 2 / sum_M[0]
    return np.where(total > 1e-12 * sum_M[0], 1 - sum_M[3] / total, np.nan)


def _slope(sum_M: Floats) -> Floats:
    spread = sum_M[7] - sum_M[6] ** 2 / sum_M[0]
    return np.where(spread > 1e-12 * sum_M[0], (sum_M[8] - sum_M[6] * sum_M[4] / sum_M[0]) / spread, np.nan)


_STATISTICS: dict[str, Callable[[Floats], Floats]] = {
    "mae": lambda sum_M: sum_M[2] / sum_M[0],
    "rmse": lambda sum_M: np.sqrt(sum_M[3] / sum_M[0]),
    "r2": _explained,
    "bias": lambda sum_M: sum_M[1] / sum_M[0],
    "lower_limit": lambda sum_M: _limit(sum_M, -1.0),
    "upper_limit": lambda sum_M: _limit(sum_M, 1.0),
    "slope": _slope,
}


def _notes(size: SampleSize, asked: int) -> list[str]:
    missing = [f"{asked - size.records:,} recordings lack a measured or a predicted value"] * (asked > size.records)
    few = [f"{size.patients} patients: limits of agreement are rough below 50"] * (size.patients < 50)
    return missing + few
