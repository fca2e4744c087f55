"""The loss of contrastive predictive coding as published: position by position (method specification, section 3.5).

Shapes: B batch, L tokens, D width, S predictions, N candidates, the true one first.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def plain_cpc_loss(predicted_BSD: Tensor, latents_BLD: Tensor, places_BSN: Tensor) -> Tensor:
    """Sum over positions of the mean over crops of the cross-entropy; each position gathers its own candidates."""
    B, S, N = places_BSN.shape
    D = latents_BLD.shape[-1]
    total = predicted_BSD.new_zeros(())
    answers_B = torch.zeros(B, dtype=torch.long)
    for s in range(S):
        index_BND = places_BSN[:, s].unsqueeze(-1).expand(B, N, D)
        candidates_BND = torch.gather(latents_BLD, 1, index_BND)
        scores_BN = torch.einsum("bd,bnd->bn", predicted_BSD[:, s], candidates_BND)
        total = total + F.cross_entropy(scores_BN, answers_B)
    return total
