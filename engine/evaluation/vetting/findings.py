"""Findings of a vetting as they are gathered: what is wrong, what was looked at, what could not be looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.contract.vetting import RULES, VetFinding, Weight


@dataclass
class Findings:
    """What the rules have said so far.

    Attributes:
        found: in the order of the rules' looks.
        looked: rules that were looked at.
        unchecked: by rule, why it could not be.
    """

    found: list[VetFinding] = field(default_factory=list)
    looked: set[str] = field(default_factory=set)
    unchecked: dict[str, str] = field(default_factory=dict)

    def look(self, *rules: str) -> None:
        """Say that these rules are looked at; without a finding they have passed."""
        self.looked.update(rules)

    def find(self, rule: str, weight: Weight, found: str, advice: str = "", subject: str = "") -> None:
        """Something is not as it should be."""
        assert rule in RULES, rule
        self.looked.add(rule)
        self.found.append(VetFinding(rule=rule, weight=weight, subject=subject, found=found, advice=advice))

    def skip(self, why: str, *rules: str) -> None:
        """These rules cannot be looked at."""
        self.unchecked.update({rule: why for rule in rules if rule not in self.looked})

    @property
    def passed(self) -> list[str]:
        """Rules that were looked at and found nothing, in the order of RULES."""
        told = {finding.rule for finding in self.found}
        return [rule for rule in RULES if rule in self.looked and rule not in told]

    @property
    def ordered(self) -> list[VetFinding]:
        """All findings, the weightiest first, then in the order of RULES."""
        weights, rules = ("blocking", "serious", "note"), list(RULES)
        return sorted(self.found, key=lambda one: (weights.index(one.weight), rules.index(one.rule)))
