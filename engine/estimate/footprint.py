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
from engine.contract.config import PretrainConfig
from engine.objectives.registry import build_objective

NUMBER_BYTES = 4
OF_TRAINED = 4
"""A trained number stands there with its gradient and AdamW's two moments."""


class Footprint(NamedTuple):
    """Trainable parameters of the backbone; bytes of all that a training holds; bytes of a checkpoint."""

    parameters: int
    held: int
    checkpoint: int


def footprint(config: PretrainConfig) -> Footprint:
    """What a pretraining's model takes at least: the crops' features come on top."""
    with torch.device("meta"):
        objective = build_objective(build_backbone(config.backbone, config.seed), config.objective, config.seed)
    numbers = [(p.numel(), p.requires_grad) for p in objective.parameters()]
    trained = sum(count for count, learns in numbers if learns)
    idle = sum(count for count, learns in numbers if not learns)
    return Footprint(
        parameters=count_trainable(objective.backbone),
        held=NUMBER_BYTES * (OF_TRAINED * trained + idle),
        checkpoint=NUMBER_BYTES * ((OF_TRAINED - 1) * trained + idle),
    )


def too_large_to_build(config: PretrainConfig, found: Footprint, free: int | None, device: str) -> dict[str, Any]:
    """Refusal and advice for a model that the device cannot hold; empty for one that it can.

    Args:
        config: what is asked.
        found: what its model takes.
        free: bytes that may be taken; None when the system does not tell.
        device: "cpu" or "cuda".
    """
    if free is None or found.held <= free:
        return {}
    reason = f"the model with gradients and optimiser takes {found.held / 1e9:.1f} GB, the {device} has"
    width = _width_that_fits(config, free)
    advice = f"Set backbone.width = {width}" if width else "Set backbone.width or backbone.depth lower"
    return {"refusal": f"{reason} {free / 1e9:.1f} GB free", "advice": advice}


def _width_that_fits(config: PretrainConfig, free: int) -> int | None:
    """The largest of width / 2, width / 4 ... whose model fits; None when none does."""
    fields, width = config.model_dump(mode="json"), config.backbone.width // 2
    while width:
        fields["backbone"]["width"] = width
        try:
            if footprint(PretrainConfig.model_validate(fields)).held <= free:
                return width
        except ValidationError:
            return None
        width //= 2
    return None
