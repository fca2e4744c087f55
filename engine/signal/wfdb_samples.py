"""Samples of WFDB signal files: formats 16, 61 and 212 by ourselves, the others through the wfdb package.

Shapes: C channels, T samples (frames), N = C * T samples in file order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.native import samples as compiled

MISSING = {
    "16": -(2**15),
    "24": -(2**23),
    "32": -(2**31),
    "61": -(2**15),
    "80": -(2**7),
    "160": -(2**15),
    "212": -(2**11),
    "310": -(2**9),
    "311": -(2**9),
    "508": -(2**7),
    "516": -(2**15),
    "524": -(2**23),
}
"""The integer that stands for "no sample" in each format (WFDB signal(5)); format 8 has none."""

OWN = ("16", "61", "212")
"""Formats that are decoded here."""

FRAMES_A_BLOCK = 32


def stored_samples(code: str, size: int) -> int:
    """How many samples `size` bytes hold in a format of ours (an odd last sample of 212 takes two bytes)."""
    if code != "212":
        return size // 2
    return size // 3 * 2 + (1 if size % 3 == 2 else 0)


def decode(code: str, block: memoryview, samples: int) -> NDArray[np.int16]:
    """The first `samples` samples of a block in a format of ours, int16 [N]. The block must hold them."""
    if code == "16":
        return np.frombuffer(block, dtype="<i2", count=samples)
    if code == "61":
        return np.frombuffer(block, dtype=">i2", count=samples).astype("<i2")
    packed = np.frombuffer(block, dtype=np.uint8)
    return compiled.unpack_212(packed, samples) if compiled.ready() else decode_212(packed, samples)


def decode_212(block: NDArray[np.uint8], samples: int) -> NDArray[np.int16]:
    """Two 12-bit two's complement samples in three bytes: low byte 1, both high nibbles, low byte 2.

    Three bytes are looked at as one little-endian word of four; both samples are moved to the tops of its halves, and
    the arithmetic shift of the halves carries their signs back.
    """
    triples = -(-samples // 2)
    words = np.empty(triples, dtype=np.uint32)
    if triples > 1:  # the fourth byte of each word is the next one's first; the last word has none
        words[:-1] = np.ndarray((triples - 1,), "<u4", block, 0, (3,))
    if triples:
        words[-1] = int.from_bytes(block[3 * triples - 3 : 3 * triples].tobytes(), "little")
    pairs = words << 4
    pairs &= 0xFFF0
    part = words & 0xF000
    part <<= 16
    pairs |= part
    words &= 0xFF0000
    words <<= 4
    pairs |= words
    steps = pairs.astype("<u4", copy=False).view("<i2")
    steps >>= 4
    return steps[:samples]


def checksums(steps_TC: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Sum of each channel's samples modulo 65,536, as WFDB headers state it."""
    samples, channels = steps_TC.shape
    if compiled.ready() and channels <= compiled.MOST_CHANNELS:
        return compiled.sums(steps_TC)
    words_TC = steps_TC.view(np.uint16)
    # Long rows add faster than rows of a few channels: sum blocks of frames side by side first.
    whole = samples // FRAMES_A_BLOCK
    blocks = words_TC[: whole * FRAMES_A_BLOCK].reshape(whole, FRAMES_A_BLOCK * channels).sum(axis=0, dtype=np.uint16)
    total = blocks.reshape(FRAMES_A_BLOCK, channels).sum(axis=0, dtype=np.uint16)
    rest = words_TC[whole * FRAMES_A_BLOCK :].sum(axis=0, dtype=np.uint16)
    return np.asarray(total + rest, dtype=np.uint16)
