"""The loss of data2vec and JEPA: how far predictions are from targets, at the tokens that are asked for.

Beside it stand what a model reaches that ignores its input, and the spread of targets and predictions: a pair that
collapses shows by a spread that goes to zero, in the targets first.

Shapes: B batch, L tokens, D width, N tokens that are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.ranks.reduce import global_sum


class Asked(NamedTuple):
    """Tokens that are asked for.

    Attributes:
        rows_N: their numbers among the B x L tokens of this part of the batch.
        weight_N: how often each one counts.
        total: sum of the weights over the whole batch, a scalar.
    """

    rows_N: Tensor
    weight_N: Tensor
    total: Tensor

    @classmethod
    def of(cls, weight_BL: Tensor, total: Tensor) -> Asked:
        """The tokens with a weight; a batch without any loses nothing, and its gradient is zero."""
        weight_N = weight_BL.flatten()
        rows_N = weight_N.nonzero().squeeze(1)
        return cls(rows_N, weight_N[rows_N].float(), total.clamp_min(1))

    def pick(self, x_BLD: Tensor) -> Tensor:
        """The tokens of x that are asked for, x_ND, in float32 at least."""
        return x_BLD.flatten(0, 1)[self.rows_N].to(torch.promote_types(x_BLD.dtype, torch.float32))

    def mean(self, x_ND: Tensor) -> Tensor:
        """This part's share of the weighted mean over tokens, of the mean over features."""
        return (x_ND.mean(-1) * self.weight_N).sum() / self.total


def normalised(x_ND: Tensor) -> Tensor:
    """Layer norm without weights of its own: each token has mean 0 and variance 1 over its features."""
    return F.layer_norm(x_ND, x_ND.shape[-1:])


def average_of_layers(asked: Asked, layers: Sequence[Tensor]) -> Tensor:
    """Mean of the layers [B, L, D] at the tokens that are asked for, each layer normalised by itself; [N, D]."""
    return torch.stack([normalised(asked.pick(layer_BLD)) for layer_BLD in layers]).mean(0)


def distance(predicted_ND: Tensor, target_ND: Tensor, beta: float, asked: Asked) -> Tensor:
    """This part's share of the mean smooth L1 loss over tokens and features; with beta 0 it is L1.

    Errors below beta cost error^2 / (2 beta), larger ones |error| - beta / 2.
    """
    return asked.mean(F.smooth_l1_loss(predicted_ND, target_ND, reduction="none", beta=beta))


@torch.no_grad()
def compared_with_the_mean(
    predicted_ND: Tensor, target_ND: Tensor, beta: float, asked: Asked, scale: float
) -> dict[str, Tensor]:
    """Shares of what to log beside the loss.

    "trivial_loss" is the loss of predicting, for every token, the mean of this batch's targets; the variances are
    those over tokens, averaged over features.
    """
    target_D, predicted_D = _means(asked.weight_N, target_ND, predicted_ND)
    return {
        "trivial_loss": scale * distance(target_D.expand_as(target_ND), target_ND, beta, asked),
        "target_variance": asked.mean((target_ND - target_D).square()),
        "prediction_variance": asked.mean((predicted_ND - predicted_D).square()),
    }


def _means(weight_N: Tensor, target_ND: Tensor, predicted_ND: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted means over the tokens of all ranks, in one exchange."""
    D, weight_N1 = target_ND.shape[1], weight_N.unsqueeze(1)
    # Not a matrix product: that would be rounded where products are computed in bfloat16.
    own = [(weight_N1 * target_ND).sum(0), (weight_N1 * predicted_ND).sum(0), weight_N.sum().view(1)]
    sums = global_sum(torch.cat(own))
    count = sums[2 * D].clamp_min(1)
    return sums[:D] / count, sums[D : 2 * D] / count
