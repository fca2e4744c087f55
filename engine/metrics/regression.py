"""How far predicted numbers lie from measured ones: errors, explained variance, limits of agreement, calibration slope.

Limits of agreement with several recordings a patient add the variance between patients to that within them, by a
one-way analysis of variance of the differences, as the measured value may change between recordings.

Intervals of RMSE and of the limits are lopsided, as a variance is: by chi-square quantiles with the degrees of freedom
that the patients' jackknife gives the variance, at most the patients less one; a limit recovers its error from the
intervals of bias and standard deviation. Where the jackknife's own interval reaches further, its end is told: errors
with heavier tails than normal ones ask for that (docs/coverage.md).

Sources: Bland and Altman, J Biopharm Stat 17:571-582 (2007), section 3 (true value varies); Satterthwaite, Biometrics
Bull 2:110-114 (1946); Zou, Stat Methods Med Res 22:630-642 (2013), limits of agreement.

Legend: N recordings, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import chdtri, ndtri

from engine.contract.estimate import Estimate, Interval
from engine.contract.regression import RegressionResults
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.patient_sums import PatientSums, Sampled, SampleSize, Scale, analytic_interval, estimate

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
        sampled = sums.sampled(_STATISTICS[name])
        own = _further(_spread_interval(name, sums, confidence), sampled, size, scale)
        told[name] = estimate(sampled, size, confidence, scale, reason, own)
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


def _spread_interval(name: str, sums: PatientSums, confidence: float) -> Interval | None:
    """The interval of RMSE or of a limit; None where the patients do not tell it, and of everything else."""
    if name not in ("rmse", "lower_limit", "upper_limit"):
        return None
    square = sums.sampled(_mean_square if name == "rmse" else _variance)
    most = int(sums.present_P.sum()) - 1
    ends = _root_ends(square, most, confidence)
    if ends is None:
        return None
    if name == "rmse":
        return _told(ends, "chi-square, freedom by the patient jackknife", confidence)
    bias = sums.sampled(_STATISTICS["bias"])
    around = analytic_interval(bias, min(most, bias.freedom), confidence)
    if around is None:
        return None
    factor, root, side = float(ndtri(0.5 + AGREEMENT / 2)), square.value**0.5, -1 if name == "lower_limit" else 1
    value, reach = bias.value + side * factor * root, (around.high - around.low) / 2
    inner, outer = (float(np.hypot(reach, factor * abs(end - root))) for end in ends)
    low, high = (value - outer, value + inner) if side < 0 else (value - inner, value + outer)
    return _told((low, high), "bias by t, standard deviation by chi-square, errors recovered (Zou 2013)", confidence)


def _further(own: Interval | None, sampled: Sampled, size: SampleSize, scale: Scale) -> Interval | None:
    if own is None:
        return None
    plain = analytic_interval(sampled, min(size.patients - 1, sampled.freedom), own.confidence, scale)
    if plain is None:
        return own
    return own.model_copy(update={"low": min(own.low, plain.low), "high": max(own.high, plain.high)})


def _mean_square(sum_M: Floats) -> Floats:
    return np.asarray(sum_M[3] / sum_M[0])


def _variance(sum_M: Floats) -> Floats:
    return np.asarray(np.add(*variances(sum_M)))


def _root_ends(square: Sampled, most: int, confidence: float) -> tuple[float, float] | None:
    """Interval of the root of a mean square: freedom by its variance over patients (Satterthwaite), at most so many."""
    if not (square.value > 0 and square.variance > 0 and most > 0):
        return None
    freedom, tail = min(2 * square.value**2 / square.variance, most), (1 - confidence) / 2
    low, high = (float((freedom * square.value / chdtri(freedom, share)) ** 0.5) for share in (tail, 1 - tail))
    return low, high


def _told(ends: tuple[float, float], method: str, confidence: float) -> Interval:
    return Interval(low=ends[0], high=ends[1], method=method, confidence=confidence)


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
    few += ["Below 20 patients the interval of the mean absolute error is too narrow"] * (size.patients < 20)
    return missing + few
