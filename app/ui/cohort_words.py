"""Rules of a cohort, reasons and flows in plain words, for diagrams, tables and screen readers."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.rows import CohortFlow
from app.core.words import counted
from app.ui.quality_words import finding_words
from engine.contract.eligibility import AnyRule, ChoiceRule, FindingRule, LeadsRule, PacingRule, RangeRule, parse_rule
from engine.contract.errors import UsageError
from engine.data.eligibility import UNITS, Step

TITLES = {
    "age": "Age",
    "sex": "Sex",
    "paced": "Pacemaker",
    "device": "Device",
    "setting": "Setting",
    "leads": "Leads",
    "quality": "Signal quality",
    "without": "Finding left out",
    "seconds": "Length",
    "rate": "Sampling rate",
    "year": "Year",
    "format": "File format",
}
"""What a rule is about, in the order in which rules are offered. `measured` is a choice of "leads"."""


def rule_words(rule: AnyRule) -> str:
    """A rule as a sentence part.

    >>> rule_words(parse_rule("age 18..89")), rule_words(parse_rule("paced no or unknown"))
    ('Age 18 to 89 years', 'No pacemaker, or not known')
    """
    match rule:
        case RangeRule():
            told = _range_words(rule)
        case ChoiceRule():
            told = f"{TITLES[rule.what]}: {_either(rule.among)}"
        case PacingRule():
            told = "Pacemaker at work" if rule.paced else "No pacemaker"
        case LeadsRule():
            kind = "recorded, not computed" if rule.measured else "there"
            leads = ", ".join(rule.leads)
            told = f"Lead {leads} {kind}" if len(rule.leads) == 1 else f"Leads {leads} {kind}"
        case FindingRule():
            told = f"Without: {_lower(finding_words(rule.finding))}"
    return f"{told}, or not known" if getattr(rule, "unknown", "") == "keep" else told


def step_words(step: Step) -> str:
    """The rule of a step; steps that every cohort has are words already."""
    try:
        return rule_words(parse_rule(step.rule))
    except UsageError:
        return step.rule[:1].upper() + step.rule[1:]


def reason_words(step: Step, reason: str) -> str:
    """Why recordings were left out at a step."""
    told = finding_words(reason) if step.rule.startswith("without ") else reason
    return told[:1].upper() + told[1:]


def flow_words(flow: CohortFlow, final: str = "Eligible") -> list[str]:
    """A flow line by line, the first line who was considered."""
    lines = [f"Considered: {_size(flow.considered, flow.considered_patients)}"]
    for step in flow.steps:
        gone = sum(step.excluded.values())
        lines.append(f"{step_words(step)}: {counted(gone, 'recording') if gone else 'no one'} left out")
        lines += [f"    {reason_words(step, reason)}: {count:,}" for reason, count in step.excluded.items()]
    return [*lines, f"{final}: {_size(flow.records, flow.patients)}"]


def patients_gone(flow: CohortFlow, place: int) -> int:
    """Patients of whom the step at this place leaves no recording."""
    after = flow.steps[place + 1].patients if place + 1 < len(flow.steps) else flow.patients
    return flow.steps[place].patients - after


def _range_words(rule: RangeRule) -> str:
    title, unit = TITLES[rule.what], f" {UNITS[rule.what]}".rstrip()
    low, high = (None if limit is None else f"{limit:g}" for limit in (rule.at_least, rule.at_most))
    if low is not None and high is not None:
        return f"{title} {low}{unit}" if low == high else f"{title} {low} to {high}{unit}"
    if low is None:
        return f"{title} up to {high}{unit}"
    return f"{title} {low} or later" if rule.what == "year" else f"{title} {low}{unit} or more"


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _size(records: int, patients: int) -> str:
    return f"{counted(records, 'recording')} of {counted(patients, 'patient')}"


def _lower(text: str) -> str:
    """With a small first letter, unless it begins with an abbreviation or a lead."""
    return text if text[:2].isupper() or text[1:2] == "," else text[:1].lower() + text[1:]
