"""Dropout that draws by crop, element by element or one mask for a crop's whole time.

Shapes: B batch, L tokens, D width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from engine.ranks.draws import current_draws


class Dropout(nn.Module):
    """Zero values in training and scale the others up.

    Args:
        probability: of a value to be zeroed.
        place: name of this dropout within its model; each has its own, so that no two draw alike.
        tied: one mask for each crop and channel, shared over time, as in the study's S4.
    """

    def __init__(self, probability: float, place: str, tied: bool = False) -> None:
        super().__init__()
        self.probability, self.place, self.tied = probability, place, tied

    def forward(self, x_BLD: Tensor) -> Tensor:
        """X of any shape [B, L, ...] to the same shape."""
        return self.drop(x_BLD, *((1, *x_BLD.shape[2:]) if self.tied else x_BLD.shape[1:]))

    def drop(self, x: Tensor, *shape: int) -> Tensor:
        """X with values zeroed by one mask [B, *shape], which is spread over x."""
        if not self.training or self.probability == 0:
            return x
        dropped: Tensor = _Masked.apply(x, self._keep(x, *shape), 1 / (1 - self.probability))  # type: ignore[no-untyped-call]
        return dropped

    def mask(self, like: Tensor, *shape: int) -> Tensor:
        """What to multiply by, float32 [B, *shape]: 0, or the inverse of the share that is kept."""
        return self._keep(like, *shape).float().div_(1 - self.probability)

    def _keep(self, like: Tensor, *shape: int) -> Tensor:
        draws = current_draws()
        if draws is None:
            return torch.rand(len(like), *shape, device=like.device) >= self.probability
        return draws.to(like.device).keep(f"dropout/{self.place}", self.probability, *shape)


class _Masked(torch.autograd.Function):
    """x * keep * scale, scaled in float32 whatever x is: bfloat16 has no 1 / 0.9, only one that is 0.2 % off.

    One byte a value is kept for the way back, where autograd would keep a mask of floats.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, keep: Tensor, scale: float) -> Tensor:
        """Drop and scale."""
        ctx.save_for_backward(keep)
        ctx.scale = scale
        return torch.where(keep, x, 0.0).mul_(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """The same for the gradient."""
        (keep,) = ctx.saved_tensors
        return torch.where(keep, grad, 0.0).mul_(ctx.scale), None, None
