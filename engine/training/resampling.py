"""Polyphase resampling of batches of crops as one strided convolution.

The same numbers as `engine.signal.condition.resample` gives one signal at a time: the filter of
`scipy.signal.resample_poly` (Kaiser 5.0), and beyond its ends a signal goes on along the line through them, so that an
offset or a drift makes no step.

Shapes: N signals, T samples in, S samples of a room for a signal and its continuation.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

KAISER_BETA, PERIODS = 5.0, 10


class Polyphase(NamedTuple):
    """`up` output samples for every `down` input samples; phases [up, 1, taps] reach `before` samples back."""

    up: int
    down: int
    phases: Tensor
    before: int

    def needed(self, samples_out: int) -> int:
        """How many input samples make `samples_out` output samples."""
        return math.ceil(samples_out * self.down / self.up)

    def span(self, samples_in: int, samples_out: int) -> int:
        """How long signals must be with room for their continuation: `before` samples, themselves, and what follows."""
        if self.up == self.down:
            return samples_in
        blocks = math.ceil(samples_out / self.up)
        return max(self.before + samples_in, (blocks - 1) * self.down + self.phases.shape[-1])


@lru_cache(maxsize=32)
def polyphase(from_hz: float, to_hz: float) -> Polyphase:
    """The filter bank from one rate to another."""
    ratio = (Fraction(to_hz) / Fraction(from_hz)).limit_denominator(1000)
    up, down = ratio.numerator, ratio.denominator
    half = PERIODS * max(up, down)
    n = np.arange(-half, half + 1)
    filter_ = np.sinc(n / max(up, down)) * np.kaiser(2 * half + 1, KAISER_BETA)
    filter_ *= up / filter_.sum()
    before = half // up if up != down else 0
    taps = np.arange(-before, ((up - 1) * down + half) // up + 1)
    at = np.arange(up)[:, None] * down - taps * up + half
    inside = (at >= 0) & (at <= 2 * half)
    phases = np.where(inside, filter_[at.clip(0, 2 * half)], 0.0)
    return Polyphase(up, down, torch.from_numpy(phases).float().unsqueeze(1), before)


def resample(x_NT: Tensor, from_hz: float, to_hz: float, samples_out: int) -> Tensor:
    """Signals at another rate, float32 [N, samples_out]; T must be `polyphase(...).needed(samples_out)` or more."""
    bank = polyphase(from_hz, to_hz)
    T, before = x_NT.shape[1], bank.before
    room_NS = torch.empty(len(x_NT), bank.span(T, samples_out))
    room_NS[:, before : before + T] = x_NT
    return resample_within(room_NS, bank, T, samples_out)


def resample_within(room_NS: Tensor, bank: Polyphase, samples_in: int, samples_out: int) -> Tensor:
    """The same of signals that stand at `before` in a room of `span` samples already; the room is filled up."""
    if bank.up == bank.down:
        return room_NS[:, :samples_out]
    start, end = bank.before, bank.before + samples_in
    first_N1, last_N1 = room_NS[:, start : start + 1], room_NS[:, end - 1 : end]
    slope_N1 = (last_N1 - first_N1) / (samples_in - 1)
    room_NS[:, :start] = first_N1 + slope_N1 * torch.arange(-start, 0)
    room_NS[:, end:] = first_N1 + slope_N1 * torch.arange(samples_in, room_NS.shape[1] - start)
    blocks = math.ceil(samples_out / bank.up)
    length = (blocks - 1) * bank.down + bank.phases.shape[-1]
    out_NPQ = F.conv1d(room_NS[:, :length].unsqueeze(1), bank.phases, stride=bank.down)
    return out_NPQ.transpose(1, 2).reshape(len(room_NS), -1)[:, :samples_out]
