"""Randomness as a pure function of (seed, stream, position), so that a resumed run draws what it would have drawn.

Every kind of draw has its own stream; no draw shifts another, and none depends on what was drawn before.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def draw_seed(seed: int, stream: str, *position: int) -> int:
    """A 63-bit seed from the run's seed, the stream's name and a position (a step, an epoch, a batch)."""
    text = f"{seed}/{stream}/{'/'.join(map(str, position))}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_generator(seed: int, stream: str, *position: int) -> np.random.Generator:
    """A counter-based generator for host-side draws."""
    return np.random.Generator(np.random.Philox(draw_seed(seed, stream, *position)))


def torch_generator(seed: int, stream: str, *position: int) -> torch.Generator:
    """A CPU generator for draws of tensors: the same numbers whatever device they are used on."""
    return torch.Generator().manual_seed(draw_seed(seed, stream, *position))
