"""Isotonic regression by pooling adjacent violators, on one sample and on all resamples at once.

Of 0/1 labels a run of positives followed by negatives, in the order of the scores, is pooled under any weights. Such
runs are therefore summed first: what is left is at most as long as the smaller class plus one, and is pooled for all
resamples together.

Source: Ayer et al., Ann Math Stat 26:641-647 (1955); pool adjacent violators as in Best and Chakravarti (1990).

Legend: N recordings, G blocks that are pooled in every resample, B resamples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.metrics.discrimination import Floats, Ints


@dataclass(frozen=True)
class Steps:
    """Isotonic regression of labels on scores, as steps: at a score between two steps the value is interpolated.

    Attributes:
        score_G: lowest and highest score of each step, ascending.
        value_G: its value.
    """

    score_G: Floats
    value_G: Floats

    @classmethod
    def of(cls, y_N: Floats, score_N: Floats) -> Steps:
        """Fit; equal scores are pooled first."""
        order, starts = blocks(y_N, score_N)
        count_G = np.diff(np.append(starts, len(y_N))).astype(np.float64)
        sum_G = np.add.reduceat(y_N[order], starts)
        value_G = pooled(sum_G[:, None], count_G[:, None])[:, 0]
        first = np.flatnonzero(np.append(True, np.diff(value_G) > 0))
        low = score_N[order][starts[first]]
        high = score_N[order][np.append(starts[first][1:], len(y_N)) - 1]
        return cls(np.stack([low, high], axis=1).ravel(), np.repeat(value_G[first], 2))

    def at(self, score_N: Floats) -> Floats:
        """Values of other scores: constant beyond the ends, straight lines between steps."""
        return np.interp(score_N, self.score_G, self.value_G)


def blocks(y_N: Floats, score_N: Floats) -> tuple[Ints, Ints]:
    """Order of the recordings by score, and where each block starts that is pooled whatever the weights, [N], [G]."""
    order = np.argsort(score_N, kind="stable")
    score, y = score_N[order], y_N[order]
    tied = np.flatnonzero(np.append(True, score[1:] != score[:-1]))
    mean = np.add.reduceat(y, tied) / np.diff(np.append(tied, len(y)))
    # Groups of equal scores with both labels may change places with their neighbours under other weights; pure ones
    # pool for certain when no label rises from one to the next.
    pure = (mean == 0) | (mean == 1)
    starts = np.append(True, ~(pure[1:] & pure[:-1] & (mean[1:] <= mean[:-1])))
    return order, tied[starts]


def pooled(sum_GB: Floats, weight_GB: Floats) -> Floats:
    """Isotonic regression of each column, [G, B]: values of blocks with no weight are their neighbour's.

    Args:
        sum_GB: weighted sum of the labels of each block.
        weight_GB: its weight.
    """
    blocks_, resamples = sum_GB.shape
    column = np.arange(resamples)
    sums, weights = np.zeros((blocks_ + 1, resamples)), np.zeros((blocks_ + 1, resamples))
    ends = np.zeros((blocks_ + 1, resamples), dtype=np.intp)
    top = np.full(resamples, -1)
    for block in range(blocks_):
        drawn = column[weight_GB[block] > 0]
        top[drawn] += 1
        place = top[drawn]
        sums[place, drawn], weights[place, drawn] = sum_GB[block, drawn], weight_GB[block, drawn]
        ends[place, drawn] = block
        violating = drawn
        while len(violating):
            violating = violating[top[violating] > 0]
            upper = top[violating]
            worse = (
                sums[upper - 1, violating] * weights[upper, violating]
                >= sums[upper, violating] * weights[upper - 1, violating]
            )
            violating = violating[worse]
            upper = top[violating]
            sums[upper - 1, violating] += sums[upper, violating]
            weights[upper - 1, violating] += weights[upper, violating]
            ends[upper - 1, violating] = block
            top[violating] -= 1
    return _spread(sums, weights, ends, top, blocks_)


def _spread(sums: Floats, weights: Floats, ends: Ints, top: Ints, blocks_: int) -> Floats:
    """From pools, each ending at a block, back to a value for each block."""
    told_GB = np.full((blocks_, len(top)), np.nan)
    for column, last in enumerate(top):
        if last < 0:
            continue
        lengths = np.diff(ends[: last + 1, column], prepend=-1)
        lengths[-1] += blocks_ - 1 - ends[last, column]
        told_GB[:, column] = np.repeat(sums[: last + 1, column] / weights[: last + 1, column], lengths)
    return told_GB
