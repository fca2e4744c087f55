"""How often the intervals of docs/comparing_models.md hold the truth; prints a table.

Run from the repository's root: python docs/comparing_models.py [SIMULATIONS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from engine.contract.estimate import Estimate, Interval
from engine.metrics.cka import Patients, debiased_cka
from engine.metrics.cka_chance import band
from engine.metrics.embedding_spread import embedding_spread
from engine.metrics.hsic import pairwise, view
from engine.metrics.scaling_law import Fitted, Observations
from engine.metrics.uncertainty import draw_multiplicities

Floats = NDArray[np.float64]
SIZES = np.array([18e3, 45e3, 106e3, 753e3, 11e6])
MIX = np.random.default_rng(3).standard_normal((6, 6))


def features(records: int, each: int, noise: float, seed: int) -> tuple[Floats, Floats]:
    """Two layers that share some of what they tell; `each` recordings of a patient share most of it."""
    rng = np.random.default_rng(seed)

    def normal() -> Floats:
        own = rng.standard_normal((records, 6))
        shared = np.repeat(rng.standard_normal((records // each, 6)), each, axis=0)
        return own if each == 1 else 0.8 * shared + 0.6 * own

    x_ND = normal() * np.arange(1, 7)
    return x_ND, x_ND @ MIX + noise * normal()


def cka_rows(simulations: int) -> Iterator[tuple[str, float]]:
    """The band of CKA."""
    for noise in (2.0, 8.0, 40.0):
        truth = debiased_cka(*features(200_000, 1, noise, 1))
        for records, each in ((40, 1), (200, 1), (600, 1), (300, 3)):
            patients = Patients(
                np.repeat(np.arange(records // each), each), draw_multiplicities(records // each, 500, 0)
            )
            held = 0
            for seed in range(simulations):
                x, y = (view(one) for one in features(records, each, noise, seed + 10))
                told = band(pairwise([x], [y], None, shares=True), patients.code_N, patients.weight_PB, 0.95)
                held += told["low"][0][0] <= truth <= told["high"][0][0]
            yield f"CKA {truth:.2f}, {records} recordings of {records // each} patients", held / simulations


def spread_rows(simulations: int) -> Iterator[tuple[str, float]]:
    """Effective rank, alignment and uniformity."""
    names = ("effective_rank", "alignment", "uniformity")
    many = [_spread(features(4000, 2, 8.0, seed)[0], 2) for seed in range(100_000, 100_040)]
    truths = {name: float(np.mean([one[name].value or 0.0 for one in many])) for name in names}
    for patients in (100, 300):
        told = [_spread(features(2 * patients, 2, 8.0, seed + 10)[0], 2) for seed in range(simulations)]
        for name in names:
            held = sum(_holds(one[name].interval, truths[name]) for one in told)
            what = f"{name.replace('_', ' ')} {truths[name]:.2f}, {patients} patients with two recordings"
            yield what, held / simulations


def _spread(x_ND: Floats, each: int) -> dict[str, Estimate]:
    patients = len(x_ND) // each
    code_N = np.repeat(np.arange(patients), each)
    told = embedding_spread("m", "l", x_ND, code_N, draw_multiplicities(patients, 500, 0))
    return {name: getattr(told, name) for name in ("effective_rank", "alignment", "uniformity")}


def _holds(interval: Interval | None, truth: float) -> bool:
    return interval is not None and interval.low <= truth <= interval.high


def scaling_rows(simulations: int) -> Iterator[tuple[str, float]]:
    """The exponent of a law over five sizes."""
    for seeds in (2, 3, 5):
        size_N, held = np.repeat(SIZES, seeds), 0
        for seed in range(simulations):
            noise_N = np.random.default_rng(seed).normal(0, 0.004, len(size_N))
            observed = Observations.of(size_N, 5 * size_N**-0.4 + 0.2 + noise_N, draws=300)
            fitted = Fitted.of(observed, floor=True)
            held += (
                fitted is not None and fitted.drawn is not None and _holds(fitted.interval(fitted.drawn.b_D, 0.95), 0.4)
            )
        yield f"exponent 0.40, five sizes with {seeds} seeds", held / simulations


def main() -> None:
    """Print the share of simulations whose 95 % interval held the truth."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    kinds: tuple[Callable[[int], Iterator[tuple[str, float]]], ...] = (cka_rows, spread_rows, scaling_rows)
    print(f"| statistic | held by the 95 % interval, {simulations:,} simulations |\n|---|---|")
    for rows in kinds:
        for what, share in rows(simulations):
            print(f"| {what} | {share:.1%} |", flush=True)


if __name__ == "__main__":
    main()
