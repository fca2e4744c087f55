"""K-means: centres that make the sum of squared distances of rows to their nearest centre small.

Starts are spread by k-means++ (Arthur and Vassilvitskii 2007): each further centre is a row, drawn with a probability
proportional to its squared distance from the centres so far. Lloyd's iteration (1982) then moves every centre to the
mean of its rows until none moves much. All randomness comes in as numbers, so the result is a function of the input.

Shapes: N rows, D features, K centres.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.objectives.assignment import nearest, summed_by_code

BLOCK = 16_384
"""Rows that meet all centres at a time: N x K distances need not stand in memory."""


class Clustering(NamedTuple):
    """Centres [K, D], the sum of squared distances to them, and how many iterations it took."""

    centres_KD: Tensor
    inertia: float
    iterations: int


@torch.no_grad()
def spread(rows_ND: Tensor, uniforms_K: Tensor) -> Tensor:
    """Numbers of K rows by k-means++, int64 [K]; one uniform number decides about each.

    Where all rows coincide with chosen ones the last row is taken again.
    """
    squares_N = rows_ND.double().square().sum(1)
    last = len(rows_ND) - 1
    uniforms_K = uniforms_K.to(rows_ND.device, torch.float64)
    chosen = [(uniforms_K[0] * len(rows_ND)).long().clamp_max(last)]
    closest_N = torch.full_like(squares_N, torch.inf)
    for uniform in uniforms_K[1:]:
        new = chosen[-1]
        away_N = (squares_N + squares_N[new] - 2 * (rows_ND @ rows_ND[new])).clamp_min_(0)
        closest_N = torch.minimum(closest_N, away_N)
        closest_N[new] = 0
        reached_N = closest_N.cumsum(0)
        # The first row at which the running sum exceeds its share; a row of distance 0 adds nothing and is passed over.
        chosen.append(torch.searchsorted(reached_N, uniform * reached_N[-1], right=True).clamp_max(last))
    return torch.stack(chosen)


@torch.no_grad()
def kmeans(rows_ND: Tensor, uniforms_K: Tensor, iterations: int = 100, tolerance: float = 1e-4) -> Clustering:
    """Cluster rows around K centres.

    Args:
        rows_ND: float32 or float64.
        uniforms_K: numbers in [0, 1) that choose the starts.
        iterations: of Lloyd, at most.
        tolerance: it ends when the centres' squared moves sum to less than this share of the rows' mean variance,
            the rule of scikit-learn.
    """
    return lloyd(rows_ND, rows_ND[spread(rows_ND, uniforms_K)], iterations, tolerance)


@torch.no_grad()
def lloyd(rows_ND: Tensor, centres_KD: Tensor, iterations: int = 100, tolerance: float = 1e-4) -> Clustering:
    """Lloyd's iteration from given centres; a centre without rows goes to the row that is farthest from its own."""
    enough = tolerance * float(rows_ND.double().var(0, correction=0).mean())
    done = 0
    while done < iterations:
        done += 1
        codes_N = assign(rows_ND, centres_KD)
        moved_KD = _means(rows_ND, codes_N, centres_KD)
        shift = float((moved_KD - centres_KD).double().square().sum())
        centres_KD = moved_KD
        if shift <= enough:
            break
    return Clustering(centres_KD, float(_distances(rows_ND, assign(rows_ND, centres_KD), centres_KD).sum()), done)


@torch.no_grad()
def assign(rows_ND: Tensor, centres_KD: Tensor) -> Tensor:
    """Number of the nearest centre of each row, int64 [N]."""
    return torch.cat([nearest(block_ND, centres_KD) for block_ND in torch.split(rows_ND, BLOCK)])


def _means(rows_ND: Tensor, codes_N: Tensor, centres_KD: Tensor) -> Tensor:
    sums_KD, counts_K = summed_by_code(rows_ND, codes_N, len(centres_KD))
    means_KD = sums_KD / counts_K.clamp_min(1).unsqueeze(1)
    empty_E = (counts_K == 0).nonzero().squeeze(1)
    if len(empty_E):
        farthest_E = _distances(rows_ND, codes_N, centres_KD).topk(min(len(empty_E), len(rows_ND))).indices
        means_KD[empty_E[: len(farthest_E)]] = rows_ND[farthest_E]
    return means_KD


def _distances(rows_ND: Tensor, codes_N: Tensor, centres_KD: Tensor) -> Tensor:
    """Squared distance of each row to its centre, float64 [N]."""
    blocks = zip(torch.split(rows_ND, BLOCK), torch.split(codes_N, BLOCK), strict=True)
    return torch.cat([(block_ND - centres_KD[codes]).double().square().sum(1) for block_ND, codes in blocks])
