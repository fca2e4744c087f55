"""The threshold on a new version's scores that does what the old one did: as many found, spared, or called.

A recording is called positive when its score is not below the threshold; thresholds are scores that occurred. Where no
threshold does exactly the same, the one is taken that finds no less (sensitivity), spares no less (specificity), or
calls no fewer (alert rate), with the fewest further calls. In every common resample both the old version's share and
the new threshold are found anew.

Legend: N recordings, P patients, B resamples, G thresholds from high to low.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.estimate import Estimate
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.patient_sums import SampleSize, bootstrap_interval

Rows = NDArray[np.bool_]
_CELLS = 4_000_000
_SLACK = 1e-9


@dataclass(frozen=True)
class Matched:
    """A threshold that matches.

    Attributes:
        old_value: share that the old version reaches; None where it cannot be told.
        threshold: on the new scores, with its interval.
    """

    old_value: float | None
    threshold: Estimate


def matching_threshold(
    score_N: Floats,
    counted_N: Rows,
    old_called_N: Rows,
    patient_N: Ints,
    weight_PB: Counts,
    *,
    at_most: bool = False,
    confidence: float = 0.95,
) -> Matched:
    """The threshold on new scores whose share of calls is the old version's.

    Args:
        score_N: finite scores of the new version.
        counted_N: among which recordings calls are counted: those with the label, those without, or all.
        old_called_N: whether the old version calls them.
        patient_N: patient code of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
        at_most: calls must not become more (specificity), instead of not fewer.
        confidence: of the interval.
    """
    size = SampleSize.of(patient_N[counted_N])
    if not size.records:
        return Matched(None, size.undefined("no recording to count on"))
    share = float(old_called_N[counted_N].mean())
    search = _Search.of(score_N, counted_N, old_called_N, patient_N, at_most)
    once = np.ones((weight_PB.shape[0], 1))
    value = float(search.thresholds(once)[0])
    if not np.isfinite(value):
        why = "no threshold calls so few" if at_most else "the old version calls none of them"
        return Matched(share, size.undefined(why))
    step = max(1, _CELLS // len(score_N))
    starts = range(0, weight_PB.shape[1], step)
    parts = [search.thresholds(weight_PB[:, start : start + step].astype(np.float64)) for start in starts]
    interval = bootstrap_interval(np.concatenate(parts), confidence)
    told = "" if interval is not None else "no interval: the resamples do not vary, or most have no such threshold"
    return Matched(share, Estimate(value=value, interval=interval, not_estimable=told, **size.counts()))


@dataclass(frozen=True)
class _Search:
    """Scores sorted once, from high to low.

    Attributes:
        threshold_G: distinct scores.
        last_G: place of the last recording at each of them.
        counted_N: whether it counts, in the order of scores.
        called_N: whether it counts and the old version calls it.
        patient_N: whose it is.
    """

    threshold_G: Floats
    last_G: Ints
    counted_N: Rows
    called_N: Rows
    patient_N: Ints
    at_most: bool

    @classmethod
    def of(cls, score_N: Floats, counted_N: Rows, old_called_N: Rows, patient_N: Ints, at_most: bool) -> _Search:
        order = np.argsort(-score_N, kind="stable")
        ordered = score_N[order]
        last_G = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
        counted = counted_N[order]
        return cls(ordered[last_G], last_G, counted, counted & old_called_N[order], patient_N[order], at_most)

    def thresholds(self, weight_PB: Floats) -> Floats:
        """The threshold of every resample; NaN where none matches."""
        weight_NB = weight_PB[self.patient_N]
        called_B = weight_NB[self.called_N].sum(axis=0)
        calls_GB = np.cumsum(weight_NB * self.counted_N[:, None], axis=0)[self.last_G]
        if self.at_most:
            place_B = (calls_GB <= called_B + _SLACK).sum(axis=0) - 1
            known_B = (place_B >= 0) & (calls_GB[-1] > 0)
        else:
            place_B = (calls_GB >= called_B - _SLACK).argmax(axis=0)
            known_B = called_B > 0
        return np.where(known_B, self.threshold_G[place_B], np.nan)
