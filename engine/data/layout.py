"""How a store lies on disk: the index row, the names of the files, and the crossing from millivolts to int16.

    store/
      store.json         version of the layout
      index.bin          one row of fixed size per recording; a row that stands is committed
      keys.bin           the record ids in order, to find rows by; made anew from the index when it is missing
      shard-00000.bin    int16 little endian, time-major [T, 12] of one recording after the other
      lock               held by the one process that appends

Shapes: C leads (12), T samples.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.native import samples
from engine.signal.leads import CANONICAL

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
        ("exact", "<u2"),
        ("place", "<u2"),
        ("row_crc", "<u4"),
    ]
)
"""One recording in the index.

`origin` is the run that brought it; `exact` tells which leads are the file's own integers (bit 15 that it tells at
all); `place` counts the rows that were committed together, from 0; `row_crc` covers everything before it.
"""
EXACT_TOLD = 1 << 15
WHOLE_STEP = 0.02
"""How far float32 may put a whole number of steps beside itself; 32,767 steps are off by at most 0.008."""


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
    exact: tuple[bool, ...] | None = None
    """Per lead, whether it is kept as the very integers of its file; None in stores that did not note it."""


def shard_path(store: Path, shard: int) -> Path:
    """File of one shard."""
    return store / f"shard-{shard:05d}.bin"


def row_crc(row: np.void) -> int:
    """CRC-32 of an index row without its own checksum."""
    return zlib.crc32(row.tobytes()[:-4])


def stands(row: np.void) -> bool:
    """Whether an index row is whole."""
    return row_crc(row) == int(row["row_crc"])


def bits(flags: tuple[bool, ...]) -> int:
    """Twelve flags as an integer, lead I lowest."""
    return sum(1 << i for i, flag in enumerate(flags) if flag)


def flags(mask: int) -> tuple[bool, ...]:
    """The twelve flags of an integer."""
    return tuple(bool(mask >> i & 1) for i in range(LEADS))


def rounding(row: np.void) -> dict[str, float]:
    """Leads of an index row that are not kept as the integers of a file, with the largest error in millivolts."""
    exact, there, steps_per_mv = flags(int(row["exact"])), flags(int(row["present"])), row["steps_per_mv"].tolist()
    return {lead: 0.5 / steps_per_mv[n] for n, lead in enumerate(CANONICAL) if there[n] and not exact[n]}


class Steps(NamedTuple):
    """A signal as it is kept.

    Attributes:
        steps_TC: int16, -32768 where a sample is missing.
        steps_per_mv: [12] float64.
        exact: per lead, whether these are the very integers of the file.
    """

    steps_TC: NDArray[np.int16]
    steps_per_mv: NDArray[np.float64]
    exact: tuple[bool, ...]


def to_steps(signal_CT: NDArray[np.float32], resolution_mv: NDArray[np.float64] | None) -> Steps:
    """Millivolts as int16.

    Lossless where the file held integers that fit into int16. Where they do not (an offset of more than 32,767 steps)
    or a lead holds decimals (also one that was computed from others), the lead is scaled to the full range: the error
    is at most half a step, that is 1/65,534 of the lead's largest value.

    Args:
        signal_CT: [12, T] millivolts, NaN where missing.
        resolution_mv: [12] millivolts per step where the file held integers, else None.

    Raises:
        WorldError: a sample is infinite.
    """
    missing_CT = np.isnan(signal_CT)
    holes = bool(missing_CT.any())
    if holes:
        signal_CT = np.where(missing_CT, np.float32(0), signal_CT)
    largest = np.maximum(signal_CT.max(axis=1), -signal_CT.min(axis=1)).astype(np.float64)
    if not np.isfinite(largest).all():
        raise WorldError("recording", "a sample of it is infinite", "Export it again from its source")
    fitting = LARGEST / np.maximum(largest, 1e-6)
    steps_per_mv, exact_C = fitting.copy(), np.zeros(LEADS, dtype=np.bool_)
    if resolution_mv is not None:
        with np.errstate(invalid="ignore", divide="ignore"):  # an absent lead may have no resolution
            exact_C = np.rint(largest / resolution_mv) <= LARGEST
        steps_per_mv[exact_C] = 1.0 / resolution_mv[exact_C]
    scaled_CT = _scaled(signal_CT, steps_per_mv)
    whole_CT = np.rint(scaled_CT)
    if exact_C.any():
        scaled_CT -= whole_CT
        decimals_C = exact_C & (np.maximum(scaled_CT.max(axis=1), -scaled_CT.min(axis=1)) > WHOLE_STEP)
        exact_C &= ~decimals_C
        steps_per_mv[decimals_C] = np.maximum(fitting, steps_per_mv)[decimals_C]
        whole_CT[decimals_C] = np.rint(_scaled(signal_CT[decimals_C], steps_per_mv[decimals_C]))
    steps_CT = whole_CT.astype("<i2")
    if holes:
        steps_CT[missing_CT] = MISSING
    return Steps(np.ascontiguousarray(steps_CT.T), steps_per_mv, tuple(bool(lead) for lead in exact_C))


def _scaled(signal_CT: NDArray[np.float32], steps_per_mv: NDArray[np.float64]) -> NDArray[np.float32]:
    # float32 is enough: its relative error of 2**-23 moves no int16 by half a step.
    return np.asarray(signal_CT * steps_per_mv.astype(np.float32)[:, None])


def to_millivolts(steps_TC: NDArray[np.int16], steps_per_mv: NDArray[np.float64]) -> NDArray[np.float32]:
    """int16 [T, 12] as float32 millivolts [12, T], NaN where missing; where lossless, bit-equal to the reader's."""
    gain_C = steps_per_mv.astype(np.float32)
    if samples.ready() and steps_TC.flags.c_contiguous:
        return samples.millivolts(steps_TC, MISSING, None, gain_C)
    signal_CT = np.empty(steps_TC.shape[::-1], dtype=np.float32)
    signal_CT[:] = steps_TC.T
    signal_CT /= gain_C[:, None]
    missing_TC = steps_TC == MISSING
    if missing_TC.any():
        signal_CT[missing_TC.T] = np.nan
    return signal_CT
