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
    # Over tokens, then crops: both at once are ten times as slow where tokens are a part of a longer row.
    sums = global_sum(torch.cat([x_BLD.sum(1).sum(0), x_BLD.new_tensor([len(x_BLD) * L])]))
    mean_D = sums[:D] / sums[D]
    if x_BLD.device.type == "cpu":
        # Crop by crop: each stays in the cache between the three passes.
        squares = torch.stack([(x_LD - mean_D).square_().sum() for x_LD in x_BLD]).sum()
    else:
        squares = (x_BLD - mean_D).square_().sum()
    share: Tensor = squares / (size * L * D)
    return share
