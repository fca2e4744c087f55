"""Choosing a threshold on training patients, and the counts at every threshold.

A recording is called positive when its score is not below the threshold. Thresholds are scores that occurred, so that
the calls on the training patients are those that were counted.

Legend: N recordings, K thresholds from high to low.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.operating import ThresholdCurve, ThresholdRule
from engine.metrics.discrimination import Floats

KEPT = 65
"""Points of a curve that results keep; the full table is made from the scores when it is asked for."""


@dataclass(frozen=True)
class ThresholdTable:
    """Counts at every distinct score, highest first: the workbench's table, and the points of both curves.

    Attributes:
        threshold_K: the scores.
        true_positives_K: positives whose score is not below.
        false_positives_K: negatives whose score is not below.
        positives: of all.
        negatives: of all.
    """

    threshold_K: Floats
    true_positives_K: NDArray[np.int64]
    false_positives_K: NDArray[np.int64]
    positives: int
    negatives: int

    @classmethod
    def of(cls, y_N: Floats, score_N: Floats) -> ThresholdTable:
        """Count at every score; recordings of unknown label or without a finite score are left out."""
        known = np.isfinite(y_N) & np.isfinite(score_N)
        order = np.argsort(-score_N[known], kind="stable")
        score, positive = score_N[known][order], (y_N[known][order] > 0.5).astype(np.int64)
        last_K = np.flatnonzero(np.r_[score[1:] != score[:-1], np.ones(min(1, len(score)), dtype=bool)])
        found_K = np.cumsum(positive)[last_K]
        positives = int(positive.sum())
        return cls(score[last_K], found_K, last_K + 1 - found_K, positives, len(score) - positives)

    @property
    def sensitivity_K(self) -> Floats:
        """Share of positives found; the height of the ROC curve, the width of the precision-recall curve."""
        return np.asarray(self.true_positives_K / max(1, self.positives))

    @property
    def specificity_K(self) -> Floats:
        """Share of negatives not called."""
        return np.asarray(1 - self.false_positives_K / max(1, self.negatives))

    @property
    def precision_K(self) -> Floats:
        """Share of calls that are right."""
        return np.asarray(self.true_positives_K / (self.true_positives_K + self.false_positives_K))

    @property
    def one_class(self) -> str:
        """Why no threshold can be chosen; empty when one can."""
        if self.positives + self.negatives == 0:
            return "no recording has both a known label and a score"
        if self.positives == 0:
            return "no positive recordings"
        return "no negative recordings" if self.negatives == 0 else ""

    def curve(self, kept: int = KEPT) -> ThresholdCurve:
        """As results keep it: where there are more than `kept` thresholds, those nearest to even steps along the ROC.

        Steps are even in sensitivity plus false-positive rate, so neither a steep nor a flat part loses its shape.
        """
        place_K = np.arange(len(self.threshold_K))
        if len(place_K) > kept:
            along_K = self.sensitivity_K + (1 - self.specificity_K)
            place_K = np.unique(np.searchsorted(along_K, np.linspace(along_K[0], along_K[-1], kept)))
        return ThresholdCurve(
            thresholds=self.threshold_K[place_K].tolist(),
            true_positives=self.true_positives_K[place_K].tolist(),
            false_positives=self.false_positives_K[place_K].tolist(),
            positives=self.positives,
            negatives=self.negatives,
            distinct=len(self.threshold_K),
        )


def choose_threshold(y_N: Floats, score_N: Floats, rule: ThresholdRule) -> tuple[float, str]:
    """The threshold that a rule asks for on these (training) recordings.

    For a fixed sensitivity the highest threshold that reaches it; for a fixed specificity the lowest that keeps it;
    else the one with the largest sensitivity + specificity - 1, of equal ones the one that finds more.

    Returns:
        The threshold and an empty reason, or NaN and why there is none.
    """
    table = ThresholdTable.of(y_N, score_N)
    if table.one_class:
        return float("nan"), table.one_class
    if len(table.threshold_K) == 1:
        return float("nan"), "all scores are equal"
    # Whole counts: 9 of 10 are 90 %, whatever 1 - 0.1 is in floating point.
    target = rule.target or 0.9
    if rule.kind == "sensitivity":
        reached_K = table.true_positives_K >= target * table.positives - 1e-9
        return float(table.threshold_K[int(reached_K.argmax())]), ""
    if rule.kind == "specificity":
        kept_K = table.negatives - table.false_positives_K >= target * table.negatives - 1e-9
        if not kept_K.any():
            return float("nan"), f"no threshold keeps a specificity of {target:.2f}"
        return float(table.threshold_K[int(np.flatnonzero(kept_K)[-1])]), ""
    index_K = table.true_positives_K * table.negatives - table.false_positives_K * table.positives
    return float(table.threshold_K[int(np.flatnonzero(index_K == index_K.max())[-1])]), ""
