"""What the Models page lists: a registered model with its card, in words; plain data, read off the window's thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from app.core.card_gaps import GapState, card_gaps
from app.core.rows import ModelRow
from app.ui.model_words import FIELDS
from engine.contract.card import UNKNOWN, ModelCard, ModelFormat

if TYPE_CHECKING:
    from app.workspace import Workspace

SOURCE_WORDS = {
    "native": "Isoline checkpoint",
    "random": "untrained network",
    "baseline": "baseline",
    "predictions": "scores of others",
    "external": "external model",
}
"""Where a model comes from, as printed."""

FORMAT_WORDS: dict[ModelFormat, str] = {
    "onnx": "ONNX",
    "torchscript": "TorchScript",
    "pt2": "torch.export",
    "safetensors": "safetensors",
    "command": "vendor's program",
    "endpoint": "local service",
}
"""Formats of external models, in a word or two."""

ISOLATION = {
    "onnx": "in the sandbox",
    "torchscript": "in the sandbox",
    "pt2": "in the sandbox",
    "command": "in the sandbox",
    "safetensors": "numbers only, no code",
    "endpoint": "not isolated",
    "predictions": "no program is run",
}
"""How a model runs here, by format or source, in a few words; models of Isoline's own making are its own code."""
OWN_CODE = "Isoline's own code"


@dataclass(frozen=True)
class ListedModel:
    """One line of the list.

    Attributes:
        row: the registered model.
        card: its card; None where it is not one that this version reads.
    """

    row: ModelRow
    card: ModelCard | None

    @property
    def name(self) -> str:
        """In this workspace."""
        return self.row.name

    @property
    def external(self) -> bool:
        """Whether it is a network or program of somebody else's."""
        return self.row.source == "external"

    @property
    def product(self) -> str:
        """What it is a version of."""
        return self.card.product if self.card else ""

    @property
    def source(self) -> str:
        """Where it comes from."""
        format = self.card.format if self.card else None
        if format is None or self.card is None:
            return SOURCE_WORDS.get(self.row.source, self.row.source)
        return f"{FORMAT_WORDS[format]}, {self.card.architecture}" if self.card.architecture else FORMAT_WORDS[format]

    @property
    def output(self) -> str:
        """What it gives, in a few words."""
        if self.card is None:
            return UNKNOWN
        kinds = dict.fromkeys(output.kind for output in self.card.outputs)
        return ", ".join(kinds) if kinds else self.card.output

    @property
    def licence(self) -> str:
        """Its licence, and whether that forbids commercial use."""
        told = self.card.licence if self.card else UNKNOWN
        return f"{told}, non-commercial" if self.card and self.card.non_commercial else told

    @property
    def isolation(self) -> str:
        """How it is run here."""
        format = self.card.format if self.card else None
        return ISOLATION.get(format or self.row.source, OWN_CODE)

    @cached_property
    def states(self) -> dict[str, GapState]:
        """What is known of each field of its card, by path, in the order in which they are printed."""
        if self.card is None:
            return {}
        asked = {gap.field: gap.state for gap in card_gaps(self.card)}
        there = [path for path in FIELDS if applies(self.card, path)]
        return {path: asked.get(path) or _unasked(self.card, path) for path in there}

    @property
    def gaps(self) -> int:
        """How many fields of an external model's card are declined, assumed or missing."""
        return sum(state != "known" for state in self.states.values()) if self.external else 0

    @property
    def marks(self) -> str:
        """What must be said wherever it is named, and how much of its card is open."""
        told = list(self.row.marks)
        if self.card is not None and self.card.non_commercial:
            told.append("non-commercial licence")
        if self.isolation == ISOLATION["endpoint"]:
            told.append("runs outside any sandbox")
        if self.gaps:
            told.append(f"{self.gaps} field{'s' if self.gaps > 1 else ''} of its card not known")
        return "; ".join(told)

    def matches(self, words: str) -> bool:
        """Whether every one of these words occurs in what is listed of it."""
        told = (self.name, self.row.version, self.product, self.source, self.output, self.licence, self.isolation)
        text = " ".join((*told, self.marks)).lower()
        return all(word in text for word in words.lower().split())


def listed(workspace: Workspace) -> list[ListedModel]:
    """All models of a workspace, the newest first; called off the window's thread."""
    return [_looked_through(ListedModel(row, card_of(row))) for row in reversed(workspace.models())]


def _looked_through(model: ListedModel) -> ListedModel:
    """A model whose card is looked through already: it takes a millisecond, too long for each line that is painted."""
    vars(model).update(states=model.states)
    return model


def card_of(row: ModelRow) -> ModelCard | None:
    """A model's card; None where it is not one that this version reads."""
    try:
        return ModelCard.model_validate(row.card)
    except ValidationError:
        return None


def value_at(card: Mapping[str, Any], path: str) -> Any:
    """The value of a card, as plain data, at a dotted path; None below a part that is not there."""
    value: Any = card
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _unasked(card: ModelCard, path: str) -> GapState:
    """Of a field that says something while it is empty: nobody has to be asked for it."""
    return "declined" if path in card.declined else "known"


def applies(card: ModelCard, path: str) -> bool:
    """Whether a field means anything for this card."""
    if path == "reason":
        return bool(card.non_commercial)
    if path in ("preprocessing.means", "preprocessing.deviations"):
        return card.preprocessing is not None and card.preprocessing.normalisation.endswith("by constants")
    if path.startswith("preprocessing."):
        return card.preprocessing is not None
    return True
