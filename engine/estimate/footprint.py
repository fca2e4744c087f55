"""What a model takes before the first crop, told without building it: what the machine could not hold is refused.

A system that hands out memory on trust ends the process that uses too much of it, without a word. So weights, gradients
and optimiser are counted on torch's "meta" device, where a tensor has a shape and no memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from pydantic import ValidationError

from engine.backbones.base import count_trainable
from engine.backbones.registry import build_backbone
from engine.contract.config import PretrainConfig, S4Config, TransformerConfig
from engine.objectives.registry import build_objective

NUMBER_BYTES = 4
OF_TRAINED = 4
"""A trained number stands there with its gradient and AdamW's two moments."""

SPARE = 0.95
"""Share of the free memory that a training may fill."""


class Footprint(NamedTuple):
    """What a training takes at least, in bytes.

    Attributes:
        parameters: trainable numbers of the backbone.
        held: weights, gradients, moments, teachers: what stands there all the time.
        checkpoint: of a checkpoint, which is made in memory before it is written.
        features: what one crop adds until its backward pass is done.
    """

    parameters: int
    held: int
    checkpoint: int
    features: int = 0

    def of(self, crops: int, ranks: int = 1) -> int:
        """All of so many ranks on one machine, with so many crops each at a time.

        A checkpoint is made by one of them, after the features of the step are gone.
        """
        return ranks * self.held + max(ranks * crops * self.features, self.checkpoint)


def footprint(config: PretrainConfig) -> Footprint:
    """What a pretraining's model takes at least: the crops' features come on top."""
    with torch.device("meta"):
        objective = build_objective(build_backbone(config.backbone, config.seed), config.objective, config.seed)
    numbers = [(p.numel(), p.requires_grad) for p in objective.parameters()]
    trained = sum(count for count, learns in numbers if learns)
    idle = sum(count for count, learns in numbers if not learns)
    tokens = config.backbone.tokens(config.samples)
    return Footprint(
        parameters=count_trainable(objective.backbone),
        held=NUMBER_BYTES * (OF_TRAINED * trained + idle),
        checkpoint=NUMBER_BYTES * ((OF_TRAINED - 1) * trained + idle),
        features=round(_number_bytes(config) * _kept_of_layer(config) * sum(objective.backbone.layer_widths) * tokens),
    )


def _number_bytes(config: PretrainConfig) -> float:
    return NUMBER_BYTES / 2 if config.precision == "bfloat16" else NUMBER_BYTES


def _kept_of_layer(config: PretrainConfig) -> int:
    """How many times the output of all layers a backbone keeps for its backward pass, at least.

    Counted from the tensors that torch saves; a test holds these numbers against them.
    """
    backbone = config.backbone
    if isinstance(backbone, TransformerConfig):
        return 7 + 2 * backbone.feedforward
    return 5 if isinstance(backbone, S4Config) else 19


def too_large_to_build(
    config: PretrainConfig, found: Footprint, free: int | None, device: str, ranks: int = 1
) -> dict[str, Any]:
    """Refusal and advice for a model that the device cannot hold with a single crop; empty for one that it can.

    Args:
        config: what is asked.
        found: what its model takes.
        free: bytes that may be taken; None when the system does not tell.
        device: "cpu" or "cuda".
        ranks: how many of them the device holds.
    """
    if free is None or found.of(1, ranks) <= SPARE * free:
        return {}
    each = f" on each of {ranks} ranks" if ranks > 1 else ""
    needed = found.of(1, ranks) / ranks / 1e9
    what = "the model with gradients, optimiser and a checkpoint in the making"
    reason = f"{what} takes {needed:.1f} GB{each}, the {device} has"
    width = _width_that_fits(config, SPARE * free, ranks)
    advice = f"Set backbone.width = {width}" if width else "Set backbone.width or backbone.depth lower"
    return {"refusal": f"{reason} {free / 1e9:.1f} GB free", "advice": advice}


def _width_that_fits(config: PretrainConfig, free: float, ranks: int) -> int | None:
    """The largest of width / 2, width / 4 ... whose model fits; None when none does."""
    fields, width = config.model_dump(mode="json"), config.backbone.width // 2
    while width:
        fields["backbone"]["width"] = width
        try:
            if footprint(PretrainConfig.model_validate(fields)).of(1, ranks) <= free:
                return width
        except ValidationError:
            return None
        width //= 2
    return None
