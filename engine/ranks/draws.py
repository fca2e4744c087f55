"""Randomness as a pure function of (seed, stream, position, number of the crop).

A crop draws the same masks, negatives and dropout whatever rank it is on, whatever crops stand beside it, whatever was
drawn before and on whatever device: so two ranks with 32 crops equal one with 64, and a resumed run goes on as if it
had never been cut. Tensors are made by hashing counters (the finaliser of MurmurHash3 in 32 bits, twice, under two
keys), which needs no state and runs on any device.

Shapes: B crops of this rank.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

CPU = torch.device("cpu")
_SHARED = -1
"""Number under which all crops of a batch draw alike."""


def draw_seed(seed: int, stream: str, *position: int) -> int:
    """A 63-bit seed from the run's seed, the stream's name and a position (a step, an epoch, a batch)."""
    text = f"{seed}/{stream}/{'/'.join(map(str, position))}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_generator(seed: int, stream: str, *position: int) -> np.random.Generator:
    """A counter-based generator for host-side draws."""
    return np.random.Generator(np.random.Philox(draw_seed(seed, stream, *position)))


@dataclass(frozen=True)
class Draws:
    """Where in a run's randomness a batch stands.

    Attributes:
        seed: seed of the run.
        stream: "train" or "validation"; each has draws of its own.
        position: the step, or the number of the validation batch.
        crops: numbers of this rank's crops within the batch of all ranks.
        device: where tensors are made.
    """

    seed: int
    stream: str
    position: int
    crops: tuple[int, ...]
    device: torch.device = CPU

    def to(self, device: torch.device) -> Draws:
        """The same draws, made on another device."""
        return replace(self, device=device)

    def within(self, name: str) -> Draws:
        """Draws of their own for a part that asks for the same things as another (a teacher)."""
        return replace(self, stream=f"{self.stream}/{name}")

    def bits(self, what: str, *shape: int) -> Tensor:
        """Random 32-bit words, int32 [B, *shape]; `what` names the draw and is used once a batch."""
        return self._words([self._keys(what, crop) for crop in self.crops], shape)

    def uniform(self, what: str, *shape: int) -> Tensor:
        """Uniform on [0, 1), float32 [B, *shape]."""
        return _unit(self.bits(what, *shape))

    def integers(self, what: str, high: int, *shape: int) -> Tensor:
        """Uniform on 0 ... high - 1, int64 [B, *shape]; `high` at most 2^20, so that no value is preferred visibly."""
        words = self.bits(what, *shape).to(torch.int64).bitwise_and_(0xFFFFFFFF)
        return words.mul_(high).bitwise_right_shift_(32)

    def keep(self, what: str, probability: float, *shape: int) -> Tensor:
        """Which values survive a dropout of `probability`, bool [B, *shape]."""
        return self.bits(what, *shape) >= round(probability * 2**32) - 2**31

    def shared_uniform(self, what: str, *shape: int) -> Tensor:
        """Uniform on [0, 1), float32 [*shape], the same for all crops and on all ranks."""
        return _unit(self._words([self._keys(what, _SHARED)], shape))[0]

    def _keys(self, what: str, crop: int) -> int:
        return draw_seed(self.seed, f"{self.stream}/{what}", self.position, crop)

    def _words(self, keys: list[int], shape: tuple[int, ...]) -> Tensor:
        count = int(np.prod(shape, dtype=np.int64))
        halves = np.array([[key & 0xFFFFFFFF, key >> 31] for key in keys], dtype=np.uint64).astype(np.uint32)
        low_B1, high_B1 = torch.from_numpy(halves.view(np.int32).copy()).to(self.device).unsqueeze(-1).unbind(1)
        words = torch.arange(count, dtype=torch.int32, device=self.device) ^ low_B1
        return _mix(_mix(words).bitwise_xor_(high_B1)).view(len(keys), *shape)


def _mix(words: Tensor) -> Tensor:
    """The 32-bit finaliser of MurmurHash3 (Appleby, public domain), in place; int32 wraps around as uint32 does."""
    words ^= (words >> 16).bitwise_and_(0xFFFF)
    words *= 0x85EBCA6B - 2**32
    words ^= (words >> 13).bitwise_and_(0x7FFFF)
    words *= 0xC2B2AE35 - 2**32
    words ^= (words >> 16).bitwise_and_(0xFFFF)
    return words


def _unit(words: Tensor) -> Tensor:
    """The upper 24 bits as a float in [0, 1)."""
    return (words >> 8).bitwise_and_(0xFFFFFF).float().mul_(2.0**-24)


_current: ContextVar[Draws | None] = ContextVar("draws", default=None)


@contextmanager
def drawing(draws: Draws) -> Iterator[None]:
    """Within this, dropout draws from `draws`; outside, from torch's global generator."""
    token = _current.set(draws)
    try:
        yield
    finally:
        _current.reset(token)


def current_draws() -> Draws | None:
    """The draws that hold here."""
    return _current.get()
