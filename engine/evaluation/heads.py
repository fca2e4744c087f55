"""The two heads of the study: mean over tokens, and attention with one learned query (method specification, 5.2).

The attention pool is that of V-JEPA (Bardes et al. 2024): its output projection is the classifier itself, and nothing
in it has a bias, a norm or dropout, so it holds width + 3 width^2 + width x outputs parameters.

Shapes: B crops, L tokens, D width, O outputs, H heads.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
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
        B, L, D = tokens_BLD.shape
        query_BHLd = self.to_query(self.query_D).view(1, self.heads, 1, D // self.heads).expand(B, -1, -1, -1)
        key_BHLd, value_BHLd = (
            to(tokens_BLD).view(B, L, self.heads, D // self.heads).transpose(1, 2)
            for to in (self.to_key, self.to_value)
        )
        seen_BHLd = F.scaled_dot_product_attention(query_BHLd, key_BHLd, value_BHLd)
        told: Tensor = self.to_output(seen_BHLd.reshape(B, D))
        return told


def build_head(mode: Mode, width: int, outputs: int, seed: int) -> nn.Module:
    """The head of a mode with fresh weights, which are a function of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AttentionHead(width, outputs) if mode == "frozen" else MeanHead(width, outputs)
