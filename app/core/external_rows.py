"""The rows of vendors' models: what is registered stays as it is, and a version of a product is one thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import models
from app.core.rows import ModelRow
from app.core.schema import RegisteredModel
from engine.contract.card import ModelCard
from engine.contract.errors import UsageError
from engine.contract.model_source import ExternalModel


def add(
    session: Session, name: str, card: ModelCard, definition: ExternalModel, detail: Mapping[str, Any], fixed: bool
) -> ModelRow:
    """Register a model of somebody else's, whose files stand in the models folder.

    Args:
        session: of the write.
        name: in this workspace.
        card: whole.
        definition: with its folder relative to the workspace.
        detail: for the audit trail, beside hash and source.
        fixed: whether somebody chose the name, so that no other is made of it.

    Raises:
        UsageError: the name or the version is taken by another content or another contract: what is registered stays
            as it is.
    """
    data = definition.model_dump(mode="json")
    _refuse_other_contract(session, name, card, data)
    _refuse_taken_version(session, name, card, data)
    return models.register(session, name, definition.sha256, card, data, free_name=not fixed, detail=detail)


def _refuse_other_contract(session: Session, name: str, card: ModelCard, definition: dict[str, Any]) -> None:
    """The same content under the same name with another card. Raises UsageError."""
    taken = session.scalar(select(RegisteredModel).where(RegisteredModel.name == name))
    if taken is None or taken.sha256 != definition["sha256"] or _says_the_same(taken, card, definition):
        return
    reason = "it is registered with another card or contract, and a registered version stays as it is"
    raise UsageError(f"model {name}", reason, "Add it under another name, as another version")


def _refuse_taken_version(session: Session, name: str, card: ModelCard, definition: dict[str, Any]) -> None:
    """Two things that are called the same version of one product. Raises UsageError."""
    if not card.product:
        return
    query = select(RegisteredModel).where(RegisteredModel.version == card.version)
    for other in session.scalars(query):
        itself = other.name == name and other.sha256 == definition["sha256"]
        if other.card.get("product") == card.product and not itself:
            reason = f"it has a version {card.version} here already: '{other.name}'"
            raise UsageError(f"product {card.product}", reason, "Give this one a version of its own: --version")


def _says_the_same(taken: RegisteredModel, card: ModelCard, definition: dict[str, Any]) -> bool:
    told = card.model_copy(update={"name": taken.name, "weights_sha256": taken.sha256}).model_dump(mode="json")
    known = ModelCard.model_validate(taken.card).model_dump(mode="json")  # as it would be written today
    plain = {k: v for k, v in definition.items() if k not in ("name", "allow_incomplete")}
    return bool(told == known and plain == {k: v for k, v in taken.definition.items() if k in plain})
