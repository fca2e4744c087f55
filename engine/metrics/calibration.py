"""Do predicted risks come true: observed over expected, intercept and slope, the binned error of old papers.

Intercept and slope are the coefficients of logistic regressions on the logit (Cox 1958), as rms::val.prob and
CalibrationCurves fit them. The smooth curve is in calibration_curve.py.

Source: Van Calster et al., J Clin Epidemiol 74:167-176 (2016).

Legend: N recordings, P patients, B resamples, K coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from engine.contract.calibration import CalibrationResults, RiskDistribution
from engine.contract.estimate import Estimate
from engine.metrics.calibration_curve import NoCurve, SmoothCurve
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.logistic_fits import coefficient_errors, fit, fit_resamples
from engine.metrics.patient_sums import PatientSums, Sampled, SampleSize, estimate

BINS = 10
"""Equal bins of the expected calibration error."""
RISK_BINS = 50
"""Equal bins of the distribution of risks: narrow enough that rare high risks stand alone, few enough to be drawn."""


@dataclass(frozen=True)
class Probabilities:
    """The recordings of one label with both a known label and a probability.

    Attributes:
        problem: why nothing can be said of them; empty when something can.
    """

    y_N: Floats
    p_N: Floats
    patient_N: Ints
    size: SampleSize
    problem: str

    @classmethod
    def of(cls, y_N: Floats, p_N: Floats, patient_N: Ints) -> Probabilities:
        """Keep what is known, and say what is wrong with it."""
        known = np.isfinite(y_N) & np.isfinite(p_N)
        y, p, patient = y_N[known], p_N[known], patient_N[known]
        return cls(y, p, patient, SampleSize.of(patient, y), _problem(y, p))

    @property
    def certain(self) -> int:
        """Probabilities of exactly 0 or 1, whose logit is infinite."""
        return int(((self.p_N <= 0) | (self.p_N >= 1)).sum())


def _problem(y_N: Floats, p_N: Floats) -> str:
    if len(y_N) == 0:
        return "no recording has both a known label and a score"
    if not ((y_N == 0) | (y_N == 1)).all():
        return "labels other than 0 and 1"
    if (p_N < 0).any() or (p_N > 1).any():
        return "the scores are no probabilities: some lie outside 0 to 1"
    if not y_N.any():
        return f"no positive recordings among {len(y_N)}"
    return f"no negative recordings among {len(y_N)}" if y_N.all() else ""


def calibration_results(
    y_N: Floats, p_N: Floats, patient_N: Ints, weight_PB: Counts, confidence: float = 0.95
) -> CalibrationResults:
    """Everything about the calibration of one label.

    Args:
        y_N: 1, 0, or NaN where unknown.
        p_N: probabilities; non-finite where missing.
        patient_N: patient code of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
        confidence: of the intervals.
    """
    told = Probabilities.of(y_N, p_N, patient_N)
    if told.problem:
        none = told.size.undefined(told.problem)
        names = ("observed_expected", "intercept", "slope", "ici", "e50", "e90", "emax", "ece")
        risks = risk_distribution(told.y_N, told.p_N)
        return CalibrationResults(**dict.fromkeys(names, none), curve_method=told.problem, risks=risks)
    curve = SmoothCurve.of(told.y_N, told.p_N, told.patient_N, weight_PB, told.size)
    return CalibrationResults(
        observed_expected=estimate(observed_expected(told, weight_PB), told.size, confidence, "log"),
        intercept=_on_logit(told, intercept, weight_PB, confidence),
        slope=_on_logit(told, slope, weight_PB, confidence),
        curve=[] if isinstance(curve, NoCurve) else curve.points(confidence),
        curve_method=curve.method,
        **curve.distances(confidence),
        ece=_without_interval(told, expected_calibration_error(told, weight_PB)),
        risks=risk_distribution(told.y_N, told.p_N),
        notes=[f"{told.certain:,} probabilities are exactly 0 or 1"] if told.certain else [],
    )


def risk_distribution(y_N: Floats, p_N: Floats) -> RiskDistribution | None:
    """Counts of risks with and without the label, as beside val.prob's curve; None where there are no risks to count.

    Args:
        y_N: known labels.
        p_N: their probabilities, none missing.
    """
    binary = ((y_N == 0) | (y_N == 1)).all()
    if not len(p_N) or not binary or (p_N < 0).any() or (p_N > 1).any():
        return None
    # Not searched for in edges: a number and the edge that it lies on may differ in their last digit.
    bin_N = np.minimum((p_N * RISK_BINS + 1e-9).astype(np.intp), RISK_BINS - 1)
    with_label, without = (np.bincount(bin_N[y_N == value], minlength=RISK_BINS).tolist() for value in (1, 0))
    return RiskDistribution(with_label=with_label, without_label=without)


def observed_expected(told: Probabilities, weight_PB: Counts) -> Sampled:
    """Observed positives over expected ones."""
    sums = PatientSums.of(np.array([told.y_N, told.p_N]), told.patient_N, weight_PB)
    return sums.sampled(lambda sum_M: sum_M[0] / sum_M[1])


def intercept(told: Probabilities, weight_PB: Counts) -> Sampled:
    """Calibration in the large: the constant of a logistic regression with the logit as offset."""
    return _coefficient(np.ones((len(told.y_N), 1)), told, weight_PB, logit(told.p_N))


def slope(told: Probabilities, weight_PB: Counts) -> Sampled:
    """The slope of a logistic regression on the logit."""
    x_NK = np.stack([logit(told.p_N), np.ones(len(told.y_N))], axis=1)
    return _coefficient(x_NK, told, weight_PB, None)


def _coefficient(x_NK: Floats, told: Probabilities, weight_PB: Counts, offset_N: Floats | None) -> Sampled:
    beta_K = fit(x_NK, told.y_N, offset_N)
    error_KP = coefficient_errors(x_NK, told.y_N, told.patient_N, len(weight_PB), beta_K, offset_N)
    beta_KB = fit_resamples(x_NK, told.y_N, told.patient_N, weight_PB, beta_K, offset_N)
    return Sampled(float(beta_K[0]), error_KP[0], beta_KB[0])


def _on_logit(
    told: Probabilities, coefficient: Callable[[Probabilities, Counts], Sampled], weight_PB: Counts, confidence: float
) -> Estimate:
    if told.certain:
        return told.size.undefined(f"{told.certain:,} probabilities are exactly 0 or 1: their logit is infinite")
    if coefficient is slope and np.ptp(told.p_N) == 0:
        return told.size.undefined("all probabilities are equal")
    undefined = "the probabilities separate the classes"
    return estimate(coefficient(told, weight_PB), told.size, confidence, undefined=undefined)


def _without_interval(told: Probabilities, sampled: Sampled) -> Estimate:
    """A binned error is above 0 by chance alone, in resamples still more: no interval of it holds the truth."""
    reason = "no interval: binned errors are too high by an amount that the sample does not tell"
    return Estimate(value=sampled.value, not_estimable=reason, **told.size.counts())


def expected_calibration_error(told: Probabilities, weight_PB: Counts) -> Sampled:
    """Distance of mean probability and share of positives over ten equal bins, weighted by their recordings."""
    bin_N = np.minimum((told.p_N * BINS).astype(np.intp), BINS - 1)
    off_MN = np.where(bin_N == np.arange(BINS)[:, None], told.y_N - told.p_N, 0.0)
    sums = PatientSums.of(np.vstack([off_MN, np.ones(len(bin_N))]), told.patient_N, weight_PB)
    return sums.sampled(lambda sum_M: np.abs(sum_M[:BINS]).sum(axis=0) / sum_M[BINS])
