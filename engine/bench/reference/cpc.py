"""The loss of contrastive predictive coding as published: position by position (method specification, section 3.5).

The loop draws negatives for one position at a time, looks their rows up, puts the true token before them, multiplies
and sums, and counts where the true token won.

Shapes: B batch, L tokens, D width, S predictions, K negatives, N = 1 + K candidates, the true one first.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def plain_cpc_loss(
    predicted_BSD: Tensor, latents_BLD: Tensor, negatives: int, places_BSN: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Sum over positions of the mean over crops of the cross-entropy; and how often the true token had the top score.

    Args:
        predicted_BSD: predictions; that of position s is for token s + L - S.
        latents_BLD: tokens.
        negatives: how many are drawn for a position.
        places_BSN: candidates that were drawn before; None to draw.
    """
    B, L, D = latents_BLD.shape
    S = predicted_BSD.shape[1]
    rows_ND = latents_BLD.reshape(-1, D)
    first_B1 = L * torch.arange(B).unsqueeze(-1)
    total, hits = predicted_BSD.new_zeros(()), torch.zeros((), dtype=torch.long)
    answers_B = torch.zeros(B, dtype=torch.long)
    for s in range(S):
        true = s + L - S
        places_BK = draw(B, L, true, negatives) if places_BSN is None else places_BSN[:, s, 1:]
        negatives_BKD = rows_ND[(first_B1 + places_BK).flatten()].view(B, -1, D)
        candidates_BND = torch.cat([latents_BLD[:, true].unsqueeze(1), negatives_BKD], 1)
        scores_BN = (predicted_BSD[:, s].unsqueeze(1) * candidates_BND).sum(-1)
        hits = hits + (scores_BN.argmax(-1) == answers_B).sum()
        total = total + F.cross_entropy(scores_BN, answers_B)
    return total, hits


def draw(batch: int, tokens: int, true: int, negatives: int) -> Tensor:
    """Places of negatives [B, K] for one position: uniform over the crop but for the true token, torch's generator."""
    places_BK = torch.randint(tokens - 1, (batch, negatives))
    return places_BK + (places_BK >= true).long()
