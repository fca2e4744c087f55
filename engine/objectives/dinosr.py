"""DinoSR, self-distillation with online clustering (method spec., 3.3; Liu et al. 2023, arXiv:2305.10005).

Spans of tokens are hidden from the student. The teacher, which sees all, makes a vector of every token at each of its
top blocks, and the nearest codeword of that block's codebook is the token's label: a word for what happens there. The
student predicts the words of hidden tokens, one softmax a codebook.

Shapes: B batch, L tokens, D width, K codes, N tokens of the batch, M masked ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.base import Backbone, Features
from engine.contract.config import DinoSRConfig
from engine.objectives.assignment import full_precision
from engine.objectives.base import Batch, Loss, Objective
from engine.objectives.codebook import Codebook, standardised
from engine.objectives.labels import codes_used, expected, frequency_loss, hits, spreads
from engine.objectives.masking import draw_spans, hide, mask_token
from engine.objectives.predictor import Predictor
from engine.objectives.regression import Asked, normalised
from engine.objectives.starting import tokens_of_all
from engine.objectives.teacher import Teacher


class DinoSR(Objective):
    """Predict which codewords the teacher's top blocks fall to at masked tokens.

    The loss is the cross-entropy, a mean over the masked tokens of the whole batch and over the codebooks. All tokens
    move the codebooks, not only the masked ones. Codewords start on tokens of the first batch.

    As released codewords start as normal vectors, as in the study, and there are three faults: only the
    teacher's output has a codebook, so all logits but the first K stay dead (section 9, item 5); the teacher is a
    random network that never follows the student (item 1); and 6.3 % of the tokens are masked in place of 48.5 %,
    since the probability is divided by the span (item 4).
    """

    def __init__(self, backbone: Backbone, config: DinoSRConfig) -> None:
        super().__init__()
        self.backbone, self.config = backbone, config
        self.mask_token_D = mask_token(backbone.width)
        self.head = Predictor(backbone.width, config.top_layers * config.codes, config)
        self.teacher = Teacher(backbone, config)
        books = 1 if config.fidelity == "as_released" else config.top_layers
        self.codebooks = nn.ModuleList(
            Codebook(config.codes, backbone.width, config.code_decay, config.starts_on_tokens) for _ in range(books)
        )
        self.codes = books * config.codes

    def loss(self, batch: Batch) -> Loss:
        """Cross-entropy of the student's words at masked tokens."""
        latents_BLD = self.backbone.stem(batch.x_BCT)
        spans = draw_spans(batch.draws, latents_BLD.shape[1], self.config)
        student = self.backbone.encode(hide(latents_BLD, spans.masked_BL, self.mask_token_D))
        vectors = self._vectors(self.teacher.targets(batch.x_BCT, batch.draws))
        self._start(vectors, batch)
        codes_NG = torch.stack([book(x_ND) for book, x_ND in zip(self._books, vectors, strict=True)], 1)
        asked = Asked.of(spans.masked_BL, spans.total)
        codes_MG = codes_NG[asked.rows_N]
        words_MO = asked.pick(self.head(student.tokens_BLD))
        logits_MGK = words_MO.view(-1, self.config.top_layers, self.config.codes)[:, : len(self._books)]
        summed = F.cross_entropy(logits_MGK.flatten(0, 1), codes_MG.flatten(), reduction="sum")
        total = summed / (asked.total * len(self._books))
        vectors_ME = torch.cat([x_ND[asked.rows_N] for x_ND in vectors], 1)
        share = len(batch.x_BCT) / batch.size
        used = [codes_used(codes_N, self.config.codes, share) for codes_N in codes_NG.unbind(1)]
        parts = self._compared(logits_MGK, codes_MG, vectors_ME, asked)
        return Loss(total, {"loss": total.detach(), "codes_used": torch.stack(used).sum(), **parts})

    def after_step(self, step: int) -> None:
        """The teacher follows."""
        self.teacher.follow(self.backbone, step)

    @property
    def _books(self) -> list[Codebook]:
        return [book for book in self.codebooks if isinstance(book, Codebook)]

    def _vectors(self, teacher: Features) -> list[Tensor]:
        """What is labelled, x_ND for each codebook: layer norm, then each token standardised once more."""
        released = self.config.fidelity == "as_released"
        layers = [teacher.tokens_BLD] if released else teacher.updates[-len(self._books) :]
        return [standardised(normalised(full_precision(layer_BLD.flatten(0, 1)))) for layer_BLD in layers]

    def _start(self, vectors: list[Tensor], batch: Batch) -> None:
        """On the first batch, codewords are chosen among the tokens of all its crops."""
        for number, (book, x_ND) in enumerate(zip(self._books, vectors, strict=True)):
            if not book.has_started:
                all_ND = tokens_of_all(x_ND.view(len(batch.x_BCT), -1, x_ND.shape[1]), batch.draws, batch.size)
                book.start(all_ND, batch.draws.shared_uniform(f"codewords/{number}", book.codes))

    def _compared(self, logits_MGK: Tensor, codes_MG: Tensor, vectors_ME: Tensor, asked: Asked) -> dict[str, Tensor]:
        """What to log beside the loss, means over the codebooks."""
        books = list(zip(self._books, logits_MGK.unbind(1), codes_MG.unbind(1), strict=True))
        said_ME = torch.cat([expected(logits_MK, book.codewords_KD) for book, logits_MK, _ in books], 1)
        trivial = [frequency_loss(codes_M, self.config.codes, asked) for _, _, codes_M in books]
        right = [hits(logits_MK, codes_M, asked) for _, logits_MK, codes_M in books]
        return {
            "trivial_loss": torch.stack(trivial).mean(),
            "accuracy": torch.stack(right).mean(),
            **spreads(vectors_ME, said_ME, asked),
        }
