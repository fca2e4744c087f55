"""Floating-point operations of one crop: true ones by the backbone's own account, and what torch's counter makes of it.

`torch.utils.flop_counter` counts matrix products and convolutions as they are dispatched. It sees no Fourier transform,
and its formula for the backward pass of a convolution ignores groups (torch 2.13: the published 73.8 GFLOPs of Net1D,
whose true cost is 26.5). `corrected` mends both by formulas of our own; it is the second way by which tests hold the
backbones' accounts.

Shapes: B batch, C leads, T samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.backbones.base import Backbone
from engine.backbones.registry import COUNTER_NOTE, build_backbone
from engine.contract.config import S4Config
from engine.contract.efficiency import Flops

LEADS = 12
FOURIER_NOTE = "it sees no Fourier transforms, and counts the making of the kernel, which a batch shares"


def flops_of(backbone: Backbone, samples: int) -> Flops:
    """Operations of a crop of so many samples; the backbone is left as it is."""
    cost = backbone.products(samples)
    forward, backward = counted(backbone, samples)
    notes = [COUNTER_NOTE] * (cost.phantom > 0) + [FOURIER_NOTE] * (cost.convolution > 0)
    return Flops(
        forward=cost.forward + cost.convolution,
        forward_backward=cost.forward_backward + cost.convolution + cost.convolution_backward,
        products_forward=cost.forward,
        products_forward_backward=cost.forward_backward,
        counter_forward=forward,
        counter_forward_backward=forward + backward,
        note="; ".join(notes),
    )


def counted(backbone: Backbone, samples: int, corrections: dict[Any, Any] | None = None) -> tuple[int, int]:
    """Operations that torch's counter sees in a forward and in a backward pass of one crop.

    Args:
        backbone: whose parameters are used but not changed.
        samples: of the crop.
        corrections: formulas by operator in place of the counter's own (see `corrected`).
    """
    # Most are counted on tensors without values; S4 makes its kernel of values.
    device = "cpu" if isinstance(backbone.config, S4Config) else "meta"
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        module = _twin(backbone, device)
        x_BCT = torch.zeros(1, LEADS, samples, device=device)
        module(x_BCT)  # the first pass also makes what is then kept
        # Fused attention computes its weights again in the backward pass: no product of the method.
        with sdpa_kernel(SDPBackend.MATH):
            with FlopCounterMode(display=False, custom_mapping=corrections) as forwards:
                tokens_BLD: Tensor = module(x_BCT).tokens_BLD
            with FlopCounterMode(display=False, custom_mapping=corrections) as backwards:
                torch.autograd.backward(tokens_BLD.sum())
    return forwards.get_total_flops(), backwards.get_total_flops()


def _twin(backbone: Backbone, device: str) -> nn.Module:
    """A fresh one of the same shape that may be moved and given gradients."""
    with torch.device(device):
        twin = build_backbone(backbone.config)
    return twin.eval().requires_grad_(True)


def corrected() -> dict[Any, Callable[..., int]]:
    """Formulas in place of the counter's: grouped convolutions counted group by group, Fourier transforms seen."""
    aten = torch.ops.aten
    return {
        aten.convolution_backward: _convolution_backward,
        aten._fft_r2c: _real_to_complex,
        aten._fft_c2r: _complex_to_real,
    }


def _convolution_backward(
    grad_shape: Sequence[int],
    x_shape: Sequence[int],
    weight_shape: Sequence[int],
    _bias: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    transposed: bool,
    _output_padding: Any,
    _groups: int,
    wanted: Sequence[bool],
    **_: Any,
) -> int:
    """Each gradient costs what the forward pass did: positions x weights, the weights being those of one group each."""
    positions = x_shape if transposed else grad_shape
    once = 2 * positions[0] * math.prod(positions[2:]) * math.prod(weight_shape)
    return once * (bool(wanted[0]) + bool(wanted[1]))


def _real_to_complex(shape: Sequence[int], dims: Sequence[int], *_: Any, **__: Any) -> int:
    return _transforms(shape, dims, shape[dims[-1]])


def _complex_to_real(shape: Sequence[int], dims: Sequence[int], _normal: int, last: int, **_: Any) -> int:
    return _transforms(shape, dims, last)


def _transforms(shape: Sequence[int], dims: Sequence[int], length: int) -> int:
    """2.5 n log2 n for each transform of a real signal of length n (Frigo and Johnson, Proc IEEE 93:216-231, 2005)."""
    count = math.prod(shape) // shape[dims[-1]]
    return round(count * 2.5 * length * math.log2(length))
