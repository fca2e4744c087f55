"""How two numbers go together over few points: Pearson's and Spearman's correlation with their intervals.

Used for pretraining loss against downstream error, within one objective: losses of different objectives are not on one
scale.

Sources: Fisher's z for Pearson's r (Fisher 1921); Bonett and Wright, Psychometrika 65:23-28 (2000), for Spearman's,
whose z has the variance (1 + r^2 / 2) / (n - 3).

Legend: N points.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from engine.contract.estimate import Estimate, Interval
from engine.contract.scaling import Association

Floats = NDArray[np.float64]
LEAST_POINTS = 4
"""Fisher's z has the variance 1 / (n - 3)."""


def association(
    series: str, x_name: str, y_name: str, x: Sequence[float], y: Sequence[float], confidence: float = 0.95
) -> Association:
    """Both correlations of the pairs that are finite."""
    x_N, y_N = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    good_N = np.isfinite(x_N) & np.isfinite(y_N)
    x_N, y_N = x_N[good_N], y_N[good_N]
    return Association(
        series=series,
        x=x_name,
        y=y_name,
        points=len(x_N),
        pearson=_correlation(x_N, y_N, confidence, ranked=False),
        spearman=_correlation(ranks_of(x_N), ranks_of(y_N), confidence, ranked=True),
    )


def ranks_of(value_N: Floats) -> Floats:
    """Ranks from 1 on, equal values sharing the mean of theirs."""
    _, place_N, counts = np.unique(value_N, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place_N], dtype=np.float64)


def _correlation(x_N: Floats, y_N: Floats, confidence: float, ranked: bool) -> Estimate:
    n = len(x_N)
    if n < 2:
        return Estimate(not_estimable=f"{n} points", records=n)
    x_N, y_N = x_N - x_N.mean(), y_N - y_N.mean()
    size = float(np.sqrt((x_N @ x_N) * (y_N @ y_N)))
    if size == 0:
        return Estimate(not_estimable="one of the two does not vary", records=n)
    r = float(np.clip(x_N @ y_N / size, -1, 1))
    if n < LEAST_POINTS:
        return Estimate(value=r, not_estimable=f"no interval: {n} points, {LEAST_POINTS} are needed", records=n)
    if abs(r) > 1 - 1e-12:
        return Estimate(value=r, not_estimable="no interval: the points lie in one order exactly", records=n)
    variance = (1 + r**2 / 2 if ranked else 1) / (n - 3)
    reach = float(ndtri(0.5 + confidence / 2)) * np.sqrt(variance)
    method = "Bonett and Wright 2000, z scale" if ranked else "Fisher z"
    low, high = float(np.tanh(np.arctanh(r) - reach)), float(np.tanh(np.arctanh(r) + reach))
    return Estimate(value=r, interval=Interval(low=low, high=high, method=method, confidence=confidence), records=n)
