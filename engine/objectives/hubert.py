"""HuBERT++: soft labels made as the training goes, in place of k-means between trainings (method spec., section 3.6).

The teacher sees the whole crop; each of its tokens is assigned softly to prototypes, balanced by Sinkhorn's iteration
so that every prototype is used. The student, from which spans of tokens are hidden, predicts these assignments: most
of the loss is on hidden tokens, the rest on the others. Both sides become more decided over the first 200 steps, by
temperatures that fall along a half-cosine. HuBERT itself (Hsu et al. 2021, arXiv:2106.07447) is in `offline.py`.

Shapes: B batch, L tokens of a crop, N tokens of this part of the batch, M masked ones, D width, K codes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.base import Backbone
from engine.contract.config import HuBERTConfig, Net1DConfig
from engine.objectives.assignment import full_precision
from engine.objectives.base import Batch, Loss, Objective
from engine.objectives.labels import CodeHead, codes_used, expected, hits, over_codebooks, spreads
from engine.objectives.masking import Spans, draw_spans, hide, mask_token
from engine.objectives.offline import OfflineHuBERT
from engine.objectives.prototypes import Prototypes
from engine.objectives.regression import Asked
from engine.objectives.starting import tokens_of_all
from engine.objectives.teacher import Teacher
from engine.ranks.reduce import global_sum

RELEASED_FACTOR = 10.0
"""What the released code multiplies log-probabilities by where only masked tokens count (section 9, item 11)."""


def hubert(backbone: Backbone, config: HuBERTConfig) -> Objective:
    """HuBERT++, or plain HuBERT, as `targets` says."""
    return HuBERT(backbone, config) if config.targets == "sinkhorn" else OfflineHuBERT(backbone, config)


class Temperatures(NamedTuple):
    """What similarities and logits are divided by."""

    teacher: float
    student: float

    @classmethod
    def at(cls, step: int, config: HuBERTConfig) -> Temperatures:
        """Half a cosine from first to last; at step 100 of 200 halfway: 0.11 and 0.30."""
        left = 0.5 * (1 + math.cos(math.pi * min(step / config.temperature_steps, 1.0)))
        spans = (config.teacher_temperature, config.student_temperature)
        return cls(*(last + (first - last) * left for first, last in spans))


class Counted(NamedTuple):
    """How the tokens of a batch count in its loss.

    Attributes:
        asked: the masked tokens.
        weight_N: of each token of this part; over the whole batch those of masked tokens sum to `masked_share`, those
            of the others to the rest.
        tokens: of the whole batch.
    """

    asked: Asked
    weight_N: Tensor
    tokens: int

    @classmethod
    def of(cls, spans: Spans, size: int, masked_share: float) -> Counted:
        """From the masks of this part of a batch of `size` crops."""
        tokens, masked = size * spans.masked_BL.shape[1], spans.total.double()
        of_masked, of_other = masked_share / masked.clamp_min(1), (1 - masked_share) / (tokens - masked).clamp_min(1)
        weight_N = torch.where(spans.masked_BL.flatten(), of_masked, of_other)
        return cls(Asked.of(spans.masked_BL, spans.total), weight_N, tokens)

    def mean(self, value_N: Tensor) -> Tensor:
        """This part's share of the mean over all tokens."""
        return value_N.sum() / self.tokens


