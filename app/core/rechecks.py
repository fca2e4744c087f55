"""Verdicts of earlier imports, replaced by those of the rules of today.

A verdict is made at import and kept. When a later version judges better, the recordings that are in keep what they
have until somebody asks: then the engine judges every recording of the store again, and all verdicts change in one
transaction with its event in the trail, or none does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app.core import audit, jobs
from app.core.home import Home
from app.core.schema import AuditEvent, Finding, Job, Record, table_of
from engine.contract.errors import UsageError, WorldError
from engine.contract.recheck import RecheckConfig, RecheckResults
from engine.data.rechecking import VERDICTS, read_verdicts
from engine.data.store import Store

ACTION = "quality judged again"
"""Under this name the trail tells of it."""

BLOCK = 1000
"""Recordings that are looked up at once."""

_KEPT = ("number", "quality", "quality_reasons", "quality_evidence")


def submit(session: Session, home: Home) -> str:
    """Queue the judging of the whole store; gives back the job's id. Raises WorldError when there is none."""
    count = len(Store.open(home.store))
    return jobs.submit(session, home, RecheckConfig(store=str(home.store)), f"{count:,} recordings")


def moves(session: Session, job_id: str) -> dict[str, int]:
    """How many recordings a finished recheck moved from which verdict to which, as the trail tells.

    Raises:
        UsageError: it is no recheck that is done.
    """
    query = select(AuditEvent.detail).where(AuditEvent.action == ACTION, AuditEvent.subject == job_id)
    detail = session.scalar(query.order_by(AuditEvent.seq.desc()).limit(1))
    if detail is None:
        raise UsageError(f"job {job_id}", "it is no recheck that is done", "See: isoline jobs")
    return dict(json.loads(detail)["verdicts"])


def take_in(session: Session, home: Home, job: Job, results: RecheckResults) -> None:
    """Replace the verdicts that have changed, and note in the trail how many went from which verdict to which.

    Raises:
        WorldError: the verdicts are not all there.
    """
    gone: Counter[str] = Counter()
    seen = changed = 0
    for told in _blocks(home, job):
        seen += len(told)
        new = _changed(session, told, gone)
        changed += len(new)
        _replace(session, new)
    if seen != results.recordings:
        raise _damaged(job)
    detail = {"recordings": seen, "changed": changed, "verdicts": dict(sorted(gone.items()))}
    audit.append(session, ACTION, job.job_id, detail)


def _blocks(home: Home, job: Job) -> Iterator[list[dict[str, Any]]]:
    try:
        verdicts = read_verdicts(home.run(job.job_id).path / VERDICTS)
        while block := list(islice(verdicts, BLOCK)):
            yield block
    except (OSError, ValueError):
        raise _damaged(job) from None


def _damaged(job: Job) -> WorldError:
    return WorldError(f"job {job.job_id}", "its verdicts are missing or damaged", "Ask for a recheck again")


def _changed(session: Session, told: list[dict[str, Any]], gone: Counter[str]) -> list[dict[str, Any]]:
    """Of some recordings those that are judged otherwise than they stand; recordings that are not here are left out."""
    columns = (Record.record_id, Record.number, Record.quality, Record.quality_reasons, Record.quality_evidence)
    rows = session.execute(select(*columns).where(Record.record_id.in_([one["record_id"] for one in told])))
    known = {row.record_id: row for row in rows}
    new = []
    for one in told:
        row = known.get(one["record_id"])
        if row is None:
            continue
        verdict, reasons, evidence = one["quality"], one["quality_reasons"], one["evidence"]
        if row.quality != verdict:
            gone[f"{row.quality} to {verdict}"] += 1
        if (row.quality, row.quality_reasons, row.quality_evidence) != (verdict, reasons, evidence):
            values = {"quality": verdict, "quality_reasons": reasons, "quality_evidence": evidence}
            new.append({"number": row.number, "record_id": one["record_id"], **values})
    return new


def _replace(session: Session, new: list[dict[str, Any]]) -> None:
    if not new:
        return
    session.execute(update(Record), [{name: one[name] for name in _KEPT} for one in new])
    session.execute(delete(Finding).where(Finding.record_id.in_([one["record_id"] for one in new])))
    found = [
        {"record_id": one["record_id"], "finding": name} for one in new for name in one["quality_evidence"]["names"]
    ]
    if found:
        session.execute(insert(table_of(Finding)), found)
