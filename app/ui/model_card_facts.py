"""A registered model's card, line by line: what is known, what its maker declined to tell, what nobody asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from app.core.card_gaps import GapState
from app.ui.cohort_words import rule_words
from app.ui.model_rows import ListedModel, value_at
from app.ui.model_words import GROUPS, KIND_WORDS, OUTPUTS, STATE_WORDS, is_told
from app.ui.run_facts import local_time
from engine.contract.card import FORMATS, ModelCard, Output
from engine.contract.eligibility import parse_rule
from engine.contract.errors import UsageError

UNITS = {"rate_hz": " Hz", "window_s": " s", "stride_s": " s", "clip_mv": " mV"}
EMPTY_WORDS = {
    "preprocessing.stride_s": "the window: they follow one another",
    "preprocessing.clip_mv": "not clipped",
    "product": "no other version of it",
    "lineage.parent_name": "no other model",
}
"""What an empty field says, where that is an answer."""


@dataclass(frozen=True)
class CardLine:
    """One line of a card.

    Attributes:
        group: which part of the card it stands in.
        title: of the field.
        value: what stands there, in words; what is known of it where nothing does.
        state: what is known of it.
        why: why it matters.
        first: whether it is the first line of its part.
    """

    group: str
    title: str
    value: str
    state: GapState
    why: str
    first: bool = False

    @property
    def told(self) -> str:
        """The value, with the state where that is not "known"."""
        if self.state == "known":
            return self.value
        return f"{STATE_WORDS[self.state]}: {self.value}" if self.value else STATE_WORDS[self.state]


def card_lines(model: ListedModel) -> list[CardLine]:
    """The card of a model, with what only the workspace knows of it last; empty where the card cannot be read."""
    if model.card is None:
        return []
    data, states = model.card.model_dump(), model.states
    lines = []
    for group, fields in GROUPS:
        for field in fields:
            if field.path in states:
                value = value_words(field.path, value_at(data, field.path))
                lines.append(CardLine(group, field.title, value, states[field.path], field.why))
    lines += [
        CardLine("Outputs", one.name, output_words(one), states["outputs"], OUTPUTS.why) for one in outputs(model)
    ]
    lines += [CardLine("Notes", "", note, "known", "") for note in model.card.notes]
    lines += [CardLine("Files", title, value, "known", "") for title, value in _files(model) if value]
    before = ["", *(line.group for line in lines)]
    return [replace(line, first=line.group != group) for line, group in zip(lines, before, strict=False)]


def outputs(model: ListedModel) -> tuple[Output, ...]:
    """The named outputs of a model, where its card has any."""
    return model.card.outputs if model.card else ()


def value_words(path: str, value: Any) -> str:
    """A field's value as printed; nothing where nothing is known."""
    if not is_told(value):
        return EMPTY_WORDS.get(path, "")
    name = path.rpartition(".")[2]
    if name == "eligibility":
        return "; ".join(_rule(rule) for rule in value)
    if isinstance(value, (tuple, list)):
        return ", ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,}" if isinstance(value, int) else f"{value:g}{UNITS.get(name, '')}"
    return str(value)


def output_words(output: Output) -> str:
    """What an output is, in a line."""
    told = [KIND_WORDS[output.kind]]
    told += [f"of {', '.join(output.classes)}"] if output.classes else []
    told += [f"after {output.activation}"] if output.activation != "none" else []
    told += [f"{output.over_time} over time"] if output.over_time != "none" else []
    return ", ".join(told).replace(", of ", " of ", 1)


def finding_words(model: ListedModel) -> str:
    """How much of a card is not known: "8 fields of its card are not known: 1 vendor declined, 7 missing"."""
    counts = Counter(state for state in model.states.values() if state != "known")
    if not counts:
        return ""
    parts = ", ".join(f"{count} {STATE_WORDS[state].lower()}" for state, count in counts.most_common())
    total = sum(counts.values())
    return f"{total} field{'s of its card are' if total > 1 else ' of its card is'} not known: {parts}"


def _rule(text: str) -> str:
    try:
        return rule_words(parse_rule(text))
    except UsageError:
        return text


def _files(model: ListedModel) -> list[tuple[str, str]]:
    card: ModelCard | None = model.card
    format = card.format if card else None
    return [
        ("Format", FORMATS[format] if format else model.source),
        ("Architecture", card.architecture if card else ""),
        ("Registered", local_time(model.row.created)),
        ("sha256", model.row.sha256),
        *((name, f"sha256 {digest}") for name, digest in (card.files if card else {}).items()),
        ("Stamp", card.stamp if card else ""),
    ]
