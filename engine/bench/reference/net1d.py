"""Net1D as published: plain convolutions with time last, padded so that the time stays (method specification, 2.4).

Shapes: B batch, L tokens, I and C channels before and in a block.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.net1d import Net1DBackbone, Net1DBlock, TimeConvolution
from engine.backbones.stem import Stem
from engine.bench.reference.stem import plain_stem


class SameConvolution(nn.Module):
    """Convolution that keeps the number of tokens."""

    def __init__(self, ours: TimeConvolution) -> None:
        super().__init__()
        kernel = ours.kernel_size[0]
        self.left, self.right = (kernel - 1) // 2, kernel // 2
        self.convolution = nn.Conv1d(ours.in_channels, ours.out_channels, kernel, groups=ours.groups)
        self.convolution.load_state_dict(ours.state_dict())

    def forward(self, x_BIL: Tensor) -> Tensor:
        """x_BIL -> x_BCL."""
        y_BCL: Tensor = self.convolution(F.pad(x_BIL, (self.left, self.right)))
        return y_BCL


class PlainNet1DBlock(nn.Module):
    """Swish, 1x1, swish, grouped, swish, 1x1, squeeze and excitation, identity."""

    def __init__(self, ours: Net1DBlock) -> None:
        super().__init__()
        self.first = ours.first
        self.enter, self.mix, self.leave = map(SameConvolution, (ours.enter, ours.mix, ours.leave))
        self.squeeze, self.excite = _linear(ours.excitation.squeeze), _linear(ours.excitation.excite)

    def forward(self, x_BIL: Tensor) -> Tensor:
        """x_BIL -> x_BCL."""
        z = x_BIL if self.first else x_BIL * torch.sigmoid(x_BIL)
        z = self.enter(z)
        z = self.mix(z * torch.sigmoid(z))
        z = self.leave(z * torch.sigmoid(z))
        s = self.squeeze(z.mean(-1))
        s = torch.sigmoid(self.excite(s * torch.sigmoid(s)))
        z = torch.einsum("bcl,bc->bcl", z, s)
        missing = z.shape[1] - x_BIL.shape[1]
        if missing:
            x_BIL = F.pad(x_BIL.transpose(-1, -2), (missing // 2, missing - missing // 2)).transpose(-1, -2)
        return z + x_BIL


class PlainNet1D(nn.Module):
    """Stem, first convolution and blocks, with the weights of ours; not causal, as published."""

    def __init__(self, ours: Net1DBackbone) -> None:
        super().__init__()
        assert not ours.causal
        self.stem = plain_stem(cast(Stem, ours.stem))
        self.first = SameConvolution(ours.first)
        blocks = [block for stage in ours.stages for block in stage]  # type: ignore[attr-defined]
        self.blocks = nn.ModuleList(map(PlainNet1DBlock, blocks))

    def forward(self, x_BCT: Tensor) -> tuple[Tensor, Tensor]:
        """Latents and tokens, both [B, L, D]."""
        latents_BDL = self.stem(x_BCT)
        x = self.first(latents_BDL)
        x = x * torch.sigmoid(x)
        for block in self.blocks:
            x = block(x)
        return latents_BDL.transpose(1, 2), x.transpose(1, 2)


def _linear(ours: nn.Linear) -> nn.Linear:
    layer = nn.Linear(ours.in_features, ours.out_features)
    layer.load_state_dict(ours.state_dict())
    return layer
