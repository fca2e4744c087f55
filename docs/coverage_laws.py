"""Made laws over data sizes and numbers of labels, for docs/coverage.py."""

from __future__ import annotations

import numpy as np
from coverage import Case, Told
from numpy.typing import NDArray

from engine.contract.estimate import Estimate
from engine.metrics.data_budget import labels_needed
from engine.metrics.scaling_law import Fitted, Observations

Floats = NDArray[np.float64]
SIZES = np.array([18e3, 45e3, 106e3, 753e3, 11e6])
LABELS = np.array([60.0, 120.0, 240.0, 480.0, 960.0])
DRAWS = 300


def law_cases() -> list[Case]:
    """Laws of pretraining sizes with two to five seeds, and of few labels with five and ten repeats."""
    sizes = [_case("data sizes", SIZES, (5.0, 0.4, 0.2), 0.004, seeds, None) for seeds in (2, 3, 5)]
    return sizes + [_case("numbers of labels", LABELS, (1.2, 0.6, 0.10), 0.006, seeds, 0.12) for seeds in (5, 10)]


def _case(
    what: str, size_K: Floats, law: tuple[float, float, float], noise: float, seeds: int, target: float | None
) -> Case:
    a, b, c = law
    farthest = 5 * float(size_K.max())

    def truth() -> dict[str, float]:
        needed = {} if target is None else {"labels needed": float((a / (target - c)) ** (1 / b))}
        return {"exponent": b, "floor": c, "error at 5 times the size": a * farthest**-b + c, **needed}

    def tell(rng: np.random.Generator) -> Told:
        size_N = np.repeat(size_K, seeds)
        value_N = a * size_N**-b + c + rng.normal(0, noise, len(size_N))
        observed = Observations.of(size_N, value_N, draws=DRAWS, seed=int(rng.integers(2**31)))
        fitted = Fitted.of(observed, floor=True)
        if fitted is None or fitted.drawn is None:
            return dict.fromkeys(truth(), Estimate(not_estimable="no law"))
        drawn = fitted.drawn
        told = {
            "exponent": Estimate(interval=fitted.interval(drawn.b_D, 0.95)),
            "floor": Estimate(interval=fitted.interval(drawn.c_D, 0.95)),
            "error at 5 times the size": fitted.error_at(farthest, 0.95),
        }
        if target is not None:
            told["labels needed"] = labels_needed("", "", observed, target).labels
        return told

    return Case("laws", f"five {what}, {seeds} runs each", 0, 0, truth, tell)
