"""Many fingerprints in flat arrays, in memory or on a memory-mapped file; one recording is a slice of each.

Shapes: N recordings, S signs of all of them, A landmarks of all of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.data.fingerprint import Fingerprint


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
        """Fingerprints with their record ids as flat arrays."""
        keys, leads = array("Q"), bytearray()
        signs, ticks, codes = [np.empty(0, np.uint8)], [np.empty(0, np.uint32)], [np.empty(0, np.uint64)]
        for record_id, found in taken:  # the filtered leads are let go at once: they are a hundred times as large
            keys.append(key_of(record_id))
            leads.append(found.leads)
            signs.append(found.signs_S)
            ticks.append(found.ticks_A)
            codes.append(found.codes_A)
        return cls(
            keys_N=np.array(keys, dtype=np.uint64),
            leads_N=np.frombuffer(bytes(leads), dtype=np.uint8),
            sign_starts=_starts(signs),
            mark_starts=_starts(ticks),
            signs_S=np.concatenate(signs),
            ticks_A=np.concatenate(ticks),
            codes_A=np.concatenate(codes),
        )

    def __len__(self) -> int:
        return len(self.keys_N)

    def signs_of(self, row: int) -> NDArray[np.uint8]:
        """The signs of one recording, a view."""
        return self.signs_S[int(self.sign_starts[row]) : int(self.sign_starts[row + 1])]

    def marks_of(self, row: int) -> slice:
        """Where one recording's landmarks stand in `ticks_A` and `codes_A`."""
        return slice(int(self.mark_starts[row]), int(self.mark_starts[row + 1]))


def key_of(record_id: str) -> int:
    """The number that a record id stands for: "r" and 12 hexadecimal digits."""
    return int(record_id[1:], 16)


def _starts(parts: Sequence[NDArray[np.generic]]) -> NDArray[np.uint64]:
    """Where each part but the first, which is empty, begins; and where the last one ends."""
    return np.cumsum([len(part) for part in parts], dtype=np.uint64)
