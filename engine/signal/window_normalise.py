"""Normalisation by a recording's or a window's own samples, as vendors' models ask for it.

A lead without variation, or one whose samples are all equal, becomes zero: nothing can be said of it.

Shapes: N windows, C leads, T samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]

RECORDING = "z-score per lead of the recording"
WINDOW = "z-score per lead of each window"
WHOLE_WINDOW = "z-score over all leads of each window"
RANK = "rank per lead of each window, ties averaged, -1 to 1"
RANGE = "range per lead of each window, -1 to 1"
WHOLE_RANGE = "range over all leads of each window, 0 to 1"

OF_WINDOWS = (WINDOW, WHOLE_WINDOW, RANK, RANGE, WHOLE_RANGE)
"""What is done to each window by itself, after it was cut."""


def z_score(signal: Signal, axes: tuple[int, ...]) -> Signal:
    """Less the mean, over the standard deviation (of the population), along the axes; float64 within."""
    exact = signal.astype(np.float64)
    centred = exact - exact.mean(axis=axes, keepdims=True)
    deviation = centred.std(axis=axes, keepdims=True)
    return np.asarray(np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0), np.float32)


def by_rank(x_NCT: Signal) -> Signal:
    """Each sample's rank in its lead, ties averaged, scaled so that the lowest rank is -1 and the highest 1."""
    from scipy.stats import rankdata  # not above: it takes a second to load

    last = max(x_NCT.shape[-1] - 1, 1)
    return np.asarray((rankdata(x_NCT, axis=-1) - 1) * 2 / last - 1, dtype=np.float32)


def by_range(x_NCT: Signal) -> Signal:
    """Each lead scaled so that its least sample is -1 and its largest 1."""
    low, high = (bound(x_NCT.astype(np.float64), axis=-1, keepdims=True) for bound in (np.min, np.max))
    width = high - low
    scaled = np.divide(x_NCT - low, width, out=np.full(x_NCT.shape, 0.5), where=width > 0)
    return np.asarray(2 * scaled - 1, dtype=np.float32)


def by_whole_range(x_NCT: Signal) -> Signal:
    """All leads of a window scaled together: its least sample becomes 0 and its largest 1."""
    low, high = (bound(x_NCT.astype(np.float64), axis=(1, 2), keepdims=True) for bound in (np.min, np.max))
    width = high - low
    return np.asarray(np.divide(x_NCT - low, width, out=np.zeros(x_NCT.shape), where=width > 0), dtype=np.float32)


def normalise_windows(x_NCT: Signal, text: str) -> Signal:
    """Windows normalised as a card says; as they are where it asks for nothing of each window."""
    if text == WINDOW:
        return z_score(x_NCT, (2,))
    if text == WHOLE_WINDOW:
        return z_score(x_NCT, (1, 2))
    if text == RANK:
        return by_rank(x_NCT)
    if text == WHOLE_RANGE:
        return by_whole_range(x_NCT)
    return by_range(x_NCT) if text == RANGE else x_NCT
