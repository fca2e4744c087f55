"""Dropout that draws by crop, element by element or one mask for a crop's whole time.

Shapes: B batch, L tokens, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
        if not self.training or self.probability == 0:
            return x_BLD
        shape = (1, *x_BLD.shape[2:]) if self.tied else tuple(x_BLD.shape[1:])
        draws = current_draws()
        if draws is None:
            keep = torch.rand(x_BLD.shape[0], *shape, device=x_BLD.device) >= self.probability
        else:
            keep = draws.to(x_BLD.device).keep(f"dropout/{self.place}", self.probability, *shape)
        return x_BLD * keep.to(x_BLD.dtype).div_(1 - self.probability)
