"""Whether two recordings are one: the index proposes, the signs of both decide.

The measure is a normalised cross-correlation of one side's filtered leads, limited to a tenth of their swing, with the
signs of the other side, at the shift that the landmarks give, averaged over the leads that both have. 1 is a copy, 0
chance. Limiting makes P waves, T waves and the fine structure between beats count as much as the QRS complex, which all
recordings of regular rhythm share.

Shapes: K leads (8), T ticks, S signs, c candidates, n signs compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.data.fingerprint import COMPARED, EDGE, FEWEST_LEADS, SHORTEST, TICKS_A_SIGN, TICKS_HZ, Fingerprint
from engine.data.landmarks import Candidates, LandmarkIndex
from engine.data.prints import Prints
from engine.signal.leads import PRECORDIAL

BLOCK_ROWS = 1_000_000
"""Rows that one index holds; larger prints are searched block by block, so that memory stays below 2 GB."""

LARGE = 10_000
"""Recordings above which a score must be better."""

_OVERLAPS_S, _NEEDED = (2.0, 2.5, 5.0, 10.0), (0.88, 0.85, 0.80, 0.72)
_STRICTER, _STRICTEST = 0.04, 0.93
_SHARE_OF_SWING = 0.1
_GLANCE = 100
_GLANCE_NEEDED = 0.4
_TRIED_SHIFTS = 8
_CHEST_K = np.array([lead in PRECORDIAL for lead in COMPARED])
_FEWEST_CHEST, _PRICE = 5, 0.06
_ONES = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)
_SIGN_OF_BIT = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little") * np.float32(2) - 1


@dataclass(frozen=True)
class Copy:
    """A recording that is a copy of the query.

    Attributes:
        row: its row in the prints.
        score: the measure, up to 1.
        overlap_s: seconds that both show.
        shift_s: how much later the query's clock is.
        exact: whether the samples are equal.
    """

    row: int
    score: float
    overlap_s: float
    shift_s: float
    exact: bool = False

    def turned(self) -> Copy:
        """The same, seen from the other recording; its row stays the one that was found."""
        return replace(self, shift_s=-self.shift_s)


def needed(overlap_s: float, among: int = 0) -> float:
    """The score from which on two recordings count as one; a short overlap must agree better.

    Among more than ten thousand recordings chance has more tries: each tenfold number asks for 0.04 more, up to 0.93.
    """
    least = float(np.interp(overlap_s, _OVERLAPS_S, _NEEDED))
    stricter = _STRICTER * max(0.0, float(np.log10(max(among, 1) / LARGE)))
    return max(least, min(_STRICTEST, least + stricter))


class Query:
    """One recording that is compared with many."""

    def __init__(self, own: Fingerprint) -> None:
        self.own = own
        swing_K1 = np.sqrt(np.mean(np.square(own.band_KT), axis=1, keepdims=True))
        limit_K1 = np.where(swing_K1 > 0, _SHARE_OF_SWING * swing_K1, 1)
        self._limited_KT = np.clip(own.band_KT / limit_K1, -1, 1)
        self._signs = [np.packbits(own.band_KT[:, p::TICKS_A_SIGN] > 0, axis=0, bitorder="little")[0] for p in range(4)]
        self._longest = max(len(signs) for signs in self._signs)
        self._signs_pS = np.stack([np.pad(signs, (0, self._longest - len(signs))) for signs in self._signs])

    def glance(self, prints: Prints, found: Candidates) -> NDArray[np.float64]:
        """Agreement of 2 s around each candidate's landmark, [c] from -1 to 1: cheap, to leave most aside."""
        starts_c = prints.sign_starts[found.rows_c].astype(np.int64)
        lengths_c = prints.sign_starts[found.rows_c + 1].astype(np.int64) - starts_c
        signs_cn = found.ticks_c[:, None] // TICKS_A_SIGN + np.arange(-_GLANCE // 4, _GLANCE - _GLANCE // 4)
        ticks_cn = signs_cn * TICKS_A_SIGN + found.shifts_c[:, None]
        inside_cn = (signs_cn >= 0) & (signs_cn < lengths_c[:, None]) & (ticks_cn >= 0)
        inside_cn &= ticks_cn < self.own.band_KT.shape[1]
        theirs_cn = prints.signs_S[np.where(inside_cn, starts_c[:, None] + signs_cn, 0)]
        ticks_cn = np.where(inside_cn, ticks_cn, 0)
        ours_cn = self._signs_pS[ticks_cn % TICKS_A_SIGN, ticks_cn // TICKS_A_SIGN]
        both_c = (prints.leads_N[found.rows_c] & self.own.leads).astype(np.uint8)
        differ_c = (_ONES[(theirs_cn ^ ours_cn) & both_c[:, None]] * inside_cn).sum(axis=1)
        counted_c = np.maximum(_ONES[both_c].astype(np.int64) * inside_cn.sum(axis=1), 1)
        return np.asarray(1 - 2 * differ_c / counted_c, dtype=np.float64)

    def score(self, signs_S: NDArray[np.uint8], leads: int, shift: int) -> tuple[float, int]:
        """The measure at a shift in ticks, and the number of signs that it compares; -1 where they are too few."""
        edge = EDGE // TICKS_A_SIGN
        first = max(edge, -((shift - EDGE) // TICKS_A_SIGN))
        last = min(len(signs_S) - edge, (self.own.band_KT.shape[1] - EDGE - shift) // TICKS_A_SIGN)
        both = leads & self.own.leads
        if last - first < SHORTEST or both.bit_count() < FEWEST_LEADS:
            return -1.0, 0
        begin = first * TICKS_A_SIGN + shift
        ours_Kn = self._limited_KT[:, begin : begin + (last - first) * TICKS_A_SIGN : TICKS_A_SIGN]
        theirs_Kn = _SIGN_OF_BIT[signs_S[first:last]].T
        held_K = np.array([both >> k & 1 for k in range(len(COMPARED))], dtype=bool)
        size_K = np.abs(ours_Kn).sum(axis=1)
        score_K = np.einsum("kn,kn->k", ours_Kn, theirs_Kn) / np.where(size_K > 0, size_K, 1)
        return max(float(score_K[held_K].mean()), _chest_only(score_K, held_K)), last - first


def find_copies(query: Query, prints: Prints, index: LandmarkIndex) -> list[Copy]:
    """The recordings of an index that are copies of the query, the most alike first."""
    if not query.own.can_be_compared:
        return []
    found = index.candidates(query.own)
    if not len(found.rows_c):
        return []
    alike_c = query.glance(prints, found)
    copies = []
    for row, shifts in _promising(found, alike_c).items():
        copy = compare(query, prints, row, shifts)
        if copy.score >= needed(copy.overlap_s, len(prints)):
            copies.append(copy)
    return sorted(copies, key=lambda copy: -copy.score)


def compare(query: Query, prints: Prints, row: int, shifts: set[int]) -> Copy:
    """The best score over some shifts and their neighbours."""
    signs_S, leads = prints.signs_of(row), int(prints.leads_N[row])
    tried = sorted({shift + step for shift in shifts for step in (-1, 0, 1)})
    scored = [(*query.score(signs_S, leads, shift), shift) for shift in tried]
    score, compared, shift = max(scored)
    return Copy(row, score, compared * TICKS_A_SIGN / TICKS_HZ, shift / TICKS_HZ)


def _chest_only(score_K: NDArray[np.float32], held_K: NDArray[np.bool_]) -> float:
    """The measure without the limb leads, at a price: so that swapped limb leads hide no copy."""
    held_K = held_K & _CHEST_K
    return float(score_K[held_K].mean()) - _PRICE if held_K.sum() >= _FEWEST_CHEST else -1.0


def blocks(rows: int) -> Iterator[tuple[int, int]]:
    """First and last row of each index over so many rows."""
    for first in range(0, rows, BLOCK_ROWS):
        yield first, min(rows, first + BLOCK_ROWS)


def _promising(found: Candidates, alike_c: NDArray[np.float64]) -> Mapping[int, set[int]]:
    """Shifts to look at by row, the most alike first and no more than a few."""
    promising: dict[int, set[int]] = defaultdict(set)
    for candidate in np.argsort(-alike_c, kind="stable"):
        if alike_c[candidate] < _GLANCE_NEEDED:
            break
        shifts = promising[int(found.rows_c[candidate])]
        if len(shifts) < _TRIED_SHIFTS:
            shifts.add(int(found.shifts_c[candidate]))
    return promising
