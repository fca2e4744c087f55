"""What every objective is: a loss on a batch of signals, around a backbone that is what remains.

Shapes: B batch, C leads, T samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from engine.backbones.base import Backbone
from engine.ranks.draws import Draws, drawing

MASK_TOKEN = "mask_token_D"
"""Name of the learned vector that stands for a hidden token, in every objective that has one."""

DYNAMICS = ("log_dt", "poles", "p", "b")
"""Names of the S4 parameters that are dynamics, where they are trained."""


@dataclass(frozen=True)
class Batch:
    """This rank's crops of a batch, and the place from which its random draws are made.

    Attributes:
        x_BCT: crops in millivolts (or as normalised) at the rate of the model.
        draws: masks, negatives and dropout come from here.
        size: crops of the whole batch, over all ranks.
    """

    x_BCT: Tensor
    draws: Draws
    size: int

    @classmethod
    def whole(cls, x_BCT: Tensor, seed: int = 0, stream: str = "train", position: int = 0) -> Batch:
        """A batch that one rank has to itself."""
        return cls(x_BCT, Draws(seed, stream, position, tuple(range(len(x_BCT))), x_BCT.device), len(x_BCT))


@dataclass(frozen=True)
class Loss:
    """This rank's share of a batch's loss, and what to log of it.

    Attributes:
        total: what is minimised, a scalar with a graph; summed over the ranks it is the loss of the batch.
        parts: detached scalars, likewise shares that add up. "loss" is the one that people compare with
            "trivial_loss", which a model reaches that does not look at its input.
    """

    total: Tensor
    parts: Mapping[str, Tensor]


class Objective(nn.Module):
    """Base of all objectives. Heads, teachers and codebooks are private to it; what is kept is `backbone`."""

    backbone: Backbone
    codes = 0
    """Codes of all codebooks, where labels are codes."""
    last_step: int | None = None
    """Steps of the training, for objectives that change on the way; the learner says it."""

    def loss(self, batch: Batch) -> Loss:
        """The loss of a batch; in training mode with dropout, in evaluation mode without."""
        raise NotImplementedError

    def forward(self, batch: Batch) -> Loss:
        """The loss, with dropout drawn by crop."""
        with drawing(batch.draws):
            return self.loss(batch)

    def fits_at(self, step: int) -> bool:
        """Whether `fit` must be called before this step: labels or codes are made from the data anew."""
        return False

    def fit(self, batches: Iterable[Batch], step: int) -> None:
        """Make labels or codes from training crops; the same batches on every rank. Most objectives have none."""

    def restarted(self) -> list[nn.Parameter]:
        """What the last `fit` started anew; the optimiser forgets what it knew of it."""
        return []

    def after_step(self, step: int) -> None:
        """Called after each optimiser step; a teacher moves here. Most objectives have nothing to do."""

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Trainable parameters by learning-rate group: "head", "backbone", "stem" and "dynamics".

        The mask token learns at the backbone's rate (method specification, section 4); trained S4 dynamics have a rate
        of their own.
        """
        stem = list(self.backbone.stem.parameters())
        dynamics = [p for n, p in self.backbone.named_parameters() if n.rpartition(".")[2] in DYNAMICS]
        inside = {id(p) for p in stem + dynamics}
        body = [p for p in self.backbone.parameters() if id(p) not in inside]
        body += [p for n, p in self.named_parameters(recurse=False) if n == MASK_TOKEN]
        inside |= {id(p) for p in body}
        head = [p for p in self.parameters() if id(p) not in inside]
        groups = {"head": head, "backbone": body, "stem": stem, "dynamics": dynamics}
        return {name: [p for p in members if p.requires_grad] for name, members in groups.items()}
