"""Randomness as a pure function of (seed, stream, position, number of the crop).

A crop draws the same masks, negatives and dropout whatever rank it is on, whatever crops stand beside it, whatever was
drawn before and on whatever device: so two ranks with 32 crops equal one with 64, and a resumed run goes on as if it
had never been cut. Tensors are made by hashing counters (the finaliser of MurmurHash3 in 32 bits, twice, under two
keys), which needs no state and runs on any device.

Shapes: B crops of this rank, R crops at a time, N values of a crop.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

CPU = torch.device("cpu")
_SHARED = -1
"""Number under which all crops of a batch draw alike."""
_BLOCK = 1 << 16
"""Words that are hashed at a time on a CPU: 25 passes over 256 kB that stay in the cache, not over the whole tensor."""


def _constant(value: int) -> Tensor:
    """As a tensor: a Python number would be turned into one at each use, at a third of a block's time."""
    return torch.tensor(value, dtype=torch.int32)


_FIRST_FACTOR, _SECOND_FACTOR = _constant(0x85EBCA6B - 2**32), _constant(0xC2B2AE35 - 2**32)
_SHIFTS = {bits: _constant(bits) for bits in (13, 16)}
_MASKS = {bits: _constant(2 ** (32 - bits) - 1) for bits in (13, 16)}


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
        return self._made(self._keys(what), math.prod(shape), _as_they_are).view(-1, *shape)

    def uniform(self, what: str, *shape: int) -> Tensor:
        """Uniform on [0, 1), float32 [B, *shape]."""
        return self._made(self._keys(what), math.prod(shape), _unit).view(-1, *shape)

    def integers(self, what: str, high: int, *shape: int) -> Tensor:
        """Uniform on 0 ... high - 1, int64 [B, *shape]; `high` at most 2^20, so that no value is preferred visibly."""

        def scaled(words: Tensor) -> Tensor:
            return words.to(torch.int64).bitwise_and_(0xFFFFFFFF).mul_(high).bitwise_right_shift_(32)

        return self._made(self._keys(what), math.prod(shape), scaled).view(-1, *shape)

    def keep(self, what: str, probability: float, *shape: int) -> Tensor:
        """Which values survive a dropout of `probability`, below 1; bool [B, *shape].

        A word serves two values, so the probability is met to within 2^-16.
        """
        count, threshold = math.prod(shape), min(round(probability * 2**16), 2**16 - 1) - 2**15

        def kept(words: Tensor) -> Tensor:
            return words.view(torch.int16) >= threshold

        return self._made(self._keys(what), -(-count // 2), kept)[:, :count].reshape(-1, *shape)

    def shared_uniform(self, what: str, *shape: int) -> Tensor:
        """Uniform on [0, 1), float32 [*shape], the same for all crops and on all ranks."""
        return self._made([self._key(what, _SHARED)], math.prod(shape), _unit).view(shape)

    def _keys(self, what: str) -> list[int]:
        return [self._key(what, crop) for crop in self.crops]

    def _key(self, what: str, crop: int) -> int:
        return draw_seed(self.seed, f"{self.stream}/{what}", self.position, crop)

    def _made(self, keys: list[int], count: int, finish: Callable[[Tensor], Tensor]) -> Tensor:
        """`finish` of `count` words for each key, block by block on a CPU and in one piece elsewhere."""
        halves = np.array([[key & 0xFFFFFFFF, key >> 31] for key in keys], dtype=np.uint64).astype(np.uint32)
        keys_B2 = torch.from_numpy(halves.view(np.int32).reshape(-1, 2)).to(self.device, non_blocking=True)
        counters_N = torch.arange(count, dtype=torch.int32, device=self.device)
        if self.device.type != "cpu" or len(keys) * count <= _BLOCK:
            return finish(_hash(counters_N, keys_B2))
        rows, columns = max(1, _BLOCK // count), min(count, _BLOCK)
        one = finish(_hash(counters_N[:1], keys_B2[:1]))
        made, filled = one.new_empty(len(keys) * count * one.numel()), 0
        # Either a crop is several blocks or a block is several crops: both ways they come in the order of memory.
        for keys_R2 in torch.split(keys_B2, rows):
            for block_N in torch.split(counters_N, columns):
                values = finish(_hash(block_N, keys_R2)).view(-1)
                made[filled : filled + len(values)] = values
                filled += len(values)
        return made.view(len(keys), -1)


def _hash(counters_N: Tensor, keys_R2: Tensor) -> Tensor:
    """One word for each counter and key, int32 [R, N]."""
    low_R1, high_R1 = keys_R2.unsqueeze(-1).unbind(1)
    words_RN = counters_N ^ low_R1
    scratch_RN = torch.empty_like(words_RN)
    _mix(words_RN, scratch_RN)
    words_RN ^= high_R1
    _mix(words_RN, scratch_RN)
    return words_RN


def _mix(words: Tensor, scratch: Tensor) -> None:
    """The 32-bit finaliser of MurmurHash3 (Appleby, public domain), in place; int32 wraps around as uint32 does."""
    _fold(words, 16, scratch)
    words *= _FIRST_FACTOR
    _fold(words, 13, scratch)
    words *= _SECOND_FACTOR
    _fold(words, 16, scratch)


def _fold(words: Tensor, bits: int, scratch: Tensor) -> None:
    """`words ^= words >> bits` for unsigned words: the sign that an int32 shifts in is masked away."""
    torch.bitwise_right_shift(words, _SHIFTS[bits], out=scratch)
    scratch &= _MASKS[bits]
    words ^= scratch


def _as_they_are(words: Tensor) -> Tensor:
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
