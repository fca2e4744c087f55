"""The Transformer as published, operation by operation: queries, keys and values apart, the softmax written out.

Shapes: B batch, L tokens, D width, H heads, E = D / H features of a head.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.stem import Stem
from engine.backbones.transformer import TransformerBackbone, TransformerBlock
from engine.bench.reference.stem import plain_stem


def rotate_half(x: Tensor) -> Tensor:
    """(a, b) -> (-b, a) of the two halves of the last axis."""
    a, b = x.chunk(2, -1)
    return torch.cat([-b, a], -1)


class PlainTransformerBlock(nn.Module):
    """Pre-norm attention and feed-forward part."""

    def __init__(self, ours: TransformerBlock, dropout: float) -> None:
        super().__init__()
        attention = ours.attention
        self.heads, self.base, self.causal = attention.heads, attention.base, attention.causal
        D = attention.output.in_features
        self.query, self.key, self.value = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, D)
        weights, biases = attention.inputs.weight.chunk(3), attention.inputs.bias.chunk(3)
        for layer, weight_DD, bias_D in zip((self.query, self.key, self.value), weights, biases, strict=True):
            layer.load_state_dict({"weight": weight_DD, "bias": bias_D})
        self.output = _linear(attention.output)
        self.inner, self.outer = _linear(ours.feedforward.inner), _linear(ours.feedforward.outer)
        self.attention_norm, self.feedforward_norm = _norm(ours.attention_norm), _norm(ours.feedforward_norm)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """x_BLD -> x_BLD."""
        x_BLD = x_BLD + self.dropout(self._attend(self.attention_norm(x_BLD)))
        hidden = self.dropout(F.gelu(self.inner(self.feedforward_norm(x_BLD))))
        out_BLD: Tensor = x_BLD + self.dropout(self.outer(hidden))
        return out_BLD

    def _attend(self, x_BLD: Tensor) -> Tensor:
        B, L, D = x_BLD.shape
        q, k, v = (
            layer(x_BLD).view(B, L, self.heads, -1).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        E = D // self.heads
        rate = 1.0 / self.base ** (torch.arange(0, E, 2).float() / E)
        angle_LE = torch.outer(torch.arange(L).float(), rate).repeat(1, 2)
        cos_LE, sin_LE = angle_LE.cos(), angle_LE.sin()
        q, k = q * cos_LE + rotate_half(q) * sin_LE, k * cos_LE + rotate_half(k) * sin_LE
        scores_BHLL = q @ k.transpose(-2, -1) / math.sqrt(E)
        if self.causal:
            future_LL = torch.ones(L, L, dtype=torch.bool).triu(1)
            scores_BHLL = scores_BHLL.masked_fill(future_LL, float("-inf"))
        read_BHLE = self.dropout(scores_BHLL.softmax(-1)) @ v
        read_BLD: Tensor = self.output(read_BHLE.transpose(1, 2).reshape(B, L, D))
        return read_BLD


class PlainTransformer(nn.Module):
    """Stem, blocks and a last norm, with the weights of ours."""

    def __init__(self, ours: TransformerBackbone, dropout: float = 0.0) -> None:
        super().__init__()
        self.stem = plain_stem(cast(Stem, ours.stem))
        self.blocks = nn.ModuleList(PlainTransformerBlock(cast(TransformerBlock, b), dropout) for b in ours.blocks)
        self.norm = _norm(ours.norm)

    def forward(self, x_BCT: Tensor) -> tuple[Tensor, Tensor]:
        """Latents and tokens, both [B, L, D]."""
        x_BLD = latents_BLD = self.stem(x_BCT).transpose(1, 2)
        for block in self.blocks:
            x_BLD = block(x_BLD)
        return latents_BLD, self.norm(x_BLD)


def _linear(ours: nn.Linear) -> nn.Linear:
    layer = nn.Linear(ours.in_features, ours.out_features)
    layer.load_state_dict(ours.state_dict())
    return layer


def _norm(ours: nn.LayerNorm) -> nn.LayerNorm:
    layer = nn.LayerNorm(ours.normalized_shape[0])
    layer.load_state_dict(ours.state_dict())
    return layer
