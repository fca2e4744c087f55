"""The Net1D backbone, a ResNeXt along time (method specification, section 2.4; Hong et al. 2020; Xie et al. 2017).

Twenty residual blocks in seven stages keep the time and widen the channels. A block adds to its input a branch,

    swish -> 1x1 convolution -> swish -> grouped convolution -> swish -> 1x1 convolution -> squeeze and excitation,

and where it widens, the input gets channels of zeros on both sides. There is no normalisation: the published network
holds norm layers and never uses them.

The published convolutions look as far ahead as back (316 tokens in all), so on CPC the published network can copy what
it is asked to predict (section 9, item 7). The causal variant pads every convolution on the left alone, and its squeeze
takes the mean of the tokens so far, not of the whole crop: that mean would be a look into the future too. It costs
more, because each token then has an excitation of its own.

Shapes: B batch, L tokens, D width, I and C channels before and in a block, S = C / 2 squeezed channels. Time runs last
here, x_BCL, as torch's convolutions want it.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.base import Backbone, Features, Products
from engine.backbones.stem import Stem
from engine.contract.backbone import Net1DConfig
from engine.ranks.dropout import Dropout

PUBLISHED_WIDTH = 512
STAGE_WIDTHS = (64, 128, 128, 256, 256, 512, 512)
"""Channels of each stage at the published width; they scale with it."""
SQUEEZE = 2


def stage_widths(width: int) -> tuple[int, ...]:
    """Channels of the seven stages: 64 ... 512 at width 512."""
    return tuple(channels * width // PUBLISHED_WIDTH for channels in STAGE_WIDTHS)


def group_count(channels: int, group_width: int) -> int:
    """Most groups that share the channels evenly and are no narrower than asked for; at least one."""
    wanted = max(1, channels // group_width)
    return next(groups for groups in range(wanted, 0, -1) if channels % groups == 0)


class TimeConvolution(nn.Conv1d):
    """Convolution that keeps the number of tokens: padded on both sides, the odd zero at the end; or on the left alone.

    Weights are named and drawn as those of `nn.Conv1d`.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, causal: bool, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, groups=groups)
        self.margins = (kernel - 1, 0) if causal else ((kernel - 1) // 2, kernel // 2)

    def forward(self, x_BIL: Tensor) -> Tensor:
        """x_BIL -> x_BCL."""
        return super().forward(F.pad(x_BIL, self.margins) if any(self.margins) else x_BIL)

    def multiply_adds(self, tokens: int) -> int:
        """Each output token meets every weight once, whatever the groups."""
        return tokens * self.weight.numel()

    def phantom(self, tokens: int) -> int:
        """Multiply-adds that torch's counter sees in the gradient of the weights and that are not there."""
        return (self.groups - 1) * self.multiply_adds(tokens)


class Excitation(nn.Module):
    """Squeeze and excitation (Hu et al. 2018, arXiv:1709.01507): channels are weighted by what their means say."""

    def __init__(self, channels: int, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.squeeze = nn.Linear(channels, channels // SQUEEZE)
        self.excite = nn.Linear(channels // SQUEEZE, channels)

    def forward(self, x_BCL: Tensor) -> Tensor:
        """x_BCL -> x_BCL, each channel times a weight between 0 and 1."""
        if self.causal:
            weight_BLC = self._weights(running_mean(x_BCL).transpose(1, 2))
            return x_BCL * weight_BLC.transpose(1, 2)
        return x_BCL * self._weights(x_BCL.mean(-1)).unsqueeze(-1)

    def _weights(self, mean_C: Tensor) -> Tensor:
        return torch.sigmoid(self.excite(F.silu(self.squeeze(mean_C))))

    def multiply_adds(self, tokens: int) -> int:
        """Once a crop, or for each token where the mean runs."""
        weights = self.squeeze.weight.numel() + self.excite.weight.numel()
        return weights * (tokens if self.causal else 1)


def running_mean(x_BCL: Tensor) -> Tensor:
    """Mean of all tokens up to each one; sums are made in float32 at least."""
    exact = torch.promote_types(x_BCL.dtype, torch.float32)
    counts_L = torch.arange(1, x_BCL.shape[-1] + 1, dtype=exact, device=x_BCL.device)
    return (x_BCL.cumsum(-1, dtype=exact) / counts_L).to(x_BCL.dtype)


class Net1DBlock(nn.Module):
    """One residual block.

    Args:
        config: kernel, group width, direction, dropout.
        inputs: channels that come in.
        channels: channels that go out.
        first: the network's first block starts without a swish: one has just been.
        place: name of the block within its model.
    """

    def __init__(self, config: Net1DConfig, inputs: int, channels: int, first: bool, place: str) -> None:
        super().__init__()
        self.first, self.widening = first, channels - inputs
        groups = group_count(channels, config.group_width)
        self.enter = TimeConvolution(inputs, channels, 1, config.causal)
        self.mix = TimeConvolution(channels, channels, config.kernel, config.causal, groups)
        self.leave = TimeConvolution(channels, channels, 1, config.causal)
        self.excitation = Excitation(channels, config.causal)
        self.dropouts = nn.ModuleList(Dropout(config.dropout, f"{place}/{i + 1}") for i in range(3))
        if config.idle_norms:
            self.idle_norms = nn.ModuleList(nn.BatchNorm1d(n) for n in (inputs, channels, channels))
            self.idle_norms.requires_grad_(False)

    def forward(self, x_BIL: Tensor) -> tuple[Tensor, Tensor]:
        """x_BIL -> x_BCL, and what was added."""
        z_BIL = x_BIL if self.first else self.dropouts[0](F.silu(x_BIL))
        z_BCL = self.dropouts[1](F.silu(self.enter(z_BIL)))
        z_BCL = self.dropouts[2](F.silu(self.mix(z_BCL)))
        update_BCL = self.excitation(self.leave(z_BCL))
        if self.widening:
            before = self.widening // 2
            x_BIL = F.pad(x_BIL, (0, 0, before, self.widening - before))
        return x_BIL + update_BCL, update_BCL

    def multiply_adds(self, tokens: int) -> int:
        """Multiply-adds of all products."""
        parts = (self.enter, self.mix, self.leave, self.excitation)
        return sum(part.multiply_adds(tokens) for part in parts)


class Net1DBackbone(Backbone):
    """Stem, a first convolution, and seven stages of blocks."""

    def __init__(self, config: Net1DConfig) -> None:
        super().__init__()
        self.stem = Stem(config.width, config.stem_kernels, config.stem_strides, config.stem_norm)
        widths = stage_widths(config.width)
        self.first = TimeConvolution(config.width, widths[0], config.kernel, config.causal)
        if config.idle_norms:
            self.idle_norm = nn.BatchNorm1d(widths[0]).requires_grad_(False)
        self.stages = nn.ModuleList()
        inputs = widths[0]
        for number, (channels, count) in enumerate(zip(widths, config.stage_blocks, strict=True), 1):
            stage = nn.ModuleList()
            for block in range(count):
                place = f"stage{number}/block{block + 1}"
                stage.append(Net1DBlock(config, inputs, channels, number == 1 and block == 0, place))
                inputs = channels
            self.stages.append(stage)
        self.width, self.causal, self.stride = config.width, config.causal, math.prod(config.stem_strides)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The stem, then each stage after its last block; their widths differ."""
        return ("stem", *(f"stage{i + 1}" for i in range(len(self.stages))))

    @property
    def layer_widths(self) -> tuple[int, ...]:
        """The stem's, then each stage's."""
        return (self.width, *stage_widths(self.width))

    def encode(self, latents_BLD: Tensor) -> Features:
        """Run the stages."""
        layers, updates = [latents_BLD], []
        x_BCL = F.silu(self.first(latents_BLD.transpose(1, 2)))
        for stage in self.stages:
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x_BCL, update_BCL = block(x_BCL)
                updates.append(update_BCL.transpose(1, 2))
            layers.append(x_BCL.transpose(1, 2))
        return Features(latents_BLD, layers, layers[-1], updates)

    def products(self, samples: int) -> Products:
        """Products of stem and convolutions, each group counted as wide as it is."""
        assert isinstance(self.stem, Stem)
        stem, first, tokens = self.stem.multiply_adds(samples)
        blocks = [block for stage in self.stages for block in stage]  # type: ignore[attr-defined]
        body = self.first.multiply_adds(tokens) + sum(block.multiply_adds(tokens) for block in blocks)
        phantom = sum(block.mix.phantom(tokens) for block in blocks)
        return Products(2 * (stem + body), 2 * first, phantom=2 * phantom)
