"""The audit trail: who did what, when, in a chain of hashes that nothing can be taken out of unseen.

Each event is appended in the transaction of its change. Its hash is SHA-256 over the previous hash (32 bytes) followed
by the event as canonical JSON (RFC 8785). Triggers in the database refuse UPDATE, DELETE and REPLACE; `verify`
recomputes the chain. What a chain cannot show is truncation: therefore every exported report carries head and count.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import socket
from collections.abc import Mapping
from typing import Any

import rfc8785
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.rows import AuditRow, AuditVerdict
from app.core.schema import AuditEvent

GENESIS = "0" * 64
"""The hash before the first event."""


def append(session: Session, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> int:
    """Append one event in the open write transaction; gives back its number. Details hold no patient data."""
    last = session.execute(
        select(AuditEvent.seq, AuditEvent.hash).order_by(AuditEvent.seq.desc()).limit(1)
    ).one_or_none()
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    told = rfc8785.dumps(dict(detail or {})).decode()
    values = {"seq": seq, "time": utc_now(), "actor": actor(), "action": action, "subject": subject, "detail": told}
    session.execute(insert(AuditEvent).values(**values, previous=previous, hash=link(previous, values)))
    return seq


def link(previous: str, values: Mapping[str, Any]) -> str:
    """The hash of one event on top of the one before it."""
    body = {name: values[name] for name in ("seq", "time", "actor", "action", "subject")}
    body["detail"] = json.loads(values["detail"])
    return hashlib.sha256(bytes.fromhex(previous) + rfc8785.dumps(body)).hexdigest()


def actor() -> str:
    """The user of the operating system and the workstation."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def rows(session: Session, limit: int = 200, before: int | None = None) -> list[AuditRow]:
    """The newest events first; `before` pages on to older ones."""
    query = select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEvent.seq < before)
    return [_row(found) for found in session.scalars(query)]


def head(session: Session) -> tuple[int, str]:
    """Number and hash of the newest event."""
    last = session.execute(
        select(AuditEvent.seq, AuditEvent.hash).order_by(AuditEvent.seq.desc()).limit(1)
    ).one_or_none()
    return (last.seq, last.hash) if last else (0, GENESIS)


def verify(session: Session) -> AuditVerdict:
    """Recompute the whole chain and say where it breaks first."""
    count = session.scalar(select(func.count()).select_from(AuditEvent)) or 0
    seq, previous = 0, GENESIS
    for found in session.scalars(select(AuditEvent).order_by(AuditEvent.seq).execution_options(yield_per=1000)):
        fault = _fault(found, seq + 1, previous)
        if fault:
            return AuditVerdict(False, count, previous, fault)
        seq, previous = found.seq, found.hash
    return AuditVerdict(True, count, previous)


def _fault(found: AuditEvent, expected: int, previous: str) -> str:
    if found.seq != expected:
        return f"event {expected} is missing"
    if found.previous != previous:
        return f"event {found.seq} does not follow from the one before it"
    if not _is_untouched(found, previous):
        return f"event {found.seq} was changed after it was written"
    return ""


def _is_untouched(found: AuditEvent, previous: str) -> bool:
    try:
        canonical = rfc8785.dumps(json.loads(found.detail)).decode() == found.detail
        return canonical and link(previous, vars(found)) == found.hash
    except (ValueError, TypeError):
        return False


def _row(found: AuditEvent) -> AuditRow:
    return AuditRow(
        seq=found.seq,
        time=found.time,
        actor=found.actor,
        action=found.action,
        subject=found.subject,
        detail=json.loads(found.detail),
        previous=found.previous,
        hash=found.hash,
    )
