"""What a threshold finds and misses: sensitivity to kappa, each with a patient-clustered interval.

Shares of recordings take the intervals of `proportions`. F1, kappa and the likelihood ratios are smooth functions of
the four counts: their variance is that of the patients' contributions to the function's linear part (the delta method
over patients), on the scale where such numbers lie evenly (log for ratios, logit for F1), with Student's quantile of
the smaller class.

Sources: Simel et al., J Clin Epidemiol 44:763-770 (1991), log intervals of likelihood ratios; Cohen, Educ Psychol Meas
20:37-46 (1960), kappa; Schuetz et al., BMJ 345:e6717 (2012), intention to diagnose.

Legend: N recordings, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from engine.contract.estimate import Estimate, Interval
from engine.contract.operating import Measure
from engine.metrics.discrimination import Floats, Ints, label_problem
from engine.metrics.proportions import Ratio, bootstrap, proportion_estimate, resampled_sums, rescaled, shares
from engine.metrics.uncertainty import freedom_of, logit_percentile_interval, percentile_interval

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Confusion:
    """The four counts at a threshold by patient, and in every resample.

    Attributes:
        count_4P: true positives, false positives, false negatives, true negatives.
        count_4B: the same in every common resample.
        silent_2P: recordings without an output, of positives and of negatives.
        silent_2B: the same in every resample.
    """

    count_4P: Floats
    count_4B: Floats
    silent_2P: Floats
    silent_2B: Floats

    @classmethod
    def of(
        cls, y_N: Floats, called_N: Rows, patient_N: Ints, weight_PB: NDArray[np.generic], silent_N: Rows | None = None
    ) -> Confusion:
        """Count.

        Args:
            y_N: 1, 0, or NaN where unknown; recordings of unknown label do not count.
            called_N: whether the model calls them positive.
            patient_N: patient code of each recording, 0..P-1.
            weight_PB: the multiplicities that all statistics of this test set share.
            silent_N: recordings without an output, which are in none of the four counts.
        """
        silent = np.zeros(len(y_N), dtype=bool) if silent_N is None else silent_N
        positive, negative = y_N == 1, y_N == 0
        spoken = positive & ~silent, negative & ~silent
        kinds = [spoken[0] & called_N, spoken[1] & called_N, spoken[0] & ~called_N, spoken[1] & ~called_N]
        kinds += [positive & silent, negative & silent]
        patients = weight_PB.shape[0]
        count_6P = np.array([np.bincount(patient_N[rows], minlength=patients) for rows in kinds], dtype=np.float64)
        count_6B = resampled_sums(count_6P, weight_PB)
        return cls(count_6P[:4], count_6B[:4], count_6P[4:], count_6B[4:])

    @property
    def total_4(self) -> Floats:
        """The four counts."""
        return np.asarray(self.count_4P.sum(axis=1))

    @property
    def patients(self) -> int:
        """Patients with a recording that counts."""
        return int((self.count_4P.sum(axis=0) > 0).sum())

    @property
    def fewest(self) -> int:
        """Patients of the smaller class."""
        return min(int((self.count_4P[[one, other]].sum(axis=0) > 0).sum()) for one, other in ((TP, FN), (FP, TN)))

    def ratio(self, events: tuple[int, ...], trials: tuple[int, ...]) -> Ratio:
        """A share by the places of the counts that are summed: events and the trials among which they are."""
        events_B, trials_B = (self.count_4B[list(places)].sum(axis=0) for places in (events, trials))
        events_P, trials_P = (self.count_4P[list(places)].sum(axis=0) for places in (events, trials))
        return Ratio(events_P, trials_P, shares(events_B, trials_B))

    def intended(self, right: int, side: int, wrong: int) -> Ratio:
        """A share in which recordings without an output count as wrong."""
        trials_P = self.count_4P[right] + self.count_4P[wrong] + self.silent_2P[side]
        trials_B = self.count_4B[right] + self.count_4B[wrong] + self.silent_2B[side]
        return Ratio(self.count_4P[right], trials_P, shares(self.count_4B[right], trials_B))


TP, FP, FN, TN = range(4)
ALL = (TP, FP, FN, TN)

_SHARES: dict[Measure, tuple[tuple[int, ...], tuple[int, ...], str]] = {
    "sensitivity": ((TP,), (TP, FN), "no positive recordings"),
    "specificity": ((TN,), (TN, FP), "no negative recordings"),
    "ppv": ((TP,), (TP, FP), "no recording is called positive"),
    "npv": ((TN,), (TN, FN), "no recording is called negative"),
    "accuracy": ((TP, TN), ALL, "no recording has both a known label and a score"),
}


def operating_measures(confusion: Confusion, confidence: float = 0.95) -> dict[Measure, Estimate]:
    """All that is told at a threshold."""
    found: dict[Measure, Estimate] = {
        name: proportion_estimate(confusion.ratio(events, trials), nothing, confidence)
        for name, (events, trials, nothing) in _SHARES.items()
    }
    for name, scale in _SMOOTH.items():
        found[name] = smooth_estimate(confusion, scale, confidence)
    alerts = proportion_estimate(confusion.ratio((TP, FP), ALL), _SHARES["accuracy"][2], confidence)
    yields = proportion_estimate(confusion.ratio((TP,), ALL), _SHARES["accuracy"][2], confidence)
    found["alerts_per_100"] = rescaled(alerts, lambda share: 100 * share, "")
    found["screened_per_finding"] = rescaled(yields, reciprocal, "nothing is found: no true positive")
    found["alerts_per_finding"] = rescaled(found["ppv"], reciprocal, "nothing is found: no true positive")
    intended = confusion.intended(TP, 0, FN), confusion.intended(TN, 1, FP)
    found["sensitivity_intended"] = proportion_estimate(intended[0], _SHARES["sensitivity"][2], confidence)
    found["specificity_intended"] = proportion_estimate(intended[1], _SHARES["specificity"][2], confidence)
    return found


def prevalence_estimate(
    y_N: Floats, patient_N: Ints, weight_PB: NDArray[np.generic], confidence: float = 0.95
) -> Estimate:
    """Share of positives among the recordings of known label: what chance gives as average precision."""
    known_N, patients = np.isfinite(y_N), weight_PB.shape[0]
    if strange := label_problem(y_N):
        return Estimate(not_estimable=strange, records=int(known_N.sum()))
    positive_P = np.bincount(patient_N[y_N == 1], minlength=patients).astype(np.float64)
    known_P = np.bincount(patient_N[known_N], minlength=patients).astype(np.float64)
    return proportion_estimate(Ratio.of(positive_P, known_P, weight_PB), "no recording has a known label", confidence)


def reciprocal(share: float) -> float:
    """1 / share, infinite at 0."""
    return 1 / share if share > 0 else float("inf")


@dataclass(frozen=True)
class Smooth:
    """A smooth function of the four counts.

    Attributes:
        value: from counts, [4, ...] to [...]; NaN or infinite where it is undefined.
        gradient: of `onto(value)` by the four counts.
        onto, back: the scale that intervals are made on.
        scale: its name.
        undefined: the state where the value is.
        bounds: percentiles of resamples.
        of_rates: from sensitivity and specificity, rising in both or falling in both: for counts of 0.
    """

    value: Callable[[Floats], Floats]
    gradient: Callable[[Floats], Floats]
    onto: Callable[[float], float]
    back: Callable[[float], float]
    scale: str
    undefined: str
    bounds: Callable[[Floats, float], tuple[float, float]] = percentile_interval
    of_rates: Callable[[float, float], float] | None = None


def smooth_estimate(confusion: Confusion, smooth: Smooth, confidence: float = 0.95) -> Estimate:
    """The function's value with its interval from the patients' contributions, the bootstrap beside it."""
    total_4, patients = confusion.total_4, confusion.patients
    counts = {"records": int(total_4.sum()), "patients": patients}
    with np.errstate(invalid="ignore", divide="ignore"):
        value, resampled_B = float(smooth.value(total_4)), smooth.value(confusion.count_4B)
    if not np.isfinite(value):
        return Estimate(not_estimable=smooth.undefined, **counts)
    if patients < 2:
        return Estimate(value=value, not_estimable="no interval: all recordings are of one patient", **counts)
    if confusion.fewest < 2:
        return Estimate(value=value, not_estimable="no interval: a class has only one patient", **counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        gradient_4 = smooth.gradient(total_4)
    if not np.isfinite(gradient_4).all():
        if smooth.of_rates is None:
            return Estimate(value=value, not_estimable="no interval: a count is 0", **counts)
        interval = by_limits(confusion, smooth.of_rates, confidence)
        if interval is None:
            return Estimate(value=value, not_estimable="no interval: a count is 0, and one limit is infinite", **counts)
        return Estimate(value=value, interval=interval, **counts)
    variance = clustered_variance(gradient_4, confusion)
    beside = bootstrap(resampled_B, confidence, smooth.bounds)
    if variance <= 0:
        return Estimate(value=value, not_estimable="no interval: every patient contributes alike", **counts)
    trusted = freedom(gradient_4, confusion)
    bounds = on_scale(smooth.onto(value), variance, trusted, confidence, smooth.back)
    interval = Interval(
        low=bounds[0],
        high=bounds[1],
        method=f"delta method over patients, {smooth.scale} scale, t",
        confidence=confidence,
    )
    return Estimate(value=value, interval=interval, beside=beside, **counts)


def clustered_variance(gradient_4: Floats, confusion: Confusion) -> float:
    """Variance of a function of the counts by its gradient: of the sum of the patients' contributions."""
    part_P = gradient_4 @ confusion.count_4P
    patients = confusion.patients
    # The functions do not change when all counts grow alike, so contributions sum to nothing.
    return float(patients / (patients - 1) * np.sum(part_P**2))


