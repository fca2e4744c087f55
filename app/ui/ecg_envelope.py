"""From samples to the points of a polyline: every sample when zoomed in, the extremes per pixel when zoomed out.

A spike of one sample must never vanish between pixels, so thinning keeps the smallest and the largest sample of each
bin. Bins are counted from the first sample of the recording, not from the edge of the window: panning then moves the
drawn line and does not change its shape.

Shape legend: T samples, P points.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""[P, 2]: position in samples from the start of the recording, value in millivolts."""


def polyline(lead_T: NDArray[np.float32], first: int, last: int, samples_per_px: float) -> Points:
    """Points of samples `first` to `last - 1` of one lead; NaN where samples are missing.

    Args:
        lead_T: the whole lead in millivolts, NaN = missing.
        first: first sample that is shown.
        last: one past the last sample that is shown.
        samples_per_px: how many samples fall on one pixel; above 2 the line is thinned.
    """
    first, last = max(first, 0), min(last, lead_T.shape[0])
    if last <= first:
        return np.empty((0, 2))
    if samples_per_px <= 2:
        return np.column_stack((np.arange(first, last, dtype=np.float64), lead_T[first:last].astype(np.float64)))
    return _extremes(lead_T, first, last, samples_per_px)


def _extremes(lead_T: NDArray[np.float32], first: int, last: int, samples_per_px: float) -> Points:
    bins, edges = _bins(first, last, samples_per_px)
    shown = lead_T[first:last]
    low = np.fmin.reduceat(shown, edges)
    high = np.fmax.reduceat(shown, edges)
    points = np.empty((bins.size * 2, 2))
    points[:, 0] = np.repeat((bins + 0.5) * samples_per_px, 2)
    # Bins take turns in going up and down, so that neighbours join at the same side and no zigzag fills the line.
    falling = bins % 2 == 1
    points[0::2, 1] = np.where(falling, high, low)
    points[1::2, 1] = np.where(falling, low, high)
    return points


@lru_cache(maxsize=8)
def _bins(first: int, last: int, samples_per_px: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Numbers of the bins in view and where each begins, counted from `first`; strips of one row share them."""
    bins = np.arange(int(first / samples_per_px), int(np.ceil(last / samples_per_px)))
    edges = np.maximum(np.floor(bins * samples_per_px).astype(np.intp) - first, 0)
    inside = edges < last - first
    return bins[inside], edges[inside]


def runs(points: Points) -> list[Points]:
    """Cut at missing samples: stretches without NaN, so that a gap is drawn as a gap."""
    finite = np.isfinite(points[:, 1])
    if finite.all():
        return [points] if len(points) else []
    edges = np.flatnonzero(np.diff(np.concatenate(([0], finite.astype(np.int8), [0]))))
    return [points[start:stop] for start, stop in edges.reshape(-1, 2)]
