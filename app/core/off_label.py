"""How many recordings fall outside of whom a model's maker means it for: the card's rules, asked of real recordings.

A recording of which a rule cannot be told (no age, no word on pacing) is outside as well, and counted apart: nobody can
say that the model is meant for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import cohorts, models
from app.core.eligible import reasons_against
from app.core.words import counted
from engine.contract.eligibility import parse_rule

UNKNOWN_ENDS = ("unknown", "not known")


@dataclass(frozen=True)
class RuleOutside:
    """One rule: how many recordings break it, and of how many it cannot be told.

    Attributes:
        rule: in words.
        outside: that break it.
        untold: of which what it asks for is not known.
        reasons: how many for which reason.
    """

    rule: str
    outside: int
    untold: int
    reasons: dict[str, int]


@dataclass(frozen=True)
class OffLabel:
    """A model's rules against some recordings.

    Attributes:
        model: its name.
        records: how many were asked.
        outside: that break at least one rule.
        untold: of which at least one rule cannot be told, and that break none.
        rules: each by itself; empty where the card has none.
        population: what the card says in words.
    """

    model: str
    records: int
    outside: int
    untold: int
    rules: tuple[RuleOutside, ...]
    population: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """What an evaluation must say of it; nothing where the card has no rules or all are met."""
        told = [f"{_some(one)} ('{one.rule}')" for one in self.rules if one.outside or one.untold]
        if not told:
            return ()
        whole = f"{self.outside + self.untold:,} of the {counted(self.records, 'scored recording')}"
        return (f"'{self.model}' is not, or not certainly, meant for {whole}: {'; '.join(told)}",)


def off_label(session: Session, model: str, cohort: str) -> OffLabel:
    """A model's rules against a whole cohort. Raises UsageError for an unknown model or cohort."""
    found = models.get(session, model)
    ids = [row.record_id for row in cohorts.manifest(session, cohort)]
    return against(session, found.name, dict(found.card), ids)


def against(session: Session, model: str, card: dict[str, object], record_ids: Sequence[str]) -> OffLabel:
    """The rules of a card against recordings."""
    told = card.get("eligibility")
    rules = [str(rule) for rule in told] if isinstance(told, (list, tuple)) else []
    reasons = reasons_against(session, rules, record_ids) if rules else []
    broken, unclear = set[int](), set[int]()
    by_rule = []
    for rule, found in zip(rules, reasons, strict=True):
        outside = {at for at, reason in enumerate(found) if reason and not reason.endswith(UNKNOWN_ENDS)}
        untold = {at for at, reason in enumerate(found) if reason} - outside
        broken |= outside
        unclear |= untold
        counts = dict(sorted(Counter(filter(None, found)).items()))
        by_rule.append(RuleOutside(str(parse_rule(rule)), len(outside), len(untold), counts))
    return OffLabel(
        model, len(record_ids), len(broken), len(unclear - broken), tuple(by_rule), str(card.get("population", ""))
    )


def _some(one: RuleOutside) -> str:
    told = [f"{one.outside:,} outside"] * bool(one.outside) + [f"{one.untold:,} not known"] * bool(one.untold)
    return " and ".join(told)
