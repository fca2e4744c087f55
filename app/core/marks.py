"""Marks of identifiers: keyed hashes of what those seen at import look like in text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from app.core.schema import Mark, table_of

BLOCK = 20_000


def keep(session: Session, marks: Mapping[int, str]) -> None:
    """Keep marks; those that are known already stay as they are."""
    rows = [{"mark": mark, "kind": kind} for mark, kind in marks.items()]
    for start in range(0, len(rows), BLOCK):
        session.execute(insert(table_of(Mark)).on_conflict_do_nothing(), rows[start : start + BLOCK])


def told(record: Mapping[str, object]) -> dict[int, str]:
    """The marks in an event's record: {kind: [hexadecimal]} becomes {signed 64 bits: kind}."""
    marks = record.get("marks")
    if not isinstance(marks, Mapping):
        return {}
    return {_signed(int(text, 16)): str(kind) for kind, texts in marks.items() for text in texts}


def kinds_of(session: Session, marks: Iterable[int]) -> dict[int, str]:
    """Those of the marks that stand for an identifier, with its kind."""
    wanted: Sequence[int] = sorted(set(marks))
    found: dict[int, str] = {}
    for start in range(0, len(wanted), BLOCK):
        query = select(Mark.mark, Mark.kind).where(Mark.mark.in_(wanted[start : start + BLOCK]))
        found |= {row.mark: row.kind for row in session.execute(query)}
    return found


def counts(session: Session) -> dict[str, int]:
    """How many marks of each kind the workspace keeps."""
    query = select(Mark.kind, func.count()).group_by(Mark.kind).order_by(Mark.kind)
    return {str(kind): int(number) for kind, number in session.execute(query)}


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