def freedom(gradient_4: Floats, confusion: Confusion) -> float:
    """Degrees of freedom of that variance: of the smaller class, fewer where few patients carry it."""
    return max(1.0, min(confusion.fewest - 1.0, freedom_of(gradient_4 @ confusion.count_4P)))


def by_limits(confusion: Confusion, of_rates: Callable[[float, float], float], confidence: float) -> Interval | None:
    """The interval of a function of sensitivity and specificity from their limits, each with half of the error.

    None where a limit is infinite: the likelihood ratio of a negative call where specificity may be 0.

    Args:
        confusion: the counts.
        of_rates: rising in both or falling in both.
        confidence: of the interval.
    """
    half = 1 - (1 - confidence) / 2
    ends = []
    for name in ("sensitivity", "specificity"):
        events, trials, _ = _SHARES[name]
        told = proportion_estimate(confusion.ratio(events, trials), "", half).interval
        ends.append((0.0, 1.0) if told is None else (told.low, told.high))
    low, high = sorted(of_rates(ends[0][side], ends[1][side]) for side in (0, 1))
    if not np.isfinite([low, high]).all():
        return None
    return Interval(
        low=low,
        high=high,
        method="limits of sensitivity and specificity, half the error each",
        confidence=confidence,
    )


def on_scale(
    place: float, variance: float, freedom: float, confidence: float, back: Callable[[float], float]
) -> tuple[float, float]:
    """Student's interval on a scale, carried back."""
    reach = float(stdtrit(freedom, 0.5 + confidence / 2)) * variance**0.5
    return float(back(place - reach)), float(back(place + reach))


