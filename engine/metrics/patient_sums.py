"""Statistics that are functions of sums over recordings, with what each patient adds to their error.

A mean, a ratio, a correlation, a line: all follow from a few sums. Summed once per patient, they give the value, the
value without each patient in turn (the jackknife, a clustered variance in closed form) and the value in every common
resample, each as one array operation.

Sources: Tukey's delete-one jackknife over patients (Efron and Stein, Ann Stat 9:586-596, 1981): never too small on
average; Student's t with the patients of the smaller class less one as degrees of freedom. Where there are no classes,
fewer when a handful of patients carries the variance.

Legend: M sums, N recordings, P patients of the whole test set, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from engine.contract.estimate import Estimate, Interval
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.estimates import SMALL_CLASS
from engine.metrics.uncertainty import freedom_of, percentile_interval

Scale = Literal["plain", "log", "log of 1 -", "logit"]
"""Where the analytic interval is symmetric: plain for differences and slopes, log for what is above 0, log of 1 - for
what is at most 1, logit for areas and shares."""

_COLUMNS = 256


@dataclass(frozen=True)
class Sampled:
    """A statistic of one sample, and how it varies with the patients.

    Attributes:
        value: NaN where it is undefined.
        error_P: each patient's share of its error; the squares sum to the variance. NaN where it cannot be told.
        resampled_B: its value in each common resample, NaN where undefined.
    """

    value: float
    error_P: Floats = field(repr=False)
    resampled_B: Floats = field(repr=False)

    @property
    def variance(self) -> float:
        """Patient-clustered variance; NaN where it cannot be told."""
        return float(np.sum(self.error_P**2))

    @property
    def freedom(self) -> int:
        """Degrees of freedom that the shares themselves tell."""
        return max(2, int(freedom_of(self.error_P))) if self.error_P.any() else 0

    def minus(self, other: Sampled) -> Sampled:
        """The paired difference: patients and resamples are common to both."""
        return Sampled(self.value - other.value, self.error_P - other.error_P, self.resampled_B - other.resampled_B)


@dataclass(frozen=True)
class PatientSums:
    """The sums of a sample: whole, without each patient, and in each resample."""

    whole_M: Floats
    without_MP: Floats
    resampled_MB: Floats
    present_P: NDArray[np.bool_]

    @classmethod
    def of(cls, value_MN: Floats, patient_N: Ints, weight_PB: Counts) -> PatientSums:
        """Sum M values of N recordings.

        Args:
            value_MN: what is summed.
            patient_N: patient code of each recording, 0..P-1.
            weight_PB: the multiplicities that all statistics of this test set share.
        """
        patients, resamples = weight_PB.shape
        sums_MP = np.array([np.bincount(patient_N, weights=row, minlength=patients) for row in value_MN])
        resampled_MB = np.empty((len(value_MN), resamples))
        for start in range(0, resamples, _COLUMNS):
            columns = slice(start, start + _COLUMNS)
            resampled_MB[:, columns] = sums_MP @ weight_PB[:, columns].astype(np.float64)
        whole_M = sums_MP.sum(axis=1)
        present_P = np.bincount(patient_N, minlength=patients) > 0
        return cls(whole_M, whole_M[:, None] - sums_MP, resampled_MB, present_P)

    def sampled(self, statistic: Callable[[Floats], Floats]) -> Sampled:
        """A statistic of these sums.

        Args:
            statistic: from sums [M, any] to values [any]; NaN or infinite where undefined.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(_defined(statistic(self.whole_M[:, None]))[0])
            without_P = _defined(statistic(self.without_MP))
            resampled_B = _defined(statistic(self.resampled_MB))
        return Sampled(value, jackknife(without_P, self.present_P), resampled_B)


def jackknife(without_P: Floats, present_P: NDArray[np.bool_]) -> Floats:
    """Each patient's share of the error, from the values without each; all NaN with fewer than two patients."""
    patients = int(present_P.sum())
    if patients < 2:
        return np.full(len(present_P), np.nan)
    centred_P = without_P[present_P].mean() - without_P
    return np.where(present_P, centred_P * np.sqrt((patients - 1) / patients), 0.0)


