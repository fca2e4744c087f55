"""Going on from a model: what its checkpoint settles, and the refusal of a config that says otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import jobs, models
from app.core.home import Home
from app.core.old_configs import in_todays_words
from app.core.schema import Job, RegisteredModel
from engine.contract.card import ModelCard
from engine.contract.config import BackboneConfig, PretrainConfig
from engine.contract.errors import UsageError, WorldError
from engine.signal.normalise import TEXTS

SETTLED = ("backbone", "rate_hz", "window_s", "clip_mv", "normalisation")
"""What a model that goes on must have in common with its parent."""

_BACKBONE: TypeAdapter[Any] = TypeAdapter(BackboneConfig)
_MOST_HEADER = 100_000_000


def settings(session: Session, home: Home, name: str) -> dict[str, Any]:
    """What the checkpoint of a native model settles for whoever goes on from it, and what its objective was.

    Raises:
        UsageError: no such model, or one that is no checkpoint of Isoline.
        WorldError: its files are missing or damaged.
    """
    found = models.get(session, name)
    if found.source != "native":
        raise UsageError(f"model {name}", f"a model of kind {found.source} cannot be gone on from", "Name a checkpoint")
    card = ModelCard.model_validate(found.card)
    if card.preprocessing is None:
        raise WorldError(f"model {name}", "its card does not say what it must be fed", "Choose another model")
    return {
        "backbone": _backbone(home.models / found.sha256 / models.WEIGHTS, name).model_dump(mode="json"),
        "rate_hz": card.preprocessing.rate_hz,
        "window_s": card.preprocessing.window_s,
        "clip_mv": card.preprocessing.clip_mv,
        "normalisation": _normalisation(card.preprocessing.normalisation, name),
        "objective": card.lineage.objective,
        "objective_settings": _objective(session, found),
    }


def going_on(session: Session, home: Home, config: PretrainConfig, name: str) -> PretrainConfig:
    """The config with its parent's checkpoint.

    Raises:
        UsageError: no such model, or one that is no checkpoint of Isoline.
        WorldError: the config asks for another backbone or another signal than the parent's; the field is named.
    """
    asked = config.model_dump(mode="json", include=set(SETTLED))
    return config.model_copy(update={"parent": str(fitting_checkpoint(session, home, asked, name))})


def fitting_checkpoint(session: Session, home: Home, asked: Mapping[str, Any], name: str) -> Path:
    """The parent's checkpoint, if what is asked of backbone and signal is what it settles.

    Args:
        session: an open session.
        home: the workspace.
        asked: those of `SETTLED` that are asked for, as plain data.
        name: of the parent.

    Raises:
        UsageError: no such model, or one that is no checkpoint of Isoline.
        WorldError: another backbone or another signal is asked for; the field is named.
    """
    settled = settings(session, home, name)
    for field, value in asked.items():
        if value != settled[field]:
            where, theirs, ours = _first_difference(field, settled[field], value)
            reason = f"{where} is {theirs} in it, {ours} was asked for"
            raise WorldError(f"model {name}", reason, f"Set {where} as the parent has it, or start fresh", "parent")
    return home.models / models.get(session, name).sha256


def whole_backbone(asked: Mapping[str, Any]) -> dict[str, Any]:
    """A backbone's settings with those that are left out. Raises ValidationError when they are none."""
    return dict(_BACKBONE.validate_python(asked).model_dump(mode="json"))


def _first_difference(field: str, theirs: Any, ours: Any) -> tuple[str, Any, Any]:
    """The dotted name of the first setting that differs, and both its values."""
    if isinstance(theirs, dict) and isinstance(ours, dict) and theirs.get("name") == ours.get("name"):
        key = next(key for key in theirs if theirs[key] != ours.get(key))
        return f"{field}.{key}", theirs[key], ours.get(key)
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return f"{field}.name", theirs.get("name"), ours.get("name")
    return field, theirs, ours


def _objective(session: Session, found: RegisteredModel) -> dict[str, Any] | None:
    """The objective's settings, known for a model that was pretrained in this workspace."""
    job = session.scalar(select(Job).where(Job.job_id == found.job_id, Job.kind == "pretrain"))
    return None if job is None else dict(in_todays_words(jobs.config_of(job))["objective"])


def _backbone(weights: Path, name: str) -> Any:
    """The backbone that a weights file says it belongs to; its header alone is read."""
    try:
        with weights.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length < _MOST_HEADER else {}
        return _BACKBONE.validate_json(header["__metadata__"]["isoline.backbone"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        reason = "its weights file does not say which backbone it belongs to"
        raise WorldError(f"model {name}", reason, "Use a checkpoint made by Isoline") from None


def _normalisation(told: str, name: str) -> str:
    """The setting that a card's words stand for."""
    found = next((setting for setting, words in TEXTS.items() if words == told), None)
    if found is None:
        raise WorldError(f"model {name}", "its card tells a normalisation that is not known here", "Start fresh")
    return found