class HuBERT(Objective):
    """Predict the teacher's balanced soft assignments, of masked tokens above all.

    For each codebook the loss is 0.75 times the mean Kullback-Leibler divergence at masked tokens, 0.25 times that at
    the others, and 0.001 times the student's mean entropy; codebooks are added up. "loss" is logged without entropy.

    The study assigns tokens as unit vectors. Those of Net1D, which has no last norm, all point much the same way: their
    assignments stay uniform, and there is nothing to learn. As intended its tokens are centred first (our choice).

    As released it has two faults: the teacher is a random network that never follows the student (section 9, item 1),
    and 6.3 % of the tokens are masked in place of 48.5 % (item 4). Where only masked tokens count (`masked_share` 1),
    it also multiplies log-probabilities by 10, which makes it no divergence any more (item 11).
    """

    step: Tensor

    def __init__(self, backbone: Backbone, config: HuBERTConfig) -> None:
        super().__init__()
        self.backbone, self.config = backbone, config
        self.mask_token_D = mask_token(backbone.width)
        self.head = CodeHead(backbone.width, sum(config.codes))
        self.teacher = Teacher(backbone, config)
        self.codebooks = nn.ModuleList(
            Prototypes(size, backbone.width, config.code_decay, config.sinkhorn_iterations) for size in config.codes
        )
        self.codes = sum(config.codes)
        self.register_buffer("step", torch.tensor(0))
        released = config.fidelity == "as_released"
        self._factor = RELEASED_FACTOR if released and config.masked_share == 1 else 1.0
        shares_much = isinstance(backbone.config, Net1DConfig) and not released
        self._centred = shares_much if config.centred is None else config.centred

    def loss(self, batch: Batch) -> Loss:
        """Divergence of the student's predictions from the teacher's assignments."""
        latents_BLD = self.backbone.stem(batch.x_BCT)
        spans = draw_spans(batch.draws, latents_BLD.shape[1], self.config)
        student = self.backbone.encode(hide(latents_BLD, spans.masked_BL, self.mask_token_D))
        said_NO = full_precision(self.head(student.tokens_BLD)).flatten(0, 1)
        teacher = self.teacher.targets(batch.x_BCT, batch.draws)
        unit_BLD = self._directions(full_precision(teacher.tokens_BLD), batch.size)
        self._start(unit_BLD, batch)
        counted = Counted.of(spans, batch.size, self.config.masked_share)
        temperatures = self._temperatures(batch)
        share = len(batch.x_BCT) / batch.size
        found = []
        for book, logits_NK in zip(self._books, torch.split(said_NO, list(self.config.codes), 1), strict=True):
            q_NK = book(unit_BLD.flatten(0, 1), temperatures.teacher)
            total, parts = self._compared(q_NK, logits_NK, temperatures.student, counted)
            parts["codes_used"] = codes_used(q_NK.argmax(1), book.codes, share)
            sharp_MK = logits_NK[counted.asked.rows_N] / temperatures.student
            found.append((total, parts | _spreads(book, unit_BLD, sharp_MK, counted.asked)))
        return Loss(torch.stack([total for total, _ in found]).sum(), over_codebooks([parts for _, parts in found]))

    def after_step(self, step: int) -> None:
        """The teacher follows."""
        self.teacher.follow(self.backbone, step)

    @property
    def _books(self) -> list[Prototypes]:
        return [book for book in self.codebooks if isinstance(book, Prototypes)]

    def _temperatures(self, batch: Batch) -> Temperatures:
        """Those of the step; held-out crops are looked at with those of the last step."""
        if self.training:
            self.step.fill_(batch.draws.position)
            return Temperatures.at(batch.draws.position, self.config)
        return Temperatures.at(int(self.step), self.config)

    def _directions(self, tokens_BLD: Tensor, size: int) -> Tensor:
        """Tokens as unit vectors; where it is asked, the mean token of the whole batch is taken off first."""
        if self._centred:
            tokens_BLD = tokens_BLD - global_sum(tokens_BLD.sum((0, 1))) / (size * tokens_BLD.shape[1])
        return F.normalize(tokens_BLD, dim=-1)

    def _start(self, unit_BLD: Tensor, batch: Batch) -> None:
        """On the first batch, prototypes are chosen among the tokens of all its crops."""
        if all(book.has_started for book in self._books):
            return
        all_ND = tokens_of_all(unit_BLD, batch.draws, batch.size)
        for number, book in enumerate(self._books):
            book.start(all_ND, batch.draws.shared_uniform(f"prototypes/{number}", book.codes))

    def _compared(
        self, q_NK: Tensor, logits_NK: Tensor, temperature: float, counted: Counted
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """This part's share of one codebook's loss, and what to log of it."""
        log_p_NK = (logits_NK / temperature).log_softmax(1)
        teacher_entropy_N = torch.special.entr(q_NK).sum(1)
        divergence_N = -teacher_entropy_N - self._factor * (q_NK * log_p_NK).sum(1)
        weight_N = counted.weight_N.to(divergence_N.dtype)
        # Not a matrix product: it would be rounded where those are made in bfloat16.
        divergence = (weight_N * divergence_N).sum()
        entropy = counted.mean(torch.special.entr(logits_NK.softmax(1)).sum(1))
        rows_M = counted.asked.rows_N
        return divergence + self.config.entropy_weight * entropy, {
            "loss": divergence.detach(),
            "trivial_loss": frequency_divergence(q_NK, weight_N),
            "accuracy": hits(logits_NK[rows_M], q_NK[rows_M].argmax(1), counted.asked),
            "teacher_entropy": counted.mean(teacher_entropy_N),
            "student_entropy": entropy.detach(),
        }


@torch.no_grad()
def frequency_divergence(q_NK: Tensor, weight_N: Tensor) -> Tensor:
    """Share of the divergence of answering always with how common each code is in this batch.

    Of all answers that do not look at the input, the weighted mean of the assignments has the least divergence.
    """
    # No matrix products: they would be rounded where those are made in bfloat16.
    summed = global_sum(torch.cat([(weight_N.unsqueeze(1) * q_NK).sum(0), weight_N.sum().view(1)]))
    mean_K = summed[:-1] / summed[-1]
    divergence_N = (torch.special.xlogy(q_NK, q_NK) - torch.special.xlogy(q_NK, mean_K)).sum(1)
    share: Tensor = (weight_N * divergence_N).sum()
    return share


def _spreads(book: Prototypes, unit_BLD: Tensor, logits_MK: Tensor, asked: Asked) -> dict[str, Tensor]:
    """Variances of labels and predictions, in units of a token's mean square: unit vectors times the root of D."""
    root = math.sqrt(unit_BLD.shape[-1])
    said_MD = expected(logits_MK, book.prototypes_KD)
    return spreads(root * unit_BLD.flatten(0, 1)[asked.rows_N], root * said_MD, asked)
