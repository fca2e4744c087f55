"""Made local and reference recordings, for docs/coverage.py: the drift check.

A test at 5 % is counted like an interval: it holds the truth, no difference, where it does not reject.
"""

from __future__ import annotations

import numpy as np
from coverage import Case, Told
from numpy.typing import NDArray

from engine.contract.estimate import Estimate, Interval
from engine.data.splits import patient_folds
from engine.evaluation.probe import cross_validated
from engine.metrics.drift import gap_test, kernel_test, permuted_sides
from engine.metrics.estimates import auroc_estimate, measure
from engine.metrics.prior_shift import Side, prior_shift
from engine.metrics.uncertainty import draw_multiplicities, patient_codes

Floats = NDArray[np.float64]
RESAMPLES, PERMUTATIONS, WIDTH = 500, 200, 8


def shift_cases() -> list[Case]:
    """Equal sides, and local shares that moved."""
    alike = [_equal_case(each, patients) for each in (1, 3) for patients in (20, 50, 150)]
    return alike + [_prior_case(each, patients) for each in (1, 3) for patients in (50, 100, 300)]


def accepted(p_value: float) -> Estimate:
    """A test as an interval around no difference."""
    interval = Interval(low=0.0 if p_value > 0.05 else 1.0, high=1.0, method="permutation test at 5 %")
    return Estimate(value=p_value, interval=interval)


def _equal_case(each: int, patients: int) -> Case:
    """As many patients stand on each side, and nothing tells them apart."""

    def tell(rng: np.random.Generator) -> Told:
        patient_N = np.repeat(np.arange(2 * patients), each)
        x_ND = rng.normal(size=(2 * patients, WIDTH))[patient_N] + 0.5 * rng.normal(size=(len(patient_N), WIDTH))
        local_N = patient_N % 2 == 0
        sides_NQ = permuted_sides(local_N, patient_N, PERMUTATIONS, int(rng.integers(2**31)))
        return {
            "kernel test (MMD)": accepted(kernel_test(x_ND, local_N, sides_NQ).p_value),
            "gap of distributions": accepted(gap_test(x_ND[:, 0], local_N, sides_NQ)[1]),
        }

    def truth() -> dict[str, float]:
        return {"kernel test (MMD)": 0.0, "gap of distributions": 0.0}

    return Case("shift", f"{each} recording{'s' * (each > 1)} a patient, equal sides", patients, 0, truth, tell)


def classifier(x_ND: Floats, local_N: NDArray[np.bool_], patient_N: NDArray[np.intp], seed: int) -> Estimate:
    """The drift check's own way: fitted on half of the patients, judged on the others."""
    y_N = local_N.astype(np.float64)
    patients = [f"{code:04}" for code in patient_N]
    half_N = patient_folds(patients, y_N[:, None], 2, seed)
    told = cross_validated(x_ND, y_N[:, None], patients, np.where(half_N == 0, "train", "test").tolist(), seed)
    codes_N, count = patient_codes(patients)
    weight_PB = draw_multiplicities(count, RESAMPLES, seed)
    return auroc_estimate(measure(y_N, told.score_NL[:, 0], codes_N, weight_PB))


def _prior_case(each: int, patients: int) -> Case:
    """The label is twice as frequent here, and looks the same."""

    def side(rng: np.random.Generator, share: float) -> Side:
        patient_N = np.repeat(np.arange(patients), each)
        y_N = (rng.random(patients) < share).astype(np.float64)[patient_N]
        score_N = 1.5 * y_N + 0.7 * rng.normal(size=patients)[patient_N] + 0.7 * rng.normal(size=len(patient_N))
        return Side(y_N, score_N, patient_N, draw_multiplicities(patients, RESAMPLES, int(rng.integers(2**31))))

    def tell(rng: np.random.Generator) -> Told:
        told = prior_shift("label", side(rng, 0.2), side(rng, 0.4))
        observed = Estimate() if told.observed is None else told.observed
        return {"implied share of a label": told.local, "observed share of a label": observed}

    def truth() -> dict[str, float]:
        return {"implied share of a label": 0.4, "observed share of a label": 0.4}

    named = f"{each} recording{'s' * (each > 1)} a patient, a share of 0.2 there and 0.4 here"
    return Case("shift", named, patients, 0, truth, tell)
