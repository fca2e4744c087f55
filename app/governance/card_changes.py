"""What differs between the cards of two versions, field by field: what was told, what was not, and by whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.card_gaps import card_gaps
from engine.contract.card import UNKNOWN, ModelCard

CONTRACT = "preprocessing."
"""Begins the fields that say what a model must be fed."""

_NEVER_TOLD = ("declined", "assumed", "stamp", "source", "name", "version", "weights_sha256")
"""What is told beside the cards, or of every field by itself."""
_NOTHING: tuple[Any, ...] = (None, "", UNKNOWN, [], {})


@dataclass(frozen=True)
class CardChange:
    """One field that the two cards do not share.

    Attributes:
        field: its dotted name: "preprocessing.rate_hz".
        title: in words.
        old: what the old card says, in words; "unknown" where it says nothing, with why where that is known.
        new: the same of the new card.
    """

    field: str
    title: str
    old: str
    new: str

    @property
    def of_contract(self) -> bool:
        """Whether it changes what the model must be fed."""
        return self.field.startswith(CONTRACT)


def card_changes(old: ModelCard, new: ModelCard) -> list[CardChange]:
    """All fields that differ, in the order of a card; what neither tells is not among them."""
    told = [dict(_fields(card.model_dump(mode="json"))) for card in (old, new)]
    titles = {gap.field: gap.title for card in (old, new) for gap in card_gaps(card)}
    changes = []
    for field in dict.fromkeys((*told[0], *told[1])):
        sides = [_words(values.get(field), field, card) for values, card in zip(told, (old, new), strict=True)]
        if sides[0] != sides[1]:
            changes.append(CardChange(field, titles.get(field, _title(field)), *sides))
    return changes


def untold(card: ModelCard) -> list[str]:
    """Fields that a card does not tell, each with why where that is known."""
    return [f"{gap.title} ({_WHY[gap.state]})" for gap in card_gaps(card) if gap.state != "known"]


_WHY = {"declined": "its maker declined to tell", "missing": "nobody said", "assumed": "assumed by this program"}


def _fields(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        if isinstance(value, Mapping) and name != "files":
            yield from _fields(value, f"{path}{name}.")
        elif path or name not in _NEVER_TOLD:
            yield f"{path}{name}", value


def _words(value: Any, field: str, card: ModelCard) -> str:
    if field in card.declined:
        return "unknown: its maker declined to tell"
    if value in _NOTHING:
        return UNKNOWN
    told = _plain(value)
    return f"{told} (assumed)" if field in card.assumed else told


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(item)}" for name, item in value.items() if item not in _NOTHING)
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def _title(field: str) -> str:
    words = field.replace(".", ", ").replace("_", " ")
    return words[0].upper() + words[1:]
