"""The card by itself: what it leaves open, what its maker declined to tell, what it may be used for."""

from __future__ import annotations

from engine.contract.card import UNKNOWN, ModelCard, Preprocessing
from engine.contract.errors import WorldError
from engine.contract.vetting import VettedSandbox, Weight
from engine.evaluation.vetting.findings import Findings
from engine.signal.condition import check_card

ASK = "Ask its maker"

WEIGHT_OF: dict[str, Weight] = {
    "preprocessing": "blocking",
    "preprocessing.leads": "serious",
    "preprocessing.rate_hz": "serious",
    "preprocessing.window_s": "serious",
    "preprocessing.units": "serious",
    "preprocessing.filters": "serious",
    "preprocessing.normalisation": "serious",
    "preprocessing.means": "serious",
    "preprocessing.deviations": "serious",
    "preprocessing.axes": "serious",
    "preprocessing.polarity": "serious",
    "outputs": "serious",
    "lineage.corpus": "serious",
}
"""What it weighs that a field was declined or is unknown; a note for all others."""

MEANS_OF: dict[str, str] = {
    "preprocessing.leads": "the order of the leads is assumed",
    "preprocessing.units": "the unit is assumed",
    "preprocessing.filters": "the filters are assumed",
    "preprocessing.normalisation": "the normalisation is assumed",
    "preprocessing.means": "the constants are assumed",
    "preprocessing.deviations": "the constants are assumed",
    "lineage.corpus": "whether it has seen the recordings that it is tested on cannot be searched for",
}
"""What follows from it."""

ASKED = ("developer", "intended_use", "population")
ASKED_OF_LINEAGE = ("objective", "backbone", "corpus", "parameters")
"""Fields whose being unknown is a finding, beside the licence, which has a rule of its own."""


def check_the_card(card: ModelCard, told: Findings) -> None:
    """Everything that the card alone tells."""
    told.look("declined", "missing", "licence", "population", "contract")
    for path in card.declined:
        told.find("declined", WEIGHT_OF.get(path, "note"), _means(path, "its maker declined to tell"), ASK, path)
    for path in _unknown(card):
        if path not in card.declined:
            told.find("missing", WEIGHT_OF.get(path, "note"), _means(path, "it is unknown"), ASK, path)
    for path in card.assumed:
        if path not in card.declined:
            told.find("missing", WEIGHT_OF.get(path, "note"), "nobody told it: what stands there is assumed", ASK, path)
    _licence(card, told)
    _population(card, told)
    if card.preprocessing is None:
        told.find("contract", "blocking", "the card does not say what the model must be fed", ASK, "preprocessing")
    else:
        _contract(card.preprocessing, told)


def check_isolation(sandbox: VettedSandbox, told: Findings) -> None:
    """Whether anything stands between the model and the machine."""
    told.look("sandbox")
    if sandbox.complete:
        return
    if sandbox.told:
        told.find("sandbox", "note", sandbox.told)
        return
    lacking = ", ".join(sandbox.missing) or "parts of it"
    told.find("sandbox", "serious", f"it is not isolated fully on this machine: {lacking}", "Run it where it is")


def _means(path: str, said: str) -> str:
    follows = MEANS_OF.get(path)
    return f"{said}; {follows}" if follows else said


def _unknown(card: ModelCard) -> list[str]:
    found = [name for name in ASKED if getattr(card, name) in (UNKNOWN, "")]
    found += [f"lineage.{name}" for name in ASKED_OF_LINEAGE if getattr(card.lineage, name) in (UNKNOWN, "", None)]
    return found


def _licence(card: ModelCard, told: Findings) -> None:
    if card.licence in (UNKNOWN, ""):
        reason = "under which licence it stands is unknown, so nobody knows whether it may be used"
        told.find("licence", "serious", reason, ASK, "licence")
    if card.permitted_use in (UNKNOWN, ""):
        told.find("licence", "note", "what it may be used for is unknown", ASK, "permitted_use")
    if card.non_commercial and not card.reason.strip():
        reason = "its licence forbids commercial use, and no reason is given for using it"
        told.find("licence", "blocking", reason, "Give a reason on the card, or do not use it", "reason")
    if card.non_commercial is None:
        told.find("licence", "note", "whether commercial use is forbidden is unknown", ASK, "non_commercial")


def _population(card: ModelCard, told: Findings) -> None:
    if not card.eligibility:
        reason = "no rule says whom it is meant for, so that a cohort cannot be held against it"
        advice = "Write its maker's words as rules: 'age 18..', 'paced no'"
        told.find("population", "note", reason, advice, "eligibility")


def _contract(feed: Preprocessing, told: Findings) -> None:
    try:
        check_card(feed)
    except WorldError as error:
        told.find("contract", "blocking", error.reason, error.next_step, "preprocessing")
