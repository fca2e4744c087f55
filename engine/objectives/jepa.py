"""JEPA: joint embedding, prediction (method specification, section 3.4; Assran et al. 2023, arXiv:2301.08243).

The student sees one context block of a crop; from it, it predicts the teacher's output in several target blocks.
Unlike in the image original, hidden tokens stay in the sequence as mask tokens, and the head has the full width.

Shapes: B batch, L tokens, D width, N tokens in target blocks.
"""

from __future__ import annotations

import torch

from engine.backbones.base import Backbone
from engine.contract.config import JEPAConfig
from engine.objectives.base import Batch, Loss, Objective
from engine.objectives.masking import draw_blocks, hide, mask_token
from engine.objectives.predictor import Predictor
from engine.objectives.regression import Asked, average_of_layers, compared_with_the_mean, distance
from engine.objectives.teacher import Teacher


class JEPA(Objective):
    """Regress the teacher's output in target blocks from a context block.

    The loss is the smooth L1 distance, a mean over crops, blocks, their tokens and features; a token in several blocks
    counts several times.

    As released it has two faults: the teacher is a random network that never follows the student (section 9, item 1),
    and target blocks are always 64 of 300 tokens long, outside the configured 15 to 20 %, with targets visible in the
    context of one crop in ten (item 6).
    """

    def __init__(self, backbone: Backbone, config: JEPAConfig) -> None:
        super().__init__()
        self.backbone, self.config = backbone, config
        self.mask_token_D = mask_token(backbone.width)
        self.head = Predictor(backbone.width, backbone.width, config)
        self.teacher = Teacher(backbone, config)

    def loss(self, batch: Batch) -> Loss:
        """Distance of the head's predictions from the teacher's tokens in the target blocks."""
        latents_BLD = self.backbone.stem(batch.x_BCT)
        blocks = draw_blocks(batch.draws, latents_BLD.shape[1], self.config)
        student = self.backbone.encode(hide(latents_BLD, ~blocks.context_BL, self.mask_token_D))
        teacher = self.teacher.targets(batch.x_BCT, batch.draws)
        visits = torch.full((), batch.size * self.config.targets * blocks.length, device=latents_BLD.device)
        asked = Asked.of(blocks.visits_BL, visits)
        target_ND = average_of_layers(asked, [teacher.tokens_BLD])
        predicted_ND = asked.pick(self.head(student.tokens_BLD))
        total = distance(predicted_ND, target_ND, self.config.beta, asked)
        parts = compared_with_the_mean(predicted_ND, target_ND, self.config.beta, asked, 1.0)
        return Loss(total, {"loss": total.detach(), **parts})

    def after_step(self, step: int) -> None:
        """The teacher follows."""
        self.teacher.follow(self.backbone, step)
