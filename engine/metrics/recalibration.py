"""A correction of probabilities, fitted on held-out patients: intercept, intercept and slope, or isotonic steps.

The rule, on held-out patients alone: with fewer than 10 patients of a class nothing is corrected. The simplest logistic
correction is taken that the next richer one does not beat: first slope 1 and intercept 0 are tested jointly, then the
slope (closed testing, Vergouwe et al., Stat Med 36:4529-4539, 2017), by Wald tests with patient-clustered covariance.
Isotonic regression is taken only with 500 patients of each class, and when its log loss, cross-fitted over patients,
is lower than the logistic one's by more than twice the clustered standard error of that difference.

Legend: N recordings, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import fdtrc, logit

from engine.contract.calibration import CalibrationResults
from engine.contract.errors import UsageError
from engine.contract.recalibration import Correction, RecalibrationResults
from engine.metrics.brier import brier, log_loss
from engine.metrics.calibration import Probabilities, calibration_results
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.isotonic import Steps
from engine.metrics.logistic_fits import coefficient_errors, fit, sigmoid
from engine.metrics.patient_sums import estimate
from engine.metrics.uncertainty import patient_codes

LEAST_PATIENTS = 10
"""Patients of each class below which nothing is fitted."""
LEAST_FOR_STEPS = 500
"""Patients of each class below which isotonic regression is not tried."""
LEVEL = 0.05
_FOLDS = 5
_EDGE = 1e-6


@dataclass(frozen=True)
class Recalibrator:
    """A fitted correction.

    Attributes:
        kind: which one.
        reason: the rule that chose it.
        intercept: of the corrected logit.
        slope: of the corrected logit.
        steps: of isotonic regression.
    """

    kind: Correction
    reason: str
    intercept: float = 0.0
    slope: float = 1.0
    steps: Steps | None = None

    def corrected(self, p_N: Floats) -> Floats:
        """Corrected probabilities; missing ones stay missing."""
        if self.kind == "none":
            return p_N
        if self.steps is not None:
            return np.where(np.isfinite(p_N), self.steps.at(p_N), np.nan)
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(p_N), sigmoid(self.intercept + self.slope * _logit(p_N)), np.nan)


def recalibration_results(
    held_out: tuple[Floats, Floats, Sequence[str]],
    test: tuple[Floats, Floats, Sequence[str]],
    weight_PB: Counts,
    confidence: float = 0.95,
    before: CalibrationResults | None = None,
) -> RecalibrationResults:
    """Fit on held-out patients, say what changes on the test.

    Args:
        held_out: labels, probabilities and patients that the correction is chosen and fitted on.
        test: the same of the test; its patients are coded in the order of their sorted names.
        weight_PB: the multiplicities that all statistics of the test share.
        confidence: of the intervals.
        before: calibration of the test, where it is known already.

    Raises:
        UsageError: a patient is on both sides.
    """
    if set(held_out[2]) & set(test[2]):
        raise UsageError("recalibration", "a patient is both held out and tested", "Fit it on other patients")
    codes_N, _ = patient_codes(held_out[2])
    told = Probabilities.of(held_out[0], held_out[1], codes_N)
    if told.problem:
        return RecalibrationResults(correction="none", reason="nothing to fit on", not_estimable=told.problem)
    made = choose(told)
    patient_N, _ = patient_codes(test[2])
    y_N, p_N = test[0], test[1]
    fitted = {
        **_told(made, told),
        "before": before or calibration_results(y_N, p_N, patient_N, weight_PB, confidence),
    }
    if made.kind == "none":
        return RecalibrationResults(**fitted)
    after_N = made.corrected(p_N)
    return RecalibrationResults(
        **fitted,
        after=calibration_results(y_N, after_N, patient_N, weight_PB, confidence),
        **_changes(y_N, p_N, after_N, patient_N, weight_PB, confidence),
    )


def recalibration_over_folds(
    y_N: Floats,
    p_N: Floats,
    patient_N: Ints,
    fold_N: Ints,
    weight_PB: Counts,
    confidence: float = 0.95,
    before: CalibrationResults | None = None,
) -> RecalibrationResults:
    """Fit on every fold's other folds, say what changes over all.

    What is offered is the correction fitted on all folds; what it changes is told of corrections that have not seen the
    patients whom they correct.

    Args:
        y_N: 1, 0, or NaN where unknown.
        p_N: out-of-fold probabilities.
        patient_N: patient code of each recording, 0..P-1, each in one fold.
        fold_N: the fold of each recording.
        weight_PB: the multiplicities that all statistics of the test share.
        confidence: of the intervals.
        before: calibration of these probabilities, where it is known already.
    """
    told = Probabilities.of(y_N, p_N, patient_N)
    if told.problem:
        return RecalibrationResults(correction="none", reason="nothing to fit on", not_estimable=told.problem)
    offered, after_N = choose(told), p_N.copy()
    for fold in np.unique(fold_N):
        rest = Probabilities.of(np.where(fold_N == fold, np.nan, y_N), p_N, patient_N)
        if not rest.problem:
            after_N[fold_N == fold] = choose(rest).corrected(p_N[fold_N == fold])
    return RecalibrationResults(
        **_told(offered, told),
        before=before or calibration_results(y_N, p_N, patient_N, weight_PB, confidence),
        after=calibration_results(y_N, after_N, patient_N, weight_PB, confidence),
        **_changes(y_N, p_N, after_N, patient_N, weight_PB, confidence),
    )


def _told(made: Recalibrator, on: Probabilities) -> dict[str, Any]:
    """A correction, and whom it was fitted on, as results tell it."""
    line = made.kind != "none" and made.steps is None
    return {
        "correction": made.kind,
        "reason": made.reason,
        "intercept": made.intercept if line else None,
        "slope": made.slope if line else None,
        "steps": [] if made.steps is None else list(zip(made.steps.score_G, made.steps.value_G, strict=True)),
        "held_out_records": on.size.records,
        "held_out_patients": on.size.patients,
    }


def choose(told: Probabilities) -> Recalibrator:
    """The correction that the rule takes, fitted on all held-out patients."""
    if told.size.fewest < LEAST_PATIENTS:
        return Recalibrator("none", f"fewer than {LEAST_PATIENTS} held-out patients of a class")
    logistic = _logistic(told)
    if told.size.fewest < LEAST_FOR_STEPS:
        return logistic
    gain, error = _gain_of_steps(told)
    if gain > 2 * error:
        reason = "isotonic regression has the lower cross-fitted log loss, by more than two standard errors"
        return Recalibrator("isotonic", reason, steps=_open_steps(told.y_N, told.p_N))
    return logistic


def _logistic(told: Probabilities) -> Recalibrator:
    x_N = _logit(told.p_N)
    ones_N = np.ones_like(x_N)
    intercept = float(fit(ones_N[:, None], told.y_N, x_N)[0])
    if not np.isfinite(intercept):
        return Recalibrator("none", "no intercept can be fitted to these probabilities")
    if np.ptp(x_N) == 0:
        return Recalibrator("intercept", "all probabilities are equal: there is no slope to fit", intercept)
    x_NK = np.stack([ones_N, x_N], axis=1)
    beta_K = fit(x_NK, told.y_N)
    if not np.isfinite(beta_K).all():
        return Recalibrator("none", "the probabilities separate the classes of the held-out patients")
    error_KP = coefficient_errors(x_NK, told.y_N, told.patient_N, int(told.patient_N.max()) + 1, beta_K)
    covariance = error_KP @ error_KP.T
    off_K = beta_K - np.array([0.0, 1.0])
    free = told.size.fewest - 2
    if _wald(off_K, covariance, free) >= LEVEL:
        return Recalibrator("none", "intercept 0 and slope 1 are not rejected")
    if _wald(off_K[1:], covariance[1:, 1:], free + 1) >= LEVEL:
        return Recalibrator("intercept", "slope 1 is not rejected", intercept)
    return Recalibrator("intercept and slope", "slope 1 is rejected", float(beta_K[0]), float(beta_K[1]))


def _wald(off_K: Floats, covariance_KK: Floats, freedom: int) -> float:
    if not np.isfinite(covariance_KK).all() or np.linalg.matrix_rank(covariance_KK) < len(off_K):
        return 1.0
    wald = float(off_K @ np.linalg.solve(covariance_KK, off_K))
    return float(fdtrc(len(off_K), max(1, freedom), wald / len(off_K)))


def _gain_of_steps(told: Probabilities) -> tuple[float, float]:
    """Log loss of the logistic correction minus that of the isotonic one, cross-fitted over patients, and its error."""
    fold_N = told.patient_N % _FOLDS
    loss_N = np.zeros(len(told.y_N))
    for fold in range(_FOLDS):
        rows, rest = fold_N == fold, fold_N != fold
        steps = _open_steps(told.y_N[rest], told.p_N[rest])
        x_N = _logit(told.p_N)
        beta_K = fit(np.stack([np.ones(int(rest.sum())), x_N[rest]], axis=1), told.y_N[rest])
        if not np.isfinite(beta_K).all():
            return 0.0, 0.0
        logistic = sigmoid(beta_K[0] + beta_K[1] * x_N[rows])
        loss_N[rows] = _loss(told.y_N[rows], logistic) - _loss(told.y_N[rows], steps.at(told.p_N[rows]))
    mean = float(loss_N.mean())
    part_P = np.bincount(told.patient_N, weights=loss_N - mean) / len(loss_N)
    return mean, float(np.sqrt(np.sum(part_P**2)))


def _open_steps(y_N: Floats, p_N: Floats) -> Steps:
    """Isotonic steps kept off 0 and 1 by half a recording: nobody is certain after a few hundred patients."""
    steps = Steps.of(y_N, p_N)
    edge = 0.5 / len(y_N)
    return Steps(steps.score_G, np.clip(steps.value_G, edge, 1 - edge))


def _loss(y_N: Floats, p_N: Floats) -> Floats:
    return np.asarray(-np.log(np.clip(np.where(y_N > 0.5, p_N, 1 - p_N), _EDGE, None)))


def _logit(p_N: Floats) -> Floats:
    """Logit of probabilities; 0 and 1 are taken as 1e-6 off, to have one."""
    return np.asarray(logit(np.clip(p_N, _EDGE, 1 - _EDGE)))


def _changes(
    y_N: Floats, before_N: Floats, after_N: Floats, patient_N: Ints, weight_PB: Counts, confidence: float
) -> dict[str, object]:
    before, after = (Probabilities.of(y_N, p_N, patient_N) for p_N in (before_N, after_N))
    if before.problem or after.problem:
        none = before.size.undefined(before.problem or after.problem)
        return {"brier_change": none, "log_loss_change": none}
    brier_change = brier(after, weight_PB)[0].minus(brier(before, weight_PB)[0])
    loss_change = log_loss(after, weight_PB).minus(log_loss(before, weight_PB))
    wrong = "infinite: a probability of 0 or 1 was wrong"
    return {
        "brier_change": estimate(brier_change, before.size, confidence),
        "log_loss_change": estimate(loss_change, before.size, confidence, undefined=wrong),
    }
