"""What the difference between two inputs of the same ECG looks like: a unit, a sign, leads in another order.

Shapes: N windows, C leads, L samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALIKE = 0.999
"""Correlation from which two leads are the same trace."""

NEAR = 0.02
"""How far a slope may be from 1, -1 or a thousand to be taken for it."""


def hint(ours_NCL: Floats, theirs_NCL: Floats, leads: Sequence[str]) -> str:
    """One sentence on what would turn ours into theirs; empty when nothing simple would."""
    ours_CM, theirs_CM = (x.transpose(1, 0, 2).reshape(x.shape[1], -1) for x in (ours_NCL, theirs_NCL))
    match_CC = _correlation(ours_CM, theirs_CM)
    same_C = np.diagonal(match_CC)
    if (np.abs(same_C) > ALIKE).all():
        return _linear(ours_CM, theirs_CM, same_C)
    best_C = np.argmax(match_CC, axis=0)
    found_C = match_CC[best_C, np.arange(len(leads))]
    if (found_C > ALIKE).all() and len(set(best_C.tolist())) == len(leads):
        return f"the vendor feeds the leads in the order {', '.join(leads[place] for place in best_C)}"
    if (same_C > 0.9).all():
        return "the traces are alike, but filtered, resampled or clipped otherwise"
    shift = _shift(ours_CM[0], theirs_CM[0])
    return f"the vendor's windows seem to begin {abs(shift):,} samples {'later' if shift > 0 else 'earlier'}" * bool(
        shift
    )


def _linear(ours_CM: Floats, theirs_CM: Floats, same_C: Floats) -> str:
    slope_C = same_C * theirs_CM.std(axis=1) / np.maximum(ours_CM.std(axis=1), 1e-30)
    slope = float(np.median(slope_C))
    if (same_C < 0).all():
        return "the vendor feeds the opposite polarity"
    for factor, words in ((1000.0, "1,000 times as large: microvolts"), (1e-3, "a thousandth: millivolts")):
        if np.abs(slope_C / factor - 1).max() < NEAR:
            return f"the vendor feeds {words} in place of the contract's unit"
    if np.abs(slope_C - 1).max() < NEAR:
        return "each lead stands at another level: a mean is taken off by one side alone"
    if np.abs(slope_C / slope - 1).max() < NEAR:
        return f"the vendor feeds {slope:.4g} times the contract's values"
    return "each lead is scaled otherwise: other constants of normalisation"


def _correlation(ours_CM: Floats, theirs_CM: Floats) -> Floats:
    """Of every lead of ours with every one of theirs, [C, C]; 0 where a lead is flat."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (ours_CM, theirs_CM))
    size = np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    return np.asarray(np.divide(a @ b.T, size, out=np.zeros_like(size), where=size > 0))


def _shift(ours_M: Floats, theirs_M: Floats) -> int:
    """Samples by which the vendor's trace begins later; 0 where no shift makes the traces alike."""
    a, b = ours_M - ours_M.mean(), theirs_M - theirs_M.mean()
    length = 2 * len(a)
    both = np.fft.irfft(np.fft.rfft(a, length) * np.conj(np.fft.rfft(b, length)), length)
    place = int(np.argmax(both))
    moved = place if place < len(a) else place - length
    x, y = (a[moved:], b[: len(b) - moved]) if moved > 0 else (a[: len(a) + moved], b[-moved:])
    if len(x) < len(a) // 4 or not x.std() or not y.std():
        return 0
    return moved if np.corrcoef(x, y)[0, 1] > ALIKE else 0
