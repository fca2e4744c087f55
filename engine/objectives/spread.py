"""How far tokens lie apart: a model that collapses gives all of them the same features.

Shapes: B crops of this part of a batch, L tokens, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.ranks.reduce import global_sum


@torch.no_grad()
def spread(x_BLD: Tensor, size: int) -> Tensor:
    """This part's share of the variance over all tokens of a batch of `size` crops, averaged over features."""
    x_BLD = x_BLD.detach().to(torch.promote_types(x_BLD.dtype, torch.float32))
    L, D = x_BLD.shape[1:]
    sums = global_sum(torch.cat([x_BLD.sum((0, 1)), x_BLD.new_tensor([len(x_BLD) * L])]))
    mean_D = sums[:D] / sums[D]
    share: Tensor = (x_BLD - mean_D).square_().sum() / (size * L * D)
    return share
