"""The compiled loops, if they are here, fit this processor and pass their self-test; otherwise the reason why not.

One C source (`isoline_kernels.c`) is compiled when the package is installed, where there is a compiler, and is loaded
here with ctypes: no torch interface, so one build serves every version of torch. Nothing depends on it: torch does the
same, slower. `ISOLINE_KERNELS=off` does without it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from engine.kernels.selftest import first_fault

VERSION = 1
SWITCH = "ISOLINE_KERNELS"
FOLDER = Path(__file__).parent
SOURCE = FOLDER / "isoline_kernels.c"
DIGEST_LENGTH = 16
LANES = 16
"""Channels that the scan takes together; threads share a call at multiples of it."""

_POINTER, _INT, _REAL = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
_SIGNATURES = {
    "isoline_scan": [_POINTER] * 7 + [_INT] * 7,
    "isoline_scan_adjoint": [_POINTER] * 10 + [_INT] * 7,
    "isoline_glu_norm": [_POINTER] * 5 + [_REAL] + [_POINTER] * 4 + [_INT] * 4,
    "isoline_glu_norm_adjoint": [_POINTER] * 12 + [_INT] * 4,
}


@dataclass(frozen=True)
class Kernels:
    """The library, loaded and tested, or the reason why there is none.

    Attributes:
        library: None where there is none.
        reason: why; empty where there is one.
    """

    library: ctypes.CDLL | None
    reason: str = ""

    @property
    def told(self) -> dict[str, str]:
        """For the engine's check."""
        if self.library is None:
            return {"state": "off", "reason": self.reason}
        return {"state": "on", "reason": "they passed their self-test"}


@cache
def kernels() -> Kernels:
    """Load and test once a process."""
    if os.environ.get(SWITCH, "").strip().lower() in ("off", "0", "no"):
        return Kernels(None, f"switched off by {SWITCH}")
    found = Kernels(None, "not compiled when Isoline was installed")
    for path in built_libraries():
        found = load(path)
        if found.library is not None:
            break
    return found


def built_libraries() -> list[Path]:
    """Where the package's build put the libraries, the one for the widest vectors first."""
    names = [f"{name}{suffix}" for name in ("compiled_wide", "compiled") for suffix in EXTENSION_SUFFIXES]
    return [path for name in names if (path := FOLDER / name).is_file()]


def load(path: Path) -> Kernels:
    """Load a library, unless it is stale, made for another processor, or wrong."""
    try:
        library = ctypes.CDLL(str(path))
        runs_here = library.isoline_runs_here()
        library.isoline_source.restype = ctypes.c_char_p
        version, source = library.isoline_version(), library.isoline_source().decode()
    except (OSError, AttributeError) as error:
        return Kernels(None, f"cannot be loaded ({type(error).__name__})")
    if not runs_here:
        return Kernels(None, "this processor lacks the instructions it was compiled for (AVX2, FMA)")
    if version != VERSION or (SOURCE.is_file() and source != source_digest()):
        return Kernels(None, "compiled from another version of the source; install Isoline again")
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, None
    library.isoline_chains.argtypes, library.isoline_chains.restype = [_INT, _POINTER], _INT
    fault = first_fault(library)
    return Kernels(None, f"failed its self-test: {fault}") if fault else Kernels(library)


def source_digest() -> str:
    """Start of the source's SHA-256; line ends do not count, since a checkout may change them."""
    text = SOURCE.read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(text).hexdigest()[:DIGEST_LENGTH]


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
