"""Going on from another model's weights: domain-adaptive pretraining.

What comes out is a model of its own with a permanent stamp: "derived model, research use, not the vendor's product". A
child of a child has it as well, and what stood in the notes of its parent stands in its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.backbones.base import Backbone
from engine.contract.card import UNKNOWN, ModelCard, Preprocessing
from engine.contract.config import NativeModel, PretrainConfig
from engine.contract.errors import WorldError
from engine.signal.normalise import TEXTS
from engine.zoo.native import CARD, load_model

THING = "parent model"


@dataclass(frozen=True)
class Parent:
    """Weights to go on from, and what is told of them in the child's card."""

    backbone: Backbone
    name: str
    sha256: str
    notes: tuple[str, ...]


def load_parent(config: PretrainConfig) -> Parent:
    """The model that a config goes on from.

    Raises:
        WorldError: it is damaged, or of another backbone or preprocessing than the config describes; all fields that
            differ are named.
    """
    folder = Path(config.parent)
    model = load_model(NativeModel(name="to go on from", checkpoint=config.parent))
    card = ModelCard.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
    if card.weights_sha256 == UNKNOWN:
        raise WorldError(THING, "its card does not name its weights", "Use a checkpoint made by Isoline", "checkpoint")
    theirs = {f"backbone.{name}": value for name, value in model.backbone.model_dump(mode="json").items()}
    ours = {f"backbone.{name}": value for name, value in config.backbone.model_dump(mode="json").items()}
    theirs |= _fed(model.preprocessing)
    ours |= _fed(preprocessing(config))
    if theirs != ours:
        raise WorldError(
            THING,
            f"it differs from the config in {told_differences(theirs, ours)}",
            "Set these fields as the parent has them, or start fresh",
            fault="checkpoint",
        )
    return Parent(model.module, card.name, model.sha256, card.notes)


def preprocessing(config: PretrainConfig) -> Preprocessing:
    """What a model of this config is fed, as its card says."""
    return Preprocessing(
        rate_hz=config.rate_hz,
        window_s=config.window_s,
        clip_mv=config.clip_mv,
        normalisation=TEXTS[config.normalisation],
    )


def told_differences(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    """Fields that differ, with both values: "backbone.width (512, here 256)"."""
    names = sorted(name for name in theirs | ours if theirs.get(name) != ours.get(name))
    return ", ".join(f"{name} ({theirs.get(name, 'none')}, here {ours.get(name, 'none')})" for name in names)


def _fed(card: Preprocessing) -> dict[str, Any]:
    return {name: getattr(card, name) for name in ("rate_hz", "window_s", "clip_mv", "normalisation")}
