"""What is published of a network whose weights are brought: fields of its card, told by its name. No widgets."""

from __future__ import annotations

from typing import Any

from app.core.published_cards import named, published_card, told_contract
from engine.contract.card import UNKNOWN
from engine.contract.published_families import FAMILIES

OWN = ("ecgresnet",)
"""Networks that Isoline builds and that no paper of a family stands behind."""
LINEAGE = ("corpus", "objective", "backbone", "parameters")
PUBLISHED = tuple(name for family in FAMILIES for name in family.architectures)


def architectures() -> list[str]:
    """Names of all networks that weights can belong to."""
    return [*OWN, *PUBLISHED]


def published_fields(architecture: str) -> dict[str, Any]:
    """Fields of a card, by dotted path, as far as they are published; none for a network of no known family."""
    if architecture not in PUBLISHED:
        return {}
    card, (family, variant) = published_card(architecture), named(architecture)
    contract = told_contract(variant)
    told: dict[str, Any] = {
        "product": family.title,
        "outputs": [output.model_dump() for output in card.outputs],
        **{name: getattr(card, name) for name in ("developer", "licence", "non_commercial")},
        **{f"lineage.{name}": getattr(card.lineage, name) for name in LINEAGE},
        **{f"preprocessing.{name}": getattr(contract, name) for name in contract.model_fields_set},
    }
    unclipped = "preprocessing.clip_mv"
    return {path: value for path, value in told.items() if path == unclipped or value not in (None, UNKNOWN, "", ())}


def published_words(architecture: str) -> str:
    """Where that comes from, and how far it was tried; empty for a network of no known family."""
    if architecture not in PUBLISHED:
        return ""
    family, _ = named(architecture)
    departures = f" What is fed here differs from what its makers feed: {'; '.join(family.departures)}."
    return f"Filled in from {family.code}; tried {family.verified}.{departures if family.departures else ''}"
