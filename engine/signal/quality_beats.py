"""Where the heart beats, and how alike its beats are: what a check of quality has to know of an ECG.

Shapes: C leads (12), T samples, t samples after averaging to about 125 Hz, B beats, L samples of a beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]

MEASURED = (0, 1, 6, 7, 8, 9, 10, 11)
"""The eight independent leads, in canonical places."""
SLOW_HZ = 125
"""Rate that is enough for beats and waves."""
BEFORE_S, AFTER_S = 0.35, 0.45
"""A beat's window around the middle of its QRS complex."""
AGREEMENT_S = (-0.1, 0.4)
"""Part of a beat, QRS and T, whose likeness from beat to beat is told."""
APART_S = 0.25
MOST_BEATS = 24
"""Beats of a longer recording that the median beat is made of, spread over it evenly."""
FEWEST_BEATS = 3
STEEP, WIDE_S = 0.15, 0.11
"""QRS complexes are wide when all leads together are steeper than this share of their steepest for so long.

None of the 212 recordings of PTB-XL that are stated to be normal is above 0.096 s; most with paced ventricles or a
blocked bundle branch are."""


@dataclass(frozen=True, eq=False)
class Beats:
    """What is alike in all beats.

    Attributes:
        slow_Ct: the signal, averaged to about 125 Hz.
        level_Ct: the same without its baseline.
        rate_hz: their rate.
        places_B: middles of the QRS complexes, samples of `slow_Ct`.
        median_CL: median beat of every lead without baseline, millivolts; zeros with fewer than three beats.
        alike_CB: correlation of every beat of a lead with its median beat; zeros with fewer than three beats.
    """

    slow_Ct: Signal
    level_Ct: Signal
    rate_hz: float
    places_B: NDArray[np.int64]
    median_CL: Signal
    alike_CB: Signal

    @cached_property
    def agreement_C(self) -> Signal:
        """Mean of `alike_CB` over the beats; 0 with fewer than three."""
        if len(self.places_B) < FEWEST_BEATS:
            return np.zeros(len(self.alike_CB), np.float32)
        return np.asarray(self.alike_CB.mean(axis=1), dtype=np.float32)

    def span(self, start_s: float, stop_s: float) -> slice:
        """The part of a beat between two times around the middle of its QRS complex."""
        first = round(BEFORE_S * self.rate_hz)
        return slice(first + round(start_s * self.rate_hz), first + round(stop_s * self.rate_hz))


def find_beats(signal_CT: Signal, rate_hz: float) -> Beats:
    """Find the beats in all leads together and take the median beat of each.

    Steepness is summed over the leads, each scaled to its own steepest second, smoothed over 0.1 s (the moving-window
    integration of Pan and Tompkins, IEEE Trans Biomed Eng 32, 1985, on all leads at once); a beat is a peak of it.
    """
    slow_Ct, rate = slow_down(signal_CT, rate_hz)
    level_Ct = without_baseline(slow_Ct, rate)
    places_B = _peaks(_steepness(level_Ct, rate), rate)
    offsets_L = np.arange(-round(BEFORE_S * rate), round(AFTER_S * rate))
    whole = (places_B + offsets_L[0] >= 0) & (places_B + offsets_L[-1] < slow_Ct.shape[1])
    places_B = places_B[whole]
    if len(places_B) < FEWEST_BEATS:
        nothing = np.zeros((len(signal_CT), len(offsets_L)), np.float32)
        return Beats(slow_Ct, level_Ct, rate, places_B, nothing, np.zeros((len(signal_CT), len(places_B)), np.float32))
    beats_CBL = level_Ct[:, places_B[:, None] + offsets_L]
    chosen = np.linspace(0, len(places_B) - 1, min(len(places_B), MOST_BEATS)).astype(int)
    median_CL = _median(beats_CBL[:, chosen] if len(chosen) < len(places_B) else beats_CBL)
    first = round(BEFORE_S * rate)
    part = slice(first + round(AGREEMENT_S[0] * rate), first + round(AGREEMENT_S[1] * rate))
    return Beats(slow_Ct, level_Ct, rate, places_B, median_CL, _alike(beats_CBL[..., part], median_CL[:, part]))


