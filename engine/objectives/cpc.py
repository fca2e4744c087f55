"""Contrastive predictive coding (method specification, section 3.5; van den Oord et al. 2018, arXiv:1807.03748).

From the context at token t predict the stem's output `offset` tokens ahead, and tell it from `negatives` other tokens
of the same crop. Similarity is a plain dot product, nothing is normalised and nothing is detached.

Shapes: B batch, L tokens, D width, S = L - offset predictions, K negatives, N = 1 + K candidates.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from engine.backbones.base import Backbone
from engine.contract.config import CPCConfig
from engine.objectives.base import Batch, Loss, Objective
from engine.objectives.spread import spread
from engine.ranks.draws import Draws


def draw_candidates(draws: Draws, tokens: int, offset: int, negatives: int) -> Tensor:
    """Positions of the candidates [B, S, 1 + K]: the true token first, then its negatives.

    Negatives are uniform with replacement over the crop, all but the token to be predicted.
    """
    places_BSN = draws.integers(f"negatives/{offset}", tokens - 1, tokens - offset, 1 + negatives)
    target_S = torch.arange(offset, tokens, device=places_BSN.device)
    places_BSN += places_BSN >= target_S.unsqueeze(-1)
    places_BSN[..., 0] = target_S
    return places_BSN


def candidate_scores(predicted_BSD: Tensor, latents_BLD: Tensor, places_BSN: Tensor) -> Tensor:
    """Dot products [B, S, N] of each prediction with the tokens at its candidates' places.

    All predictions meet all tokens in one batched product, and the candidates are picked from it: some 300 tokens
    stand for 129 gathered vectors a position. On one CPU core that is 30 times as fast as a loop over positions, and
    most of it are the products. They may be made in bfloat16; what is made of them is not.
    """
    plain = predicted_BSD.device.type != "cpu" or torch.is_autocast_enabled("cpu")
    scores_BSL: Tensor = (
        predicted_BSD @ latents_BLD.transpose(1, 2) if plain else _Scores.apply(predicted_BSD, latents_BLD)  # type: ignore[no-untyped-call]
    )
    return scores_BSL.gather(2, places_BSN).to(torch.promote_types(scores_BSL.dtype, torch.float32))


class _Scores(torch.autograd.Function):
    """All predictions with all tokens, with gradients made where they are wanted.

    torch's own way back makes that of the tokens transposed: a third more time for it on a CPU, and a copy.
    """

    @staticmethod
    def forward(ctx: Any, predicted_BSD: Tensor, latents_BLD: Tensor) -> Tensor:
        """scores_BSL."""
        ctx.save_for_backward(predicted_BSD, latents_BLD)
        return predicted_BSD @ latents_BLD.transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BSL: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Gradients of predictions and tokens."""
        predicted_BSD, latents_BLD = ctx.saved_tensors
        to_predicted = grad_BSL @ latents_BLD if ctx.needs_input_grad[0] else None
        return to_predicted, grad_BSL.transpose(1, 2) @ predicted_BSD if ctx.needs_input_grad[1] else None


class CPC(Objective):
    """A linear prediction of each token some fixed offsets ahead, told from negatives of the same crop.

    What is minimised is the sum over time, averaged over crops, as in the study: 1,389.91 at chance for 286
    predictions of one of 129. With several offsets, each with a linear map of its own, it is the mean of their sums.
    What is logged as "loss" is nats per prediction (4.8598 at chance), averaged over offsets.

    The released loss has no fault of its own; but the code lets a backbone that sees the future pass (section 9, item
    7), which then learns to copy the answer. The config refuses such a pair, except as released.
    """

    def __init__(self, backbone: Backbone, config: CPCConfig) -> None:
        super().__init__()
        self.backbone = backbone
        self.offsets, self.negatives, self.temperature = config.offsets, config.negatives, config.temperature
        self.heads = nn.ModuleList(nn.Linear(backbone.width, backbone.width, bias=False) for _ in config.offsets)

    def loss(self, batch: Batch) -> Loss:
        """InfoNCE of all offsets; also the share of predictions whose true token beats every negative."""
        features = self.backbone(batch.x_BCT)
        B, L, _ = features.latents_BLD.shape
        losses, hits, spreads = [], [], []
        for offset, head in zip(self.offsets, self.heads, strict=True):
            predicted_BSD = head(features.tokens_BLD[:, : L - offset])
            places_BSN = draw_candidates(batch.draws, L, offset, self.negatives)
            scores_BSN = candidate_scores(predicted_BSD, features.latents_BLD, places_BSN)
            if self.temperature != 1:
                scores_BSN = scores_BSN / self.temperature
            losses.append(-F.log_softmax(scores_BSN, dim=-1)[..., 0].mean())
            # Strictly better: a model that gives every candidate the same score has found nothing.
            told_BSN = scores_BSN.detach()
            hits.append((told_BSN[..., 0] > told_BSN[..., 1:].amax(-1)).float().mean())
            spreads.append(spread(predicted_BSD, batch.size))
        share, predictions = B / batch.size, [L - offset for offset in self.offsets]
        total = share * torch.stack([loss * count for loss, count in zip(losses, predictions, strict=True)]).mean()
        return Loss(
            total=total,
            parts={
                "loss": share * torch.stack(losses).detach().mean(),
                "trivial_loss": total.new_tensor(share * math.log1p(self.negatives)),
                "accuracy": share * torch.stack(hits).mean(),
                "target_variance": spread(features.latents_BLD, batch.size),
                "prediction_variance": torch.stack(spreads).mean(),
            },
        )
