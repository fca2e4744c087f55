"""Is the compiled code of the data path right on this machine? Every bit against numpy, on small odd-sized cases.

Shapes: B crops, T samples, C channels, R samples of a longer array.
"""

from __future__ import annotations

import ctypes

import numpy as np


def first_fault(library: ctypes.CDLL) -> str:
    """Name of the first function that differs from numpy in any bit, on small odd-sized cases; empty when none does."""
    rng = np.random.default_rng(0)
    for name, check in (("millivolts", _millivolts), ("crops", _crops), ("unpack_212", _unpack), ("sums", _sums)):
        if not check(library, rng):
            return name
    return ""


def _millivolts(library: ctypes.CDLL, rng: np.random.Generator) -> bool:
    right = True
    for T, C in ((133, 13), (64, 8), (3, 2)):
        steps_TC = rng.integers(-(2**15), 2**15, size=(T, C), dtype=np.int16)
        steps_TC[1, :2] = 77
        gain_C, baseline_C = (rng.uniform(-900, 900, size=C).astype(np.float32) for _ in range(2))
        for baseline in (None, baseline_C):
            out_CT, holes = np.empty((C, T), dtype=np.float32), np.zeros(1, dtype=np.uint8)
            start = None if baseline is None else baseline.ctypes.data
            fixed = start, gain_C.ctypes.data, out_CT.ctypes.data, T, holes.ctypes.data
            library.isoline_millivolts(steps_TC.ctypes.data, T, C, 77, *fixed)
            truth_CT = (steps_TC.T.astype(np.float32) - (0 if baseline is None else baseline[:, None])) / gain_C[
                :, None
            ]
            truth_CT[steps_TC.T == 77] = np.nan
            right &= bool(holes[0]) and np.array_equal(out_CT, truth_CT, equal_nan=True)
    return right


def _crops(library: ctypes.CDLL, rng: np.random.Generator) -> bool:
    B, T, C, room = 5, 71, 12, 75
    steps_TC = rng.integers(-(2**15) + 1, 2**15, size=(400, C), dtype=np.int16)
    firsts = np.array([0, 329, 17, 200, 18])
    steps_TC[[202, 270], [3, 11]] = -(2**15)
    gain_BC = rng.uniform(1, 5000, size=(B, C)).astype(np.float32)
    out_BCR, holes_B = np.full((B, C, room), 5, dtype=np.float32), np.empty(B, dtype=np.bool_)
    from_B = (steps_TC.ctypes.data + firsts * 2 * C).astype(np.uint64)
    fixed = gain_BC.ctypes.data, out_BCR.ctypes.data, C * room, room, holes_B.ctypes.data
    library.isoline_crops(from_B.ctypes.data, B, T, C, -(2**15), *fixed)
    crops_BCT = np.stack([steps_TC[first : first + T].T for first in firsts])
    truth_BCT = crops_BCT.astype(np.float32) / gain_BC[:, :, None]
    truth_BCT[crops_BCT == -(2**15)] = np.nan
    untouched = bool((out_BCR[..., T:] == 5).all())
    return (
        untouched
        and holes_B.tolist() == [False, False, False, True, False]
        and np.array_equal(out_BCR[..., :T], truth_BCT, equal_nan=True)
    )


def _unpack(library: ctypes.CDLL, rng: np.random.Generator) -> bool:
    right = True
    for count in (1, 2, 61, 96):
        block = rng.integers(0, 256, size=(3 * count + 1) // 2, dtype=np.uint8)
        steps = np.empty(count, dtype=np.int16)
        library.isoline_unpack_212(block.ctypes.data, count, steps.ctypes.data)
        low, middle, high = (np.pad(block, (0, 2))[n : n + 3 * ((count + 1) // 2) : 3].astype(int) for n in range(3))
        pairs = np.stack([low | (middle & 15) << 8, high | (middle >> 4) << 8], axis=1).reshape(-1)[:count]
        right &= np.array_equal(steps, (pairs ^ 0x800) - 0x800)
    return right


def _sums(library: ctypes.CDLL, rng: np.random.Generator) -> bool:
    steps_TC = rng.integers(-(2**15), 2**15, size=(203, 13), dtype=np.int16)
    sum_C = np.empty(13, dtype=np.uint16)
    library.isoline_sums(steps_TC.ctypes.data, 203, 13, sum_C.ctypes.data)
    return np.array_equal(sum_C, steps_TC.sum(axis=0, dtype=np.int64) % 65536)
