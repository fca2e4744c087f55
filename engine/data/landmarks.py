"""The index over landmarks: which recordings have one that looks like one of ours, among millions, without a scan.

A code of 64 bits is four words of 16. Codes that differ in at most seven bits have a word that differs in at most one;
so every table is asked for each word and for its sixteen neighbours (multi-index hashing: Norouzi, Punjani and Fleet,
CVPR 2012). Of codes that differ in more bits most are found too; a recording has many landmarks, one is enough. A
candidate is close over all words, or very close in two of them: that is how it is when a lead is missing or swapped.
Where both sides have many landmarks and the index is large, neighbours are not asked for: some landmarks agree in a
whole word, unless the filter was harsh (docs/leakage.md says how many are lost).

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
"""Landmarks from which on a recording has many."""

THOROUGH = 4_000_000
"""Landmarks (of about 330,000 recordings of 10 s) up to which neighbours are asked for even where both have many."""

_PROBES = np.array([0, *(1 << bit for bit in range(16))], dtype=np.uint16)
_EXACT = _PROBES[:1]
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
        self._ticks_A = np.asarray(prints.ticks_A[begin:end]).astype(np.int64)
        codes_A = np.ascontiguousarray(prints.codes_A[begin:end])
        many_A = np.repeat(counts >= MANY, counts)
        self._many = _Tables(codes_A, np.flatnonzero(many_A))
        self._few = _Tables(codes_A, np.flatnonzero(~many_A))

    def candidates(self, query: Fingerprint) -> Candidates:
        """Where landmarks stand whose codes are close to one of the query's; each pair of recording and shift once."""
        rich = len(query.codes_A) >= MANY
        hurried = rich and len(self._owners_A) > THOROUGH
        marks, asked, near = self._many.close_to(query.codes_A, _EXACT if hurried else _PROBES)
        rows, ticks, shifts = self._places(query, marks, asked)
        if rich:  # of the many landmarks of a copy some agree in a whole word, and with each other on the shift
            order = np.argsort((rows << 32) + shifts + (1 << 31), kind="stable")
            rows, ticks, shifts = rows[order], ticks[order], shifts[order]
            kept = near[order] | _in_company(rows, shifts)
            rows, ticks, shifts = rows[kept], ticks[kept], shifts[kept]
        marks, asked, _ = self._few.close_to(query.codes_A, _PROBES)
        more = self._places(query, marks, asked)
        rows, ticks, shifts = (np.concatenate(pair) for pair in zip((rows, ticks, shifts), more, strict=True))
        _, once = np.unique((rows << 32) + shifts + (1 << 31), return_index=True)
        return Candidates(rows[once], ticks[once], shifts[once])

    def _places(
        self, query: Fingerprint, marks: NDArray[np.int64], asked: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        ticks = self._ticks_A[marks]
        return self._owners_A[marks], ticks, query.ticks_A[asked].astype(np.int64) - ticks


class _Tables:
    """Some landmarks, in four orders. Each table has its own copy of the codes: neighbours are read in one go."""

    def __init__(self, codes_A: NDArray[np.uint64], chosen: NDArray[np.int64]) -> None:
        codes_A = codes_A[chosen]
        words_AW = codes_A.view("<u2").reshape(-1, WORDS)
        orders = [np.argsort(words_AW[:, word], kind="stable") for word in range(WORDS)]
        self._marks = [chosen[order].astype(np.uint32) for order in orders]
        self._codes = [codes_A[order] for order in orders]
        counts = [np.bincount(words_AW[:, word], minlength=1 << 16) for word in range(WORDS)]
        self._starts = [np.concatenate([[0], np.cumsum(count)]) for count in counts]

    def close_to(
        self, codes_a: NDArray[np.uint64], probes: NDArray[np.uint16]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Landmarks that are close to one of the codes, which one, and whether near; each pair once."""
        found = [self._in_table(word, codes_a, probes) for word in range(WORDS)]
        pairs, near = (np.concatenate([table[part] for table in found]) for part in (0, 1))
        pairs, first = np.unique(np.concatenate([pairs[near], pairs[~near]]), return_index=True)
        marks, asked = np.divmod(pairs, max(len(codes_a), 1))
        return marks, asked, first < np.count_nonzero(near)

    def _in_table(
        self, word: int, codes_a: NDArray[np.uint64], probes: NDArray[np.uint16]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """What one table finds close enough: landmark times number of ours plus which of ours; and whether near."""
        words_n = (codes_a.view("<u2").reshape(-1, WORDS)[:, word, None] ^ probes).ravel().astype(np.int64)
        from_n, to_n = self._starts[word][words_n], self._starts[word][words_n + 1]
        counts_n = to_n - from_n
        asked = np.repeat(np.repeat(np.arange(len(codes_a)), len(probes)), counts_n)
        ends = np.cumsum(counts_n)
        places = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(from_n - (ends - counts_n), counts_n)
        apart_nW = ones_by_word(self._codes[word][places] ^ codes_a[asked])
        apart = apart_nW.sum(axis=1, dtype=np.uint8)
        two = apart_nW[:, word] + np.delete(apart_nW, word, axis=1).min(axis=1)
        far = np.flatnonzero((apart <= FAR) | (two <= FAR_TWO))
        near = (apart[far] <= NEAR) | (two[far] <= NEAR_TWO)
        return self._marks[word][places[far]].astype(np.int64) * len(codes_a) + asked[far], near


def _in_company(rows: NDArray[np.int64], shifts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of candidates in the order of rows and shifts: those beside one of the same row and about the same shift."""
    beside = (rows[1:] == rows[:-1]) & (shifts[1:] - shifts[:-1] <= ALIKE)
    return np.asarray(np.append(beside, False) | np.insert(beside, 0, False), dtype=np.bool_)


def ones_by_word(codes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many bits of each word of each code are one, [n, 4]."""
    return np.asarray(_ONES[codes.view("<u2").reshape(-1, WORDS)], dtype=np.uint8)
