"""ECGFounder's network (Li et al. 2024, arXiv:2410.04133): Net1D, a ResNeXt along time, with 150 answers of its own.

The same family as the study's Net1D backbone (`engine.backbones.net1d`), but it halves the time at the first
convolution and at every stage, is wider, and reads the leads themselves. Norm layers exist in its files and are never
used. Convolutions pad so that L samples become L / stride, rounded up; the odd zero stands at the end.

Shapes: B batch, C leads, T samples, I channels that come in, D channels, K answers.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.net1d import Excitation

KERNEL, GROUP_WIDTH, ANSWERS = 16, 16, 150
STAGES = ((64, 2), (160, 2), (160, 2), (400, 3), (400, 3), (1024, 4), (1024, 4))
"""Channels and blocks of each stage."""


class PaddedConvolution(nn.Conv1d):
    """A convolution padded by what its stride and the length ask for."""

    def forward(self, x_BIT: Tensor) -> Tensor:
        """[B, I, T] -> [B, D, ceil(T / stride)]."""
        T, (kernel,), (stride,) = x_BIT.shape[-1], self.kernel_size, self.stride
        missing = max(0, (-(-T // stride) - 1) * stride + kernel - T)
        return super().forward(F.pad(x_BIT, (missing // 2, missing - missing // 2)))


class FounderBlock(nn.Module):
    """One residual block; the first of a stage halves the time.

    Args:
        inputs: channels that come in.
        channels: that go out.
        halves: whether it halves the time.
        first: the network's first block starts without a swish: one has just been.
    """

    def __init__(self, inputs: int, channels: int, halves: bool, first: bool) -> None:
        super().__init__()
        self.widening, self.halves, self.first = channels - inputs, halves, first
        self.enter = PaddedConvolution(inputs, channels, 1)
        groups = channels // GROUP_WIDTH
        self.mix = PaddedConvolution(channels, channels, KERNEL, 2 if halves else 1, groups=groups)
        self.leave = PaddedConvolution(channels, channels, 1)
        self.excitation = Excitation(channels, causal=False)

    def forward(self, x_BIT: Tensor) -> Tensor:
        """[B, inputs, T] -> [B, channels, T], or half of T."""
        z_BIT = x_BIT if self.first else F.silu(x_BIT)
        z_BDT = self.excitation(self.leave(F.silu(self.mix(F.silu(self.enter(z_BIT))))))
        if self.halves:
            x_BIT = F.max_pool1d(F.pad(x_BIT, (0, 1)), 2)  # as released: an odd last sample competes with a zero
        before = self.widening // 2
        sum_BDT: Tensor = z_BDT + F.pad(x_BIT, (0, 0, before, self.widening - before))
        return sum_BDT


class FounderNetwork(nn.Module):
    """The network with its answers.

    Args:
        leads: that are fed, 12 or 1.
    """

    def __init__(self, leads: int = 12) -> None:
        super().__init__()
        inputs = STAGES[0][0]
        self.enter = PaddedConvolution(leads, inputs, KERNEL, 2)
        self.stages = nn.ModuleList()
        for number, (channels, count) in enumerate(STAGES):
            stage = nn.Sequential()
            for block in range(count):
                stage.append(FounderBlock(inputs, channels, halves=block == 0, first=number == 0 and block == 0))
                inputs = channels
            self.stages.append(stage)
        self.answers = nn.Linear(inputs, ANSWERS)

    def forward(self, x_BCT: Tensor) -> dict[str, Tensor]:
        """The embedding [B, 1024], the mean over time after each stage, and the logits [B, 150]."""
        x_BDT = F.silu(self.enter(x_BCT))
        told = {}
        for number, stage in enumerate(self.stages, 1):
            x_BDT = stage(x_BDT)
            told[f"stage{number}"] = x_BDT.mean(-1)
        embedding_BD = told[f"stage{len(self.stages)}"]
        return {"embedding": embedding_BD, **told, "logits": self.answers(embedding_BD)}
