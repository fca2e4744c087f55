"""HuBERT++'s prototypes: directions to which tokens are assigned softly (method specification, section 3.6).

They start on tokens of the first batch, spread by k-means++, and follow the tokens that are assigned to them by a
moving average. The published ones are no part of a checkpoint; these are, so that a resumed run goes on as it was.

Shapes: N tokens of this rank, D width, K prototypes, B crops of this rank, L tokens of a crop.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.objectives.kmeans import spread
from engine.objectives.sinkhorn import balanced
from engine.ranks.draws import Draws
from engine.ranks.reduce import global_rows, global_sum, rank, world_size

_BEHIND_ALL = 2**62
"""Number of a crop that does not exist."""


class Prototypes(nn.Module):
    """One codebook of unit vectors. Nothing in it is trained.

    Args:
        codes: number of prototypes.
        width: their features.
        decay: share of itself that a prototype keeps at each step.
        iterations: of Sinkhorn's balancing.
    """

    prototypes_KD: Tensor
    started: Tensor

    def __init__(self, codes: int, width: int, decay: float, iterations: int) -> None:
        super().__init__()
        self.codes, self.decay, self.iterations = codes, decay, iterations
        self.register_buffer("prototypes_KD", torch.zeros(codes, width))
        self.register_buffer("started", torch.tensor(False))
        # The same as the host knows it: asking a GPU at each step would make it wait.
        self._known_start: bool | None = False

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        self._known_start = None

    @property
    def has_started(self) -> bool:
        """Whether the prototypes stand anywhere."""
        if self._known_start is None:
            self._known_start = bool(self.started)
        return self._known_start

    @torch.no_grad()
    def start(self, all_ND: Tensor, uniforms_K: Tensor) -> None:
        """Stand on K of these unit vectors, spread by k-means++; all ranks take what rank 0 chose.

        Looked at in evaluation mode, a codebook that has not started stands there for this once.
        """
        self.prototypes_KD.zero_()
        if rank() == 0:
            self.prototypes_KD.copy_(all_ND[spread(all_ND, uniforms_K)])
        self.prototypes_KD.copy_(global_sum(self.prototypes_KD))
        self.started.fill_(self.training)
        self._known_start = self.training

    @torch.no_grad()
    def forward(self, x_ND: Tensor, temperature: float) -> Tensor:
        """Soft assignment q_NK of each unit vector, balanced over all ranks; in training the prototypes then move."""
        with torch.autocast(x_ND.device.type, enabled=False):
            q_NK = balanced((x_ND @ self.prototypes_KD.T).div_(temperature), self.iterations)
            if self.training:
                mean_KD = F.normalize(global_sum(q_NK.T @ x_ND), dim=1)
                self.prototypes_KD.copy_(F.normalize(torch.lerp(mean_KD, self.prototypes_KD, self.decay), dim=1))
        return q_NK


def tokens_of_all(x_BLD: Tensor, draws: Draws, size: int) -> Tensor:
    """Tokens of the whole batch of `size` crops, one row each, by the crops' numbers: the same on every rank."""
    missing = -(-size // world_size()) - len(x_BLD)
    numbers = torch.tensor([*draws.crops, *[_BEHIND_ALL] * missing], device=x_BLD.device)
    order = global_rows(numbers).argsort()[:size]
    return global_rows(F.pad(x_BLD, (0, 0, 0, 0, 0, missing)))[order].flatten(0, 1)
