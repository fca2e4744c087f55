"""Many fingerprints in flat arrays, in memory or on a memory-mapped file; one recording is a slice of each.

Shapes: N recordings, S signs of all of them, A landmarks of all of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.data.fingerprint import EDGE, FEWEST_LEADS, SHORTEST, TICKS_A_SIGN, Fingerprint

_COLUMNS = {"keys": "Q", "leads": "B", "signs": "B", "ticks": "I", "codes": "Q", "sign_ends": "Q", "mark_ends": "Q"}
"""Columns of many fingerprints as they grow, and the type of each."""


@dataclass(frozen=True, eq=False)
class Prints:
    """Fingerprints of N recordings.

    Attributes:
        keys_N: [N] uint64, the 48 bits of each record id: equal for equal samples.
        leads_N: [N] uint8, bit k: lead k of a fingerprint is there.
        sign_starts: [N + 1] uint64, where each recording's signs begin.
        mark_starts: [N + 1] uint64, where its landmarks begin.
        signs_S: [S] uint8.
        ticks_A: [A] uint32.
        codes_A: [A] uint64.
    """

    keys_N: NDArray[np.uint64] = field(repr=False)
    leads_N: NDArray[np.uint8] = field(repr=False)
    sign_starts: NDArray[np.uint64] = field(repr=False)
    mark_starts: NDArray[np.uint64] = field(repr=False)
    signs_S: NDArray[np.uint8] = field(repr=False)
    ticks_A: NDArray[np.uint32] = field(repr=False)
    codes_A: NDArray[np.uint64] = field(repr=False)

    @classmethod
    def gather(cls, taken: Iterable[tuple[str, Fingerprint]]) -> Prints:
        """Fingerprints with their record ids as flat arrays, with no object left for any of them."""
        columns = {name: array(kind) for name, kind in _COLUMNS.items()}
        for record_id, found in taken:  # the filtered leads are let go at once: they are a hundred times as large
            columns["keys"].append(key_of(record_id))
            columns["leads"].append(found.leads)
            columns["signs"].frombytes(found.signs_S.astype(np.uint8, copy=False).tobytes())
            columns["ticks"].frombytes(found.ticks_A.astype(np.uint32, copy=False).tobytes())
            columns["codes"].frombytes(found.codes_A.astype(np.uint64, copy=False).tobytes())
            columns["sign_ends"].append(len(columns["signs"]))
            columns["mark_ends"].append(len(columns["ticks"]))
        flat = {name: np.frombuffer(column, dtype=column.typecode) for name, column in columns.items()}
        return cls(
            keys_N=flat["keys"],
            leads_N=flat["leads"],
            sign_starts=np.append(np.uint64(0), flat["sign_ends"]),
            mark_starts=np.append(np.uint64(0), flat["mark_ends"]),
            signs_S=flat["signs"],
            ticks_A=flat["ticks"],
            codes_A=flat["codes"],
        )

    def __len__(self) -> int:
        return len(self.keys_N)

    @property
    def comparable_N(self) -> NDArray[np.bool_]:
        """[N] `Fingerprint.can_be_compared` of each."""
        signs_N, marks_N = np.diff(self.sign_starts.astype(np.int64)), np.diff(self.mark_starts.astype(np.int64))
        leads_N = np.unpackbits(np.asarray(self.leads_N)[:, None], axis=1).sum(axis=1)
        enough_N = signs_N >= SHORTEST + 2 * EDGE // TICKS_A_SIGN
        return np.asarray(enough_N & (leads_N >= FEWEST_LEADS) & (marks_N > 0), dtype=np.bool_)

    def signs_of(self, row: int) -> NDArray[np.uint8]:
        """The signs of one recording, a view."""
        return self.signs_S[int(self.sign_starts[row]) : int(self.sign_starts[row + 1])]

    def marks_of(self, row: int) -> slice:
        """Where one recording's landmarks stand in `ticks_A` and `codes_A`."""
        return slice(int(self.mark_starts[row]), int(self.mark_starts[row + 1]))


def key_of(record_id: str) -> int:
    """The number that a record id stands for: "r" and 12 hexadecimal digits."""
    return int(record_id[1:], 16)
