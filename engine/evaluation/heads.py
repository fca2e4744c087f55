"""The two heads of the study: mean over tokens, and attention with one learned query (method specification, 5.2).

The attention pool is that of V-JEPA (Bardes et al. 2024): its output projection is the classifier itself, and nothing
in it has a bias, a norm or dropout, so it holds width + 3 width^2 + width x outputs parameters.

There being one query, keys and values need not be made of every token: a head's query is carried back through the key
projection once, and the value projection follows the mean over tokens. It is the same sum in another order, for H x D
products a token in place of 2 x D^2; forward and backward of 64 crops at width 512 take 0.034 s on a core, not 0.55 s.

Shapes: B crops, L tokens, D width, O outputs, H heads, d = D / H.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.contract.evaluation import Mode

HEADS = 16
"""Attention heads; fewer where they would not divide the width."""


class MeanHead(nn.Module):
    """Mean over tokens, then a linear layer."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, outputs)

    def forward(self, tokens_BLD: Tensor) -> Tensor:
        """Logits or numbers, [B, O]."""
        told: Tensor = self.linear(tokens_BLD.mean(dim=1))
        return told


class AttentionHead(nn.Module):
    """One learned query looks at all tokens; what it sees is projected to the outputs."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.heads = max(heads for heads in range(1, HEADS + 1) if width % heads == 0)
        self.query_D = nn.Parameter(torch.randn(width) * width**-0.5)
        self.to_query, self.to_key, self.to_value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.to_output = nn.Linear(width, outputs, bias=False)

    def forward(self, tokens_BLD: Tensor) -> Tensor:
        """Logits or numbers, [B, O]."""
        H, D = self.heads, tokens_BLD.shape[2]
        query_Hd = self.to_query(self.query_D).view(H, D // H)
        key_HdD, value_HdD = (to.weight.view(H, D // H, D) for to in (self.to_key, self.to_value))
        look_HD = torch.einsum("hd,hdD->hD", query_Hd, key_HdD) * (D // H) ** -0.5
        share_BLH = (tokens_BLD @ look_HD.T).softmax(dim=1)
        seen_BHD = share_BLH.transpose(1, 2) @ tokens_BLD
        value_BHd = torch.einsum("bhD,hdD->bhd", seen_BHD, value_HdD)
        told: Tensor = self.to_output(value_BHd.flatten(1))
        return told


def build_head(mode: Mode, width: int, outputs: int, seed: int) -> nn.Module:
    """The head of a mode with fresh weights, which are a function of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AttentionHead(width, outputs) if mode == "frozen" else MeanHead(width, outputs)
