"""A library that the package's build compiled, if it is here, fits this processor and passes its self-test.

C sources are compiled when the package is installed, where there is a compiler, and are loaded with ctypes: no
interface of Python or torch, so one build serves every version of them. Nothing depends on compiled code: numpy or
torch does the same, slower. `ISOLINE_KERNELS=off` does without it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

SWITCH = "ISOLINE_KERNELS"
DIGEST_LENGTH = 16
Signatures = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Kernels:
    """A library, loaded and tested, or the reason why there is none.

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


def first_loaded(paths: Sequence[Path], load: Callable[[Path], Kernels]) -> Kernels:
    """The first library that can be used, unless all are switched off; else why the last one cannot."""
    if os.environ.get(SWITCH, "").strip().lower() in ("off", "0", "no"):
        return Kernels(None, f"switched off by {SWITCH}")
    found = Kernels(None, "not compiled when Isoline was installed")
    for path in paths:
        found = load(path)
        if found.library is not None:
            break
    return found


def built(folder: Path, names: Sequence[str]) -> list[Path]:
    """Where the package's build put libraries of these names, in their order."""
    files = [f"{name}{suffix}" for name in names for suffix in EXTENSION_SUFFIXES]
    return [path for file in files if (path := folder / file).is_file()]


def load_library(
    path: Path,
    version: int,
    digest: str | None,
    signatures: Signatures,
    first_fault: Callable[[ctypes.CDLL], str],
) -> Kernels:
    """Load a library, unless it is stale, made for another processor, or wrong.

    Args:
        path: the file.
        version: of its interface.
        digest: of the source that it must have been made of; None where the source is not here.
        signatures: arguments of its functions, none of which gives anything back.
        first_fault: its self-test; names the first function that is wrong, or nothing.
    """
    try:
        library = ctypes.CDLL(str(path))
        runs_here = library.isoline_runs_here()
        library.isoline_source.restype = ctypes.c_char_p
        found, source = library.isoline_version(), library.isoline_source().decode()
    except (OSError, AttributeError) as error:
        return Kernels(None, f"cannot be loaded ({type(error).__name__})")
    if not runs_here:
        return Kernels(None, "this processor lacks the instructions it was compiled for (AVX2, FMA)")
    if found != version or digest not in (None, source):
        return Kernels(None, "compiled from another version of the source; install Isoline again")
    for name, arguments in signatures.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, None
    fault = first_fault(library)
    return Kernels(None, f"failed its self-test: {fault}") if fault else Kernels(library)


def digest_of(source: Path) -> str:
    """Start of a source's SHA-256; line ends do not count, since a checkout may change them."""
    text = source.read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(text).hexdigest()[:DIGEST_LENGTH]
