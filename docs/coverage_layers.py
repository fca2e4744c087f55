"""Made layers of two models, for docs/coverage.py: CKA, effective rank, alignment and uniformity."""

from __future__ import annotations

import numpy as np
from coverage import Case, Told
from numpy.typing import NDArray

from engine.contract.estimate import Estimate, Interval
from engine.metrics.cka import debiased_cka
from engine.metrics.cka_chance import band
from engine.metrics.embedding_spread import embedding_spread
from engine.metrics.hsic import pairwise, view
from engine.metrics.uncertainty import draw_multiplicities

Floats = NDArray[np.float64]
RESAMPLES = 500
MIX = np.random.default_rng(3).standard_normal((6, 6))
SPREADS = {"effective_rank": "effective rank", "alignment": "alignment", "uniformity": "uniformity"}


def features(rng: np.random.Generator, patients: int, each: int, noise: float) -> tuple[Floats, Floats]:
    """Two layers that share some of what they tell; `each` recordings of a patient share most of it."""

    def normal() -> Floats:
        own = rng.standard_normal((patients * each, 6))
        shared = np.repeat(rng.standard_normal((patients, 6)), each, axis=0)
        return own if each == 1 else 0.8 * shared + 0.6 * own

    x_ND = normal() * np.arange(1, 7)
    return x_ND, x_ND @ MIX + noise * normal()


def layer_cases() -> list[Case]:
    """The band of CKA at three depths, and what is told of one layer."""
    sizes = ((40, 1), (200, 1), (600, 1), (100, 3))
    alike = [_cka_case(noise, *size) for noise in (2.0, 8.0, 40.0) for size in sizes]
    return alike + [_spread_case(patients) for patients in (60, 200, 300)]


def _cka_case(noise: float, patients: int, each: int) -> Case:
    def truth() -> dict[str, float]:
        return {"CKA": float(debiased_cka(*features(np.random.default_rng(1), 200_000, 1, noise)))}

    def tell(rng: np.random.Generator) -> Told:
        x, y = (view(one) for one in features(rng, patients, each, noise))
        weight_PB = draw_multiplicities(patients, RESAMPLES, int(rng.integers(2**31)))
        found = pairwise([x], [y], None, shares=True)
        told = band(found, np.repeat(np.arange(patients), each), weight_PB, 0.95)
        low, high = told["low"][0][0], told["high"][0][0]
        interval = None if low is None else Interval(low=low, high=high, method=told["band"])
        return {"CKA": Estimate(interval=interval)}

    design = f"{each} recording{'s' * (each > 1)} a patient, noise {noise:g}"
    return Case("layers", design, patients, 0, truth, tell)


def _spread_case(patients: int) -> Case:
    def tell(rng: np.random.Generator, patients: int = patients) -> Told:
        x_ND = features(rng, patients, 2, 8.0)[0]
        weight_PB = draw_multiplicities(patients, RESAMPLES, int(rng.integers(2**31)))
        told = embedding_spread("m", "l", x_ND, np.repeat(np.arange(patients), 2), weight_PB)
        return {name: getattr(told, field) for field, name in SPREADS.items()}

    def truth() -> dict[str, float]:
        many = [tell(np.random.default_rng([7, seed]), 2000) for seed in range(40)]
        return {name: float(np.mean([one[name].value or 0.0 for one in many])) for name in SPREADS.values()}

    return Case("layers", "2 recordings a patient", patients, 0, truth, tell)
