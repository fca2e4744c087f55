"""Which recordings of the workspace may enter a cohort, and the flow of those that may not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.findings import findings_of
from app.core.rows import CohortFlow
from app.core.schema import Record, RecordLabel
from engine.contract.eligibility import parse_rule
from engine.data.eligibility import Candidate, Step, flow_of

SHORTEST_S = 2.5
"""Recordings shorter than the shortest window of any model are left out, and counted."""
ASKED = (
    Record.record_id,
    Record.patient,
    Record.age,
    Record.age_over_89,
    Record.sex,
    Record.seconds,
    Record.rate_hz,
    Record.year,
    Record.quality,
    Record.quality_reasons,
    Record.maker,
    Record.model,
    Record.setting,
    Record.format,
    Record.paced,
    Record.leads,
    Record.derived,
    Record.part,
)


@dataclass(frozen=True)
class Chosen:
    """Who came through: record ids and patients, side by side in the order of the ids, and the flow."""

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
        UsageError: words that are no rule.
    """
    asked = [parse_rule(rule) for rule in rules]
    query = select(*ASKED).order_by(Record.record_id)
    if dataset is not None:
        query = query.where(Record.dataset == dataset)
    rows: Sequence[Any] = session.execute(query).all()
    considered = len(rows), len({row.patient for row in rows})
    steps = []
    for rule, reasons in _of_every_cohort(session, rows, labels, official):
        if any(reasons):
            steps.append(_step(rule, rows, reasons))
        rows = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
    flow = flow_of([_candidate(row) for row in rows], asked)
    left = [rows[place] for place in flow.chosen]
    told = CohortFlow(considered[0], considered[1], (*steps, *flow.steps), len(left), flow.patients)
    return Chosen([row.record_id for row in left], [row.patient for row in left], [row.part for row in left], told)


def excluded(flow: CohortFlow) -> dict[str, int]:
    """How many recordings were left out for which reason, over all steps."""
    counts: Counter[str] = Counter()
    for step in flow.steps:
        counts.update(step.excluded)
    return dict(counts)


def _of_every_cohort(
    session: Session, rows: Sequence[Any], labels: Sequence[str], official: bool
) -> list[tuple[str, list[str]]]:
    """What no cohort can do without: rule, and the reason against each of the rows that are left at that point."""
    known = [True] * len(rows)
    if labels:
        ids = set(session.scalars(select(RecordLabel.record_id).where(RecordLabel.label.in_(labels))))
        known = [row.record_id in ids for row in rows]
    with_label = [row for row, there in zip(rows, known, strict=True) if there]
    usable = [row for row in with_label if row.quality != "unusable"]
    long = [row for row in usable if row.seconds >= SHORTEST_S]
    short, outside = f"shorter than {SHORTEST_S} s", "in no official part"
    return [
        ("a label is known", ["" if there else "no label known" for there in known]),
        ("the signal is usable", ["signal unusable" * (row.quality == "unusable") for row in with_label]),
        (f"at least {SHORTEST_S} s", [short * (row.seconds < SHORTEST_S) for row in usable]),
        ("in the official split", [outside * (official and not row.part) for row in long]),
    ]


def _step(rule: str, rows: Sequence[Any], reasons: Sequence[str]) -> Step:
    counts = Counter(reason for reason in reasons if reason)
    return Step(rule, len(rows), len({row.patient for row in rows}), dict(counts))


def _candidate(row: Any) -> Candidate:
    return Candidate(
        patient=row.patient,
        age=row.age,
        age_over_89=row.age_over_89,
        sex=row.sex,
        seconds=row.seconds,
        rate=row.rate_hz,
        year=row.year,
        quality=row.quality,
        findings=tuple(findings_of(row.quality_reasons)),
        device=" ".join(part for part in (row.maker, row.model) if part),
        setting=row.setting,
        format=row.format,
        paced=row.paced,
        leads=tuple(row.leads),
        derived=tuple(row.derived),
    )
