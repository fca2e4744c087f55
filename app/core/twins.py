"""Patients that a split keeps together, since a search has found that they share a recording under two numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.schema import Job


def groups(session: Session, record_ids: Sequence[str], people: Sequence[str]) -> list[str]:
    """For each recording the group that must not be parted: its patient, and all who share a known copy with them.

    A group is named by its smallest member, so that the same recordings with the same copies give the same split.

    Args:
        session: knows all searches that were done.
        record_ids: the recordings.
        people: the patient of each.
    """
    person, leader = dict(zip(record_ids, people, strict=True)), {one: one for one in people}

    def first(one: str) -> str:
        """The leader of a group, found faster the next time."""
        while leader[one] != one:
            leader[one] = leader[leader[one]]
            one = leader[one]
        return one

    for record, other in known_copies(session):
        if record in person and other in person:
            low, high = sorted((first(person[record]), first(person[other])))
            leader[high] = low
    return [first(one) for one in people]


def known_copies(session: Session) -> Iterator[tuple[str, str]]:
    """Pairs of different recordings that any search has found to be one."""
    query = select(func.json_extract(Job.results, "$.pairs")).where(Job.kind == "leakage", Job.state == "done")
    for text in session.scalars(query):
        for pair in json.loads(text or "[]"):
            if pair["record"] != pair["other"]:
                yield pair["record"], pair["other"]
