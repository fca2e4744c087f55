"""How far to trust a number when one patient gave several recordings: clustered variances, resamples, intervals.

Legend: N recordings, P patients, B resamples. A patient, not a recording, is what was sampled: every variance and every
resample here works on whole patients.

Sources: Obuchowski, Biometrics 53:567-578 (1997), nonparametric analysis of clustered ROC data; DeLong et al.,
Biometrics 44:837-845 (1988), to which it reduces at one recording per patient; Newcombe, Stat Med 25:559-573 (2006),
method 5, for perfect separation, where every other interval has no width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri, stdtrit  # not scipy.stats, which takes a second to load

from engine.metrics.discrimination import Counts, Floats, Ints, placements

Bounds = tuple[float, float]


def patient_codes(patients: Sequence[str]) -> tuple[Ints, int]:
    """Number the patients 0..P-1 in the order of their sorted names, so that draws do not depend on row order."""
    names, codes = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    return codes.astype(np.intp), len(names)


def draw_patients(patients: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """Patients drawn with replacement, [B, P]: the one source of chance of every interval of a test set."""
    return np.random.default_rng(seed).integers(patients, size=(resamples, patients))


def draw_multiplicities(patients: int, resamples: int, seed: int) -> Counts:
    """How often each patient occurs in each resample, [P, B]: drawn once, fed to every statistic."""
    weight_PB = np.empty((patients, resamples), dtype=np.int16)
    for column, drawn_P in enumerate(draw_patients(patients, resamples, seed)):
        weight_PB[:, column] = np.bincount(drawn_P, minlength=patients)
    return weight_PB


def freedom_of(error_P: Floats) -> float:
    """Degrees of freedom that the patients' shares in an error themselves tell, by Satterthwaite's idea.

    As many as there are patients where the shares are normal, few where a handful carries the variance: Student's
    quantile is then further out, which the coverage study (docs/coverage.md) asks for.
    """
    fourth = float(np.sum(error_P**4))
    return max(1.0, 3 * float(np.sum(error_P**2)) ** 2 / fourth) if fourth > 0 else 1.0


@dataclass(frozen=True)
class Influence:
    """What each patient adds to the error of one AUROC, apart for his positive and his negative recordings.

    Attributes:
        positive_P: sum of (placement - AUROC) over the patient's positive recordings.
        negative_P: the same over his negative recordings.
        positives_P: number of his positive recordings.
        negatives_P: number of his negative recordings.
    """

    positive_P: Floats
    negative_P: Floats
    positives_P: Floats
    negatives_P: Floats

    @classmethod
    def of(cls, y_N: Floats, score_N: Floats, patient_N: Ints, patients: int) -> Influence:
        """Placements of both classes, summed per patient and centred on the AUROC."""
        positive_N = y_N > 0.5
        v10, v01 = placements(y_N, score_N)

        def per_patient(rows_N: NDArray[np.bool_], value: Floats | None = None) -> Floats:
            return np.bincount(patient_N[rows_N], weights=value, minlength=patients).astype(np.float64)

        return cls(
            per_patient(positive_N, v10 - v10.mean()),
            per_patient(~positive_N, v01 - v10.mean()),
            per_patient(positive_N),
            per_patient(~positive_N),
        )

    def minus(self, other: Influence) -> Influence:
        """Influence on the difference of two AUROCs of the same recordings."""
        return Influence(
            self.positive_P - other.positive_P,
            self.negative_P - other.negative_P,
            self.positives_P,
            self.negatives_P,
        )

    @property
    def positive_patients(self) -> int:
        """Patients with at least one positive recording (Obuchowski's I10)."""
        return int((self.positives_P > 0).sum())

    @property
    def negative_patients(self) -> int:
        """Patients with at least one negative recording (I01)."""
        return int((self.negatives_P > 0).sum())

    @property
    def patients(self) -> int:
        """Patients with any recording (I)."""
        return int((self.positives_P + self.negatives_P > 0).sum())

    @property
    def one_each(self) -> bool:
        """Whether every patient has one recording, so that this is DeLong's case."""
        return bool((self.positives_P + self.negatives_P).max() <= 1)

    def variance(self) -> float:
        """Obuchowski's clustered variance; DeLong's when every patient has one recording.

        Needs two patients in each class.
        """
        m, n = self.positives_P.sum(), self.negatives_P.sum()
        i10, i01, i = self.positive_patients, self.negative_patients, self.patients
        s10 = i10 / ((i10 - 1) * m) * np.sum(self.positive_P**2)
        s01 = i01 / ((i01 - 1) * n) * np.sum(self.negative_P**2)
        s11 = i / (i - 1) * np.sum(self.positive_P * self.negative_P)
        return max(0.0, float(s10 / m + s01 / n + 2 * s11 / (m * n)))

    def degrees_of_freedom(self) -> float:
        """Degrees of freedom of the variance: patients of the smaller class less one, fewer where few carry it.

        With a dozen positive patients the normal quantile is too short; with many, t and normal agree.
        """
        return min(self.freest, freedom_of(self.total_P()))

    @property
    def freest(self) -> float:
        """Patients of the smaller class less one."""
        return float(min(self.positive_patients, self.negative_patients) - 1)

    def total_P(self) -> Floats:
        """One number a patient whose squares add up to the variance: what several labels' errors are summed by.

        Each class carries its own small-sample factor, so at one recording per patient the sum of squares is DeLong's
        variance; otherwise only the factor of the (small) cross term differs from Obuchowski's.
        """
        i10, i01 = self.positive_patients, self.negative_patients
        positive_P = np.sqrt(i10 / (i10 - 1)) * self.positive_P / self.positives_P.sum()
        negative_P = np.sqrt(i01 / (i01 - 1)) * self.negative_P / self.negatives_P.sum()
        return np.asarray(positive_P + negative_P, dtype=np.float64)


def macro_variance(influences: Sequence[Influence]) -> float:
    """Variance of the mean AUROC over labels that share patients: squared sum of each patient's influences."""
    mean_P = np.mean([influence.total_P() for influence in influences], axis=0)
    return float(np.sum(mean_P**2))


def macro_freedom(influences: Sequence[Influence]) -> float:
    """Degrees of freedom of that variance: as of one label, with the smaller classes of all labels together."""
    mean_P = np.mean([influence.total_P() for influence in influences], axis=0)
    return min(sum(influence.freest for influence in influences), freedom_of(mean_P))


def logit_t_interval(value: float, variance: float, freedom: float, confidence: float) -> Bounds:
    """Student interval on the logit scale, which keeps it inside 0 to 1. Needs 0 < value < 1."""
    reach = stdtrit(freedom, 0.5 + confidence / 2) * np.sqrt(variance) / (value * (1 - value))
    return float(expit(logit(value) - reach)), float(expit(logit(value) + reach))


def t_interval(value: float, variance: float, freedom: float, confidence: float) -> Bounds:
    """Student interval on the scale of the number itself, cut at -1 and 1: for differences."""
    reach = float(stdtrit(freedom, 0.5 + confidence / 2) * np.sqrt(variance))
    return max(-1.0, value - reach), min(1.0, value + reach)


def percentile_interval(resampled_B: Floats, confidence: float) -> Bounds:
    """Percentiles of the resamples, undefined ones left out."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled_B[np.isfinite(resampled_B)], [tail, 1 - tail])
    return float(low), float(high)


def logit_percentile_interval(resampled_B: Floats, confidence: float) -> Bounds:
    """Percentiles taken on the logit scale, so that interpolation between resamples respects 0 and 1."""
    edge = 1e-9
    low, high = percentile_interval(logit(np.clip(resampled_B, edge, 1 - edge)), confidence)
    low, high = expit(low), expit(high)
    return float(low if low > 2 * edge else 0.0), float(high if high < 1 - 2 * edge else 1.0)


def newcombe_interval(value: float, positives: int, negatives: int, confidence: float) -> Bounds:
    """Score-type interval of an AUROC from its value and two counts alone (Newcombe 2006, method 5).

    It stays open where the data show no variance at all: perfect separation. With clustered data the counts are
    patients, which is cautious.
    """
    z = float(ndtri(0.5 + confidence / 2))

    def gap(theta: float) -> float:
        return float((theta - value) ** 2 - z**2 * _newcombe_variance(theta, positives, negatives))

    # At 0 and 1 the equation also holds trivially, since the variance vanishes there: step inside.
    inside = min(max(value, 1e-12), 1 - 1e-12)
    low = 0.0 if value <= 0 else float(brentq(gap, 0.0, inside))
    high = 1.0 if value >= 1 else float(brentq(gap, inside, 1.0))
    return low, high


def _newcombe_variance(theta: float, positives: int, negatives: int) -> float:
    half = (positives + negatives) / 2 - 1
    spread = 1 + half * (1 - theta) / (2 - theta) + half * theta / (1 + theta)
    return theta * (1 - theta) * spread / (positives * negatives)
