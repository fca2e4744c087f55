"""data2vec (method specification, section 3.2; Baevski et al. 2022, arXiv:2202.03555).

Spans of tokens are hidden from the student; it predicts what the teacher, which sees all, makes of them: the mean of
what the teacher's top blocks add to their input, each normalised token by token.

Shapes: B batch, L tokens, D width, N masked tokens.
"""

from __future__ import annotations

import math

from engine.backbones.base import Backbone
from engine.contract.config import Data2vecConfig
from engine.objectives.base import Batch, Loss, Objective
from engine.objectives.masking import draw_spans, hide, mask_token
from engine.objectives.predictor import Predictor
from engine.objectives.regression import Asked, average_of_layers, compared_with_the_mean, distance
from engine.objectives.teacher import Teacher


class Data2vec(Objective):
    """Regress what the teacher's top blocks make of masked tokens.

    The loss is the smooth L1 distance, summed over features and divided by the root of their number, as a mean over
    the masked tokens of the whole batch.

    As released it has two faults: the teacher is a random network that never follows the student (section 9, item 1),
    and 6.3 % of the tokens are masked in place of 48.5 %, since the probability is divided by the span (item 4).
    """

    def __init__(self, backbone: Backbone, config: Data2vecConfig) -> None:
        super().__init__()
        self.backbone, self.config = backbone, config
        self.mask_token_D = mask_token(backbone.width)
        self.head = Predictor(backbone.width, backbone.width, config)
        self.teacher = Teacher(backbone, config)

    def loss(self, batch: Batch) -> Loss:
        """Distance of the head's predictions from the teacher's blocks at masked tokens."""
        latents_BLD = self.backbone.stem(batch.x_BCT)
        L, D = latents_BLD.shape[1:]
        spans = draw_spans(batch.draws, L, self.config)
        student = self.backbone.encode(hide(latents_BLD, spans.masked_BL, self.mask_token_D))
        teacher = self.teacher.targets(batch.x_BCT, batch.draws)
        asked = Asked.of(spans.masked_BL, spans.total)
        target_ND = average_of_layers(asked, teacher.updates[-self.config.top_layers :])
        predicted_ND = asked.pick(self.head(student.tokens_BLD))
        # A sum over features by the root of their number is their mean times that root.
        total = math.sqrt(D) * distance(predicted_ND, target_ND, self.config.beta, asked)
        parts = compared_with_the_mean(predicted_ND, target_ND, self.config.beta, asked, math.sqrt(D))
        return Loss(total, {"loss": total.detach(), **parts})

    def after_step(self, step: int) -> None:
        """The teacher follows."""
        self.teacher.follow(self.backbone, step)
