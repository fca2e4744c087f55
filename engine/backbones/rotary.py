"""Rotary positions (Su et al. 2021, arXiv:2104.09864): queries and keys are turned by angles that grow with time.

The features i and i + F of a head with 2F features make a plane (the "rotate-half" layout), and the token at t is
turned in it by t x base^(-i/F). The product of a query and a key then depends on their distance, not on where they are.

Shapes: L tokens, H heads, F planes of a head.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


@lru_cache(maxsize=16)
def rotary_angles(tokens: int, planes: int, base: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine of each token's angle in each plane, float32 [L, 1, F]; made in float64."""
    # Not in inference mode even when the caller is: what is kept here must serve a later training step too.
    with torch.inference_mode(False):
        rate_F = base ** (-torch.arange(planes, dtype=torch.float64) / planes)
        angle_LF = torch.arange(tokens, dtype=torch.float64)[:, None] * rate_F
        cos_L1F, sin_L1F = (f(angle_LF).float().to(device).unsqueeze(1) for f in (torch.cos, torch.sin))
    return cos_L1F, sin_L1F


def rotate(x: Tensor, base: float) -> Tensor:
    """Turn heads x [..., L, H, 2F] by the positions 0 ... L - 1."""
    cos_L1F, sin_L1F = rotary_angles(x.shape[-3], x.shape[-1] // 2, base, x.device)
    turned: Tensor = _Rotation.apply(x, cos_L1F.to(x.dtype), sin_L1F.to(x.dtype))  # type: ignore[no-untyped-call]
    return turned


class _Rotation(torch.autograd.Function):
    """A turn forwards; the way back is the turn by the opposite angles, so nothing of the input is kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos_L1F: Tensor, sin_L1F: Tensor) -> Tensor:
        """Turn pairs of features by their angles."""
        ctx.save_for_backward(cos_L1F, sin_L1F)
        return _turned(x, cos_L1F, sin_L1F)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """Turn the gradient back."""
        cos_L1F, sin_L1F = ctx.saved_tensors
        return _turned(grad, cos_L1F, -sin_L1F), None, None


def _turned(x: Tensor, cos_L1F: Tensor, sin_L1F: Tensor) -> Tensor:
    turned = torch.empty_like(x)
    first, second = x.chunk(2, -1)
    turned_first, turned_second = turned.chunk(2, -1)
    torch.mul(first, cos_L1F, out=turned_first).addcmul_(second, sin_L1F, value=-1)
    torch.mul(second, cos_L1F, out=turned_second).addcmul_(first, sin_L1F)
    return turned
