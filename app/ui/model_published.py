"""What is published of a network whose weights are brought: fields of its card, told by its name. No widgets."""

from __future__ import annotations

from typing import Any

from engine.contract.card import UNKNOWN
from engine.contract.published import Family, Variant
from engine.contract.published_families import FAMILIES

OWN = ("ecgresnet",)
"""Networks that Isoline builds and that no paper of a family stands behind."""


def architectures() -> list[str]:
    """Names of all networks that weights can belong to."""
    return [*OWN, *(name for family in FAMILIES for name in family.architectures)]


def published_fields(architecture: str) -> dict[str, Any]:
    """Fields of a card, by dotted path, as far as they are published; none for a network of no known family."""
    found = _found(architecture)
    if found is None:
        return {}
    family, variant = found
    contract = variant.preprocessing.model_dump()
    told: dict[str, Any] = {
        "product": family.title,
        "developer": family.developer,
        "licence": family.licence,
        "non_commercial": family.non_commercial,
        "lineage.corpus": family.corpus,
        "lineage.objective": variant.objective,
        "lineage.backbone": variant.backbone,
        "lineage.parameters": variant.parameters,
        "outputs": [output.model_dump() for output in variant.card_outputs],
        **{f"preprocessing.{name}": value for name, value in contract.items()},
    }
    unclipped = "preprocessing.clip_mv"
    return {path: value for path, value in told.items() if path == unclipped or value not in (None, UNKNOWN, "", ())}


def published_words(architecture: str) -> str:
    """Where that comes from, and how far it was tried; empty for a network of no known family."""
    found = _found(architecture)
    if found is None:
        return ""
    family, _ = found
    departures = f" What is fed here differs from what its makers feed: {'; '.join(family.departures)}."
    return f"Filled in from {family.code}; tried {family.verified}.{departures if family.departures else ''}"


def _found(architecture: str) -> tuple[Family, Variant] | None:
    name, _, size = architecture.partition("/")
    for family in FAMILIES:
        variant = family.variant(size) if family.name == name else None
        if variant is not None:
            return family, variant
    return None
