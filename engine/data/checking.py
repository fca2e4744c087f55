"""Whether a store still holds what was put into it: every sample and every index row against its checksum."""

from __future__ import annotations

import zlib
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


def faults_of(store: Store, first: int = 0, end: int | None = None) -> list[Fault]:
    """Read the rows from `first` to before `end` and compare with the checksums; empty when all is well.

    Args:
        store: what is read; rows committed after it was opened are left out.
        first: the first row.
        end: the row after the last one; all when left out.
    """
    found = ((row, _fault(store, row)) for row in range(first, len(store) if end is None else end))
    return [Fault(row, store.entry(row).record_id, what) for row, what in found if what]


def _fault(store: Store, row: int) -> str:
    told = store.index_row(row)
    if not layout.stands(told):
        return "its line in the index does not match its checksum"
    try:
        steps_TC = store.crop_TC(row, 0, int(told["length"]))
    except WorldError as error:
        return error.reason
    return "" if zlib.crc32(steps_TC.data) == int(told["data_crc"]) else "its samples do not match their checksum"
