"""Where the recordings of one row of a strip of scores lie: marks stacked in narrow columns, bars where they are many.

The same recordings in the same room always lie in the same places. A row whose fullest column has room for each of its
recordings shows each as a mark, closer together where there are more. Else columns of more than a few become bars,
whose height grows with the logarithm of their number, so that one recording and ten thousand can both be seen.

Legend: M marks, C columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.scored_records import ScoredRecords

STEP = 7.0
"""Width of a column and height of a mark, in pixels."""
CLOSEST = 4.2
"""Least height that a mark takes, in pixels: below, they run together."""
FEW = 3
"""So many stay marks beside bars: who stands alone in a crowded row is who one looks for."""
REACH = 9.0
"""How far from a mark a press may be, in pixels."""


@dataclass(frozen=True)
class ScoreAxis:
    """Scores from left to right, in pixels."""

    low: float
    high: float
    left: float
    right: float

    @classmethod
    def around(cls, scored: ScoredRecords, left: float, right: float) -> ScoreAxis:
        """The axis that holds all scores, a little wider than they are."""
        low, high = (float(scored.score_N[0]), float(scored.score_N[-1])) if len(scored) else (0.0, 1.0)
        room = 0.02 * (high - low) or max(abs(low), 1.0) / 2
        return cls(low - room, high + room, left, max(right, left + STEP))

    def x_of(self, score: float) -> float:
        """The place of a score; at an edge where it lies beyond."""
        share = (score - self.low) / (self.high - self.low)
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def score_at(self, x: float) -> float:
        """The score at a place."""
        return self.low + (self.high - self.low) * (x - self.left) / (self.right - self.left)

    def ticks(self, room: float = 70.0) -> list[float]:
        """Round scores with at least so many pixels between two."""
        least = (self.high - self.low) * room / (self.right - self.left)
        unit = 10.0 ** math.floor(math.log10(least))
        step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= least * 0.999)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(step * n, 12) + 0.0 for n in range(first, last + 1)]


@dataclass(frozen=True)
class Bar:
    """Many recordings in one column.

    Attributes:
        left: its edge, in pixels; it is `STEP` wide.
        high: its height.
        first: of its recordings in the row, counted from 0.
        end: the first one after it.
    """

    left: float
    high: float
    first: int
    end: int


class RowLayout:
    """One row of recordings over a base line; y grows upwards from it.

    Args:
        scored: all tested recordings.
        places: those of the row, by their places among all, lowest score first.
        axis: of the scores.
        high: of the row, in pixels.
    """

    def __init__(self, scored: ScoredRecords, places: NDArray[np.intp], axis: ScoreAxis, high: float) -> None:
        self.scored, self.places, self.axis, self.high = scored, places, axis, high
        self.score = scored.score_N[places]
        columns = max(int((axis.right - axis.left) // STEP), 1)
        share = (self.score - axis.low) / (axis.high - axis.low)
        self._column = np.minimum((share * (axis.right - axis.left) / STEP).astype(np.intp), columns - 1)
        self._first_C = np.searchsorted(self._column, np.arange(columns + 1))
        count_C = np.diff(self._first_C)
        self._most = int(count_C.max(initial=0))
        all_marks = self._most <= max(int(high // CLOSEST), 1)
        most_marks = self._most if all_marks else FEW
        pitch = min(STEP, high / max(self._most, 1)) if all_marks else STEP
        crowded_C = count_C > most_marks
        self.bars = [self._bar(column) for column in np.flatnonzero(crowded_C).tolist()]
        self._bar_of = {int(self._column[bar.first]): bar for bar in self.bars}
        rank = np.arange(len(places)) - self._first_C[self._column]
        self.mark_M = np.flatnonzero(~crowded_C[self._column])
        """Of the row's recordings, those that are marks."""
        self.x = axis.left + STEP * (self._column + 0.5)
        self.y = pitch * (rank + 0.5)

    def _bar(self, column: int) -> Bar:
        first, end = int(self._first_C[column]), int(self._first_C[column + 1])
        share = math.log((end - first) / FEW) / math.log(self._most / FEW)
        floor = FEW * STEP
        high = min(floor + max(self.high - floor, 0.0) * share, self.high)
        return Bar(self.axis.left + STEP * column, high, first, end)

    def bar_of(self, number: int) -> Bar | None:
        """The bar that a recording of the row is part of, if it is."""
        return self._bar_of.get(int(self._column[number]))

    def spot(self, number: int) -> tuple[float, float]:
        """Where a recording of the row is to be ringed: at its mark, or at its score in the middle of its bar."""
        bar = self.bar_of(number)
        if bar is None:
            return float(self.x[number]), float(self.y[number])
        return self.axis.x_of(float(self.score[number])), bar.high / 2

    def at(self, x: float, y: float) -> int | None:
        """The recording of the row at a place: that of the nearest mark, or of a bar the one whose score lies there."""
        column = math.floor((x - self.axis.left) / STEP)
        bar = self._bar_of.get(column)
        if bar is not None and y <= bar.high + REACH:
            near = int(np.searchsorted(self.score, self.axis.score_at(x)))
            return min(max(near, bar.first), bar.end - 1)
        far = np.hypot(self.x[self.mark_M] - x, self.y[self.mark_M] - y)
        nearest = int(np.argmin(far)) if len(far) else -1
        return int(self.mark_M[nearest]) if nearest >= 0 and far[nearest] <= REACH else None
