"""Results of a version regression as lines of the run's view: what got worse first, then how far, then for whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app import printing
from app.ui.run_fact import Fact
from app.version_words import (
    TESTED,
    Told,
    alerts_words,
    disagreement_words,
    drift_words,
    group_changes,
    new_errors,
    output_words,
    p_words,
    policy_title,
    subject,
    summary,
    untold_groups,
    verdict,
    whole_changes,
)
from engine.contract.version_change import LabelChange, VersionResults

MOST_GROUPS = 8
"""Groups that are told one by one; of more, how many there are."""


def version_facts(results: Mapping[str, Any]) -> list[Fact]:
    """The summary, what got worse, what got better, and each label at its thresholds."""
    told = VersionResults.model_validate(results)
    lines = [
        Fact("In short", summary(told)),
        Fact("Old version", f"{told.old} ({told.old_mode})"),
        Fact("New version", f"{told.new} ({told.new_mode})"),
        Fact("Recordings", f"{told.records:,} of {told.patients:,} patients, {told.split_kind}"),
        Fact("Macro AUROC", f"{printing.estimate(told.macro.difference, signed=True)}: {verdict(told.macro)}"),
        *_alerts(told),
        *_shown("Worse", (one for one in whole_changes(told) if one.change.direction == "worse")),
        *_shown("Better", (one for one in whole_changes(told) if one.change.direction == "better")),
    ]
    for label in told.labels:
        lines += _label(label)
    lines += _groups(told)
    lines += [Fact(f"{one.label}, not told", left) for one in told.labels for left in one.left_out]
    return [*lines, *(Fact("Note", note) for note in told.notes)]


def _alerts(told: VersionResults) -> list[Fact]:
    """Alerts on the day of the update, when nobody has touched the settings, before those at its own threshold."""
    return [
        Fact(f"{label.label}, alerts per 100", f"{policy_title(policy)}: {alerts_words(policy)}")
        for label in told.labels
        for policy in reversed(label.policies)
        if not policy.not_estimable and not label.identical
    ]


def _shown(name: str, changes: Iterable[Told]) -> list[Fact]:
    return [Fact(name, f"{subject(one)}: {_change(one)}") for one in changes]


def _change(told: Told) -> str:
    p = p_words(told.change)
    corrected = f", corrected p {p}" if p else ""
    return f"{printing.estimate(told.change.difference, signed=True)}, {told.change.verdict}{corrected}"


def _label(label: LabelChange) -> list[Fact]:
    if label.identical:
        return [Fact(label.label, "both versions say exactly the same of every recording")]
    lines = []
    for policy in label.policies:
        if policy.not_estimable:
            continue
        tests = "; ".join(f"{TESTED[one.name]}: {disagreement_words(one)}" for one in policy.tests[:2])
        lines.append(Fact(f"{label.label}, flips", f"{policy_title(policy)}. {tests[0].upper()}{tests[1:]}"))
    lines += [Fact(f"{label.label}, same {one.name}", f"threshold {drift_words(one)}") for one in label.drift]
    lines.append(Fact(f"{label.label}, no output", output_words(label)))
    if flips := new_errors(label):
        listed = ", ".join(f"{one.record[:12]} ({one.kind})" for one in flips[:4])
        lines.append(Fact(f"{label.label}, look at", listed))
    return lines


def _groups(told: VersionResults) -> list[Fact]:
    worse = [one for one in group_changes(told) if one.change.direction == "worse"]
    lines = _shown("Worse in a group", worse[:MOST_GROUPS])
    if len(worse) > MOST_GROUPS:
        lines.append(Fact("Worse in a group", f"and {len(worse) - MOST_GROUPS:,} more numbers"))
    untold = [f"{label}, {group.name}" for label, group in untold_groups(told)]
    return [*lines, Fact("Insufficient evidence", "; ".join(untold))] if untold else lines
