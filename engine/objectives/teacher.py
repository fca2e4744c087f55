"""The network that makes the targets of data2vec, DinoSR, JEPA and HuBERT++ (method specification, section 3.1).

Intended: a copy of the student that starts as it and follows it slowly, an exponential moving average of its weights
(Tarvainen and Valpola 2017, arXiv:1703.01780), in evaluation mode. With a decay of 0.9996 half of the start is
forgotten after 1,733 steps.

The statistics of its batch norms are the student's at each step (our choice). The study means to average them too
(`teacher_statistics = "averaged"`), but they start at mean 0 and variance 1, and what they normalise has much less
variance than that: such a teacher makes nearly the same of all tokens until it has forgotten its start, with a decay
of 0.9996 for thousands of steps. Held-out loss over trivial loss, decay 0.99, width 64, one seed each, averaged and
copied: JEPA on S4 0.96 and 0.85 after 400 steps on synthetic ECGs, on a Transformer 1.20 and 0.77 after 100 steps and
on Net1D 1.29 and 1.00 after 200 on 356 recordings of PTB-XL. Either way the variance of targets moves at first: not
the loss tells how a run fares, but its ratio to the trivial loss.

As released: a network of random weights of its own, in training mode, that never follows. The published update looks
its own names up in the student after cutting four characters off each, finds none, and copies nothing; so the four
objectives predict the features of a fixed random network (section 9, item 1).

Shapes: B batch, C leads, T samples.
"""

from __future__ import annotations

import copy
from typing import Self

import torch
from torch import Tensor, nn

from engine.backbones.base import Backbone, Features
from engine.backbones.registry import build_backbone
from engine.contract.objective import Taught
from engine.ranks.draws import Draws, drawing


class Teacher(nn.Module):
    """Makes targets of signals of which nothing is hidden. No gradient ever reaches it; checkpoints hold it.

    Args:
        backbone: the student. A teacher that follows starts as its copy; one that does not has weights of its own,
            drawn from torch's global generator.
        config: decay, and whether the teacher follows and is quiet.
    """

    def __init__(self, backbone: Backbone, config: Taught) -> None:
        super().__init__()
        self.network = copy.deepcopy(backbone) if config.follows else build_backbone(backbone.config)
        self.network.requires_grad_(False)
        self.follows, self.quiet = config.follows, config.quiet_teacher
        self._averages_statistics = config.teacher_statistics == "averaged"
        self._start, self._ramp = config.decay, config.decay_steps
        self._end = config.decay if config.decay_end is None else config.decay_end
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """A quiet teacher stays in evaluation mode: no dropout in the targets, running statistics in batch norms.

        Another one is in training mode whenever the student is; its running statistics then move, its weights do not.
        """
        super().train(mode)
        self.network.train(mode and not self.quiet)
        return self

    @torch.no_grad()
    def targets(self, x_BCT: Tensor, draws: Draws) -> Features:
        """Features of the whole signals; the dropout of a teacher in training mode is its own, not the student's."""
        with drawing(draws.within("teacher")):
            features: Features = self.network(x_BCT)
        return features

    def decay_at(self, step: int) -> float:
        """Share of itself that the teacher keeps after this step: constant, or a linear ramp that then stays."""
        return self._start + (self._end - self._start) * min(step / self._ramp, 1.0)

    @torch.no_grad()
    def follow(self, student: Backbone, step: int) -> None:
        """Move towards the student: weights by averaging, batch statistics too or by copying, counters by copying."""
        if not self.follows:
            return
        own: list[Tensor] = list(self.network.parameters())
        aims: list[Tensor] = list(student.parameters())
        for mine, aim in zip(self.network.buffers(), student.buffers(), strict=True):
            if self._averages_statistics and mine.is_floating_point():
                own.append(mine)
                aims.append(aim)
            else:
                mine.copy_(aim)
        torch._foreach_lerp_(own, aims, 1.0 - self.decay_at(step))
