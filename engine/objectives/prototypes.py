"""HuBERT++'s prototypes: directions to which tokens are assigned softly (method specification, section 3.6).

They start on tokens of the first batch, spread by k-means++, and follow the tokens that are assigned to them by a
moving average. The published ones are no part of a checkpoint; these are, so that a resumed run goes on as it was.

Shapes: N tokens of this rank, D width, K prototypes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.objectives.sinkhorn import balanced
from engine.objectives.starting import Starting
from engine.ranks.reduce import global_sum


class Prototypes(Starting):
    """One codebook of unit vectors. Nothing in it is trained.

    Args:
        codes: number of prototypes.
        width: their features.
        decay: share of itself that a prototype keeps at each step.
        iterations: of Sinkhorn's balancing.
    """

    prototypes_KD: Tensor

    def __init__(self, codes: int, width: int, decay: float, iterations: int) -> None:
        super().__init__(codes, waits=True)
        self.decay, self.iterations = decay, iterations
        self.register_buffer("prototypes_KD", torch.zeros(codes, width))

    def stand_on(self, rows_KD: Tensor) -> None:
        """Each prototype is one token."""
        self.prototypes_KD.copy_(rows_KD)

    @torch.no_grad()
    def forward(self, x_ND: Tensor, temperature: float) -> Tensor:
        """Soft assignment q_NK of each unit vector, balanced over all ranks; in training the prototypes then move."""
        with torch.autocast(x_ND.device.type, enabled=False):
            q_NK = balanced((x_ND @ self.prototypes_KD.T).div_(temperature), self.iterations)
            if self.training:
                mean_KD = F.normalize(global_sum(q_NK.T @ x_ND), dim=1)
                self.prototypes_KD.copy_(F.normalize(torch.lerp(mean_KD, self.prototypes_KD, self.decay), dim=1))
        return q_NK
