"""DinoSR's codebook: codewords that follow the tokens which fall to them (method specification, section 3.3).

Online clustering by moving averages (Liu et al. 2023, arXiv:2305.10005, after van den Oord et al. 2017,
arXiv:1711.00937). For each code v a running sum s_v and a running count n_v of its tokens are kept,

    s_v <- d s_v + (1 - d) sum of its tokens,    n_v <- d n_v + (1 - d) number of its tokens,    e_v = s_v / n_v,

so the codeword e_v is a weighted mean of all tokens that ever fell to it, the newest weighing most. A code to which
nothing falls keeps its codeword: sum and count shrink alike.

In the study codewords start as standardised normal vectors. What a teacher in evaluation mode makes of ECG tokens is
much alike, so the few such codewords that happen to lie on its side take all tokens and the others never see one:
after 200 steps at width 64, 34 of 256 codes are in use with S4 and a single one with Net1D. As intended they start on
tokens of the first batch, spread by k-means++ (our choice); 94 and 10 of 256 are then in use.

Shapes: N tokens, D width, K codes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.objectives.assignment import Sums, nearest, summed_by_code
from engine.objectives.starting import Starting
from engine.ranks.reduce import global_sum

LEAST_COUNT = 1e-8
"""Below this running count a codeword is divided by it and fades away, as in the study."""


def standardised(x_ND: Tensor) -> Tensor:
    """Each row with mean 0 and variance 1 over its features."""
    return F.layer_norm(x_ND, x_ND.shape[-1:])


class Codebook(Starting):
    """Codewords by moving averages over all tokens of a batch, on all ranks. Nothing in it is trained.

    Args:
        codes: number of codewords.
        width: their features.
        decay: share of itself that a codeword keeps at each step.
        on_tokens: start on tokens of the first batch, not on normal vectors.
    """

    sums_KD: Tensor
    counts_K: Tensor

    def __init__(self, codes: int, width: int, decay: float, on_tokens: bool = False) -> None:
        super().__init__(codes, waits=on_tokens)
        self.decay = decay
        self.register_buffer("sums_KD", standardised(torch.randn(codes, width)))
        self.register_buffer("counts_K", torch.ones(codes))

    def stand_on(self, rows_KD: Tensor) -> None:
        """Each codeword is the mean of one token."""
        self.sums_KD.copy_(rows_KD)
        self.counts_K.fill_(1)

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
