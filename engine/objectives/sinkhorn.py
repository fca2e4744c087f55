"""Sinkhorn's iteration: soft assignments of tokens to codes that use every code about as much (method spec., 3.6).

Sinkhorn and Knopp (1967) showed that a positive matrix gets any given row and column sums by scaling columns and rows
in turn; Cuturi (2013, arXiv:1306.0895) that the result is optimal transport with an entropy term; Asano et al. (2020,
arXiv:1911.05371) and SwAV (2020, arXiv:2006.09882) that it keeps self-labelling from giving everything one label.
A few iterations leave the rows exact and the columns near balance.

Shapes: N tokens, K codes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.ranks.reduce import global_sum

TINY = 1e-8
"""Added to each sum before it divides, as in the study."""


@torch.no_grad()
def balanced(scores_NK: Tensor, iterations: int) -> Tensor:
    """Soft assignments q_NK whose rows sum to 1 and whose columns, over all ranks, sum to about N / K.

    Args:
        scores_NK: similarities over temperature; a row may be shifted by any number.
        iterations: how often columns and then rows are scaled.
    """
    q_NK = (scores_NK - scores_NK.amax(1, keepdim=True)).exp_()
    for _ in range(iterations):
        q_NK /= global_sum(q_NK.sum(0)) + TINY
        q_NK /= q_NK.sum(1, keepdim=True) + TINY
    return q_NK