def _f1(count: Floats) -> Floats:
    return np.asarray(2 * count[TP] / (2 * count[TP] + count[FP] + count[FN]))


def kappa(count: Floats) -> Floats:
    """Agreement of calls and labels beyond chance."""
    return np.asarray(2 * (count[TP] * count[TN] - count[FN] * count[FP]) / _kappa_most(count))


def _kappa_most(count: Floats) -> Floats:
    called, positive = count[TP] + count[FP], count[TP] + count[FN]
    return np.asarray(called * (count[FP] + count[TN]) + positive * (count[FN] + count[TN]))


def kappa_gradient(count: Floats) -> Floats:
    """Of kappa by the four counts."""
    most, value = _kappa_most(count), kappa(count)
    called, positive = count[TP] + count[FP], count[TP] + count[FN]
    uncalled, negative = count[FN] + count[TN], count[FP] + count[TN]
    of_wins = 2 * np.array([count[TN], -count[FN], -count[FP], count[TP]])
    of_most = np.array([negative + uncalled, negative + called, uncalled + positive, called + positive])
    return np.asarray((of_wins - value * of_most) / most)


def lr_positive(count: Floats) -> Floats:
    """Sensitivity over the share of negatives that are called."""
    return np.asarray(count[TP] / (count[TP] + count[FN]) / (count[FP] / (count[FP] + count[TN])))


def lr_negative(count: Floats) -> Floats:
    """Share of positives that are missed over specificity."""
    return np.asarray(count[FN] / (count[TP] + count[FN]) / (count[TN] / (count[FP] + count[TN])))


def lr_positive_gradient(count: Floats) -> Floats:
    """Of its logarithm by the four counts."""
    of_positive, of_negative = 1 / (count[TP] + count[FN]), 1 / (count[FP] + count[TN])
    return np.array([1 / count[TP] - of_positive, of_negative - 1 / count[FP], -of_positive, of_negative])


def lr_negative_gradient(count: Floats) -> Floats:
    """Of its logarithm by the four counts."""
    of_positive, of_negative = 1 / (count[TP] + count[FN]), 1 / (count[FP] + count[TN])
    return np.array([-of_positive, of_negative, 1 / count[FN] - of_positive, of_negative - 1 / count[TN]])


def _f1_gradient(count: Floats) -> Floats:
    wrong = count[FP] + count[FN]
    return np.array([1 / count[TP], -1 / wrong, -1 / wrong, 0.0])


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("inf")


def _log(value: float) -> float:
    return float(np.log(value)) if value > 0 else float("-inf")


_SMOOTH: dict[Measure, Smooth] = {
    "f1": Smooth(_f1, _f1_gradient, logit, expit, "logit", "neither positives nor calls", logit_percentile_interval),
    "kappa": Smooth(
        kappa, kappa_gradient, float, lambda place: min(1.0, max(-1.0, place)), "its own", "one class and one call"
    ),
    "lr_positive": Smooth(
        lr_positive,
        lr_positive_gradient,
        _log,
        np.exp,
        "log",
        "a class is missing, or no false positive",
        of_rates=lambda sensitivity, specificity: _over(sensitivity, 1 - specificity),
    ),
    "lr_negative": Smooth(
        lr_negative,
        lr_negative_gradient,
        _log,
        np.exp,
        "log",
        "a class is missing, or no true negative",
        of_rates=lambda sensitivity, specificity: _over(1 - sensitivity, specificity),
    ),
}
