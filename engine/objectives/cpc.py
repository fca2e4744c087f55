"""Contrastive predictive coding (method specification, section 3.5; van den Oord et al. 2018, arXiv:1807.03748).

From the context at token t predict the stem's output `offset` tokens ahead, and tell it from `negatives` other tokens
of the same crop. Similarity is a plain dot product, nothing is normalised and nothing is detached.

Shapes: B batch, L tokens, D width, S = L - offset predictions, K negatives, N = 1 + K candidates.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.base import Backbone
from engine.contract.config import CPCConfig
from engine.objectives.base import Batch, Loss, Objective
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
    stand for 129 gathered vectors a position, at a fraction of the memory traffic.
    """
    scores_BSL = predicted_BSD @ latents_BLD.transpose(1, 2)
    return scores_BSL.gather(2, places_BSN)


class CPC(Objective):
    """One linear prediction a fixed offset ahead, against negatives of the same crop.

    What is minimised is the sum over time, averaged over crops, as in the study (1,389.91 at chance for 286
    predictions); what is logged as "loss" is nats per prediction (4.8598 at chance).
    """

    def __init__(self, backbone: Backbone, config: CPCConfig) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.width, backbone.width, bias=False)
        self.offset, self.negatives = config.offsets[0], config.negatives

    def loss(self, batch: Batch) -> Loss:
        """InfoNCE; also the share of predictions whose true token beats every negative."""
        features = self.backbone(batch.x_BCT)
        latents_BLD = features.latents_BLD
        L = latents_BLD.shape[1]
        places_BSN = draw_candidates(batch.draws, L, self.offset, self.negatives)
        predicted_BSD = self.head(features.tokens_BLD[:, : L - self.offset])
        scores_BSN = candidate_scores(predicted_BSD, latents_BLD, places_BSN)
        share = len(batch.x_BCT) / batch.size
        per_step = -F.log_softmax(scores_BSN, dim=-1)[..., 0].mean() * share
        # Strictly better: a model that gives every candidate the same score has found nothing.
        hits_BS = scores_BSN[..., 0] > scores_BSN[..., 1:].amax(-1)
        trivial = per_step.new_tensor(math.log1p(self.negatives) * share)
        parts = {"loss": per_step.detach(), "accuracy": hits_BS.float().mean() * share, "trivial_loss": trivial}
        return Loss(total=per_step * (L - self.offset), parts=parts)
