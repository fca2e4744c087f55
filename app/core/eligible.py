"""Which recordings of the workspace may enter a cohort, and the flow of those that may not.

The window asks this at every change of its form, over every recording of a hospital. Therefore only the columns that
the rules look at are read, and each rule is asked once for every combination of values that occurs, not once a
recording: of a hundred thousand recordings a rule on age is asked a hundred times.

Shapes: n recordings.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, exists, func, select, type_coerce
from sqlalchemy.orm import Session

from app.core.rows import OFFICIAL, CohortFlow
from app.core.schema import Finding, Record, RecordLabel
from engine.contract.eligibility import AnyRule, FindingRule, parse_rule
from engine.contract.errors import UsageError
from engine.data.eligibility import Candidate, Step, asked_of, reason_against
from engine.signal.quality_finding import REASONS

SHORTEST_S = 2.5
"""Recordings shorter than the shortest window of any model are left out, and counted."""
FINDINGS = (*REASONS, "other")
"""What a rule `without ...` may name; "other" stands for reasons of older versions that have no name."""
BLOCK = 2000
"""Rows that are taken from the database at once."""

Columns = dict[str, Sequence[Any]]
"""Values of n recordings by what they are called."""

_ALWAYS: dict[str, ColumnElement[Any]] = {
    "record_id": Record.record_id.expression,
    "patient": Record.patient.expression,
    "quality": Record.quality.expression,
    "seconds": Record.seconds.expression,
}
_ASKED: dict[str, ColumnElement[Any]] = {
    "age": Record.age.expression,
    "age_over_89": Record.age_over_89.expression,
    "sex": Record.sex.expression,
    "seconds": Record.seconds.expression,
    "rate": Record.rate_hz.expression,
    "year": Record.year.expression,
    "quality": Record.quality.expression,
    "device": func.trim(Record.maker + " " + Record.model),
    "setting": Record.setting.expression,
    "format": Record.format.expression,
    "paced": Record.paced.expression,
    "leads": type_coerce(Record.leads, String),
    "derived": type_coerce(Record.derived, String),
}
"""Where the fields of a `Candidate` stand; lists stay JSON text, of which few different ones occur."""


@dataclass(frozen=True)
class Chosen:
    """Who came through: record ids and patients, side by side in the order of the ids; the flow.

    `official` are their official parts, where these were asked for.
    """

    record_ids: list[str]
    patients: list[str]
    official: list[str]
    flow: CohortFlow


def choose(
    session: Session, labels: Sequence[str], dataset: str | None, rules: Sequence[str], official: bool = False
) -> Chosen:
    """Let the recordings through the rules of every cohort, then through those asked for.

    Args:
        session: of the workspace.
        labels: where not empty, one of them must be known.
        dataset: this collection only; None takes all.
        official: whether only recordings with an official part may come through.
        rules: in words (see `engine.contract.eligibility`), in the order in which they are applied.

    Raises:
        UsageError: words that are no rule, or a rule on a finding that there is not.
    """
    asked = [parse_rule(rule) for rule in rules]
    known = _read(session, asked, labels, dataset, official)
    patients, left = known["patient"], list(range(len(known["patient"])))
    considered, steps = (len(left), len(set(patients))), []
    for name, reasons in _of_every_cohort(known, bool(labels), official):
        step, left = _step(name, patients, left, [reasons[place] for place in left])
        if step.excluded:
            steps.append(step)
    for rule in asked:
        step, left = _step(str(rule), patients, left, _reasons(session, rule, known, left))
        steps.append(step)
    left.sort(key=known["record_id"].__getitem__)
    ids, who = ([known[name][place] for place in left] for name in ("record_id", "patient"))
    parts = [known["part"][place] for place in left] if official else []
    torn = len(set(zip(who, parts, strict=True))) - len(set(who)) if official else 0
    return Chosen(ids, who, parts, CohortFlow(*considered, tuple(steps), len(left), len(set(who)), torn))


def reasons_against(session: Session, rules: Sequence[str], record_ids: Sequence[str]) -> list[list[str]]:
    """What speaks against each of some recordings, rule by rule; every rule is asked of every recording.

    Args:
        session: of the workspace.
        rules: in words.
        record_ids: which recordings.

    Returns:
        for each rule the reasons side by side with the ids, empty where there is none.

    Raises:
        UsageError: words that are no rule, or a rule on a finding that there is not.
    """
    asked = [parse_rule(rule) for rule in rules]
    known = _read(session, asked, (), None, False)
    place = {record_id: at for at, record_id in enumerate(known["record_id"])}
    places = [place[record_id] for record_id in record_ids]
    return [_reasons(session, rule, known, places) for rule in asked]


def excluded(flow: CohortFlow) -> dict[str, int]:
    """How many recordings were left out for which reason, over all steps."""
    counts: Counter[str] = Counter()
    for step in flow.steps:
        counts.update(step.excluded)
    return dict(counts)


def _read(
    session: Session, rules: Sequence[AnyRule], labels: Sequence[str], dataset: str | None, official: bool
) -> Columns:
    """The columns that every cohort needs and those that the rules ask for."""
    asked = {field for rule in rules if not isinstance(rule, FindingRule) for field in asked_of(rule)}
    columns = _ALWAYS | {name: _ASKED[name] for name in sorted(asked)}
    if official:
        columns["part"] = Record.part.expression
    if labels:
        one = select(RecordLabel.label).where(
            RecordLabel.record_id == Record.record_id, RecordLabel.label.in_(dict.fromkeys(labels))
        )
        columns["labelled"] = exists(one)
    query = select(*columns.values())
    if dataset is not None:
        query = query.where(Record.dataset == dataset)
    # Not through the session, which would look at each row; and block by block, column by column: one call that turns
    # over a hundred thousand rows holds up the window's thread for as long as it takes.
    read: dict[str, list[Any]] = {name: [] for name in columns}
    for block in session.connection().execute(query).partitions(BLOCK):
        for name, values in zip(columns, zip(*block, strict=True), strict=True):
            read[name] += values
    return dict(read)


def _of_every_cohort(known: Columns, labelled: bool, official: bool) -> list[tuple[str, list[str]]]:
    """What no cohort can do without: the rule, and the reason against each recording, empty where there is none."""
    told = []
    if labelled:
        told.append(("a label is known", ["" if there else "no label known" for there in known["labelled"]]))
    told.append(("the signal is usable", ["signal unusable" * (word == "unusable") for word in known["quality"]]))
    short = f"shorter than {SHORTEST_S} s"
    told.append((f"at least {SHORTEST_S} s", [short * (seconds < SHORTEST_S) for seconds in known["seconds"]]))
    if official:
        told.append((OFFICIAL, ["" if part else "in no official part" for part in known["part"]]))
    return told


def _step(rule: str, patients: Sequence[str], left: Sequence[int], reasons: Sequence[str]) -> tuple[Step, list[int]]:
    """One step of the flow, and the places that go on. `reasons` stand side by side with the places."""
    counts = Counter(filter(None, reasons))
    who = len({patients[place] for place in left})
    on = [place for place, reason in zip(left, reasons, strict=True) if not reason] if counts else list(left)
    return Step(rule, len(left), who, dict(sorted(counts.items()))), on


def _reasons(session: Session, rule: AnyRule, known: Columns, left: Sequence[int]) -> list[str]:
    """The reason of a rule against each of the recordings that are left; asked once for equal recordings."""
    if isinstance(rule, FindingRule):
        there = _with_finding(session, rule)
        reason = reason_against(rule, Candidate("", findings=(rule.finding,)))
        return [reason if known["record_id"][place] in there else "" for place in left]
    names = asked_of(rule)
    columns = [known[name] for name in names]
    met = list(zip(*([column[place] for place in left] for column in columns), strict=True))
    told = {values: reason_against(rule, _candidate(names, values)) for values in set(met)}
    return [told[values] for values in met]


def _with_finding(session: Session, rule: FindingRule) -> Collection[str]:
    """Ids of the recordings of which the quality check found this. Raises UsageError for a finding there is not."""
    name = rule.finding.lower()
    if name not in FINDINGS:
        raise UsageError(f"rule '{rule}'", "there is no such finding", f"Findings: {', '.join(FINDINGS)}")
    return set(session.scalars(select(Finding.record_id).where(Finding.finding == name)))


_DECODED: dict[str, Callable[[Any], Any]] = {
    "leads": lambda text: tuple(json.loads(text)),
    "derived": lambda text: tuple(json.loads(text)),
}


def _candidate(names: Sequence[str], values: Sequence[Any]) -> Candidate:
    """A recording of which only what a rule looks at is told."""
    fields = {name: _DECODED.get(name, _as_it_is)(value) for name, value in zip(names, values, strict=True)}
    return Candidate("", **fields)


def _as_it_is(value: Any) -> Any:
    return value
