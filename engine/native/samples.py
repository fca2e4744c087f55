"""Samples of files and stores to millivolts by compiled code (`isoline_samples.c`), bit-equal to numpy's way.

An address knows neither type nor shape: arrays are checked before theirs is handed over. Callers ask `ready()` first,
and take numpy's way where it says no.

Shapes: B crops, T samples, C channels.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.native.loading import Kernels, built, digest_of, first_loaded, load_library
from engine.native.selftest import first_fault

VERSION = 1
FOLDER = Path(__file__).parent
SOURCE = FOLDER / "isoline_samples.c"
MOST_CHANNELS = 256

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int64
_SIGNATURES = {
    "isoline_millivolts": [_POINTER, _INT, _INT, _INT, _POINTER, _POINTER, _POINTER, _INT, _POINTER],
    "isoline_crops": [_POINTER, _INT, _INT, _INT, _INT, _POINTER, _POINTER, _INT, _INT, _POINTER],
    "isoline_unpack_212": [_POINTER, _INT, _POINTER],
    "isoline_sums": [_POINTER, _INT, _INT, _POINTER],
}


@cache
def samples() -> Kernels:
    """Load and test once a process."""
    if sys.byteorder != "little":
        return Kernels(None, "this processor stores integers the other way round")
    return first_loaded(built(FOLDER, ("compiled_samples",)), load)


def load(path: Path) -> Kernels:
    """Load a library, unless it is stale, made for another processor, or wrong."""
    digest = digest_of(SOURCE) if SOURCE.is_file() else None
    return load_library(path, VERSION, digest, _SIGNATURES, first_fault)


def ready() -> bool:
    """Whether compiled code is here."""
    return samples().library is not None


def millivolts(
    steps_TC: NDArray[np.int16], missing: int, baseline_C: NDArray[np.float32] | None, gain_C: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(step - baseline) / gain, float32 [C, T], NaN where a sample is missing."""
    T, C = steps_TC.shape
    out_CT, holes = np.empty((C, T), dtype=np.float32), np.empty(1, dtype=np.bool_)
    baseline = None if baseline_C is None else address(baseline_C, np.float32, C)
    arrays = address(steps_TC, np.int16, T, C), address(gain_C, np.float32, C)
    _library().isoline_millivolts(arrays[0], T, C, missing, baseline, arrays[1], place(out_CT), T, place(holes))
    return out_CT


def crops(
    from_B: NDArray[np.uint64], missing: int, gain_BC: NDArray[np.float32], out_BCT: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Crops of int16 [T, C] that start at these addresses as float32 millivolts, and which of them miss a sample [B].

    The caller answers for the addresses. The result may be a part of a longer array: its samples lie side by side, its
    channels and crops need not.

    Raises:
        TypeError: an array is not what compiled code takes it for.
    """
    B, C, T = out_BCT.shape
    crop_apart, between, sample = out_BCT.strides
    flags, holes_B = out_BCT.flags, np.zeros(B, dtype=np.bool_)
    if out_BCT.size == 0:
        return holes_B
    if out_BCT.dtype != np.float32 or sample != 4 or not (flags.writeable and flags.aligned):
        raise TypeError("compiled code wants room for float32 side by side")
    arrays = address(from_B, np.uint64, B), address(gain_BC, np.float32, B, C)
    room = place(out_BCT), crop_apart // 4, between // 4, place(holes_B)
    _library().isoline_crops(arrays[0], B, T, C, missing, arrays[1], *room)
    return holes_B


def unpack_212(block: NDArray[np.uint8], count: int) -> NDArray[np.int16]:
    """The first `count` samples of format 212, int16. The block must hold them."""
    held = (3 * count + 1) // 2
    if len(block) < held:
        raise TypeError("the block is shorter than its samples")
    steps = np.empty(count, dtype=np.int16)
    _library().isoline_unpack_212(address(block, np.uint8, len(block)), count, place(steps))
    return steps


def sums(steps_TC: NDArray[np.int16]) -> NDArray[np.uint16]:
    """Each channel's samples added up modulo 65,536, [C]."""
    T, C = steps_TC.shape
    if C > MOST_CHANNELS:
        raise TypeError(f"compiled code adds up to {MOST_CHANNELS} channels")
    sum_C = np.empty(C, dtype=np.uint16)
    _library().isoline_sums(address(steps_TC, np.int16, T, C), T, C, place(sum_C))
    return sum_C


def address(array: NDArray[np.generic], dtype: DTypeLike, *shape: int) -> int:
    """Where an array's values lie, once it is certain that they are what compiled code takes them for.

    Raises:
        TypeError: another type, another shape, or values that do not lie side by side.
    """
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        raise TypeError(f"compiled code wants {np.dtype(dtype)} {shape} side by side, not {array.dtype} {array.shape}")
    return place(array)


def place(array: NDArray[Any]) -> int:
    """Where an array's first value lies; a third of the time that `array.ctypes` takes."""
    where: int = array.__array_interface__["data"][0]
    return where


def _library() -> ctypes.CDLL:
    library = samples().library
    assert library is not None
    return library
