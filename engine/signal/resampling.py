"""Change of sampling rate by a polyphase filter, as one product of matrices.

The filter is that of `scipy.signal.resample_poly` (a sinc under a Kaiser window, beta 5, ten periods to either side).
Beyond its ends a signal goes on along the line through them, so that an offset or a drift makes no step. `up` output
samples lie the same way to every `down` input samples: so all of them are one product of the strided input with the
filter's phases. Batches of crops take the same bank to the device (`engine.training.resampling`).

Shapes: C leads, T samples in, S samples of a room for a signal and its continuation, P phases (`up`), K taps, N blocks
of `up` output samples.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]

KAISER_BETA, PERIODS = 5.0, 10
FINEST = 1000
"""Largest denominator of a ratio of rates; a rate that none of them meets is off by a millionth or two."""
BLOCKS = 4096
"""Blocks that are filtered at a time, so that a day's recording needs no more memory than it holds."""


class Polyphase(NamedTuple):
    """`up` output samples for every `down` input samples; phases_PK reach `before` samples back."""

    up: int
    down: int
    phases_PK: Signal
    before: int

    def needed(self, samples_out: int) -> int:
        """How many input samples make `samples_out` output samples."""
        return math.ceil(samples_out * self.down / self.up)

    def span(self, samples_in: int, samples_out: int) -> int:
        """How long signals must be with room for their continuation: `before` samples, themselves, and what follows."""
        if self.up == self.down:
            return samples_in
        blocks, taps = math.ceil(samples_out / self.up), int(self.phases_PK.shape[1])
        return max(self.before + samples_in, (blocks - 1) * self.down + taps)


@lru_cache(maxsize=32)
def polyphase(from_hz: float, to_hz: float) -> Polyphase:
    """The filter bank from one rate to another."""
    ratio = (Fraction(to_hz) / Fraction(from_hz)).limit_denominator(FINEST)
    up, down = ratio.numerator, ratio.denominator
    half = PERIODS * max(up, down)
    n = np.arange(-half, half + 1)
    filter_ = np.sinc(n / max(up, down)) * np.kaiser(2 * half + 1, KAISER_BETA)
    filter_ *= up / filter_.sum()
    before = half // up if up != down else 0
    taps = np.arange(-before, ((up - 1) * down + half) // up + 1)
    at = np.arange(up)[:, None] * down - taps * up + half
    inside = (at >= 0) & (at <= 2 * half)
    phases_PK = np.where(inside, filter_[at.clip(0, 2 * half)], 0.0)
    return Polyphase(up, down, phases_PK.astype(np.float32), before)


def resample(signal_CT: Signal, from_hz: float, to_hz: float) -> Signal:
    """Signals at another rate, no sample missing.

    Returns:
        [C, round(T * to / from)] float32; the signals themselves where the rates are the same.
    """
    bank = polyphase(from_hz, to_hz)
    if bank.up == bank.down:
        return signal_CT
    samples_out = round(signal_CT.shape[1] * bank.up / bank.down)
    if not samples_out:
        return np.empty((len(signal_CT), 0), dtype=np.float32)
    room_CS = _continued(signal_CT, bank, samples_out)
    blocks, taps = math.ceil(samples_out / bank.up), bank.phases_PK.shape[1]
    strides = (room_CS.strides[0], bank.down * room_CS.itemsize, room_CS.itemsize)
    seen_CNK = np.lib.stride_tricks.as_strided(room_CS, (len(room_CS), blocks, taps), strides, writeable=False)
    out_CNP = np.empty((len(room_CS), blocks, bank.up), dtype=np.float32)
    for first in range(0, blocks, BLOCKS):
        # A copy: BLAS takes no rows that overlap.
        part_CNK = np.ascontiguousarray(seen_CNK[:, first : first + BLOCKS])
        product = part_CNK.reshape(-1, taps) @ bank.phases_PK.T
        out_CNP[:, first : first + BLOCKS] = product.reshape(len(room_CS), -1, bank.up)
    return np.ascontiguousarray(out_CNP.reshape(len(room_CS), -1)[:, :samples_out])


def _continued(signal_CT: Signal, bank: Polyphase, samples_out: int) -> Signal:
    """The signals with what lies before and after them, on the line through their ends."""
    samples_in, start = signal_CT.shape[1], bank.before
    room_CS = np.empty((len(signal_CT), bank.span(samples_in, samples_out)), dtype=np.float32)
    room_CS[:, start : start + samples_in] = signal_CT
    first_C1 = signal_CT[:, :1]
    slope_C1 = (signal_CT[:, -1:] - first_C1) / np.float32(max(samples_in - 1, 1))
    before, after = np.arange(-start, 0), np.arange(samples_in, room_CS.shape[1] - start)
    room_CS[:, :start] = first_C1 + slope_C1 * before.astype(np.float32)
    room_CS[:, start + samples_in :] = first_C1 + slope_C1 * after.astype(np.float32)
    return room_CS
