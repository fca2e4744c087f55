"""The Transformer backbone (method specification, section 2.3; Vaswani et al. 2017, arXiv:1706.03762).

Pre-norm blocks: each branch reads a normalised copy of the tokens and adds to the tokens themselves,

    x = x + attention(norm(x)),    x = x + W2 gelu(W1 norm(x)),

and one more norm stands at the end. Positions enter as rotations of queries and keys (`rotary`).

One departure from the study: where it drops single attention weights, here a head drops whole keys for all queries of
a crop. In expectation that is the same, W (m V) = (W m) V with the mask m on the rows of V, but no matrix of weights
has to exist: fused attention kernels stay usable, and a mask has 600 entries a head, not 600 x 600.

Shapes: B batch, L tokens, D width, H heads, E = D / H features of a head.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.base import Backbone, Features, Products, through
from engine.backbones.rotary import rotate
from engine.backbones.stem import Stem
from engine.contract.backbone import TransformerConfig
from engine.kernels.attention import attention
from engine.ranks.dropout import Dropout


class Attention(nn.Module):
    """Every token reads a mean of all tokens' values, weighted by how well its query fits their keys.

    Queries, keys and values are one product; their weights are drawn as those of three.
    """

    def __init__(self, config: TransformerConfig, place: str) -> None:
        super().__init__()
        D = config.width
        self.heads, self.causal, self.base = config.heads, config.causal, config.rotary_base
        self.inputs = nn.Linear(D, 3 * D)
        self.output = nn.Linear(D, D)
        self.key_dropout = Dropout(config.dropout, f"{place}/keys")
        for weight_DD in (*self.inputs.weight.chunk(3), self.output.weight):
            nn.init.xavier_uniform_(weight_DD)
        nn.init.zeros_(self.inputs.bias)
        nn.init.zeros_(self.output.bias)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """x_BLD -> what the tokens have read, [B, L, D]."""
        B, L, D = x_BLD.shape
        queries_keys, values = self.inputs(x_BLD).split((2 * D, D), -1)
        turned_BLHE = rotate(queries_keys.view(B, L, 2 * self.heads, -1), self.base)
        values_BLHE = self.key_dropout.drop(values.view(B, L, self.heads, -1), L, self.heads, 1)
        q_BHLE, k_BHLE = turned_BLHE.transpose(1, 2).chunk(2, 1)
        read_BHLE = attention(q_BHLE, k_BHLE, values_BLHE.transpose(1, 2), self.causal)
        read_BLD: Tensor = self.output(read_BHLE.transpose(1, 2).reshape(B, L, D))
        return read_BLD


class FeedForward(nn.Module):
    """Two linear maps with a GELU between them, token by token."""

    def __init__(self, config: TransformerConfig, place: str) -> None:
        super().__init__()
        self.inner = nn.Linear(config.width, config.feedforward * config.width)
        self.outer = nn.Linear(config.feedforward * config.width, config.width)
        self.dropout = Dropout(config.dropout, f"{place}/hidden")
        for linear in (self.inner, self.outer):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """x_BLD -> x_BLD."""
        update_BLD: Tensor = self.outer(self.dropout(F.gelu(self.inner(x_BLD))))
        return update_BLD


class TransformerBlock(nn.Module):
    """Attention, then the feed-forward part, each on normalised tokens and added to them."""

    def __init__(self, config: TransformerConfig, place: str) -> None:
        super().__init__()
        self.attention_norm, self.feedforward_norm = nn.LayerNorm(config.width), nn.LayerNorm(config.width)
        self.attention = Attention(config, place)
        self.feedforward = FeedForward(config, place)
        self.attention_dropout = Dropout(config.dropout, f"{place}/attention")
        self.feedforward_dropout = Dropout(config.dropout, f"{place}/feedforward")

    def forward(self, x_BLD: Tensor) -> tuple[Tensor, Tensor]:
        """x_BLD -> x_BLD, and the feed-forward part's addition before dropout."""
        x_BLD = x_BLD + self.attention_dropout(self.attention(self.attention_norm(x_BLD)))
        update_BLD = self.feedforward(self.feedforward_norm(x_BLD))
        return x_BLD + self.feedforward_dropout(update_BLD), update_BLD


class TransformerBackbone(Backbone):
    """Stem, Transformer blocks and a last layer norm."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.stem = Stem(config.width, config.stem_kernels, config.stem_strides, config.stem_norm)
        self.blocks = nn.ModuleList(TransformerBlock(config, f"block{i + 1}") for i in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        self.width, self.causal, self.stride = config.width, config.causal, math.prod(config.stem_strides)
        self.feedforward = config.feedforward

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The stem, then each block; the last one after the last norm."""
        return ("stem", *(f"block{i + 1}" for i in range(len(self.blocks))))

    def encode(self, latents_BLD: Tensor) -> Features:
        """Run the blocks."""
        layers, updates = through(self.blocks, latents_BLD)
        layers[-1] = self.norm(layers[-1])
        return Features(latents_BLD, layers, layers[-1], updates)

    def products(self, samples: int) -> Products:
        """Products of stem, linear maps and attention; the latter counted whole, as published, also where causal."""
        assert isinstance(self.stem, Stem)
        stem, first, tokens = self.stem.multiply_adds(samples)
        linear = tokens * (4 + 2 * self.feedforward) * self.width**2
        attention = 2 * tokens**2 * self.width
        return Products(2 * (stem + len(self.blocks) * (linear + attention)), 2 * first)
