"""The block of the vision Transformer (Dosovitskiy et al. 2021, arXiv:2010.11929), as ECG models took it over.

Pre-norm: each branch reads normalised tokens and adds to the tokens themselves. Queries, keys and values are one
product, split into heads of width / heads features.

Shapes: B batch, L tokens, D width, H heads, E = D / H features of a head.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class VitBlock(nn.Module):
    """Attention, then a feed-forward part with GELU, each added to what it read before its norm.

    Args:
        width: features of a token.
        heads: among which they are split.
        biased: whether queries, keys and values have a bias.
    """

    def __init__(self, width: int, heads: int, biased: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.inputs = nn.Linear(width, 3 * width, bias=biased)
        self.output = nn.Linear(width, width)
        self.feedforward_norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 4 * width)
        self.outer = nn.Linear(4 * width, width)

    def forward(self, x_BLD: Tensor, may_read_LL: Tensor | None = None) -> Tensor:
        """x_BLD -> x_BLD; where a mask is given, a token reads only what its row allows."""
        x_BLD = x_BLD + self._attended(self.attention_norm(x_BLD), may_read_LL)
        update_BLD: Tensor = self.outer(F.gelu(self.inner(self.feedforward_norm(x_BLD))))
        return x_BLD + update_BLD

    def _attended(self, x_BLD: Tensor, may_read_LL: Tensor | None) -> Tensor:
        B, L, D = x_BLD.shape
        q_BHLE, k_BHLE, v_BHLE = self.inputs(x_BLD).view(B, L, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        read_BHLE = F.scaled_dot_product_attention(q_BHLE, k_BHLE, v_BHLE, attn_mask=may_read_LL)
        told_BLD: Tensor = self.output(read_BHLE.transpose(1, 2).reshape(B, L, D))
        return told_BLD
