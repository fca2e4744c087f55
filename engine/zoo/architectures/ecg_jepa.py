"""ECG-JEPA's encoder (Kim 2024, arXiv:2410.08559): a ViT in which a patch reads its own lead and its own time.

Eight leads are cut into patches of 50 samples (0.2 s at 250 Hz). The fixed places (sines and cosines of lead and time,
kept in the file) are added before every block, not once. In each block a patch attends to the patches of its lead and
to those of the same moment in other leads ("cross-pattern attention"). The embedding is the mean over all patches after
the last norm.

Shapes: B batch, C leads, T samples, N patches of a lead, L = C N tokens, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.zoo.architectures.vit_block import VitBlock

PATCH = 50


class EcgJepaEncoder(nn.Module):
    """The encoder; target encoder and predictor are not part of it.

    Args:
        leads: that are fed.
        patches: of each lead.
        width: features of a token.
        depth: blocks.
        heads: of each block.
    """

    def __init__(self, leads: int = 8, patches: int = 50, width: int = 768, depth: int = 12, heads: int = 16) -> None:
        super().__init__()
        self.patches = patches
        self.patch = nn.Linear(PATCH, width)
        self.places = nn.Parameter(torch.zeros(leads * patches, width))
        self.blocks = nn.ModuleList(VitBlock(width, heads, biased=False) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x_BCT: Tensor) -> dict[str, Tensor]:
        """The embedding [B, D], and the mean over patches after each block, [B, D] each."""
        x_BLD = self.patch(x_BCT.reshape(len(x_BCT), -1, PATCH))
        may_read_LL = self._cross_pattern(x_BLD)
        told = {}
        for number, block in enumerate(self.blocks, 1):
            x_BLD = block(x_BLD + self.places, may_read_LL)
            told[f"block{number}"] = x_BLD.mean(1)
        return {"embedding": self.norm(x_BLD).mean(1), **told}

    def _cross_pattern(self, x_BLD: Tensor) -> Tensor:
        token_L = torch.arange(x_BLD.shape[1], device=x_BLD.device)
        lead_L, moment_L = token_L // self.patches, token_L % self.patches
        return (lead_L[:, None] == lead_L) | (moment_L[:, None] == moment_L)
