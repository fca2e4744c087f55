"""MERL's two ECG encoders (Liu et al., ICML 2024, arXiv:2403.06659): a ResNet-18 along time, and a small ViT.

Both were trained to agree with the reports' text; here they stand alone, as for linear probing.

Shapes: B batch, C leads, T samples, L tokens, D width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.zoo.architectures.vit_block import VitBlock

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Channels and stride of each stage; two blocks in each."""


class ResidualBlock(nn.Module):
    """Two convolutions of three samples beside the input, which is projected where its shape changes."""

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(inputs, channels, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm1d(channels)
        self.second = nn.Conv1d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm1d(channels)
        changes = stride != 1 or inputs != channels
        self.projection = nn.Conv1d(inputs, channels, 1, stride, bias=False) if changes else None
        self.projection_norm = nn.BatchNorm1d(channels) if changes else None

    def forward(self, x_BIT: Tensor) -> Tensor:
        """[B, inputs, T] -> [B, channels, T / stride]."""
        z_BDT = self.second_norm(self.second(F.relu(self.first_norm(self.first(x_BIT)))))
        if self.projection is not None and self.projection_norm is not None:
            x_BIT = self.projection_norm(self.projection(x_BIT))
        return F.relu(z_BDT + x_BIT)


class MerlResNet(nn.Module):
    """ResNet-18 with kernels along time and no pooling before its stages."""

    def __init__(self, leads: int = 12) -> None:
        super().__init__()
        self.enter = nn.Conv1d(leads, STAGES[0][0], 7, 2, padding=3, bias=False)
        self.enter_norm = nn.BatchNorm1d(STAGES[0][0])
        self.stages = nn.ModuleList()
        inputs = STAGES[0][0]
        for channels, stride in STAGES:
            blocks = (ResidualBlock(inputs, channels, stride), ResidualBlock(channels, channels, 1))
            self.stages.append(nn.Sequential(*blocks))
            inputs = channels

    def forward(self, x_BCT: Tensor) -> dict[str, Tensor]:
        """The embedding [B, 512], and the mean over time after each stage."""
        x_BDT = F.relu(self.enter_norm(self.enter(x_BCT)))
        told = {}
        for number, stage in enumerate(self.stages, 1):
            x_BDT = stage(x_BDT)
            told[f"stage{number}"] = x_BDT.mean(-1)
        return {"embedding": told[f"stage{len(self.stages)}"], **told}


class MerlVit(nn.Module):
    """ViT whose patches span all leads; its embedding is the mean over patches, then normalised.

    Args:
        leads: that are fed.
        patches: of a recording.
        patch: samples of each.
        width: features of a token.
        depth: blocks.
        heads: of each block.
    """

    def __init__(
        self, leads: int = 12, patches: int = 100, patch: int = 50, width: int = 192, depth: int = 12, heads: int = 3
    ) -> None:
        super().__init__()
        self.patch = nn.Conv1d(leads, width, patch, patch, bias=False)
        self.places = nn.Parameter(torch.zeros(1, patches, width))
        self.blocks = nn.ModuleList(VitBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x_BCT: Tensor) -> dict[str, Tensor]:
        """The embedding [B, D], and the mean over patches after each block, [B, D] each."""
        x_BLD = self.patch(x_BCT).transpose(1, 2) + self.places
        told = {}
        for number, block in enumerate(self.blocks, 1):
            x_BLD = block(x_BLD)
            told[f"block{number}"] = x_BLD.mean(1)
        return {"embedding": self.norm(x_BLD.mean(1)), **told}
