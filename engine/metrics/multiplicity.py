"""Many tests at once: Holm's correction for what is confirmatory, Benjamini and Hochberg's for what is explored.

Sources: Holm, Scand J Stat 6:65-70 (1979), family-wise error; Benjamini and Hochberg, JRSS B 57:289-300 (1995), false
discovery rate. Both as adjusted p-values.

Legend: M tests.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.contract.errors import UsageError
from engine.metrics.discrimination import Floats


def holm(p_M: Sequence[float]) -> Floats:
    """Adjusted p-values [M]: a test stands at level a when its adjusted value is not above a.

    Raises:
        UsageError: a value is no probability.
    """
    p = _checked(p_M)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _back(np.minimum(stepped, 1.0), order)


def benjamini_hochberg(p_M: Sequence[float]) -> Floats:
    """Adjusted p-values [M]: those not above q are discoveries of which a share q is false on average.

    Raises:
        UsageError: a value is no probability.
    """
    p = _checked(p_M)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    return _back(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), order)


def _checked(p_M: Sequence[float]) -> Floats:
    p = np.asarray(p_M, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise UsageError("p-values", "one is not between 0 and 1", "Leave out tests that cannot be made")
    return p


def _back(adjusted: Floats, order: np.ndarray) -> Floats:
    told = np.empty(len(order))
    told[order] = adjusted
    return told
