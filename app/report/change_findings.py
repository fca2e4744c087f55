"""The sections of a change record that say what follows: what regressed, what got better, what nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.words import counted
from app.governance.card_changes import untold
from app.governance.change_record import VersionSide
from app.report.change_cited import Cited
from app.report.record_parts import Bullets, Choices, Lines, Part, Rows, Section, Sentences
from app.version_words import (
    Told,
    group_changes,
    moved,
    new_errors,
    stands,
    subject,
    untold_groups,
    verdict,
    whole_changes,
)
from engine.contract.evaluation import KnownLeaks

MOST = 20
"""Findings within groups that are told one by one."""

PLAN = (
    "Whether the product's predetermined change control plan (PCCP), if it has one, foresaw this change: its"
    " description of modifications, its modification protocol, its impact assessment. Isoline knows of no plan:"
    " attach it, or write that there is none."
)
_OPEN = (
    "Which threshold is used from then on for each label, who sets it, and who is told.",
    "What is done about everything that could not be told, and who finds it out.",
    "Whether recordings that a version has seen make these numbers too good to decide on.",
)
_WATCH = "What is watched after the change, how often, and until when this decision holds."


def regressed(cited: Cited) -> Section:
    """Everything whose interval lies on the worse side, in the whole test part and within groups."""
    results = cited.record.results
    whole = [one for one in whole_changes(results) if one.change.direction == "worse"]
    groups = [one for one in group_changes(results) if one.change.direction == "worse"]
    parts: list[Part] = []
    if whole:
        parts += [Sentences("Worse than before, by intervals that exclude no change:"), _bullets(cited, whole)]
    if groups:
        parts += [Sentences(f"Worse within groups ({counted(len(groups), 'number')}):"), _bullets(cited, groups)]
    lost = [
        f"{label.label}: more recordings go without an output: "
        f"{cited.percent(f'labels.{n}.output.difference', label.output.difference, signed=True)}"
        for n, label in enumerate(results.labels)
        if label.output.direction == "worse"
    ]
    parts += [Bullets(tuple(lost))] if lost else []
    if not parts:
        open_ones = [one for one in whole_changes(results) if one.change.verdict == "not shown"]
        parts.append(Sentences("No number is shown to be worse. That is not the same as shown to be no worse:"))
        told = ", ".join(subject(one) for one in open_ones[:MOST])
        parts.append(
            Sentences(
                f"Of {counted(len(open_ones), 'number')} it is not shown that the loss is within the margin: {told}."
                if open_ones
                else "Every number told here lies within the margin that was set."
            )
        )
    return Section("What regressed", tuple(parts))


def improved(cited: Cited) -> Section:
    """Everything whose interval lies on the better side."""
    results = cited.record.results
    found = [one for one in (*whole_changes(results), *group_changes(results)) if one.change.direction == "better"]
    if not found:
        return Section("What got better", (Sentences("No number is shown to be better."),))
    return Section("What got better", (_bullets(cited, found),))


def not_told(cited: Cited) -> Section:
    """What this record cannot say, and why."""
    results = cited.record.results
    items = [f"{label.label}: {left}" for label in results.labels for left in label.left_out]
    unknown = [
        f"{subject(one)}: {one.change.difference.not_estimable}"
        for one in whole_changes(results)
        if one.change.direction == "insufficient evidence"
    ]
    groups = [f"{label}, {group.name}: {group.reason}" for label, group in untold_groups(results)]
    cards = [
        f"The card of {side.name} does not tell: {', '.join(left)}"
        for side in (cited.record.old, cited.record.new)
        if (left := untold(side.card))
    ]
    told = [*items, *unknown, *groups, *cards, *results.notes]
    parts = (Bullets(tuple(told)),) if told else (Sentences("Nothing was left out of what was asked."),)
    return Section("What could not be told", parts)


def contamination(cited: Cited) -> Section:
    """Whether a version has seen the recordings that it was tested on."""
    record, parts = cited.record, list[Part]()
    for side, leaks in ((record.old, record.results.old_leaks), (record.new, record.results.new_leaks)):
        parts += _leaks(side, leaks)
    return Section("Whether either version has seen these recordings", tuple(parts))


def _leaks(side: VersionSide, leaks: KnownLeaks | None) -> list[Part]:
    if leaks is None:
        return [Sentences(f"{side.name}: nobody told the evaluation what was known of leaks, so nothing is known.")]
    told = [*leaks.findings, *leaks.unsearched, *leaks.off_label]
    if not told:
        return [Sentences(f"{side.name}: nothing was found; the parts of the cohort: {leaks.verdict}.")]
    verdict = "it has, as far as is known" if leaks.findings else "not known to have, and not fully searched"
    return [Sentences(f"{side.name}: {verdict}."), Bullets(tuple(told))]


def to_look_at(cited: Cited) -> Section:
    """The recordings that the new version gets wrong and the old one did not."""
    rows = []
    for n, label in enumerate(cited.record.results.labels):
        for flip in new_errors(label):
            place = f"labels.{n}.flips.{label.flips.index(flip)}"
            old = cited.number(f"{place}.old_score", f"{flip.old_score:.4g}")
            new = cited.number(f"{place}.new_score", f"{flip.new_score:.4g}")
            rows.append((flip.record, label.label, flip.kind, old, new, moved(flip)))
    if not rows:
        return Section("Recordings to look at", (Sentences("No recording tested is newly wrong."),))
    lead = "Newly wrong recordings that moved furthest in the ranking, one a patient; open them by their id"
    heads = ("Recording", "Label", "What happened", "Old score", "New score", "Ranks moved, of 100")
    table = Rows(lead, heads, tuple(rows), (34, 11, 17, 13, 13, 14))
    return Section("Recordings to look at", (table,))


def decisions(cited: Cited) -> list[Section]:
    """What only people can settle, and where they sign."""
    results, record = cited.record.results, cited.record
    worse = sum(one.change.direction == "worse" for one in (*whole_changes(results), *group_changes(results)))
    firm = sum(
        one.change.direction == "worse" and stands(one.change, results)
        for one in (*whole_changes(results), *group_changes(results))
    )
    contract = sum(one.of_contract for one in record.card_changes)
    borne = (
        f"Whether the {counted(worse, 'number')} shown to be worse, {firm:,} of which still stand after correction, can"
        f" be borne; the margins were {results.margin:g} and, for the Brier score, {results.brier_margin:g}, as set"
        " when the comparison was asked for."
    )
    back = f"How the old version (sha256 {record.old.sha256}) is kept and gone back to, and what would be the sign."
    items = [PLAN, borne, *_OPEN, back, _WATCH]
    if contract:
        items.insert(
            1,
            f"Whether every place that feeds the product has been adapted: its preprocessing contract changed in"
            f" {counted(contract, 'field')}. Fed as before, the new version is fed wrongly.",
        )
    return [
        Section("What a committee has to decide", (Bullets(tuple(items)),)),
        Section(
            "Decision",
            (
                Choices(("install", "install with conditions", "examine again", "do not install")),
                Sentences("Conditions, and the date until which this holds:"),
                Lines(("Prepared by (author)", "Read by (reviewer)", "Decided by (responsible)")),
            ),
        ),
    ]


def _bullets(cited: Cited, found: Iterable[Told]) -> Bullets:
    told = list(found)
    items = []
    for one in told[:MOST]:
        firm = "" if stands(one.change, cited.record.results) else "; not after correction"
        items.append(f"{cited.change(one)}; {verdict(one.change)}{firm}")
    if len(told) > MOST:
        items.append(f"and {len(told) - MOST:,} more, which `isoline results` and the table of numbers list")
    return Bullets(tuple(items))
