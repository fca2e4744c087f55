"""Cards of published foundation models, as far as public sources tell: what a released file is registered with."""

from __future__ import annotations

import json

from engine.contract.card import Lineage, ModelCard, Preprocessing
from engine.contract.errors import UsageError
from engine.contract.published import Family, Variant
from engine.contract.published_families import FAMILIES

_SELDOM_TOLD = ("missing", "polarity", "padding", "derived_leads", "means", "deviations", "stride_s")
"""Items that no source tells where a variant does not say them."""


def named(network: str) -> tuple[Family, Variant]:
    """A network by the name that cards give it: "ecgfounder/12-lead".

    Raises:
        UsageError: no such family or variant.
    """
    name, _, variant = network.partition("/")
    for family in FAMILIES:
        found = family.variant(variant)
        if family.name == name and found is not None:
            return family, found
    known = ", ".join(one for family in FAMILIES for one in family.architectures)
    raise UsageError(f"network {network}", "no published family has it", f"Name one of: {known}")


def published_card(network: str) -> ModelCard:
    """What is told of a network by its makers, with what its importer leaves out or does otherwise among the notes.

    Raises:
        UsageError: no such family or variant.
    """
    family, variant = named(network)
    return ModelCard(
        name=f"{family.title} {variant.name}",
        source="external",
        developer=family.developer,
        licence=family.licence,
        non_commercial=family.non_commercial,
        architecture=network,
        outputs=variant.card_outputs,
        preprocessing=told_contract(variant),
        lineage=Lineage(
            objective=variant.objective,
            backbone=variant.backbone,
            parameters=variant.parameters,
            corpus=family.corpus,
        ),
        notes=tuple(notes(family)),
    )


def told_contract(variant: Variant) -> Preprocessing:
    """What a network is fed, with no word on what its makers tell nothing of: a card marks that as assumed."""
    contract = variant.preprocessing
    untold = {name for name in _SELDOM_TOLD if name not in contract.model_fields_set}
    return Preprocessing.model_validate(contract.model_dump(exclude=untold))


def notes(family: Family) -> list[str]:
    """What whoever reads results of a family must know, as sentences."""
    told = [
        f"Importer verified {family.verified}; read from {family.code}",
        f"Licence: {family.licence} ({family.licence_source})",
    ]
    told += [f"Left out of its file: {part}" for part in family.dropped]
    return told + [f"Fed otherwise than by its makers: {part}" for part in family.departures]


def card_text(network: str) -> str:
    """The card as a file to be filled in, as JSON; of the contract every item that is told.

    Raises:
        UsageError: no such family or variant.
    """
    card, contract = published_card(network), told_contract(named(network)[1])
    told = card.model_dump(mode="json", exclude_defaults=True)
    told["preprocessing"] = contract.model_dump(mode="json", exclude_unset=True)
    return json.dumps(told, indent=2, ensure_ascii=False)
