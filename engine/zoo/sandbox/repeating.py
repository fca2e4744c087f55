"""Whether a model gives the same answer to the same question: asked again, the largest difference by output."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.zoo.sandbox.session import Session

TIMES = 3


def differences(
    session: Session, inputs: Mapping[str, np.ndarray], *, times: int = TIMES, singly: bool = False
) -> dict[str, float]:
    """The largest absolute difference between the first answer and each later one to the same input, by output.

    0 for an output that is the same each time, NaN where both have it; infinity for one whose shape, kind or missing
    values change, or that comes and goes.

    Raises:
        WorldError: the model fails on the input.
    """
    first = session.run(inputs, singly=singly)
    largest = dict.fromkeys(first, 0.0)
    for _ in range(times - 1):
        again = session.run(inputs, singly=singly)
        for name in first.keys() | again.keys():
            found = _apart(first.get(name), again.get(name))
            largest[name] = max(largest.get(name, 0.0), found)
    return largest


def _apart(one: np.ndarray | None, other: np.ndarray | None) -> float:
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return float("inf")
    a, b = one.astype(np.float64), other.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    gap = np.abs(a[~same] - b[~same])
    return float(gap.max()) if np.isfinite(gap).all() else float("inf")
