"""The index over landmarks: which recordings have one that looks like one of ours, among millions, without a scan.

A code of 64 bits is four words of 16. Codes that differ in at most seven bits have a word that differs in at most one;
so every table is asked for each word and for its sixteen neighbours (multi-index hashing: Norouzi, Punjani and Fleet,
CVPR 2012). Of codes that differ in more bits most are found too; a recording has many landmarks, one is enough. A
candidate is close over all words, or very close in two of them: that is how it is when a lead is missing or swapped.

Shapes: A landmarks of the index, a landmarks of the query, c candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.data.fingerprint import Fingerprint
from engine.data.prints import Prints

WORDS = 4
FAR, FAR_TWO = 12, 2
"""Bits in which the codes of one landmark of two copies differ at most, and in which the best two words do."""

NEAR, NEAR_TWO = 8, 0
"""The same where both have many landmarks: one of them is as close, or two of them agree on the shift."""

ALIKE = 3
"""Ticks by which two landmarks of a copy differ in their shift at most."""

MANY = 6
_PROBES = np.array([0, *(1 << bit for bit in range(16))], dtype=np.uint16)
_ONES = np.array([bin(word).count("1") for word in range(1 << 16)], dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Recordings that may be copies, and how they lie to the query.

    Attributes:
        rows_c: [c] row in the prints.
        ticks_c: [c] tick of the landmark in the recording.
        shifts_c: [c] ticks by which the query's clock is ahead of the recording's.
    """

    rows_c: NDArray[np.int64]
    ticks_c: NDArray[np.int64]
    shifts_c: NDArray[np.int64]


class LandmarkIndex:
    """Landmarks of the rows `first` to `last` of some prints, sorted by each of their words."""

    def __init__(self, prints: Prints, first: int = 0, last: int | None = None) -> None:
        last = len(prints) if last is None else last
        begin, end = int(prints.mark_starts[first]), int(prints.mark_starts[last])
        starts = np.asarray(prints.mark_starts[first : last + 1], dtype=np.int64)
        counts = starts[1:] - starts[:-1]
        self._owners_A = np.repeat(np.arange(first, last, dtype=np.int64), counts)
        self._many_A = np.repeat(counts >= MANY, counts)
        self._ticks_A = np.asarray(prints.ticks_A[begin:end]).astype(np.int64)
        codes_A = np.ascontiguousarray(prints.codes_A[begin:end])
        words_AW = codes_A.view("<u2").reshape(-1, WORDS)
        # Each table has its own copy of the codes in its own order: neighbours are read in one go.
        self._orders = [np.argsort(words_AW[:, word], kind="stable").astype(np.uint32) for word in range(WORDS)]
        self._codes = [codes_A[order] for order in self._orders]
        everything = np.arange((1 << 16) + 1)
        self._starts = [
            np.searchsorted(words_AW[order, word], everything).astype(np.int64)
            for word, order in enumerate(self._orders)
        ]

    def candidates(self, query: Fingerprint) -> Candidates:
        """Where landmarks stand whose codes are close to one of the query's; each pair of recording and shift once."""
        found = [self._in_table(word, query.codes_A) for word in range(WORDS)]
        pairs, near = (np.concatenate([table[part] for table in found]) for part in (0, 1))
        pairs, first = np.unique(pairs, return_index=True)
        marks, asked = np.divmod(pairs, len(query.codes_A))
        rows, ticks = self._owners_A[marks], self._ticks_A[marks]
        shifts = query.ticks_A[asked].astype(np.int64) - ticks
        order = np.argsort((rows << 32) + shifts + (1 << 31), kind="stable")
        rows, ticks, shifts, marks = rows[order], ticks[order], shifts[order], marks[order]
        kept = near[first][order] | _in_company(rows, shifts)
        if len(query.codes_A) < MANY:
            kept[:] = True
        kept |= ~self._many_A[marks]
        kept[1:] &= (rows[1:] != rows[:-1]) | (shifts[1:] != shifts[:-1]) | ~kept[:-1]
        return Candidates(rows[kept], ticks[kept], shifts[kept])

    def _in_table(self, word: int, codes_a: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """What one table finds close enough: landmark times number of ours plus which of ours; and whether near."""
        probes_ap = codes_a.view("<u2").reshape(-1, WORDS)[:, word, None] ^ _PROBES
        starts = self._starts[word]
        from_n, to_n = starts[probes_ap.ravel()], starts[probes_ap.ravel().astype(np.int64) + 1]
        counts_n = to_n - from_n
        asked = np.repeat(np.repeat(np.arange(len(codes_a)), len(_PROBES)), counts_n)
        ends = np.cumsum(counts_n)
        places = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(from_n - (ends - counts_n), counts_n)
        apart_nW = ones_by_word(self._codes[word][places] ^ codes_a[asked])
        apart = apart_nW.sum(axis=1, dtype=np.uint8)
        two = apart_nW[:, word] + np.delete(apart_nW, word, axis=1).min(axis=1)
        far = np.flatnonzero((apart <= FAR) | (two <= FAR_TWO))
        near = (apart[far] <= NEAR) | (two[far] <= NEAR_TWO)
        return self._orders[word][places[far]].astype(np.int64) * len(codes_a) + asked[far], near


def _in_company(rows: NDArray[np.int64], shifts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of candidates in the order of rows and shifts: those beside one of the same row and about the same shift."""
    beside = (rows[1:] == rows[:-1]) & (shifts[1:] - shifts[:-1] <= ALIKE)
    return np.asarray(np.append(beside, False) | np.insert(beside, 0, False), dtype=np.bool_)


def ones_by_word(codes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many bits of each word of each code are one, [n, 4]."""
    return np.asarray(_ONES[codes.view("<u2").reshape(-1, WORDS)], dtype=np.uint8)
