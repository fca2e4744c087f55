"""Models of our own format: checkpoints made by pretraining, and the same backbones with random weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from engine.backbones.base import Backbone
from engine.backbones.registry import build_backbone
from engine.backbones.weights import load_backbone, weights_bytes
from engine.contract.card import UNKNOWN, ModelCard, Preprocessing
from engine.contract.config import BackboneConfig, NativeModel, RandomModel
from engine.contract.errors import WorldError
from engine.signal.leads import CANONICAL

WEIGHTS, CARD = "weights.safetensors", "card.json"


@dataclass(frozen=True)
class LoadedModel:
    """A backbone in evaluation mode on the CPU, with what it must be fed.

    Attributes:
        sha256: of its weights file; of the file its weights would make, where there is none.
        layers: names of the layers in `Features.layers`.
        notes: of its card.
    """

    name: str
    module: Backbone = field(repr=False)
    backbone: BackboneConfig
    preprocessing: Preprocessing
    sha256: str
    layers: tuple[str, ...]
    notes: tuple[str, ...] = ()


def load_model(source: NativeModel | RandomModel) -> LoadedModel:
    """Load a model that Isoline can run.

    Raises:
        WorldError: a checkpoint is missing or damaged, its weights are not those its card names, or the card does
            not say what the model must be fed.
    """
    return _load_checkpoint(source) if isinstance(source, NativeModel) else _draw(source)


def weights_sha256(module: Backbone, config: BackboneConfig) -> str:
    """Hash of the weights file that this backbone makes: equal weights, equal hash, whether or not a file exists."""
    return hashlib.sha256(weights_bytes(module, config)).hexdigest()


def _draw(source: RandomModel) -> LoadedModel:
    module = build_backbone(source.backbone, seed=source.seed).eval()
    feed = Preprocessing(rate_hz=source.rate_hz, window_s=source.window_s, clip_mv=source.clip_mv)
    digest = weights_sha256(module, source.backbone)
    return LoadedModel(source.name, module, source.backbone, feed, digest, module.layer_names)


def _load_checkpoint(source: NativeModel) -> LoadedModel:
    folder = Path(source.checkpoint)
    thing = f"model {source.name}"
    card = _read_card(folder / CARD, thing)
    try:
        digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    except OSError:
        raise WorldError(thing, f"its {WEIGHTS} cannot be read", "Register the checkpoint again") from None
    if card.weights_sha256 not in (UNKNOWN, digest):
        raise WorldError(thing, "its weights are not the ones its card names", "Register an undamaged copy")
    if card.preprocessing is None:
        raise WorldError(thing, "its card does not say what it must be fed", "Use a checkpoint made by Isoline")
    if card.preprocessing.leads != CANONICAL:
        raise WorldError(thing, "it wants other leads than the twelve in canonical order", "Use a 12-lead model")
    module, config = load_backbone(folder / WEIGHTS)
    return LoadedModel(source.name, module.eval(), config, card.preprocessing, digest, module.layer_names, card.notes)


def _read_card(path: Path, thing: str) -> ModelCard:
    try:
        return ModelCard.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        raise WorldError(thing, f"its {CARD} is missing or cannot be read", "Register the checkpoint again") from None
