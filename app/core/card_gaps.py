"""What is known of a model, what its maker declined to tell, what nobody said and what was assumed, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from engine.contract.card import UNKNOWN, ModelCard
from engine.signal.normalise import CONSTANTS

GapState = Literal["known", "declined", "missing", "assumed"]


@dataclass(frozen=True)
class CardGap:
    """One field of a card.

    Attributes:
        field: its dotted name: "preprocessing.units".
        title: in words: "Units".
        state: known; declined by its maker; missing, where nobody said; assumed, where a value stands that nobody told.
        told: what stands there, in words; empty where nothing does.
        meaning: what follows where it is not known; empty where it is.
    """

    field: str
    title: str
    state: GapState
    told: str
    meaning: str


_ASKED: dict[str, tuple[str, str]] = {
    "developer": ("Developer", "nobody can be asked, and nobody answers for it"),
    "version": ("Version", "an update cannot be told from what was tested"),
    "licence": ("Licence", "whether it may be used here is not known"),
    "non_commercial": ("Commercial use", "whether its licence allows commercial use is not known"),
    "permitted_use": ("Permitted use", "what its maker allows it to be used for is not known"),
    "intended_use": ("Intended use", "no result can be held against what it is meant for"),
    "population": ("Population", "whom it is meant for is not known"),
    "eligibility": ("Population as rules", "off-label recordings cannot be told from others"),
    "lineage.objective": ("Objective", "how it was trained is not known"),
    "lineage.backbone": ("Architecture", "what kind of network it is, is not known"),
    "lineage.parameters": ("Parameters", "its size is not known"),
    "lineage.corpus": ("Trained on", "whether it has seen the recordings it is tested on cannot be told"),
    "lineage.records": ("Training recordings", "how much it has seen is not known"),
    "lineage.patients": ("Training patients", "how many people it has seen is not known"),
    "preprocessing.leads": ("Leads and order", "leads in another order look like an ECG, and mean something else"),
    "preprocessing.rate_hz": ("Sampling rate", "at another rate every duration is wrong"),
    "preprocessing.window_s": ("Window", "another length may be refused, or answered otherwise"),
    "preprocessing.aggregation": ("Windows to one answer", "another way gives other numbers"),
    "preprocessing.units": ("Units", "mV for uV is off by a thousand, and may look as if it worked"),
    "preprocessing.clip_mv": ("Clipping", "large signals may differ"),
    "preprocessing.filters": ("Filters", "another band changes the ST segment and the noise"),
    "preprocessing.normalisation": ("Normalisation", "another scale may look as if it worked, only worse"),
    "preprocessing.means": ("Constants that are taken off", "other constants shift every lead"),
    "preprocessing.deviations": ("Constants that are divided by", "other constants scale the leads against each other"),
    "preprocessing.missing": ("Missing samples", "gaps may be answered otherwise"),
    "preprocessing.polarity": ("Polarity", "an ECG upside down looks like another disease"),
    "preprocessing.padding": ("Short recordings", "what is too short may be answered otherwise"),
    "preprocessing.axes": ("Order of the input's axes", "another order is refused, or means nothing"),
    "preprocessing.derived_leads": ("Computed leads", "whether computed leads may be fed is not known"),
}


def card_gaps(card: ModelCard) -> list[CardGap]:
    """The fields of a card that matter, in their order, each with its state."""
    told = card.model_dump(mode="json")
    asked = {field: words for field, words in _ASKED.items() if _applies(field, card)}
    gaps = [_gap(field, *words, _value(told, field), card) for field, words in asked.items()]
    return [*gaps, *_of_outputs(card)]


def _applies(field: str, card: ModelCard) -> bool:
    """Of scores there is no contract; constants matter where something is normalised by them."""
    contract = card.preprocessing
    if field in ("preprocessing.means", "preprocessing.deviations"):
        return contract is not None and contract.normalisation == CONSTANTS
    return not field.startswith("preprocessing.") or contract is not None or card.source == "external"


def _value(told: dict[str, Any], field: str) -> object:
    table, _, name = field.rpartition(".")
    inner = told.get(table) if table else told
    return inner.get(name) if isinstance(inner, dict) else None


def _gap(field: str, title: str, meaning: str, value: object, card: ModelCard) -> CardGap:
    there = _is_told(field, value)
    said = _words(field, value) if there else ""
    declined = field in card.declined or field.partition(".")[0] in card.declined
    if declined:
        return CardGap(field, title, "assumed" if there else "declined", said, _declined(meaning, there))
    if field in card.assumed:
        return CardGap(field, title, "assumed", said, f"nobody told it: {meaning}")
    return CardGap(field, title, "known", said, "") if there else CardGap(field, title, "missing", "", meaning)


def _declined(meaning: str, there: bool) -> str:
    return f"its maker declined to tell it{', and this is assumed' if there else ''}: {meaning}"


def _is_told(field: str, value: object) -> bool:
    if field == "preprocessing.clip_mv":
        return True  # none is an answer: it is not clipped
    return value not in (None, "", UNKNOWN, (), [])


def _words(field: str, value: object) -> str:
    if field == "non_commercial":
        return "forbidden by its licence" if value else "allowed by its licence"
    if value is None:
        return "none"
    if isinstance(value, list):
        return ("; " if field == "eligibility" else " ").join(map(str, value))
    unit = {"preprocessing.rate_hz": " Hz", "preprocessing.window_s": " s", "preprocessing.clip_mv": " mV"}.get(
        field, ""
    )
    return f"{value:,g}{unit}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _of_outputs(card: ModelCard) -> Iterator[CardGap]:
    for output in card.outputs:
        classes = f"{len(output.classes):,} classes" if len(output.classes) > 6 else ", ".join(output.classes)
        yield CardGap(
            f"outputs.{output.name}",
            f"Output {output.name}",
            "known",
            f"{output.kind}: {classes}" if classes else output.kind,
            "",
        )


def counts(gaps: list[CardGap]) -> dict[GapState, int]:
    """How many fields are in each state."""
    found: dict[GapState, int] = {"known": 0, "declined": 0, "missing": 0, "assumed": 0}
    for gap in gaps:
        found[gap.state] += 1
    return found