def _defined(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


@dataclass(frozen=True)
class SampleSize:
    """Counts of a sample, as they stand beside every estimate.

    Attributes:
        positive_records: None where the target is a number and not a class.
    """

    records: int
    patients: int
    positive_records: int | None = None
    positive_patients: int | None = None
    negative_patients: int | None = None

    @classmethod
    def of(cls, patient_N: Ints, y_N: Floats | None = None) -> SampleSize:
        """Count recordings and patients; with labels also those of each class."""
        if y_N is None:
            return cls(len(patient_N), len(np.unique(patient_N)))
        positive = y_N > 0.5
        classes = (len(np.unique(patient_N[rows])) for rows in (positive, ~positive))
        return cls(len(patient_N), len(np.unique(patient_N)), int(positive.sum()), *classes)

    @property
    def fewest(self) -> int:
        """Patients of the smaller class; all patients where there are no classes."""
        if self.positive_patients is None or self.negative_patients is None:
            return self.patients
        return min(self.positive_patients, self.negative_patients)

    def undefined(self, problem: str) -> Estimate:
        """An estimate that is none."""
        return Estimate(not_estimable=problem, **self.counts())

    def counts(self) -> dict[str, int]:
        """The fields of an `Estimate`; those that do not apply left out."""
        told = {
            "records": self.records,
            "patients": self.patients,
            "positive_records": self.positive_records,
            "positive_patients": self.positive_patients,
            "negative_patients": self.negative_patients,
        }
        return {name: count for name, count in told.items() if count is not None}


def estimate(
    sampled: Sampled,
    size: SampleSize,
    confidence: float,
    scale: Scale = "plain",
    undefined: str = "undefined for these recordings",
    own: Interval | None = None,
) -> Estimate:
    """The reported estimate: the analytic interval below 500 patients in a class, else the bootstrap, both told.

    Args:
        sampled: the statistic.
        size: counts of its recordings.
        confidence: of the intervals.
        scale: on which the analytic interval is symmetric.
        undefined: why there is no value, where there is none.
        own: the analytic interval, where the statistic has a better one than the jackknife's.
    """
    if not np.isfinite(sampled.value):
        return size.undefined(undefined)
    freedom = size.fewest - 1
    if size.positive_patients is None and np.isfinite(sampled.variance):
        freedom = min(freedom, sampled.freedom)
    analytic = own or analytic_interval(sampled, freedom, confidence, scale)
    bootstrap = bootstrap_interval(sampled.resampled_B, confidence)
    interval, beside = (analytic, bootstrap) if size.fewest < SMALL_CLASS else (bootstrap, analytic)
    if interval is None:
        interval, beside = beside, None
    told = "" if interval is not None else "no interval: too few patients, or they do not vary"
    return Estimate(value=sampled.value, interval=interval, beside=beside, not_estimable=told, **size.counts())


def analytic_interval(sampled: Sampled, freedom: int, confidence: float, scale: Scale = "plain") -> Interval | None:
    """Student interval from the patients' jackknife; None when the variance is 0 or cannot be told."""
    variance = sampled.variance
    if freedom < 1 or not variance > 0:
        return None
    reach = float(stdtrit(freedom, 0.5 + confidence / 2)) * np.sqrt(variance)
    value = sampled.value
    if scale == "log" and value > 0:
        low, high = value * np.exp(-reach / value), value * np.exp(reach / value)
    elif scale == "log of 1 -" and value < 1:
        rest = 1 - value
        low, high = 1 - rest * np.exp(reach / rest), 1 - rest * np.exp(-reach / rest)
    elif scale == "logit" and 0 < value < 1:
        middle, reach = float(logit(value)), reach / (value * (1 - value))
        low, high = float(expit(middle - reach)), float(expit(middle + reach))
    else:
        low, high = value - reach, value + reach
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    method = f"patient jackknife, {scale} scale, t" if scale != "plain" else "patient jackknife, t"
    return Interval(low=float(low), high=float(high), method=method, confidence=confidence)


def bootstrap_interval(resampled_B: Floats, confidence: float) -> Interval | None:
    """Percentiles of the common resamples; None when more than half of them are undefined or none differs."""
    undefined = int(np.isnan(resampled_B).sum())
    if 2 * undefined >= len(resampled_B):
        return None
    low, high = percentile_interval(resampled_B, confidence)
    if low == high:
        return None
    left_out = f" ({undefined:,} undefined left out)" if undefined else ""
    method = f"patient-clustered bootstrap, {len(resampled_B):,} resamples{left_out}, percentile"
    return Interval(low=low, high=high, method=method, confidence=confidence)
