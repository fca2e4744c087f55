"""Whole optimiser steps on one device: how many a second, what memory they take, and how much of the time is products.

Ours are those of the training loop: read without waiting, on one batch that already lies in memory, so that what is
measured is the device and not the disk. The plain side is the published algorithm (`engine/bench/reference`) in
float32, as the study trained (method specification, section 4): transforms have no bfloat16.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.bench.cases import Size, backward, pair_of, signals
from engine.bench.reference.cpc import plain_cpc_loss
from engine.contract.backbone import S4Config
from engine.contract.config import PretrainConfig
from engine.objectives.base import Batch
from engine.training.learner import Learner, read

PRODUCTS = ("gemm", "cutlass", "nvjet", "xmma", "cublas", "convol", "fprop", "dgrad", "wgrad", "flash", "fmha")
"""What the names of the GPU's kernels that multiply matrices have in them: cuBLAS, cuDNN, fused attention."""

_WARM_UP = 3

Call = Callable[[int], Any]


@dataclass(frozen=True)
class Steps:
    """What some optimiser steps took.

    Attributes:
        per_s: steps a second.
        memory_gb: the most that tensors took, in GB; None on a CPU, which does not tell.
        losses: of every step, warm-up included.
    """

    per_s: float
    memory_gb: float | None
    losses: tuple[float, ...]


def our_steps(config: PretrainConfig, device: torch.device, steps: int) -> Steps:
    """Train on one batch of noise, `config.batch_size` crops."""
    call = our_step(config, device)
    return _timed(call, device, steps, lambda told: read(told)["loss"])


def our_step(config: PretrainConfig, device: torch.device) -> Call:
    """One optimiser step of the training loop, by its number; it hands out its parts, not read yet."""
    learner, x_BCT = Learner(config, device), _crops(config.batch_size, config.samples, device)
    return lambda step: learner.step([Batch.whole(x_BCT, config.seed, "train", step)])


def plain_steps(size: Size, device: torch.device, steps: int) -> Steps:
    """The published algorithm's CPC with S4, `size.cpc` crops, in float32."""
    with torch.device(device):
        return _timed(_plain_step(size, device), device, steps, float)


def _plain_step(size: Size, device: torch.device) -> Call:
    config = S4Config(width=size.width)
    with torch.device("cpu"):
        pair, head = pair_of(config, size), nn.Linear(size.width, size.width, bias=False)
    plain, head = pair.plain.to(device).train(), head.to(device)
    x_BCT = _crops(size.cpc, size.samples, device)
    seen = config.tokens(size.samples) - size.offset
    optimizer = torch.optim.AdamW([*plain.parameters(), *head.parameters()], lr=3e-4)

    def step(_: int) -> Tensor:
        optimizer.zero_grad()
        latents_BLD, tokens_BLD = plain(x_BCT)
        loss = backward(plain_cpc_loss(head(tokens_BLD[:, :seen]), latents_BLD, size.negatives)[0])
        optimizer.step()
        return loss

    return step


def _crops(batch: int, samples: int, device: torch.device) -> Tensor:
    with torch.device("cpu"):
        x_BCT = signals(batch, samples)
    return x_BCT.to(device)


def _timed(call: Call, device: torch.device, steps: int, number: Callable[[Any], float]) -> Steps:
    is_gpu = device.type == "cuda"
    if is_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    told = [call(step) for step in range(_WARM_UP)]
    _wait(device)
    begun = time.perf_counter()
    told += [call(_WARM_UP + step) for step in range(steps)]
    _wait(device)
    seconds = time.perf_counter() - begun
    memory = torch.cuda.max_memory_allocated(device) / 1e9 if is_gpu else None
    return Steps(steps / seconds, memory, tuple(number(one) for one in told))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def share_in_products(call: Call, steps: int = 5) -> float | None:
    """Share of the GPU's own time that kernels of matrix products took; None where no GPU did anything."""
    for step in range(_WARM_UP):
        call(step)
    with torch.profiler.profile() as profile:  # of every kind of device that there is
        for step in range(steps):
            call(_WARM_UP + step)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    on_gpu = [event for event in profile.events() or () if event.device_type.name == "CUDA"]
    return share_of((event.name, event.self_device_time_total) for event in on_gpu)


def share_of(kernels: Iterable[tuple[str, float]]) -> float | None:
    """Share of the time of kernels, by name, that multiply matrices; None without any time."""
    products = total = 0.0
    for name, spent in kernels:
        total += spent
        if any(word in name.lower() for word in PRODUCTS):
            products += spent
    return products / total if total else None
