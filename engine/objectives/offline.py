"""Plain HuBERT (Hsu et al. 2021, arXiv:2106.07447): hard labels from k-means, made twice. HuBERT++ is compared with it.

First stage: labels are clusters of what the signal does around a token. Second stage: clusters of what a middle layer
of the model makes of it, the model as it stood then; it is kept beside, frozen, to label the crops to come. The head
starts anew; unlike in the original, the backbone goes on. Only masked tokens count.

Our choices, where the study has no such objective: descriptors in place of MFCCs, features standardised before they
are clustered, several codebooks added up as in HuBERT++ and in the original's ensembles, the head of HuBERT++.

Shapes: B batch, L tokens of a crop, N tokens or rows, M masked tokens, K codes, P features that labels are made from.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.backbones.base import Backbone
from engine.contract.config import HuBERTConfig
from engine.objectives.assignment import full_precision, nearest
from engine.objectives.base import Batch, Loss, Objective
from engine.objectives.descriptors import PER_LEAD, describe
from engine.objectives.kmeans import kmeans
from engine.objectives.labels import CodeHead, codes_used, expected, frequency_loss, hits, over_codebooks, spreads
from engine.objectives.masking import draw_spans, hide, mask_token
from engine.objectives.regression import Asked
from engine.ranks.draws import Draws, draw_seed
from engine.ranks.reduce import global_sum, rank

LEADS = 12
TOKENS_OF_A_CROP = 64
"""Tokens of each crop that are clustered: neighbours are too alike to be worth more."""


class OfflineHuBERT(Objective):
    """Predict cluster numbers of masked tokens.

    The loss is the cross-entropy, a mean over the masked tokens of the whole batch, added up over the codebooks. As
    released only changes the masks: a tenth of the midpoints (section 9, item 4).

    Attributes:
        last_step: steps of the training; the learner says it, and without it there is no second stage.
    """

    centres_KP: Tensor
    offset_P: Tensor
    scale_P: Tensor
    stage: Tensor

    def __init__(self, backbone: Backbone, config: HuBERTConfig) -> None:
        super().__init__()
        self.backbone, self.config = backbone, config
        self.mask_token_D = mask_token(backbone.width)
        self.codes = sum(config.codes)
        self.head = CodeHead(backbone.width, self.codes)
        self.labeler = copy.deepcopy(backbone).requires_grad_(False).eval()
        self.last_step: int | None = None
        # One shape for both stages; features that a stage does not have are zero and change no distance.
        features = max(PER_LEAD * LEADS, backbone.width)
        self.register_buffer("centres_KP", torch.zeros(self.codes, features))
        self.register_buffer("offset_P", torch.zeros(features))
        self.register_buffer("scale_P", torch.zeros(features))
        self.register_buffer("stage", torch.tensor(0))
        # The same as the host knows it: asking a GPU at each step would make it wait.
        self._known_stage: int | None = 0

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        self._known_stage = None

    def train(self, mode: bool = True) -> OfflineHuBERT:
        """The labeler stays in evaluation mode."""
        super().train(mode)
        self.labeler.eval()
        return self

    def loss(self, batch: Batch) -> Loss:
        """Cross-entropy of the student's labels at masked tokens."""
        latents_BLD = self.backbone.stem(batch.x_BCT)
        spans = draw_spans(batch.draws, latents_BLD.shape[1], self.config)
        student = self.backbone.encode(hide(latents_BLD, spans.masked_BL, self.mask_token_D))
        asked = Asked.of(spans.masked_BL, spans.total)
        logits = torch.split(asked.pick(self.head(student.tokens_BLD)), list(self.config.codes), 1)
        vectors_NP = self._vectors(batch.x_BCT)
        share = len(batch.x_BCT) / batch.size
        losses, told = [], []
        for centres_KP, logits_MK in zip(torch.split(self.centres_KP, list(self.config.codes)), logits, strict=True):
            codes_N = nearest(vectors_NP, centres_KP)
            codes_M = codes_N[asked.rows_N]
            losses.append(F.cross_entropy(logits_MK, codes_M, reduction="sum") / asked.total)
            told.append(
                {
                    "trivial_loss": frequency_loss(codes_M, len(centres_KP), asked),
                    "codes_used": codes_used(codes_N, len(centres_KP), share),
                    "accuracy": hits(logits_MK, codes_M, asked),
                    **spreads(vectors_NP[asked.rows_N], expected(logits_MK, centres_KP), asked),
                }
            )
        total = torch.stack(losses).sum()
        return Loss(total, {"loss": total.detach(), **over_codebooks(told)})

    def fits_at(self, step: int) -> bool:
        """Before the first step, and where the second stage begins."""
        return self._stage_at(step) > self._stage()

    @torch.no_grad()
    def fit(self, batches: Iterable[Batch], step: int) -> None:
        """Make the labels of the stage that this step begins, by k-means on tokens of these crops."""
        stage = self._stage_at(step)
        if stage == 2:
            self.labeler.load_state_dict(self.backbone.state_dict())
        self.offset_P.zero_()
        self.scale_P.fill_(1)
        self.stage.fill_(stage)
        self._known_stage = stage
        rows, first = [], None
        for batch in batches:
            first = first or batch.draws
            rows.append(self._some(batch))
        if first is None:
            raise ValueError("labels cannot be made without crops")
        rows_NP = torch.cat(rows)
        self._cluster(rows_NP, first)
        if stage == 2:
            self._restart_head(draw_seed(first.seed, "hubert/head", step))

    def restarted(self) -> list[nn.Parameter]:
        """The head, whose second stage has nothing to do with the first."""
        return list(self.head.parameters()) if self._stage() == 2 else []

    def _stage(self) -> int:
        if self._known_stage is None:
            self._known_stage = int(self.stage)
        return self._known_stage

    def _stage_at(self, step: int) -> int:
        if self.last_step is None:
            return 1
        return 2 if step >= max(1, round(self.config.second_stage * self.last_step)) else 1

    def _vectors(self, x_BCT: Tensor) -> Tensor:
        """What labels are made from, standardised, x_NP."""
        stage = self._stage()
        if stage == 0:
            raise RuntimeError("plain HuBERT needs labels: call fit before the first loss")
        with torch.no_grad():
            if stage == 1:
                features_BLF = describe(full_precision(x_BCT), self.backbone.stride)
            else:
                layers = self.labeler(x_BCT).layers
                features_BLF = full_precision(layers[len(layers) // 2])
            rows_NF = features_BLF.flatten(0, 1)
            rows_NP = F.pad(rows_NF, (0, len(self.offset_P) - rows_NF.shape[1]))
            return (rows_NP - self.offset_P) * self.scale_P

    def _some(self, batch: Batch) -> Tensor:
        """Vectors of as many tokens of each crop as are clustered, drawn by crop."""
        vectors_NP = self._vectors(batch.x_BCT)
        vectors_BLP = vectors_NP.view(len(batch.x_BCT), -1, vectors_NP.shape[1])
        drawn_BL = batch.draws.uniform("hubert/tokens", vectors_BLP.shape[1]).argsort(1)[:, :TOKENS_OF_A_CROP]
        return vectors_BLP.gather(1, drawn_BL.unsqueeze(-1).expand(-1, -1, vectors_BLP.shape[2])).flatten(0, 1)

    def _cluster(self, rows_NP: Tensor, draws: Draws) -> None:
        """Standardise and cluster; all ranks take what rank 0 found."""
        spread_P, mean_P = torch.std_mean(rows_NP.double(), 0, correction=0)
        self.offset_P.copy_(mean_P)
        # A feature that never moves (an absent lead, the padding) is left out, not divided by next to nothing.
        self.scale_P.copy_(torch.where(spread_P > 1e-6 * (1 + mean_P.abs()), 1 / spread_P, 0.0))
        rows_NP = (rows_NP - self.offset_P) * self.scale_P
        found = [
            kmeans(rows_NP, draws.shared_uniform(f"hubert/starts/{number}", codes)).centres_KD
            for number, codes in enumerate(self.config.codes)
        ]
        self.centres_KP.copy_(torch.cat(found))
        for made in (self.offset_P, self.scale_P, self.centres_KP):
            made.copy_(global_sum(made if rank() == 0 else torch.zeros_like(made)))

    def _restart_head(self, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = CodeHead(self.backbone.width, self.codes)
        self.head.load_state_dict(fresh.state_dict())
