"""How a store lies on disk: the index row, the names of the files, and the crossing from millivolts to int16.

    store/
      store.json         version of the layout
      index.bin          one row of fixed size per recording; a row that stands is committed
      shard-00000.bin    int16 little endian, time-major [T, 12] of one recording after the other
      lock               held by the one process that appends

Shapes: C leads (12), T samples.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.signal.leads import CANONICAL
from engine.signal.recording import Recording

VERSION = 1
MISSING = -32768
"""Stands for a missing sample; the useful range is plus and minus 32,767."""
LARGEST = 32767
LEADS = len(CANONICAL)
SAMPLE_BYTES = 2 * LEADS
SHARD_BYTES = 2**30

ROW = np.dtype(
    [
        ("signal_sha256", "V32"),
        ("file_sha256", "V32"),
        ("origin", "S32"),
        ("rate_hz", "<f8"),
        ("steps_per_mv", "<f8", (LEADS,)),
        ("offset", "<u8"),
        ("length", "<u4"),
        ("shard", "<u4"),
        ("present", "<u2"),
        ("derived", "<u2"),
        ("data_crc", "<u4"),
        ("reserved", "<u4"),
        ("row_crc", "<u4"),
    ]
)
"""One recording in the index. `origin` is the run that brought it; `row_crc` covers everything before it."""


@dataclass(frozen=True)
class StoreEntry:
    """What the index says of one recording."""

    record_id: str
    rate_hz: float
    length: int
    present: tuple[bool, ...]
    derived: tuple[str, ...]
    file_sha256: str
    signal_sha256: str


def shard_path(store: Path, shard: int) -> Path:
    """File of one shard."""
    return store / f"shard-{shard:05d}.bin"


def row_crc(row: np.void) -> int:
    """CRC-32 of an index row without its own checksum."""
    return zlib.crc32(row.tobytes()[:-4])


def bits(flags: tuple[bool, ...]) -> int:
    """Twelve flags as an integer, lead I lowest."""
    return sum(1 << i for i, flag in enumerate(flags) if flag)


def flags(mask: int) -> tuple[bool, ...]:
    """The twelve flags of an integer."""
    return tuple(bool(mask >> i & 1) for i in range(LEADS))


def to_steps(recording: Recording) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """A recording as int16 [T, 12] and its steps per millivolt [12].

    Lossless where the file held integers that fit into int16. Where they do not (an offset of more than 32,767 steps)
    or the file held decimals, a lead is scaled to the full range: the error is at most half a step, that is
    1/65,534 of the lead's largest value.
    """
    signal_CT = recording.signal_CT
    missing_CT = np.isnan(signal_CT)
    holes = bool(missing_CT.any())
    if holes:
        signal_CT = np.where(missing_CT, np.float32(0), signal_CT)
    largest = np.maximum(signal_CT.max(axis=1), -signal_CT.min(axis=1)).astype(np.float64)
    fitting = LARGEST / np.maximum(largest, 1e-6)
    exact = np.full(LEADS, np.inf) if recording.resolution_mv is None else 1.0 / recording.resolution_mv
    with np.errstate(invalid="ignore"):
        steps_per_mv = np.where(np.rint(largest * exact) <= LARGEST, exact, fitting)
    # float32 is enough: its relative error of 2**-23 moves no int16 by half a step.
    scaled_CT = signal_CT * steps_per_mv.astype(np.float32)[:, None]
    np.rint(scaled_CT, out=scaled_CT)
    steps_CT = scaled_CT.astype("<i2")
    if holes:
        steps_CT[missing_CT] = MISSING
    return np.ascontiguousarray(steps_CT.T), steps_per_mv


def to_millivolts(
    steps_TC: NDArray[np.int16], steps_per_mv: NDArray[np.float64], out_CT: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """int16 [T, 12] as float32 millivolts [12, T], NaN where missing; where lossless, bit-equal to the reader's.

    They are written to `out_CT` where it is given.
    """
    signal_CT = np.empty(steps_TC.shape[::-1], dtype=np.float32) if out_CT is None else out_CT
    signal_CT[:] = steps_TC.T
    signal_CT /= steps_per_mv.astype(np.float32)[:, None]
    missing_TC = steps_TC == MISSING
    if missing_TC.any():
        signal_CT[missing_TC.T] = np.nan
    return signal_CT
