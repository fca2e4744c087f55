"""Polyphase resampling of batches of crops as one strided convolution.

The same numbers as `engine.signal.condition.resample` gives one signal at a time: the filter of
`scipy.signal.resample_poly` (Kaiser 5.0), and beyond its ends a signal goes on along the line through them, so that an
offset or a drift makes no step.

Shapes: N signals, T samples in, U samples out.
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


@lru_cache(maxsize=32)
def polyphase(from_hz: float, to_hz: float) -> Polyphase:
    """The filter bank from one rate to another."""
    ratio = (Fraction(to_hz) / Fraction(from_hz)).limit_denominator(1000)
    up, down = ratio.numerator, ratio.denominator
    half = PERIODS * max(up, down)
    n = np.arange(-half, half + 1)
    filter_ = np.sinc(n / max(up, down)) * np.kaiser(2 * half + 1, KAISER_BETA)
    filter_ *= up / filter_.sum()
    before = half // up
    taps = np.arange(-before, ((up - 1) * down + half) // up + 1)
    at = np.arange(up)[:, None] * down - taps * up + half
    inside = (at >= 0) & (at <= 2 * half)
    phases = np.where(inside, filter_[at.clip(0, 2 * half)], 0.0)
    return Polyphase(up, down, torch.from_numpy(phases).float().unsqueeze(1), before)


def resample(x_NT: Tensor, from_hz: float, to_hz: float, samples_out: int) -> Tensor:
    """Signals at another rate, float32 [N, samples_out]; T must be `polyphase(...).needed(samples_out)` or more."""
    bank = polyphase(from_hz, to_hz)
    if bank.up == bank.down:
        return x_NT[:, :samples_out]
    T, before = x_NT.shape[1], bank.before
    blocks = math.ceil(samples_out / bank.up)
    length = (blocks - 1) * bank.down + bank.phases.shape[-1]
    slope_N1 = (x_NT[:, -1:] - x_NT[:, :1]) / (T - 1)
    line_NT = x_NT[:, :1] + slope_N1 * torch.arange(-before, max(length - before, T))
    line_NT[:, before : before + T] = x_NT
    out_NPQ = F.conv1d(line_NT[:, :length].unsqueeze(1), bank.phases, stride=bank.down)
    return out_NPQ.transpose(1, 2).reshape(len(x_NT), -1)[:, :samples_out]
