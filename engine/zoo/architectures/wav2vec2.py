"""The wav2vec 2.0 encoder (Baevski et al. 2020, arXiv:2006.11477), which HuBERT-ECG and ECG-FM take over from speech.

Convolutions without padding make tokens of samples; a norm and a projection; a wide grouped convolution over the tokens
tells them their places; then post-norm Transformer blocks. The norm of the encoder stands before its blocks, not after.
HuBERT-ECG lays the leads one after the other as one long signal; ECG-FM feeds them as channels.

Shapes: B batch, C leads, T samples, I channels, L tokens, D width, H heads, E = D / H features of a head, K places.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PLACES, PLACE_GROUPS = 128, 16


@dataclass(frozen=True)
class WaveConfig:
    """One network.

    Attributes:
        convolutions: kernel and stride of each.
        channels: of every convolution.
        leads: fed as channels; 1 where all leads are laid end to end.
    """

    convolutions: tuple[tuple[int, int], ...]
    channels: int
    leads: int
    width: int = 768
    depth: int = 12
    heads: int = 12


class WaveBlock(nn.Module):
    """Attention, then a feed-forward part; each is added to its input, and the sum is normalised."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.feedforward_norm = nn.LayerNorm(width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """x_BLD -> x_BLD."""
        told = (
            part(x_BLD).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        read_BHLE = F.scaled_dot_product_attention(*told)
        x_BLD = self.attention_norm(x_BLD + self.output(read_BHLE.transpose(1, 2).flatten(2)))
        normed_BLD: Tensor = self.feedforward_norm(x_BLD + self.outer(F.gelu(self.inner(x_BLD))))
        return normed_BLD


class Places(nn.Module):
    """A grouped convolution over tokens; its kernel is kept as a direction, and a length for each of its places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.length = nn.Parameter(torch.ones(1, 1, PLACES))
        self.direction = nn.Parameter(torch.randn(width, width // PLACE_GROUPS, PLACES))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x_BLD: Tensor) -> Tensor:
        """What each token learns of its place, [B, L, D]."""
        kernel = self.length * self.direction / torch.linalg.vector_norm(self.direction, dim=(0, 1), keepdim=True)
        x_BDL = F.conv1d(x_BLD.transpose(1, 2), kernel, self.bias, padding=PLACES // 2, groups=PLACE_GROUPS)
        return F.gelu(x_BDL[..., :-1]).transpose(1, 2)  # an even kernel makes one token too many


class WaveEncoder(nn.Module):
    """Samples to tokens in context."""

    def __init__(self, config: WaveConfig) -> None:
        super().__init__()
        self.laid_out = config.leads == 1
        inputs = (config.leads, *[config.channels] * (len(config.convolutions) - 1))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(i, config.channels, kernel, stride, bias=False)
            for i, (kernel, stride) in zip(inputs, config.convolutions, strict=True)
        )
        self.first_norm = nn.GroupNorm(config.channels, config.channels)
        self.token_norm = nn.LayerNorm(config.channels)
        self.projection = nn.Linear(config.channels, config.width)
        self.places = Places(config.width)
        self.norm = nn.LayerNorm(config.width)
        self.blocks = nn.ModuleList(WaveBlock(config.width, config.heads) for _ in range(config.depth))

    def forward(self, x_BCT: Tensor) -> dict[str, Tensor]:
        """The embedding [B, D], the mean over tokens after the last block, and that after each block."""
        x_BLD = self._tokens(x_BCT.flatten(1).unsqueeze(1) if self.laid_out else x_BCT)
        x_BLD = self.norm(x_BLD + self.places(x_BLD))
        told = {}
        for number, block in enumerate(self.blocks, 1):
            x_BLD = block(x_BLD)
            told[f"block{number}"] = x_BLD.mean(1)
        return {"embedding": told[f"block{len(self.blocks)}"], **told}

    def _tokens(self, x_BIT: Tensor) -> Tensor:
        for number, convolution in enumerate(self.convolutions):
            x_BIT = convolution(x_BIT)
            x_BIT = F.gelu(self.first_norm(x_BIT) if number == 0 else x_BIT)
        tokens_BLD: Tensor = self.projection(self.token_norm(x_BIT.transpose(1, 2)))
        return tokens_BLD
