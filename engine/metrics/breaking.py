"""Where a model breaks as a fault grows: the first severity that costs more AUROC than a margin, with its interval.

Asked of the same patient resamples as everything else: in each of them the sweep is walked from mild to severe, and
where it breaks is noted. The percentiles of these places are the interval. Nothing is interpolated: between two
severities that were tried nobody knows. A mean drop over a sweep, which the choice of severities alone can move, is not
offered.

Legend: S severities, mildest first; B resamples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.results import Estimate
from engine.contract.stress import BreakingPoint

Floats = NDArray[np.float64]

MARGIN = 0.05
"""AUROC that a fault may cost before a model counts as broken, where nobody says otherwise."""


def breaking_point(
    severities: Sequence[float],
    changes: Sequence[Estimate],
    change_SB: Floats,
    margin: float = MARGIN,
    confidence: float = 0.95,
) -> BreakingPoint:
    """Where a sweep breaks.

    Args:
        severities: S numbers, mildest first.
        changes: S paired differences, stressed minus clean.
        change_SB: the same differences on common resamples, NaN where one is undefined.
        margin: the loss that counts, above 0.
        confidence: of the interval.
    """
    values = [change.value for change in changes]
    if any(value is None for value in values):
        problem = next(change.not_estimable for change in changes if change.value is None)
        return _nowhere(margin, confidence, f"a severity could not be judged: {problem}")
    defined_B = np.isfinite(change_SB).all(axis=0)
    if 2 * int(defined_B.sum()) <= change_SB.shape[1]:
        return _nowhere(margin, confidence, "more than half of the resamples lack a class")
    first_B = _first(change_SB[:, defined_B] <= -margin)
    tail = (1 - confidence) / 2
    low, high = np.quantile(first_B, [tail, 1 - tail], method="inverted_cdf")
    place = int(_first(np.array(values, dtype=np.float64)[:, None] <= -margin)[0])
    return BreakingPoint(
        margin=margin,
        broken=_severity(severities, place),
        low=_severity(severities, int(low)),
        high=_severity(severities, int(high)),
        confidence=confidence,
        unbroken_share=float(np.mean(first_B == len(severities))),
        held=_held(severities, changes, np.quantile(change_SB[:, defined_B], tail, axis=1), margin),
        resamples=int(defined_B.sum()),
    )


def _first(broken_SB: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Place of the first severity that breaks, in each column; S where none does."""
    return np.where(broken_SB.any(axis=0), broken_SB.argmax(axis=0), len(broken_SB))


def _severity(severities: Sequence[float], place: int) -> float | None:
    return float(severities[place]) if place < len(severities) else None


def _held(severities: Sequence[float], changes: Sequence[Estimate], low_S: Floats, margin: float) -> float | None:
    """The severest of an unbroken run of severities, from the mildest on, whose intervals exclude the loss.

    Where a change has no interval of its own (both separate perfectly), the resamples' lower percentile stands in.
    """
    held = None
    for severity, change, percentile in zip(severities, changes, low_S, strict=True):
        low = percentile if change.interval is None else change.interval.low
        if low <= -margin:
            return held
        held = float(severity)
    return held


def _nowhere(margin: float, confidence: float, problem: str) -> BreakingPoint:
    return BreakingPoint(
        margin=margin,
        broken=None,
        low=None,
        high=None,
        confidence=confidence,
        unbroken_share=0.0,
        held=None,
        resamples=0,
        not_estimable=problem,
    )
