"""Objective and optimiser together: one optimiser step, one look at held-out crops, and what must survive a kill."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from engine.backbones.base import Backbone
from engine.backbones.registry import build_backbone
from engine.backbones.weights import weights_bytes
from engine.contract.config import PretrainConfig
from engine.objectives.base import Batch
from engine.objectives.registry import build_objective

WEIGHTS, TRAINER = "weights.safetensors", "trainer.pt"


class Learner:
    """What learns. Given the same config and device, its state after n steps is a function of n alone."""

    def __init__(self, config: PretrainConfig, device: torch.device) -> None:
        self._config, self._device = config, device
        backbone = build_backbone(config.backbone, config.seed)
        self.objective = build_objective(backbone, config.objective, config.seed).to(device)
        self.optimizer = build_optimizer(self.objective.parameter_groups(), config)

    @property
    def backbone(self) -> Backbone:
        """What remains of the training."""
        return self.objective.backbone

    def step(self, batch: Batch) -> dict[str, float]:
        """One optimiser step, unless loss or gradient are not finite: then nothing is changed but batch statistics.

        Returns:
            Parts of the loss, and "gradient_norm"; the caller looks whether they are finite.
        """
        self.objective.train()
        self.optimizer.zero_grad()
        loss = self.objective(self._here(batch))
        loss.total.backward()
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.objective.parameters() if p.grad is not None])
        told = {name: float(value) for name, value in loss.parts.items()} | {"gradient_norm": float(norm)}
        if all(map(math.isfinite, told.values())):
            self.optimizer.step()
            self.objective.after_step(batch.draws.position)
        return told

    @torch.inference_mode()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Mean of the parts over held-out crops, as "validation_..."; empty without crops."""
        self.objective.eval()
        sums: dict[str, float] = {}
        count = 0
        for batch in batches:
            size = len(batch.x_BCT)
            for name, value in self.objective(self._here(batch)).parts.items():
                sums[name] = sums.get(name, 0.0) + size * float(value)
            count += size
        return {f"validation_{name}": total / count for name, total in sums.items()}

    def files(self, about: dict[str, Any]) -> dict[str, bytes]:
        """The state as files of a checkpoint: the backbone's weights, and everything else that training needs."""
        rest = {k: v for k, v in self.objective.state_dict().items() if not k.startswith("backbone.")}
        buffer = io.BytesIO()
        torch.save({"objective": rest, "optimizer": self.optimizer.state_dict(), "about": about}, buffer)
        return {WEIGHTS: weights_bytes(self.backbone, self._config.backbone), TRAINER: buffer.getvalue()}

    def restore(self, checkpoint: Path) -> dict[str, Any]:
        """Take up the state of a checkpoint whose checksums were verified; hands back its `about`."""
        rest = torch.load(checkpoint / TRAINER, map_location=self._device, weights_only=True)
        weights = load_file(checkpoint / WEIGHTS, device=str(self._device))
        backbone = {f"backbone.{name}": value for name, value in weights.items()}
        self.objective.load_state_dict({**rest["objective"], **backbone}, strict=True)
        self.optimizer.load_state_dict(rest["optimizer"])
        about: dict[str, Any] = rest["about"]
        return about

    def is_finite(self) -> bool:
        """Whether every weight is a number: no checkpoint is written of anything else."""
        floats = [v for v in self.objective.state_dict().values() if v.is_floating_point()]
        return all(bool(torch.isfinite(v).all()) for v in floats)

    def _here(self, batch: Batch) -> Batch:
        x_BCT = batch.x_BCT.to(self._device, non_blocking=True)
        return replace(batch, x_BCT=x_BCT, draws=batch.draws.to(self._device))


def build_optimizer(groups: dict[str, list[torch.nn.Parameter]], config: PretrainConfig) -> torch.optim.Optimizer:
    """AdamW with the study's three constant learning rates (method specification, section 4).

    Weight decay is on everything, biases, norms, C and D included. No warm-up, no clipping.
    """
    factors = {
        "head": 1.0,
        "backbone": config.backbone_factor,
        "stem": config.stem_factor,
        "dynamics": config.dynamics_factor,
    }
    rates = [
        {"params": members, "lr": config.learning_rate * factors[name], "name": name}
        for name, members in groups.items()
        if members
    ]
    return torch.optim.AdamW(rates, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
