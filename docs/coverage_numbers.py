"""Made test sets with measured numbers, for docs/coverage.py: errors between patients and within them."""

from __future__ import annotations

import numpy as np
from coverage import Case, Told
from numpy.typing import NDArray

from engine.metrics.regression import regression_results
from engine.metrics.uncertainty import draw_multiplicities

Floats = NDArray[np.float64]
RESAMPLES = 1000
POPULATION = 400_000
SIZES = (12, 20, 40, 100, 300)
NAMES = {
    "mae": "MAE",
    "rmse": "RMSE",
    "bias": "bias",
    "lower_limit": "lower limit of agreement",
    "upper_limit": "upper limit of agreement",
    "r2": "R2",
    "slope": "slope of measured on predicted",
}


def number_cases() -> list[Case]:
    """The grid."""
    return [_case(each, heavy, patients) for heavy in (False, True) for each in (1, 5) for patients in SIZES]


def _told(
    rng: np.random.Generator, each: int, heavy: bool, patients: int, weight_PB: NDArray[np.int16] | None = None
) -> Told:
    """Errors are normal, or Student's with five degrees of freedom, scaled alike."""

    def errors(count: int) -> Floats:
        return rng.standard_t(5, count) * np.sqrt(3 / 5) if heavy else rng.normal(size=count)

    count_P = np.ones(patients, np.intp) if each == 1 else 1 + rng.poisson(each - 1, patients)
    patient_N = np.repeat(np.arange(patients), count_P)
    records = len(patient_N)
    measured_N = rng.normal(size=patients)[patient_N] + 0.5 * rng.normal(size=records)
    predicted_N = measured_N + 0.1 + 0.5 * errors(patients)[patient_N] + 0.4 * errors(records)
    weight = draw_multiplicities(patients, RESAMPLES, int(rng.integers(2**31))) if weight_PB is None else weight_PB
    found = regression_results(measured_N, predicted_N, patient_N, weight)
    return {told: getattr(found, name) for name, told in NAMES.items()}


def _case(each: int, heavy: bool, patients: int) -> Case:
    def truth() -> dict[str, float]:
        once = np.ones((POPULATION, 1), np.int16)
        told = _told(np.random.default_rng(1), each, heavy, POPULATION, once)
        return {name: np.nan if one.value is None else one.value for name, one in told.items()}

    named = "one recording a patient" if each == 1 else "about five recordings a patient"
    tails = ", heavy tails" if heavy else ""
    return Case("numbers", named + tails, patients, 0, truth, lambda rng: _told(rng, each, heavy, patients))