def wide(beats: Beats) -> bool:
    """Whether the QRS complexes are wide."""
    steps_ML = np.gradient(beats.median_CL[list(MEASURED), beats.span(-0.17, 0.21)], axis=1)
    steepness_L = np.sqrt((steps_ML**2).sum(axis=0))
    return bool(np.count_nonzero(steepness_L > STEEP * steepness_L.max()) > WIDE_S * beats.rate_hz)


def slow_down(signal_CT: Signal, rate_hz: float) -> tuple[Signal, float]:
    """Averages of as many neighbours as bring the rate close to, and not below, 125 Hz; and that rate."""
    every = max(1, int(rate_hz // SLOW_HZ))
    count = signal_CT.shape[1] // every
    if every == 1:
        return signal_CT, rate_hz
    parts = signal_CT[:, : count * every].reshape(len(signal_CT), count, every)
    return np.add.reduce(parts, axis=2) * np.float32(1 / every), rate_hz / every


def without_baseline(slow_Ct: Signal, rate_hz: float) -> Signal:
    """The signal less its moving average over 0.6 s."""
    width = min(int(0.6 * rate_hz) | 1, (slow_Ct.shape[1] - 1) | 1)
    padded = np.pad(slow_Ct, ((0, 0), (width // 2 + 1, width // 2)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    return np.asarray(slow_Ct - (sums[:, width:] - sums[:, :-width]) / width, dtype=np.float32)


def _steepness(level_Ct: Signal, rate_hz: float) -> NDArray[np.float64]:
    """Mean over the leads of the scaled steepness, smoothed over 0.1 s; as long as the signal."""
    steep_Ct = np.abs(level_Ct[:, 2:] - level_Ct[:, :-2])
    scale_C = _block_maxima(steep_Ct, rate_hz) + np.float32(1e-6)
    steep_Ct /= scale_C[:, None]
    np.minimum(steep_Ct, 1.5, out=steep_Ct)
    total = np.pad(np.add.reduce(steep_Ct, axis=0, dtype=np.float64), (1, 1))
    width = max(3, int(0.1 * rate_hz) | 1)
    sums = np.cumsum(np.pad(total, (width // 2 + 1, width // 2)))
    return np.asarray(sums[width:] - sums[:-width])


def _block_maxima(values_Ct: NDArray[np.floating[Any]], rate_hz: float) -> NDArray[np.floating[Any]]:
    """Median over the seconds of the largest value of a second."""
    second = max(1, min(round(rate_hz), values_Ct.shape[-1]))
    count = values_Ct.shape[-1] // second
    blocks = values_Ct[..., : count * second].reshape(*values_Ct.shape[:-1], count, second)
    return np.asarray(np.median(blocks.max(axis=-1), axis=-1))


def _peaks(steepness_t: NDArray[np.float64], rate_hz: float) -> NDArray[np.int64]:
    """Peaks above the threshold that no higher one follows or precedes within a quarter of a second."""
    usual, high = np.median(steepness_t), _block_maxima(steepness_t, 1.5 * rate_hz)
    inner = steepness_t[1:-1]
    tops = 1 + np.flatnonzero((inner > steepness_t[:-2]) & (inner >= steepness_t[2:]))
    tops = tops[steepness_t[tops] > 0.65 * usual + 0.35 * high]
    kept: list[int] = []
    for top in tops.tolist():
        if not kept or top - kept[-1] > APART_S * rate_hz:
            kept.append(top)
        elif steepness_t[top] > steepness_t[kept[-1]]:
            kept[-1] = top
    return np.array(kept, np.int64)


def _median(beats_CBL: Signal) -> Signal:
    half = beats_CBL.shape[1] // 2
    if beats_CBL.shape[1] % 2:
        return np.asarray(np.partition(beats_CBL, half, axis=1)[:, half])
    ordered = np.partition(beats_CBL, (half - 1, half), axis=1)
    return np.asarray((ordered[:, half - 1] + ordered[:, half]) / 2)


def _alike(beats_CBL: Signal, median_CL: Signal) -> Signal:
    beats_CBL = beats_CBL - beats_CBL.mean(axis=2, keepdims=True)
    median_CL = median_CL - median_CL.mean(axis=1, keepdims=True)
    shared = np.matmul(beats_CBL, median_CL[:, :, None])[..., 0]
    own = np.sqrt(np.einsum("cbl,cbl->cb", beats_CBL, beats_CBL) * np.einsum("cl,cl->c", median_CL, median_CL)[:, None])
    return np.asarray(shared / (own + 1e-6), dtype=np.float32)
