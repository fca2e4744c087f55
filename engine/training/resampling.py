"""Resampling of batches of crops: the filter bank of `engine.signal.resampling` as one strided convolution.

Shapes: N signals, T samples in, S samples of a room for a signal and its continuation, P phases, Q blocks.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.signal.resampling import Polyphase, polyphase


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
    phases_P1K = torch.from_numpy(bank.phases_PK).unsqueeze(1)
    length = (blocks - 1) * bank.down + phases_P1K.shape[-1]
    out_NPQ = F.conv1d(room_NS[:, :length].unsqueeze(1), phases_P1K, stride=bank.down)
    return out_NPQ.transpose(1, 2).reshape(len(room_NS), -1)[:, :samples_out]
