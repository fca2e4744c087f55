"""How well scores rank positives above negatives: AUROC as a weighted Mann-Whitney statistic, ties counted half.

Legend: N recordings with a known label and a score, P patients, B resamples, G groups of equal scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.native import ranks

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Counts = NDArray[np.int16]

_CELLS = 4_000_000
"""Weights held at once while resampling: 32 MB of float64 an array, whatever the test set's size."""


def auroc(y_N: ArrayLike, score_N: ArrayLike, weight_N: ArrayLike | None = None) -> float:
    """Area under the ROC curve: the chance that a positive outscores a negative, ties counted half.

    Args:
        y_N: 1 for positive, 0 for negative.
        score_N: finite scores, higher means more likely positive.
        weight_N: non-negative weights, for instance how often a recording was drawn; all 1 when left out.

    Returns:
        The area, or NaN when a class has no weight: undefined is undefined, never 0.5.
    """
    y = np.asarray(y_N, dtype=np.float64)
    weight = np.ones(len(y)) if weight_N is None else np.asarray(weight_N, dtype=np.float64)
    ranked = Ranked.of(y, np.asarray(score_N, dtype=np.float64), np.arange(len(y)))
    return float(ranked.resampled(weight[:, None])[0])


def label_problem(y_N: Floats) -> str:
    """Why these labels are none; unknown ones (NaN) are labels."""
    return "" if (np.isnan(y_N) | (y_N == 0) | (y_N == 1)).all() else "labels other than 0 and 1"


def placements(y_N: Floats, score_N: Floats) -> tuple[Floats, Floats]:
    """Placement values: the share of negatives below each positive, and of positives above each negative.

    Their means are both the AUROC (DeLong 1988, by the midranks of Sun and Xu 2014, O(n log n)).

    Returns:
        v10 for each positive and v01 for each negative, in the order of the rows.
    """
    positive = y_N > 0.5
    m, n = int(positive.sum()), int((~positive).sum())
    rank_N = midranks(score_N)
    v10 = (rank_N[positive] - midranks(score_N[positive])) / n
    v01 = 1.0 - (rank_N[~positive] - midranks(score_N[~positive])) / m
    return v10, v01


def midranks(score_N: Floats) -> Floats:
    """Ranks from 1 [n]; equal scores share the mean of theirs. `scipy.stats` has it too and takes a second to load."""
    _, place_N, count_U = np.unique(score_N, return_inverse=True, return_counts=True)
    mean_U = np.cumsum(count_U) - (count_U - 1) / 2
    return np.asarray(mean_U[place_N])


@dataclass(frozen=True)
class Ranked:
    """Scores sorted once, so that every resample is a weighted rank sum and no sort.

    Attributes:
        patient_N: patient code of each recording, in the order of the scores.
        positive_N: whether it is positive, in that order.
        group_N: which group of equal scores it belongs to.
        first_G: where each group starts.
    """

    patient_N: Ints
    positive_N: NDArray[np.bool_]
    group_N: Ints
    first_G: Ints

    @classmethod
    def of(cls, y_N: Floats, score_N: Floats, patient_N: Ints) -> Ranked:
        """Sort the recordings of one label by score."""
        order = np.argsort(score_N, kind="stable")
        ordered = score_N[order]
        starts = np.ones(len(ordered), dtype=bool)
        starts[1:] = ordered[1:] != ordered[:-1]
        return cls(patient_N[order], y_N[order] > 0.5, np.cumsum(starts) - 1, np.flatnonzero(starts))

    def resampled(self, weight_PB: NDArray[np.generic]) -> Floats:
        """AUROC of every resample; NaN where a class has no weight. Exact for whole-numbered weights.

        Args:
            weight_PB: how often each patient was drawn in each resample.
        """
        compiled = self.compiled_weights(weight_PB)
        if compiled is None:
            return self.in_chunks(weight_PB, self._chunk)
        twice_wins_B, twice_negatives_B, positives_B = ranks.rank_sums(*self._steps(), compiled)
        with np.errstate(invalid="ignore"):
            return twice_wins_B / (positives_B.astype(np.float64) * twice_negatives_B)

    def compiled_weights(self, weight_PB: NDArray[np.generic]) -> Counts | None:
        """The weights as compiled code takes them; None where numpy's way is to be taken."""
        if not ranks.ready() or weight_PB.dtype != np.int16:
            return None
        whole_PB: Counts = np.ascontiguousarray(weight_PB, dtype=np.int16)
        return whole_PB if ranks.fits(whole_PB, len(self.patient_N)) else None

    def in_chunks(self, weight_PB: NDArray[np.generic], statistic: Callable[[NDArray[np.generic]], Floats]) -> Floats:
        """A statistic of every resample, of as many resamples at a time as memory allows; NaN without recordings."""
        resamples = weight_PB.shape[1]
        if len(self.patient_N) == 0:
            return np.full(resamples, np.nan)
        step = max(1, _CELLS // len(self.patient_N))
        parts = [statistic(weight_PB[:, start : start + step]) for start in range(0, resamples, step)]
        return np.concatenate(parts)

    def group_sums(self, weight_PB: NDArray[np.generic]) -> tuple[Floats, Floats]:
        """Weight of the positives and of the negatives in each group of equal scores, [G, B] each."""
        return self._group_sums(weight_PB, self.positive_N), self._group_sums(weight_PB, ~self.positive_N)

    def _steps(self) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """What compiled code does along the scores, lowest first."""
        groups, group_N, positive_N = len(self.first_G), self.group_N, self.positive_N
        positives_G = np.bincount(group_N[positive_N], minlength=groups)
        tied_N = ((positives_G > 0) & (positives_G < np.bincount(group_N, minlength=groups)))[group_N] & ~positive_N
        act_N = np.where(positive_N, ranks.WIN, np.where(tied_N, ranks.BELOW_ONCE, ranks.BELOW_TWICE)).astype(np.uint8)
        patient_N = self.patient_N.astype(np.int32)
        if not tied_N.any():
            return patient_N, act_N
        # In a group of both classes the negatives count before the positives and once more after them.
        turn_M = np.concatenate([3 * group_N + positive_N, 3 * group_N[tied_N] + 2])
        order_M = np.argsort(turn_M, kind="stable")
        return np.r_[patient_N, patient_N[tied_N]][order_M], np.r_[act_N, act_N[tied_N]][order_M]

    def _chunk(self, weight_PB: NDArray[np.generic]) -> Floats:
        positive_GB, negative_GB = self.group_sums(weight_PB)
        below_GB = np.cumsum(negative_GB, axis=0)
        positives_B, negatives_B = positive_GB.sum(axis=0), below_GB[-1].copy()
        below_GB -= 0.5 * negative_GB
        wins_B = np.einsum("gb,gb->b", positive_GB, below_GB)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(wins_B / (positives_B * negatives_B), dtype=np.float64)

    def _group_sums(self, weight_PB: NDArray[np.generic], chosen_N: NDArray[np.bool_]) -> Floats:
        """Weight of the chosen recordings in each group of equal scores."""
        weight_GB = np.zeros((len(self.first_G), weight_PB.shape[1]))
        rows = weight_PB[self.patient_N[chosen_N]]
        groups = self.group_N[chosen_N]
        if len(groups):
            starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
            whole = rows if len(starts) == len(groups) else np.add.reduceat(rows.astype(np.float64), starts, axis=0)
            weight_GB[groups[starts]] = whole
        return weight_GB
