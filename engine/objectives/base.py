"""What every objective is: a loss on a batch of signals, around a backbone that is what remains.

Shapes: B batch, C leads, T samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.backbones.base import Backbone
from engine.objectives.draws import torch_generator


@dataclass(frozen=True)
class Batch:
    """A batch of crops and the place from which its random draws are made.

    Attributes:
        x_BCT: crops in millivolts at the rate of the model.
        seed: seed of the run.
        stream: "train" or "validation"; each has draws of its own.
        position: the step, or the number of the validation batch.
    """

    x_BCT: Tensor
    seed: int
    stream: str
    position: int

    def generator(self, what: str) -> torch.Generator:
        """The generator for one kind of draw in this batch."""
        return torch_generator(self.seed, f"{self.stream}/{what}", self.position)


@dataclass(frozen=True)
class Loss:
    """A loss and what to log of it.

    Attributes:
        total: what is minimised, a scalar with a graph.
        parts: detached scalars; "loss" is the one that people compare with "chance".
    """

    total: Tensor
    parts: Mapping[str, Tensor]


class Objective(nn.Module):
    """Base of all objectives. Heads, teachers and codebooks are private to it; what is kept is `backbone`."""

    backbone: Backbone

    def loss(self, batch: Batch) -> Loss:
        """The loss of a batch; in training mode with dropout, in evaluation mode without."""
        raise NotImplementedError

    def chance(self) -> float:
        """The value of the part "loss" for a model that knows nothing."""
        raise NotImplementedError

    def after_step(self, step: int) -> None:
        """Called after each optimiser step; a teacher moves here. Most objectives have nothing to do."""

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Trainable parameters by learning-rate group: "head", "backbone", "stem" (method specification, section 4)."""
        stem = list(self.backbone.stem.parameters())
        inside = {id(p) for p in stem}
        body = [p for p in self.backbone.parameters() if id(p) not in inside]
        inside |= {id(p) for p in body}
        head = [p for p in self.parameters() if id(p) not in inside]
        groups = {"head": head, "backbone": body, "stem": stem}
        return {name: [p for p in members if p.requires_grad] for name, members in groups.items()}
