"""A version regression as the verbs print it: differences, flips, alerts, thresholds, groups, recordings to look at."""

from __future__ import annotations

from collections.abc import Sequence

from app import printing
from app.version_words import (
    TESTED,
    agreement_words,
    alerts_words,
    change_row,
    disagreement_words,
    drift_words,
    flip_words,
    group_changes,
    moved,
    new_errors,
    output_words,
    policy_title,
    untold_groups,
    verdict,
    whole_changes,
)
from engine.contract.version_change import LabelChange, PolicyChange, VersionResults

HEADS = ("Number", "Old", "New", "New minus old", "Corrected p", "Against the margin")
LISTED = 5
"""New errors that are listed for a label; `--json` has all."""


def version_words(results: VersionResults) -> str:
    """All that was found, each part only where there is something in it; `--json` tells every number."""
    blocks = [_head(results), printing.table(HEADS, [change_row(one) for one in whole_changes(results)])]
    for label in results.labels:
        blocks += _label(label)
    blocks += _groups(results)
    blocks += [printing.paragraph(f"{one.label}: {told}") for one in results.labels for told in one.left_out]
    blocks += [printing.paragraph(note) for note in results.notes]
    return "\n\n".join(blocks)


def _head(results: VersionResults) -> str:
    told = [
        ("Old version", f"{results.old} ({results.old_mode})"),
        ("New version", f"{results.new} ({results.new_mode})"),
        ("Data", f"{results.records:,} recordings of {results.patients:,} patients, {results.split_kind}"),
        ("Macro AUROC", f"{printing.estimate(results.macro.difference, signed=True)}: {verdict(results.macro)}"),
    ]
    return printing.fields(told)


def _label(label: LabelChange) -> list[str]:
    if label.identical:
        return [f"{label.label}: both versions say exactly the same of every recording"]
    blocks = [f"{label.label}\n{_policy(policy)}" for policy in label.policies if not policy.not_estimable]
    lines = [(f"{label.label}, no output", output_words(label)), (f"{label.label}, scores", agreement_words(label))]
    lines += [(f"{label.label}, same {one.name}", drift_words(one)) for one in label.drift]
    blocks.append(printing.fields(lines))
    if flips := new_errors(label):
        rows = [(one.kind, one.record, f"{one.old_score:.4g}", f"{one.new_score:.4g}", moved(one)) for one in flips]
        heads = (f"{label.label}: look at", "Recording", "Old score", "New score", "Ranks moved, of 100")
        blocks.append(printing.table(heads, _first(rows), right=heads[2:]))
    return blocks


def _first(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The first few of each kind."""
    return [row for n, row in enumerate(rows) if sum(before[0] == row[0] for before in rows[:n]) < LISTED]


def _policy(policy: PolicyChange) -> str:
    lines = [(f"  {one.name}", flip_words(one)) for one in policy.flips if one.records]
    lines += [(f"  {TESTED[one.name]}", disagreement_words(one)) for one in policy.tests]
    lines.append(("  alerts per 100", alerts_words(policy)))
    return f"{policy_title(policy)}:\n{printing.fields(lines)}"


def _groups(results: VersionResults) -> list[str]:
    """Groups that change, one by one; how many others there are; those that nothing can be said of."""
    told = list(group_changes(results))
    changed = [one for one in told if one.change.direction in ("worse", "better")]
    blocks = []
    if changed:
        rows = [(*change_row(one)[:1], one.change.direction, *change_row(one)[3:5]) for one in changed]
        blocks.append(printing.table(("Within a group", "Direction", "New minus old", "Corrected p"), rows))
    if told:
        blocks.append(f"Within groups: {len(told):,} differences told, {len(changed):,} of them shown")
    blocks += [f"{label}, {group.name}: {group.reason}" for label, group in untold_groups(results)]
    return blocks
