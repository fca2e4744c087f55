"""Golden ECGs: a few shipped recordings that everybody runs, so that two programs can be held against each other.

Kept as an .npz: `names` [G], `rate_hz` [G], and `signal_0` ... float32 [12, T] in millivolts, canonical order.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError


@dataclass(frozen=True)
class GoldenECG:
    """One shipped recording: twelve leads [12, T] in millivolts, at its own rate."""

    name: str
    signal_CT: NDArray[np.float32]
    rate_hz: float


def write_golden(path: Path, golden: Sequence[GoldenECG]) -> None:
    """Write them as an .npz; raises OSError where that fails."""
    arrays: dict[str, NDArray[np.generic]] = {f"signal_{n}": one.signal_CT for n, one in enumerate(golden)}
    arrays["names"] = np.array([one.name for one in golden])
    arrays["rate_hz"] = np.array([one.rate_hz for one in golden], dtype=np.float64)
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stubs take a name for allow_pickle


def read_golden(path: Path) -> list[GoldenECG]:
    """Read what `write_golden` wrote. Raises WorldError when it is missing or damaged."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            rates = file["rate_hz"].tolist()
            return [
                GoldenECG(str(name), file[f"signal_{n}"].astype(np.float32), float(rate))
                for n, (name, rate) in enumerate(zip(file["names"].tolist(), rates, strict=True))
            ]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = f"they cannot be read ({type(error).__name__})"
        raise WorldError("golden ECGs of the run", reason, "Ask for the vetting again") from None


def golden_sha256(golden: Sequence[GoldenECG]) -> str:
    """Hash of names, rates and samples, in order: what was run, whatever file it came in."""
    digest = hashlib.sha256()
    for one in golden:
        digest.update(f"{one.name}\n{one.rate_hz:g}\n{one.signal_CT.shape}\n".encode())
        digest.update(np.ascontiguousarray(one.signal_CT, dtype="<f4").tobytes())
    return digest.hexdigest()
