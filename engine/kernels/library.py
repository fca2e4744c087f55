"""The compiled loops, if they are here, fit this processor and pass their self-test; otherwise the reason why not.

How libraries of ours are found and judged stands in `engine.native.loading`; this is the one of `isoline_kernels.c`,
whose loops stand in for torch's.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from engine.kernels.selftest import first_fault
from engine.native.loading import SWITCH as SWITCH
from engine.native.loading import Kernels as Kernels
from engine.native.loading import Signatures, built, digest_of, first_loaded, load_library

VERSION = 1
FOLDER = Path(__file__).parent
SOURCE = FOLDER / "isoline_kernels.c"
LANES = 16
"""Channels that the scan takes together; threads share a call at multiples of it."""

_POINTER, _INT, _REAL = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
_SIGNATURES: Signatures = {
    "isoline_scan": [_POINTER] * 7 + [_INT] * 7,
    "isoline_scan_adjoint": [_POINTER] * 10 + [_INT] * 7,
    "isoline_glu_norm": [_POINTER] * 5 + [_REAL] + [_POINTER] * 4 + [_INT] * 4,
    "isoline_glu_norm_adjoint": [_POINTER] * 12 + [_INT] * 4,
}


@cache
def kernels() -> Kernels:
    """Load and test once a process."""
    return first_loaded(built_libraries(), load)


def built_libraries() -> list[Path]:
    """Where the package's build put the libraries, the one for the widest vectors first."""
    return built(FOLDER, ("compiled_wide", "compiled"))


def load(path: Path) -> Kernels:
    """Load a library, unless it is stale, made for another processor, or wrong."""
    found = load_library(path, VERSION, source_digest() if SOURCE.is_file() else None, _SIGNATURES, first_fault)
    if found.library is not None:
        found.library.isoline_chains.argtypes, found.library.isoline_chains.restype = [_INT, _POINTER], _INT
    return found


def source_digest() -> str:
    """Start of the source's SHA-256."""
    return digest_of(SOURCE)


def shared(call: Callable[[int, int], None], items: int, threads: int, grain: int = 1) -> None:
    """Do items [0, items) in as many parts as there are threads, each a multiple of `grain`; C lets go of the GIL."""
    units = -(-items // grain)
    parts = max(1, min(threads, units))
    edges = [min(items, units * part // parts * grain) for part in range(parts + 1)]
    if parts == 1:
        call(0, items)
        return
    waiting = [_pool(threads).submit(call, edges[part], edges[part + 1]) for part in range(1, parts)]
    call(0, edges[1])
    for part in waiting:
        part.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="isoline-kernels")
