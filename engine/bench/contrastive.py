"""The cases of contrastive predictive coding: its loss alone, and a whole training step with S4.

Shapes: B batch, L tokens, D width, S predictions, N candidates.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from engine.backbones.base import Backbone, Features
from engine.backbones.s4 import S4Backbone
from engine.bench.cases import (
    GRADIENTS,
    Case,
    Size,
    backward,
    difference,
    pair_of,
    set_dropout,
    signals,
    worst_gradient,
)
from engine.bench.reference.cpc import plain_cpc_loss
from engine.contract.backbone import S4Config
from engine.contract.objective import CPCConfig
from engine.objectives.base import Batch
from engine.objectives.cpc import CPC, draw_candidates
from engine.objectives.registry import build_objective


class GivenFeatures(Backbone):
    """A backbone that hands out fixed features, so that a loss can be measured alone."""

    def __init__(self, latents_BLD: Tensor, tokens_BLD: Tensor) -> None:
        super().__init__()
        self.latents_BLD, self.tokens_BLD = nn.Parameter(latents_BLD), nn.Parameter(tokens_BLD)
        self.width, self.causal, self.stride = latents_BLD.shape[-1], True, 2
        self.stem = nn.Identity()

    def forward(self, x_BCT: Tensor) -> Features:
        """The features, whatever comes in."""
        return Features(self.latents_BLD, [self.latents_BLD, self.tokens_BLD], self.tokens_BLD)


def _cpc(backbone: Backbone, size: Size) -> tuple[CPC, Tensor]:
    config = CPCConfig(offsets=(size.offset,), negatives=size.negatives)
    objective = cast(CPC, build_objective(backbone, config, seed=0).train())
    return objective, cast(Tensor, objective.heads[0].weight)


def loss_alone(size: Size) -> Case:
    """Forward and backward pass from predictions and latents to the loss; the linear map before it is left out."""
    B, L = size.cpc, S4Config(width=size.width).tokens(size.samples)
    draws = torch.Generator().manual_seed(3)
    features = [torch.randn(B, L, size.width, generator=draws) for _ in range(2)]
    given, plain = GivenFeatures(*features), GivenFeatures(*[f.clone() for f in features])
    objective, _ = _cpc(given, size)
    objective.heads = nn.ModuleList([nn.Identity()])
    batch = Batch.whole(signals(B, size.samples))

    def ours() -> Tensor:
        objective.zero_grad()
        return backward(objective(batch).total)

    def reference(places_BSN: Tensor | None = None) -> Tensor:
        plain.zero_grad()
        predicted_BSD = plain.tokens_BLD[:, : L - size.offset]
        return backward(plain_cpc_loss(predicted_BSD, plain.latents_BLD, size.negatives, places_BSN)[0])

    same = draw_candidates(batch.draws, L, size.offset, size.negatives)
    pairs: list[tuple[Tensor, Tensor]] = [(given.latents_BLD, plain.latents_BLD), (given.tokens_BLD, plain.tokens_BLD)]
    error = max(difference(ours(), reference(same)), worst_gradient(pairs))
    return Case(f"CPC loss, forward and backward, batch {B}", B, ours, reference, 0.0, error, GRADIENTS)


def whole_step(size: Size) -> Case:
    """Forward and backward pass from signals to loss, S4 and CPC; the optimiser's step is not in it."""
    B, config = size.cpc, S4Config(width=size.width)
    L = config.tokens(size.samples)
    pair = pair_of(config, size)
    objective, weight_DD = _cpc(pair.ours, size)
    plain_head = nn.Linear(size.width, size.width, bias=False)
    plain_head.load_state_dict({"weight": weight_DD})
    batch = Batch.whole(signals(B, size.samples))

    def ours() -> Tensor:
        objective.zero_grad()
        return backward(objective(batch).total)

    def reference(places_BSN: Tensor | None = None) -> Tensor:
        pair.plain.zero_grad()
        plain_head.zero_grad()
        latents_BLD, tokens_BLD = pair.plain(batch.x_BCT)
        predicted_BSD = plain_head(tokens_BLD[:, : L - size.offset])
        return backward(plain_cpc_loss(predicted_BSD, latents_BLD, size.negatives, places_BSN)[0])

    for side in (objective, pair.plain):
        set_dropout(side, 0.0)
    same = draw_candidates(batch.draws, L, size.offset, size.negatives)
    error = max(difference(ours(), reference(same)), worst_gradient([*pair.parameters, (weight_DD, plain_head.weight)]))
    for side in (objective, pair.plain):
        set_dropout(side, config.dropout)
    gflop = B * (cast(S4Backbone, pair.ours).products(size.samples).forward_backward + _loss_flop(size, L)) / 1e9
    return Case(f"CPC step with S4, batch {B}", B, ours, reference, gflop, error, GRADIENTS)


def _loss_flop(size: Size, tokens: int) -> int:
    """Head and scores, forwards and twice backwards."""
    predictions = tokens - size.offset
    return 3 * 2 * predictions * size.width * (size.width + tokens)
