"""DinoSR's codebook: codewords that follow the tokens which fall to them (method specification, section 3.3).

Online clustering by moving averages (Liu et al. 2023, arXiv:2305.10005, after van den Oord et al. 2017,
arXiv:1711.00937). For each code v a running sum s_v and a running count n_v of its tokens are kept,

    s_v <- d s_v + (1 - d) sum of its tokens,    n_v <- d n_v + (1 - d) number of its tokens,    e_v = s_v / n_v,

so the codeword e_v is a weighted mean of all tokens that ever fell to it, the newest weighing most. A code to which
nothing falls keeps its codeword: sum and count shrink alike.

Shapes: N tokens, D width, K codes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.ranks.reduce import global_sum

LEAST_COUNT = 1e-8
"""Below this running count a codeword is divided by it and fades away, as in the study."""


class Sums(NamedTuple):
    """What fell to each code: the sum of its tokens [K, D] and their number [K]."""

    sums_KD: Tensor
    counts_K: Tensor


def standardised(x_ND: Tensor) -> Tensor:
    """Each row with mean 0 and variance 1 over its features."""
    return F.layer_norm(x_ND, x_ND.shape[-1:])


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


class Codebook(nn.Module):
    """Codewords by moving averages over all tokens of a batch, on all ranks. Nothing in it is trained.

    Args:
        codes: number of codewords.
        width: their features.
        decay: share of itself that a codeword keeps at each step.
    """

    sums_KD: Tensor
    counts_K: Tensor

    def __init__(self, codes: int, width: int, decay: float) -> None:
        super().__init__()
        self.codes, self.decay = codes, decay
        self.register_buffer("sums_KD", standardised(torch.randn(codes, width)))
        self.register_buffer("counts_K", torch.ones(codes))

    @property
    def codewords_KD(self) -> Tensor:
        """Where the codes stand."""
        return self.sums_KD / self.counts_K.clamp_min(LEAST_COUNT).unsqueeze(1)

    @torch.no_grad()
    def forward(self, x_ND: Tensor) -> Tensor:
        """Code of each token, int64 [N], by the codewords as they stood before; in training they then move."""
        codes_N = nearest(x_ND, self.codewords_KD)
        if self.training:
            self._follow(summed_by_code(x_ND.to(self.sums_KD.dtype), codes_N, self.codes))
        return codes_N

    def _follow(self, own: Sums) -> None:
        # Sums and counts travel together: one exchange between the ranks.
        total_KE = global_sum(torch.cat([own.sums_KD, own.counts_K.unsqueeze(1)], 1))
        self.sums_KD.lerp_(total_KE[:, :-1], 1 - self.decay)
        self.counts_K.lerp_(total_KE[:, -1], 1 - self.decay)
