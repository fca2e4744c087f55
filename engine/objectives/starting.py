"""Codebooks that start on tokens of the first batch, spread by k-means++, equal on all ranks.

Shapes: N tokens of all ranks, D width, K codes, B crops of this rank, L tokens of a crop.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.objectives.kmeans import spread
from engine.ranks.draws import Draws
from engine.ranks.reduce import global_rows, global_sum, rank, world_size

_BEHIND_ALL = 2**62
"""Number of a crop that does not exist."""


class Starting(nn.Module):
    """Base of codebooks.

    Args:
        codes: how many codes it has.
        waits: for the first batch; otherwise it stands from the beginning.
    """

    started: Tensor

    def __init__(self, codes: int, waits: bool) -> None:
        super().__init__()
        self.codes, self._waits = codes, waits
        if waits:
            self.register_buffer("started", torch.tensor(False))
        # What the buffer says, as the host knows it: asking a GPU at each step would make it wait.
        self._known_start: bool | None = not waits

    def stand_on(self, rows_KD: Tensor) -> None:
        """Start here."""
        raise NotImplementedError

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        self._known_start = None if self._waits else True

    @property
    def has_started(self) -> bool:
        """Whether the codes stand anywhere."""
        if self._known_start is None:
            self._known_start = bool(self.started)
        return self._known_start

    @torch.no_grad()
    def start(self, all_ND: Tensor, uniforms_K: Tensor) -> None:
        """Stand on K of these tokens; all ranks take what rank 0 chose.

        Looked at in evaluation mode, a codebook that has not started stands there for this once.
        """
        rows_KD = all_ND.new_zeros(self.codes, all_ND.shape[1])
        if rank() == 0:
            rows_KD.copy_(all_ND[spread(all_ND, uniforms_K)])
        self.stand_on(global_sum(rows_KD))
        self.started.fill_(self.training)
        self._known_start = self.training


def tokens_of_all(x_BLD: Tensor, draws: Draws, size: int) -> Tensor:
    """Tokens of the whole batch of `size` crops, one row each, by the crops' numbers: the same on every rank."""
    missing = -(-size // world_size()) - len(x_BLD)
    numbers = torch.tensor([*draws.crops, *[_BEHIND_ALL] * missing], device=x_BLD.device)
    order = global_rows(numbers).argsort()[:size]
    return global_rows(F.pad(x_BLD, (0, 0, 0, 0, 0, missing)))[order].flatten(0, 1)
