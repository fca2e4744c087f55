"""Subjects of calibration, overall performance, net benefit, regression and planning.

Each takes a case's inputs by name and answers named numbers; see subjects.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from engine.contract.estimate import Estimate
from engine.metrics import brier, calibration, regression, sample_size, utility

Answer = Mapping[str, float]
Numbers = Sequence[float]


def calibrated(y: Numbers, p: Numbers, patient: Sequence[int]) -> Answer:
    """Calibration of one label, its Brier score and that score's parts."""
    y_N, p_N, patient_N, once_PB = _sample(y, p, patient)
    told = calibration.calibration_results(y_N, p_N, patient_N, once_PB)
    names = ("observed_expected", "intercept", "slope", "ici", "e50", "e90", "emax")
    overall = brier.overall_results(y_N, p_N, patient_N, once_PB)
    answer = {name: _value(getattr(told, name)) for name in names} | {"brier": _value(overall.brier)}
    if overall.corp is not None:
        answer["miscalibration"] = _value(overall.corp.miscalibration)
        answer["discrimination"] = _value(overall.corp.discrimination)
    return answer


def clustered_errors(y: Numbers, p: Numbers, patient: Sequence[int]) -> Answer:
    """Standard errors of calibration slope and intercept, patients apart."""
    y_N, p_N, patient_N, once_PB = _sample(y, p, patient)
    told = calibration.Probabilities.of(y_N, p_N, patient_N)
    slope, large = calibration.slope(told, once_PB), calibration.intercept(told, once_PB)
    return {"slope_error": slope.variance**0.5, "intercept_error": large.variance**0.5}


def overall(y: Numbers, p: Numbers) -> Answer:
    """Brier score, log loss, binned calibration error."""
    y_N, p_N, patient_N, once_PB = _sample(y, p, range(len(y)))
    told = brier.overall_results(y_N, p_N, patient_N, once_PB)
    binned = calibration.calibration_results(y_N, p_N, patient_N, once_PB).ece
    return {"brier": _value(told.brier), "log_loss": _value(told.log_loss), "ece": _value(binned)}


def net_benefit(y: Numbers, p: Numbers, thresholds: Numbers, prevalence: float | None) -> Answer:
    """Net benefit of the model and of treating all, interventions avoided, at each threshold."""
    sample = _sample(y, p, range(len(y)))
    told = utility.utility_results(*sample, thresholds=thresholds, prevalence=prevalence)
    answer = {}
    for point in told.points:
        answer[f"model {point.threshold}"] = _value(point.model)
        answer[f"all {point.threshold}"] = point.treat_all
        answer[f"avoided {point.threshold}"] = _value(point.avoided)
    return answer


def agreement(measured: Numbers, predicted: Numbers, patient: Sequence[int]) -> Answer:
    """Errors of predicted numbers and limits of agreement."""
    told = regression.regression_results(*_sample(measured, predicted, patient))
    names = ("mae", "rmse", "r2", "bias", "lower_limit", "upper_limit", "slope")
    answer = {name: _value(getattr(told, name)) for name in names}
    spreads = {"between_sd": told.between_sd, "within_sd": told.within_sd}
    return answer | {name: spread for name, spread in spreads.items() if spread is not None}


def planning(mean: float, sd: float) -> Answer:
    """What normal logits hold: information on the slope, prevalence, AUROC."""
    share, area = sample_size.implied(mean, sd)
    return {"information": sample_size.slope_information(mean, sd), "share": share, "auroc": area}


SUBJECTS: dict[str, Callable[..., Answer]] = {
    "agreement": agreement,
    "calibration": calibrated,
    "clustered_errors": clustered_errors,
    "net_benefit": net_benefit,
    "overall": overall,
    "planning": planning,
}


def _sample(y: Numbers, p: Numbers, patient: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Arrays, and each patient once as the only resample."""
    patient_N = np.unique(np.asarray(patient), return_inverse=True)[1]
    once_PB = np.ones((int(patient_N.max()) + 1, 1), dtype=np.int16)
    return np.asarray(y, np.float64), np.asarray(p, np.float64), patient_N.astype(np.intp), once_PB


def _value(estimate: Estimate) -> float:
    return float("nan") if estimate.value is None else estimate.value
