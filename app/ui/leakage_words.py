"""What the search for leaks means, in words that need no explanation; plain functions, without widgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.exposure import NOT_KNOWN, UNTRAINED
from app.core.rows import Exposure, JobRow, LeakSearch, LeakState
from app.core.words import counted
from app.ui.run_facts import left_text, moment, progress_text
from engine.contract.leakage import AGAINST
from engine.contract.results import Copies, LeakageResults
from engine.data.circularity import Circularity

if TYPE_CHECKING:
    from app.workspace import Workspace

FEW = 2
"""Findings that are listed one by one."""

LABEL_WORDS = {
    "circular": "Is the cart's own word",
    "leaning": "Leans on the cart",
    "independent": "Not the cart's word",
    "unknown": "Cannot be told",
}
"""How far a label repeats the cart's own statement."""


@dataclass(frozen=True)
class Standing:
    """What is known of a cohort now, and the search that is under way."""

    state: LeakState
    job: JobRow | None = None


@dataclass(frozen=True)
class FoundPair:
    """Two recordings that are one, and whether they had to be apart."""

    copies: Copies
    leak: bool
    side: str
    """What the cohort was held against; empty for its own parts."""

    @property
    def id(self) -> str:
        """Names the pair."""
        return f"{self.copies.record} {self.copies.part} {self.copies.other} {self.copies.other_part}"


@dataclass(frozen=True)
class Verdict:
    """The headline with the sign before it (a name in `app.ui.signs`) and its colour, and what it means."""

    sign: str
    colour: str
    headline: str
    meaning: str


def standing(workspace: Workspace, cohort: str) -> Standing:
    """What is known of a cohort, without the lists of pairs."""
    state = workspace.leak_state(cohort)
    rows = (job for job in workspace.jobs() if job.kind == "leakage" and job.cohort == cohort and job.active)
    return Standing(state, next(rows, None))


def pairs_of(workspace: Workspace, state: LeakState) -> list[FoundPair]:
    """The pairs that the latest search of each side found, leaks first."""
    found: list[FoundPair] = []
    for job_id in dict.fromkeys(search.job_id for search in state.searches):
        results = workspace.results(job_id)
        if isinstance(results, LeakageResults):
            sides = {search.against for search in state.searches if search.job_id == job_id}
            found += _of_sides(results.pairs, sides)
    return sorted(found, key=lambda one: (not one.leak, one.copies.record == one.copies.other, one.side != ""))


def _of_sides(pairs: Sequence[Copies], sides: set[str]) -> Iterator[FoundPair]:
    for pair in pairs:
        against = pair.other_part.startswith(AGAINST)
        side = pair.other_part.removeprefix(AGAINST).strip() if against else ""
        if side in sides:
            yield FoundPair(pair, pair.part != pair.other_part, side)


def trained_models(workspace: Workspace) -> list[str]:
    """Models that some recordings have shaped."""
    return [row.name for row in workspace.models() if row.source not in UNTRAINED]


def verdict(told: Standing) -> Verdict:
    """What is known of a cohort's own parts, and what that means for whoever reads its numbers."""
    state, job = told.state, told.job
    if job is not None and state.verdict in ("not searched", "searching"):
        return Verdict("running", "accent", "Looking for copies", _under_way(job))
    own = next((one for one in state.searches if not one.against), None)
    if own is None:
        return Verdict(
            "warning",
            "warn",
            "Not searched for copies",
            "No patient stands in two parts, but a copy under another patient number would go unseen until somebody "
            "looks for it.",
        )
    again = f" {_under_way(job)}" if job is not None else ""
    when = f"{counted(own.size, 'recording')} compared on {_day(own.finished)} ({own.job_id})."
    missed = f" {counted(own.unchecked, 'recording')} could not be compared." if own.unchecked else ""
    if own.findings:
        meaning = (
            f"{_found(own)} Scores on this split are too good. A cohort made anew keeps known copies in one part. "
            f"{when}{missed}{again}"
        )
        return Verdict("failed", "bad", "Copies stand in two parts", meaning)
    meaning = (
        f"No patient and no copy stands in two parts. {when}{missed} Such a search finds 99.9 % of copies that were "
        f"filtered, scaled, resampled or cut to 2.5 s or more.{again}"
    )
    return Verdict("done", "good", "No leak between the parts", meaning)


def _under_way(job: JobRow) -> str:
    if job.state == "queued":
        return "A search waits for its turn."
    parts = [progress_text(job), f"{left_text(job)} left" if left_text(job) else ""]
    return f"A search is under way: {', '.join(part for part in parts if part) or 'starting'}."


def _found(own: LeakSearch) -> str:
    """What stands in two parts; counted together where a split has many parts."""
    if len(own.findings) <= FEW or not own.copies:
        return " ".join(f"{finding}." for finding in own.findings)
    return f"{own.copies:,} copies stand in another part than their original."


def _day(stamp: str) -> str:
    when = moment(stamp)
    return "" if when is None else f"{when.astimezone().day} {when.astimezone():%b %Y}"


def agreement(pair: Copies) -> str:
    """How alike two recordings are: "equal", or the share."""
    return "equal" if pair.exact else f"{pair.score:.3f}"


def part_words(part: str) -> str:
    """A part of the cohort, or what it was held against."""
    return part.removeprefix(AGAINST).strip() if part.startswith(AGAINST) else part


def patient_words(pair: Copies) -> str:
    """Whether two recordings carry one patient's number."""
    return {True: "same", False: "different", None: "not known"}[pair.same_patient]


def pair_sentence(found: FoundPair) -> str:
    """One pair for people, above its traces."""
    pair = found.copies
    if pair.exact and pair.record == pair.other:
        return f"{pair.record} stands in {part_words(pair.part)} and in {part_words(pair.other_part)}."
    alike = "The samples are equal" if pair.exact else f"Agreement {pair.score:.3f} over {pair.overlap_s:.1f} s"
    people = {True: "one patient", False: "two patient numbers, one of which must be wrong", None: ""}[
        pair.same_patient
    ]
    return f"{alike}{', ' + people if people else ''}."


def exposure_words(told: Exposure) -> str:
    """The verdict on one model in two words."""
    if told.findings:
        return "Has seen some"
    if told.training == NOT_KNOWN:
        return "Not known"
    return "Not searched" if told.unsearched else "Nothing found"


def exposure_sentences(told: Exposure) -> str:
    """All that is known of one model."""
    return "\n".join(_capital(sentence) for sentence in (*told.findings, *told.unsearched, *told.clear))


def search_sentences(one: LeakSearch) -> str:
    """All that one search said of one side."""
    said = [f"{sentence}." for sentence in one.findings] or ["Nothing was found."]
    return "\n".join([*said, *(f"{note}." for note in one.notes)])


def label_sentence(one: Circularity) -> str:
    """What is known of one label, and what it means."""
    meaning = {
        "circular": "A score on it tells how well a model imitates the cart, not how well it finds disease.",
        "leaning": "Part of a score on it may be imitation of the cart.",
    }.get(one.verdict, "")
    return f"{one.sentence}. {meaning}".strip()


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
