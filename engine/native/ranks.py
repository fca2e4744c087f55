"""Counts along sorted scores by compiled code (`isoline_ranks.c`): rank sums and average precision of many resamples.

Callers ask `ready()` and `fits()` first, and take numpy's way where either says no. Rank sums are whole numbers, hence
bit-equal to numpy's.

Shapes: M steps along the scores, P patients, B resamples.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.native.loading import Kernels, built, digest_of, first_loaded, load_library
from engine.native.samples import address, place

VERSION = 1
FOLDER = Path(__file__).parent
SOURCE = FOLDER / "isoline_ranks.c"
MOST = 2**31 - 1
"""The largest sum of weights that the loops hold."""

BELOW_TWICE, BELOW_ONCE, WIN, ABOVE, FOUND, THRESHOLD = range(6)
"""What a step does, as in the source."""

Weights = NDArray[np.int16]

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int64
_STEPS = [_POINTER, _POINTER, _INT, _POINTER, _INT]
_SIGNATURES = {
    "isoline_rank_sums": [*_STEPS, _POINTER, _POINTER, _POINTER],
    "isoline_average_precisions": [*_STEPS, _POINTER, _POINTER],
}


@cache
def ranks() -> Kernels:
    """Load and test once a process."""
    return first_loaded(built(FOLDER, ("compiled_ranks",)), load)


def load(path: Path) -> Kernels:
    """Load a library, unless it is stale, made for another processor, or wrong."""
    digest = digest_of(SOURCE) if SOURCE.is_file() else None
    return load_library(path, VERSION, digest, _SIGNATURES, first_fault)


def ready() -> bool:
    """Whether compiled code is here."""
    return ranks().library is not None


def fits(weight_PB: NDArray[np.generic], recordings: int) -> bool:
    """Whether these weights are what compiled code takes: multiplicities side by side whose sums it can hold."""
    if weight_PB.dtype != np.int16 or weight_PB.size == 0 or not weight_PB.flags.c_contiguous:
        return False
    return bool(weight_PB.min() >= 0) and 2 * int(weight_PB.max()) * recordings <= MOST


def rank_sums(
    patient_M: NDArray[np.int32], act_M: NDArray[np.uint8], weight_PB: Weights
) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint32]]:
    """Twice the wins of positives over negatives [B], twice the negatives [B], the positives [B].

    Raises:
        TypeError: an array is not what compiled code takes it for.
    """
    B = weight_PB.shape[1]
    wins_B, below_B, positive_B = np.empty(B, np.uint64), np.empty(B, np.uint32), np.empty(B, np.uint32)
    steps = _steps(patient_M, act_M, weight_PB)
    _library().isoline_rank_sums(*steps, place(wins_B), place(below_B), place(positive_B))
    return wins_B, below_B, positive_B


def average_precisions(
    patient_M: NDArray[np.int32], act_M: NDArray[np.uint8], weight_PB: Weights
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Average precision times the positives [B], and the positives [B].

    Raises:
        TypeError: an array is not what compiled code takes it for.
    """
    B = weight_PB.shape[1]
    area_B, found_B = np.empty(B, np.float64), np.empty(B, np.int32)
    _library().isoline_average_precisions(*_steps(patient_M, act_M, weight_PB), place(area_B), place(found_B))
    return area_B, found_B


def _steps(
    patient_M: NDArray[np.int32], act_M: NDArray[np.uint8], weight_PB: Weights
) -> tuple[int, int, int, int, int]:
    P, B = weight_PB.shape
    M = len(patient_M)
    if M and not (patient_M.min() >= 0 and patient_M.max() < P):
        raise TypeError("a step names a patient without weights")
    arrays = address(patient_M, np.int32, M), address(act_M, np.uint8, M), address(weight_PB, np.int16, P, B)
    return arrays[0], arrays[1], M, arrays[2], B


def first_fault(library: ctypes.CDLL) -> str:
    """Name of the first function that is wrong, on cases counted step by step; empty when none is."""
    rng = np.random.default_rng(0)
    for B in (5, 128, 131):
        weight_PB = rng.integers(0, 4, size=(7, B), dtype=np.int16)
        patient_M, act_M = rng.integers(7, size=40).astype(np.int32), rng.integers(3, size=40).astype(np.uint8)
        if not _rank_sums_right(library, patient_M, act_M, weight_PB):
            return "rank_sums"
        if not _average_precisions_right(library, patient_M, act_M == WIN, weight_PB):
            return "average_precisions"
    return ""


def _rank_sums_right(
    library: ctypes.CDLL, patient_M: NDArray[np.int32], act_M: NDArray[np.uint8], weight_PB: Weights
) -> bool:
    B = weight_PB.shape[1]
    drawn_MB = weight_PB[patient_M].astype(np.int64)
    below_MB = drawn_MB * np.array([2, 1, 0])[act_M][:, None]
    wins_MB = np.where(act_M[:, None] == WIN, drawn_MB, 0)
    wins_B, below_B, positive_B = np.empty(B, np.uint64), np.empty(B, np.uint32), np.empty(B, np.uint32)
    fixed = patient_M.ctypes.data, act_M.ctypes.data, len(act_M), weight_PB.ctypes.data, B
    library.isoline_rank_sums(*fixed, place(wins_B), place(below_B), place(positive_B))
    return (
        np.array_equal(wins_B, (wins_MB * below_MB.cumsum(axis=0)).sum(axis=0))
        and np.array_equal(below_B, below_MB.sum(axis=0))
        and np.array_equal(positive_B, wins_MB.sum(axis=0))
    )


def _average_precisions_right(
    library: ctypes.CDLL, patient_M: NDArray[np.int32], positive_M: NDArray[np.bool_], weight_PB: Weights
) -> bool:
    """Every positive is followed by a threshold, every negative by itself once more."""
    B, M = weight_PB.shape[1], 2 * len(patient_M)
    acts = np.where(positive_M, FOUND, ABOVE), np.where(positive_M, THRESHOLD, ABOVE)
    act_M, twice_M = np.stack(acts, axis=1).astype(np.uint8).reshape(-1), np.repeat(patient_M, 2)
    area_B, found_B = np.empty(B, np.float64), np.empty(B, np.int32)
    fixed = twice_M.ctypes.data, act_M.ctypes.data, M, weight_PB.ctypes.data, B
    library.isoline_average_precisions(*fixed, place(area_B), place(found_B))
    drawn_MB = weight_PB[patient_M].astype(np.int64)
    found_MB = np.where(positive_M[:, None], drawn_MB, 0)
    called_MB = np.where(positive_M[:, None], drawn_MB, 2 * drawn_MB).cumsum(axis=0)
    truth_B = (found_MB * found_MB.cumsum(axis=0) / np.maximum(called_MB, 1)).sum(axis=0)
    return bool(np.allclose(area_B, truth_B, rtol=1e-13, atol=0) and np.array_equal(found_B, found_MB.sum(axis=0)))


def _library() -> ctypes.CDLL:
    library = ranks().library
    assert library is not None
    return library
