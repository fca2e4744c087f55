"""A backbone for inference on a CPU: the same features from weights that were prepared once.

Batch norms are folded into the stem's products, weights are packed for oneDNN, the S4 blocks run by compiled loops with
the modes' weights at hand. What cannot be prepared runs as it is.

Shapes: B batch, C leads, T samples, L tokens, D width, K kernel, N = B x L rows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.base import Backbone, Features
from engine.backbones.s4 import S4Backbone, S4Block
from engine.backbones.stem import ConvBlock, Stem
from engine.kernels.glu_norm import WIDEST, glu_norm_into
from engine.kernels.library import kernels
from engine.kernels.products import packed_linear, packing_works
from engine.kernels.scan import gelu_scan_into

Encoder = Callable[[Tensor], Features]
Precision = Literal["float32", "bf16"]

ROWS = 8
"""Crops that go through together: their activations stay in cache, and memory stays flat."""


def for_inference(backbone: Backbone, precision: Precision = "float32") -> Encoder:
    """The backbone as a function x_BCT -> Features, prepared where that is possible; `updates` are left out.

    It keeps the weights of this moment. In float32 features are equal to the backbone's own within 1e-5; with "bf16",
    an option that nothing chooses by itself, products are rounded and features differ by some 4e-3.

    Args:
        backbone: in evaluation mode.
        precision: of the products.
    """
    weight = next(backbone.parameters())
    if backbone.training or weight.device.type != "cpu" or weight.dtype != torch.float32:
        return backbone
    if isinstance(backbone, S4Backbone) and _blocks_apply(backbone):
        return FusedS4(backbone, precision)
    if precision == "float32" and packing_works():
        return _with_packed_layers(backbone)
    return backbone


def _blocks_apply(backbone: S4Backbone) -> bool:
    blocks = [block for block in backbone.blocks if isinstance(block, S4Block)]
    return (
        kernels().library is not None
        and backbone.width <= WIDEST
        and all(block.convolution.modes() is not None for block in blocks)
    )


class FusedS4:
    """Stem and S4 blocks, prepared."""

    def __init__(self, backbone: S4Backbone, precision: Precision) -> None:
        assert isinstance(backbone.stem, Stem)
        self._as_it_is, self._dtype = backbone, torch.bfloat16 if precision == "bf16" else torch.float32
        with torch.inference_mode():
            self._stem = [_FusedConvolution(block, self._dtype) for block in backbone.stem.blocks]  # type: ignore[arg-type]
            self._blocks = [_FusedBlock(block, self._dtype) for block in backbone.blocks]  # type: ignore[arg-type]

    def __call__(self, x_BCT: Tensor) -> Features:
        """Features of a batch, computed some crops at a time.

        A ReLU within oneDNN's product turns what is not a number into 0, so a signal with such values takes the plain
        way, where they stay what they are.
        """
        if not bool(torch.isfinite(x_BCT).all()):
            features: Features = self._as_it_is(x_BCT)
            return features
        with torch.inference_mode():
            latents = [self._latents(part_BCT) for part_BCT in torch.split(x_BCT, ROWS)]
            latents_BLD = latents[0] if len(latents) == 1 else torch.cat(latents)
            blocks = [torch.empty_like(latents_BLD) for _ in self._blocks]
            for first in range(0, len(x_BCT), ROWS):
                x_BLD = latents_BLD[first : first + ROWS]
                for block, layer_BLD in zip(self._blocks, blocks, strict=True):
                    x_BLD = block(x_BLD, layer_BLD[first : first + ROWS])
        layers = [latents_BLD, *blocks]
        return Features(latents_BLD, layers, layers[-1])

    def _latents(self, x_BCT: Tensor) -> Tensor:
        x_BLD = x_BCT.transpose(1, 2).to(self._dtype)
        for convolution in self._stem:
            x_BLD = convolution(x_BLD)
        return x_BLD.float()


class _FusedConvolution:
    """Convolution, batch norm with its running statistics, ReLU: one product over the windows of the signal."""

    def __init__(self, block: ConvBlock, dtype: torch.dtype) -> None:
        self._kernel, self._stride = block.kernel, block.stride
        norm = block.norm
        if norm is None:
            assert block.conv.bias is not None
            self._product = packed_linear(block.conv.weight.flatten(1).to(dtype), block.conv.bias.to(dtype))
            return
        assert norm.running_mean is not None
        assert norm.running_var is not None
        # In float64: the folded weights are rounded once.
        gain_D = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        weight_DCK = block.conv.weight.double() * gain_D.view(-1, 1, 1)
        bias_D = norm.bias.double() - norm.running_mean.double() * gain_D
        self._product = packed_linear(weight_DCK.flatten(1).to(dtype), bias_D.to(dtype), relu=True)

    def __call__(self, x_BTC: Tensor) -> Tensor:
        if self._kernel > 1:
            x_BTC = F.pad(x_BTC, (0, 0, self._kernel // 2, self._kernel // 2))
        windows_BLCK = x_BTC.unfold(1, self._kernel, self._stride)
        B, L = windows_BLCK.shape[:2]
        return self._product(windows_BLCK.reshape(B * L, -1)).view(B, L, -1)


class _FusedBlock:
    """One S4 block: scan with GELU, the linear layer, then gate, residual and norm in one pass."""

    def __init__(self, block: S4Block, dtype: torch.dtype) -> None:
        modes = block.convolution.modes()
        assert modes is not None
        self._pole_NH, self._dtype, self._norm = modes.pole_NH, dtype, block.norm
        self._weight_RNH = modes.weights(block.convolution.C.detach().flatten(2)).contiguous()
        self._skip_H = block.convolution.D.detach()
        linear = block.output
        self._product = packed_linear(linear.weight.detach().to(dtype), linear.bias.detach().to(dtype))

    def __call__(self, x_BLD: Tensor, out_BLD: Tensor) -> Tensor:
        z_BLD = gelu_scan_into(torch.empty_like(x_BLD), x_BLD, self._pole_NH, self._weight_RNH, self._skip_H)
        B, L, _ = z_BLD.shape
        gate_BLE = self._product(z_BLD.flatten(0, 1).to(self._dtype)).float().view(B, L, -1)
        return glu_norm_into(out_BLD, gate_BLE, x_BLD, self._norm.weight, self._norm.bias, self._norm.eps)


class _PackedLinear(nn.Module):
    """A linear layer with packed weights."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self._product = packed_linear(layer.weight.detach(), None if layer.bias is None else layer.bias.detach())

    def forward(self, x_BLI: Tensor) -> Tensor:
        """As the layer does, over tokens of all crops at once."""
        return self._product(x_BLI.flatten(0, -2)).view(*x_BLI.shape[:-1], -1)


def _with_packed_layers(backbone: Backbone) -> Backbone:
    """A copy in which every linear layer has packed weights."""
    prepared = copy.deepcopy(backbone)
    for module in list(prepared.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                setattr(module, name, _PackedLinear(child))
    return prepared
