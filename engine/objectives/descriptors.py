"""What the signal does around a token, in plain numbers: the first labels of plain HuBERT are clusters of these.

HuBERT for speech begins with MFCCs, which suit voices. Here each lead tells four things: its level, its slope and its
curvature over a stretch of a QRS complex's rise, and how much it moves within the length of a beat's complex. Windows
are counted in samples, so that backbones with different strides get the same labels; the times hold at 240 Hz.

Shapes: B batch, C leads, T samples, L tokens, E = 4 C descriptors.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NARROW = 11
"""Samples over which a level is averaged: 46 ms."""
REACH = 10
"""Samples to either side at which slope and curvature compare levels: 42 ms."""
WIDE = 51
"""Samples over which movement is measured: 213 ms."""
PER_LEAD = 4


def describe(x_BCT: Tensor, stride: int) -> Tensor:
    """Descriptors [B, L, 4 C] of the tokens at samples 0, stride, 2 stride ...

    All levels, slopes, curvatures, movements, each lead by lead, in the signal's units. Beyond its ends a signal is
    taken to stay as it is there.
    """
    level_BCT = _averaged(x_BCT, NARROW)
    variance_BCT = _averaged(x_BCT.square(), WIDE) - _averaged(x_BCT, WIDE).square()
    T = x_BCT.shape[-1]
    at_L = torch.arange(0, T, stride, device=x_BCT.device)
    here, before, after = (level_BCT[..., (at_L + shift).clamp(0, T - 1)] for shift in (0, -REACH, REACH))
    moved = variance_BCT[..., at_L].clamp_min(0).sqrt()
    return torch.cat([here, after - before, after - 2 * here + before, moved], 1).transpose(1, 2)


def _averaged(x_BCT: Tensor, window: int) -> Tensor:
    """Mean over a centred window of odd length."""
    half = window // 2
    return F.avg_pool1d(F.pad(x_BCT, (half, half), "replicate"), window, stride=1)
