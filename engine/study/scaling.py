"""How a number falls with the size of the data: E(N) = a N^-b + c (method specification, section 6).

Fitted by bounded least squares from several starts, and once more with c = 0 as a line in log-log: with five sizes and
three parameters two degrees of freedom are left, so the second fit always stands beside the first. Neither says
anything beyond the largest size.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.results import ScalingFit

Floats = NDArray[np.float64]

LEAST_SIZES, LEAST_SIZES_WITH_FLOOR = 3, 4
"""One more than a fit has parameters: any curve goes through as many points, and then says nothing."""
STARTS_B = (0.05, 0.2, 0.5, 1.0)
STARTS_C = (0.0, 0.5, 0.9)
"""Shares of the smallest value at which c begins."""


def fits(series: str, metric: str, sizes: Sequence[float], values: Sequence[float]) -> list[ScalingFit]:
    """Both fits of a series: the power law with a floor (from four sizes on), and the one without (from three on).

    Args:
        series: for people.
        metric: which number it is.
        sizes: training recordings, positive.
        values: the number at each size, positive; several at one size count one each.
    """
    n, e = np.asarray(sizes, dtype=np.float64), np.asarray(values, dtype=np.float64)
    good = np.isfinite(e) & (e > 0) & (n > 0)
    n, e = n[good], e[good]
    told = []
    distinct = len(np.unique(n))
    if distinct >= LEAST_SIZES_WITH_FLOOR and (found := _with_floor(n, e)) is not None:
        told.append(_fit(series, metric, n, e, *found))
    if distinct >= LEAST_SIZES:
        slope, intercept = np.polyfit(np.log(n), np.log(e), 1)
        told.append(_fit(series, metric, n, e, float(np.exp(intercept)), float(-slope), 0.0))
    return told


def _with_floor(n: Floats, e: Floats) -> tuple[float, float, float] | None:
    """Least squares of a N^-b + c with all three at 0 or above, the best of all starts.

    N is divided by its geometric mean while fitting, which takes most of the correlation out of a and b.
    """
    from scipy.optimize import OptimizeWarning, curve_fit  # not above: every command reads this file

    middle = float(np.exp(np.log(n).mean()))
    x = n / middle
    best: tuple[float, float, float] | None = None
    least = np.inf
    for b in STARTS_B:
        for share in STARTS_C:
            c = share * float(e.min())
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", OptimizeWarning)
                    (a, b_, c_), _ = curve_fit(
                        _law, x, e, p0=(max(float(e.mean()) - c, 1e-12), b, c), bounds=(0, np.inf)
                    )
            except RuntimeError:
                continue
            error = float(((_law(x, a, b_, c_) - e) ** 2).sum())
            if error < least:
                least, best = error, (float(a * middle**b_), float(b_), float(c_))
    return best


def _law(n: Floats, a: float, b: float, c: float) -> Floats:
    return np.asarray(a * n**-b + c, dtype=np.float64)


def _fit(series: str, metric: str, n: Floats, e: Floats, a: float, b: float, c: float) -> ScalingFit:
    spread = float(((e - e.mean()) ** 2).sum())
    error = float(((_law(n, a, b, c) - e) ** 2).sum())
    share = 1 - error / spread if spread > 0 else None
    return ScalingFit(series=series, metric=metric, a=a, b=b, c=c, points=len(n), r_squared=share)
