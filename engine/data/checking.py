"""Whether a store still holds what was put into it: every sample and every index row against its checksum."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.contract.errors import WorldError
from engine.data import layout

if TYPE_CHECKING:
    from engine.data.store import Store

BLOCK_ROWS = 64
"""Recordings between two tellings of progress."""


@dataclass(frozen=True)
class Fault:
    """One recording of the store that is damaged, and how."""

    row: int
    record_id: str
    what: str


def faults_of(store: Store, first: int = 0, on_progress: Callable[[int], None] | None = None) -> list[Fault]:
    """Read everything from row `first` on and compare with the checksums; empty when all is well.

    Args:
        store: what is read; rows committed after it was opened are left out.
        first: rows before this one were read already.
        on_progress: told how many rows are done; may raise to stop.
    """
    faults = []
    for row in range(first, len(store)):
        what = _fault(store, row)
        if what:
            faults.append(Fault(row, store.entry(row).record_id, what))
        if on_progress and ((row + 1) % BLOCK_ROWS == 0 or row + 1 == len(store)):
            on_progress(row + 1)
    return faults


def _fault(store: Store, row: int) -> str:
    told = store.index_row(row)
    if not layout.stands(told):
        return "its line in the index does not match its checksum"
    try:
        steps_TC = store.crop_TC(row, 0, int(told["length"]))
    except WorldError as error:
        return error.reason
    return "" if zlib.crc32(steps_TC.data) == int(told["data_crc"]) else "its samples do not match their checksum"
