"""ST-MEM's encoder (Na et al., ICLR 2024, openreview WcOohbsF4H): a ViT over patches of every lead.

Each lead is cut into patches of 75 samples (0.3 s at 250 Hz). A patch is normalised, projected and normalised again,
told its place in time and, with a separator before and after its lead's patches, its lead. Blocks see all leads at
once. The embedding is the mean over all patches, without the separators, normalised.

Shapes: B batch, C leads, T samples, N patches of a lead, K samples of a patch, D width, L = C (N + 2) tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.zoo.architectures.vit_block import VitBlock

PATCH = 75


class StMemEncoder(nn.Module):
    """The encoder without its decoder.

    Args:
        leads: that it has embeddings for; all of them must be fed.
        patches: of a lead, at most.
        width: features of a token.
        depth: blocks.
        heads: of each block.
    """

    def __init__(self, leads: int = 12, patches: int = 30, width: int = 768, depth: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.patch_norm, self.patch, self.token_norm = nn.LayerNorm(PATCH), nn.Linear(PATCH, width), nn.LayerNorm(width)
        self.places = nn.Parameter(torch.zeros(1, patches + 2, width))
        self.separator = nn.Parameter(torch.zeros(width))
        self.leads = nn.ParameterList(nn.Parameter(torch.zeros(width)) for _ in range(leads))
        self.blocks = nn.ModuleList(VitBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x_BCT: Tensor) -> dict[str, Tensor]:
        """The embedding [B, D], and the mean over patches after each block, [B, D] each."""
        x_BLD, patches = self._tokens(x_BCT)
        told = {}
        for number, block in enumerate(self.blocks, 1):
            x_BLD = block(x_BLD)
            told[f"block{number}"] = self._mean(x_BLD, patches)
        return {"embedding": self.norm(self._mean(x_BLD, patches)), **told}

    def _tokens(self, x_BCT: Tensor) -> tuple[Tensor, int]:
        """Tokens of all leads one after the other, x_BLD, and how many patches a lead has."""
        B, C, T = x_BCT.shape
        x_BCNK = x_BCT.view(B, C, T // PATCH, PATCH)
        N = x_BCNK.shape[2]
        x_BCND = self.token_norm(self.patch(self.patch_norm(x_BCNK))) + self.places[:, None, 1 : N + 1]
        ends = [(self.separator + self.places[:, end]).expand(B, C, 1, -1) for end in (0, -1)]
        x_BCMD = torch.cat([ends[0], x_BCND, ends[1]], 2) + torch.stack(list(self.leads))[:, None]
        return x_BCMD.flatten(1, 2), N

    def _mean(self, x_BLD: Tensor, patches: int) -> Tensor:
        B, _, D = x_BLD.shape
        return x_BLD.view(B, -1, patches + 2, D)[:, :, 1:-1].mean((1, 2))
