"""The fields of a model card in the words of those who ask for them: titles, groups, and why each of them matters.

What matters, and to whom, follows the product-identity and lineage sections of the due-diligence dossier (HTI-1 source
attributes, CHAI model card, TRIPOD+AI, AI Act Annex IV): see `assets/checklists`.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.card_gaps import GapState
from engine.contract.card import UNKNOWN

STATE_WORDS: dict[GapState, str] = {
    "known": "Known",
    "assumed": "Assumed",
    "declined": "Vendor declined",
    "missing": "Missing",
}
"""What is known of a field, as printed."""

STATE_SIGNS: dict[GapState, tuple[str, str]] = {
    "known": ("done", "good"),
    "assumed": ("question", "warn"),
    "declined": ("stopped", "warn"),
    "missing": ("warning", "warn"),
}
"""The sign of each state and the colour of the theme that it takes: the shape tells them apart as well."""


@dataclass(frozen=True)
class CardField:
    """One field of a card.

    Attributes:
        path: dotted, as `ModelCard.declined` names it.
        title: as printed.
        why: one sentence: what cannot be known without it.
        needed: whether the model cannot be run without a value; then one that was declined is an assumption.
    """

    path: str
    title: str
    why: str
    needed: bool = False


IDENTITY = (
    CardField("name", "Name in this workspace", "Every number of the dossier carries it", True),
    CardField(
        "version", "Version or build", "A number holds for one build only; the next one has to be compared", True
    ),
    CardField("product", "Product", "Models of one product are versions of it and can be compared as old and new"),
    CardField("developer", "Developer", "Who answers for it, and whom to ask for what is missing here"),
    CardField("licence", "Licence of the weights", "Whether it may be run here at all, and its results shown"),
    CardField("non_commercial", "Commercial use forbidden?", "A non-commercial licence asks for a reason to use it"),
    CardField("reason", "Reason to use it all the same", "It stands in the dossier beside the licence"),
    CardField("permitted_use", "Permitted use", "What the maker allows: research, evaluation, patients"),
)
INTENT = (
    CardField(
        "intended_use",
        "Intended use",
        "What it is sold for; a result beside its intended use says little of the product",
    ),
    CardField("population", "Population", "On whom it was meant to be used, in the maker's words"),
    CardField("eligibility", "Whom it is meant for, as rules", "Cohorts split into on-label and off-label by them"),
)
LINEAGE = (
    CardField("lineage.corpus", "Trained on", "A model that has seen the recordings it is scored on looks better"),
    CardField(
        "lineage.records", "Recordings it was trained on", "How much it has seen, and how rare things can be in it"
    ),
    CardField("lineage.patients", "Patients it was trained on", "Repeated recordings of one patient add little"),
    CardField("lineage.objective", "Pretraining objective", "What it learned before anybody showed it labels"),
    CardField("lineage.backbone", "Backbone", "Which network it is; models of one family fail alike"),
    CardField("lineage.parameters", "Parameters", "Its size, and what it costs to run"),
    CardField("lineage.parent_name", "Went on from", "A finetuned model inherits what its parent has seen"),
)
INPUT = (
    CardField("preprocessing.leads", "Leads, in this order", "Swapped leads look like another heart axis", True),
    CardField("preprocessing.rate_hz", "Sampling rate", "At another rate every interval has another length", True),
    CardField("preprocessing.window_s", "Window", "How much of a recording it sees at once", True),
    CardField("preprocessing.stride_s", "From window to window", "Overlapping windows weigh the middle more", False),
    CardField(
        "preprocessing.aggregation", "Windows become one answer by", "The largest of many windows alarms more", True
    ),
    CardField("preprocessing.units", "Unit", "Microvolts fed for millivolts are a thousand times too large", True),
    CardField(
        "preprocessing.filters", "Filters", "What was filtered away in training may mislead when it is not", True
    ),
    CardField(
        "preprocessing.clip_mv", "Clipped at", "Pacing spikes and artefacts above it are cut off; empty: nothing is"
    ),
    CardField("preprocessing.normalisation", "Normalisation", "Left out, many models still answer, only worse", True),
    CardField("preprocessing.means", "Means to take off", "By lead, in the unit that is fed; pasted as numbers"),
    CardField(
        "preprocessing.deviations", "Deviations to divide by", "By lead, in the unit that is fed; pasted as numbers"
    ),
    CardField("preprocessing.polarity", "Polarity", "An inverted trace is another diagnosis", True),
    CardField("preprocessing.padding", "Recordings that are too short", "What is filled in was never recorded", True),
    CardField("preprocessing.axes", "Order of its axes", "Another order is refused, or means nothing", True),
    CardField(
        "preprocessing.derived_leads",
        "Leads computed from others",
        "A computed lead hides a fault of its parents",
        True,
    ),
    CardField("preprocessing.missing", "Missing samples", "A gap has to become some number before it is fed", True),
)
GROUPS: tuple[tuple[str, tuple[CardField, ...]], ...] = (
    ("Identity and licence", IDENTITY),
    ("Intended use", INTENT),
    ("Lineage", LINEAGE),
    ("Input contract", INPUT),
)
"""The groups of a card's form and view; the outputs follow them, with a table of their own."""

LEFT_EMPTY = ("product", "reason", "lineage.parent_name", "preprocessing.stride_s")
"""Fields that say something while they are empty: nobody has to be asked for them."""

OUTPUTS = CardField(
    "outputs", "Outputs", "What its numbers mean: without names and activations they are only numbers", True
)

FIELDS: dict[str, CardField] = {field.path: field for _, fields in (*GROUPS, ("", (OUTPUTS,))) for field in fields}
"""By dotted path."""

KIND_WORDS = {
    "embedding": "embedding, for probes",
    "logits": "logits",
    "probability": "probabilities",
    "score": "scores",
    "flag": "yes or no",
}
"""Kinds of output as printed."""


def is_told(value: object) -> bool:
    """Whether a card says anything here: nothing at all and "unknown" are no answers, "none" and no are."""
    return value is not None and value not in ("", UNKNOWN, (), [])
