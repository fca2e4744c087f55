"""Sums over all ranks of a distributed run; with one rank they cost nothing and change no bit.

The rule of the house: each rank computes its *share* of the loss, the shares add up to the loss of the whole batch, and
whatever a share needs of other ranks' crops (statistics, counts, balancing sums) comes through `global_sum`. Its
gradient is again summed over the ranks, so the gradients of all shares add up to the gradient of the whole.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def rank() -> int:
    """Number of this process among those that share the batch."""
    return dist.get_rank() if _distributed() else 0


def world_size() -> int:
    """How many processes share the batch."""
    return dist.get_world_size() if _distributed() else 1


def _distributed() -> bool:
    return dist.is_available() and dist.is_initialized()


class _AllSum(torch.autograd.Function):
    """Sum over ranks, forwards and backwards."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """All ranks get the sum."""
        total = x.detach().clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """Each rank's share of the loss hangs on the sum, so its gradients are summed too."""
        total = grad.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


def global_sum(x: Tensor) -> Tensor:
    """Sum of `x` over all ranks, differentiable; `x` itself when there is one rank."""
    if world_size() == 1:
        return x
    total: Tensor = _AllSum.apply(x)  # type: ignore[no-untyped-call]
    return total


def global_rows(x_ND: Tensor) -> Tensor:
    """Rows of all ranks in rank order, without gradient; every rank must hold as many."""
    if world_size() == 1:
        return x_ND.detach()
    parts = [torch.empty_like(x_ND) for _ in range(world_size())]
    dist.all_gather(parts, x_ND.detach().contiguous())
    return torch.cat(parts)
