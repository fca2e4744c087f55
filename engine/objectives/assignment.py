"""Which centre a token falls to, and what falls to each centre: the two halves of every clustering here.

Shapes: N tokens, D width, K codes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Sums(NamedTuple):
    """What fell to each code: the sum of its tokens [K, D] and their number [K]."""

    sums_KD: Tensor
    counts_K: Tensor


def full_precision(x: Tensor) -> Tensor:
    """In float32 at least: within autocast a network's outputs may be bfloat16."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def nearest(x_ND: Tensor, centres_KD: Tensor) -> Tensor:
    """Number of the centre with the least Euclidean distance to each row, int64 [N].

    |x - e|^2 = |x|^2 - 2 (x e - |e|^2 / 2), so the nearest centre has the greatest x e - |e|^2 / 2. Full precision even
    within autocast: in bfloat16 every other token would fall to a neighbouring code.
    """
    with torch.autocast(x_ND.device.type, enabled=False):
        halves_K = centres_KD.square().sum(1) * -0.5
        return torch.addmm(halves_K, x_ND.to(centres_KD.dtype), centres_KD.T).argmax(1)


def summed_by_code(x_ND: Tensor, codes_N: Tensor, codes: int) -> Sums:
    """Sums and counts of the rows of each code, added in the rows' order: the same bits at every call, on any device.

    (`index_add` adds in any order on a GPU; a product with one-hot rows costs 15 times as much on a CPU.)
    """
    sorted_N, order_N = codes_N.sort(stable=True)
    bounds_K1 = torch.searchsorted(sorted_N, torch.arange(codes + 1, device=codes_N.device))
    sums_KD = F.embedding_bag(order_N, x_ND, bounds_K1[:-1], mode="sum")
    return Sums(sums_KD, bounds_K1.diff().to(x_ND.dtype))
