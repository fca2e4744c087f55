"""The tested recordings of one label by their scores, and who stands next to a threshold.

Legend: N recordings with a score, lowest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Mistake = Literal["missed", "false alarm"]


@dataclass(frozen=True)
class ScoredRecord:
    """One tested recording.

    Attributes:
        truth: whether it has the label; None where that is unknown.
    """

    record: str
    score: float
    truth: bool | None

    def mistake(self, threshold: float) -> Mistake | None:
        """What a threshold makes of it: a recording is called positive when its score is not below the threshold."""
        called = self.score >= threshold
        if self.truth is None or called == self.truth:
            return None
        return "false alarm" if called else "missed"


@dataclass(frozen=True, eq=False)
class ScoredRecords:
    """All tested recordings of a label that have a score, lowest first; equal scores in the order of their ids.

    Attributes:
        records: their ids.
        score_N: their scores, finite.
        truth_N: 1 with the label, 0 without, NaN unknown.
        silent: tested recordings without a score.
    """

    records: tuple[str, ...]
    score_N: NDArray[np.float64]
    truth_N: NDArray[np.float64]
    silent: int = 0

    @classmethod
    def of(cls, records: list[str], score_N: NDArray[np.float64], truth_N: NDArray[np.float64]) -> ScoredRecords:
        """Put recordings in order and set those without a score apart; all three are in one order, N long."""
        spoken_N = np.isfinite(score_N)
        order_N = np.lexsort((np.asarray(records, dtype=np.str_), score_N))
        order_N = order_N[spoken_N[order_N]]
        ids = tuple(records[place] for place in order_N.tolist())
        return cls(ids, np.asarray(score_N[order_N], dtype=np.float64), truth_N[order_N], int((~spoken_N).sum()))

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def unknown(self) -> int:
        """Recordings with a score whose label is not known."""
        return int(np.isnan(self.truth_N).sum())

    def one(self, place: int) -> ScoredRecord:
        """The recording at a place of the order, from 0."""
        truth = float(self.truth_N[place])
        return ScoredRecord(self.records[place], float(self.score_N[place]), None if np.isnan(truth) else truth == 1)

    def places(self, truth: bool) -> NDArray[np.intp]:
        """Places of the recordings with the label, or of those without, lowest score first."""
        return np.flatnonzero(self.truth_N == (1.0 if truth else 0.0))

    def wrong(self, threshold: float, truth: bool) -> int:
        """How many with the label a threshold misses, or how many without it raise a false alarm."""
        score = self.score_N[self.places(truth)]
        below = int(np.searchsorted(score, threshold, side="left"))
        return below if truth else len(score) - below

    def nearest(self, threshold: float, mistake: Mistake, most: int) -> list[ScoredRecord]:
        """The missed or the false alarms nearest to a threshold, the nearest first."""
        places = self.places(mistake == "missed")
        cut = int(np.searchsorted(self.score_N[places], threshold, side="left"))
        near = places[max(cut - most, 0) : cut][::-1] if mistake == "missed" else places[cut : cut + most]
        return [self.one(place) for place in near.tolist()]
