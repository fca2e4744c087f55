"""Objective and optimiser together: one optimiser step, one look at held-out crops.

Master weights, optimiser state and sums are float32. With `precision = "bfloat16"` matrix products and convolutions of
the forward pass run in bfloat16 (torch's autocast); what is delicate (norms, softmax, losses) stays in float32.

A batch may be computed in parts, one after the other (gradient accumulation). Every part is a batch of its own to the
objective, and the parts' losses are averaged. The result equals that of the whole batch up to what an objective
computes over a batch: BatchNorm statistics, Sinkhorn's sums, and masked tokens, which are averaged within a part.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from engine.backbones.base import Backbone
from engine.backbones.registry import build_backbone
from engine.contract.config import Net1DConfig, PretrainConfig
from engine.objectives.base import Batch
from engine.objectives.registry import build_objective
from engine.ranks.draws import Draws
from engine.ranks.reduce import global_sum, world_size
from engine.training.schedules import rate_share

Values = dict[str, Tensor]
"""Scalars by name, on the device, not yet read."""


class Learner:
    """What learns. Given the same config and device, its state after n steps is a function of n alone.

    Args:
        config: what is asked.
        device: where it runs.
        parent: weights to go on from; none starts fresh.
    """

    def __init__(self, config: PretrainConfig, device: torch.device, parent: Backbone | None = None) -> None:
        self._config, self._device = config, device
        # Before the objective is built: a teacher starts as a copy of what it finds.
        backbone = parent or build_backbone(config.backbone, config.seed)
        self.objective = build_objective(backbone, config.objective, config.seed).to(device)
        self.objective.last_step = config.steps
        self.optimizer = build_optimizer(self.objective.parameter_groups(), config)
        self._trained = [p for group in self.optimizer.param_groups for p in group["params"]]
        self._driven = self._distributed()

    @property
    def backbone(self) -> Backbone:
        """What remains of the training."""
        return self.objective.backbone

    def step(self, parts: Sequence[Batch]) -> Values:
        """One optimiser step on a batch, given as its parts; nothing is read from the device.

        Returns:
            This rank's shares of the loss's parts and of "gradient_norm" (before clipping); `read` adds them up.
        """
        self.objective.train()
        self.optimizer.zero_grad()
        told: Values = {}
        for number, batch in enumerate(parts):
            with self._silent(last=number == len(parts) - 1), self._precision():
                loss = self._driven(self._here(batch))
            # DDP averages the gradients of the ranks, but the shares of the loss add up.
            (loss.total * (world_size() / len(parts))).backward()
            for name, value in loss.parts.items():
                told[name] = told.get(name, 0) + value.detach() / len(parts)
        norm = torch.nn.utils.get_total_norm([p.grad for p in self._trained if p.grad is not None])
        if self._config.clip_norm:
            torch.nn.utils.clip_grads_with_norm_(self._trained, self._config.clip_norm, norm)
        step = parts[0].draws.position
        set_rates(self.optimizer, rate_share(step, self._config))
        self.optimizer.step()
        self.objective.after_step(step)
        return told | {"gradient_norm": norm.detach() / world_size()}

    def rate(self, step: int) -> float:
        """Learning rate of the head at a step."""
        return self._config.learning_rate * rate_share(step, self._config)

    def fit(self, batches: Iterable[Batch], step: int) -> None:
        """Let the objective make its labels from whole training batches, the same on every rank, in float32."""
        self.objective.fit((self._here(batch) for batch in batches), step)
        for parameter in self.objective.restarted():
            self.optimizer.state.pop(parameter, None)

    @torch.inference_mode()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Mean of the parts over held-out crops of all ranks, as "validation_..."; empty without crops."""
        self.objective.eval()
        sums: Values = {}
        count = 0
        for batch in batches:
            with self._precision():
                parts = self.objective(self._here(batch)).parts
            for name, value in parts.items():
                sums[name] = sums.get(name, 0) + batch.size * value.double()
            count += batch.size
        return {f"validation_{name}": total / count for name, total in read(sums).items()}

    def rehearse(self, crops: int) -> None:
        """A forward and a backward pass over so many crops of noise, to see whether they fit; nothing is learned."""
        self.optimizer.zero_grad()
        self.objective.train()
        draws = Draws(self._config.seed, "rehearsal", 0, tuple(range(crops)))
        with self._precision():
            batch = self._here(Batch(torch.randn(crops, 12, self._config.samples), draws, crops))
            loss = self.objective(batch)
        loss.total.backward()
        self.optimizer.zero_grad()

    def here(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        """Batches on the training device."""
        return (self._here(batch) for batch in batches)

    def _here(self, batch: Batch) -> Batch:
        x_BCT = batch.x_BCT.to(self._device, non_blocking=True)
        return replace(batch, x_BCT=x_BCT, draws=batch.draws.to(self._device))

    def _precision(self) -> AbstractContextManager[Any]:
        enabled = self._config.precision == "bfloat16"
        return torch.autocast(self._device.type, torch.bfloat16, enabled=enabled)

    def _distributed(self) -> nn.Module:
        if world_size() == 1:
            return self.objective
        backbone = self._config.backbone
        idle = isinstance(backbone, Net1DConfig) and backbone.idle_norms
        # Buffers are equal on all ranks by construction: what makes them is summed over the ranks.
        known = inspect.signature(DistributedDataParallel).parameters
        sync = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"  # until torch 2.12
        settings: dict[str, Any] = {sync: False, "find_unused_parameters": idle}
        return DistributedDataParallel(self.objective, **settings)

    def _silent(self, last: bool) -> AbstractContextManager[Any]:
        """Gradients are exchanged once, with the last part."""
        driven = self._driven
        return driven.no_sync() if isinstance(driven, DistributedDataParallel) and not last else nullcontext()


def read(values: Values) -> dict[str, float]:
    """Shares added up over the ranks, as numbers: the one place where the host waits for the device."""
    if not values:
        return {}
    total_N = global_sum(torch.stack([value.double() for value in values.values()]))
    return dict(zip(values, total_N.tolist(), strict=True))


def build_optimizer(groups: dict[str, list[nn.Parameter]], config: PretrainConfig) -> torch.optim.Optimizer:
    """AdamW with the study's learning rates by group (method specification, section 4).

    Head 3e-3, backbone and mask token a tenth of it, stem a hundredth. Each group's "rate" is its full rate;
    `set_rates` makes the step's of it.

    Weight decay is on everything, biases, norms, C and D included, but for trained dynamics, which have a decay of
    their own: none, as S4's authors have it (example.py of github.com/state-spaces/s4: a smaller rate and no decay).
    It would pull the logarithm of each step size, and each frequency, to 0: all time scales towards one.
    """
    factors = {
        "head": 1.0,
        "backbone": config.backbone_factor,
        "stem": config.stem_factor,
        "dynamics": config.dynamics_factor,
    }
    rates = [
        {
            "params": members,
            "lr": config.learning_rate * factors[name],
            "weight_decay": config.dynamics_decay if name == "dynamics" else config.weight_decay,
            "name": name,
        }
        for name, members in groups.items()
        if members
    ]
    for group in rates:
        group["rate"] = group["lr"]
    return torch.optim.AdamW(rates, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)


def set_rates(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Give every group this share of its full rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["rate"] * share
