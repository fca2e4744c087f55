"""Outcomes of input files, taken in by the block: an import of many thousand files must not wait for the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.core import marks, records
from app.core.findings import findings_of
from app.core.home import Home
from app.core.schema import Finding, Job, JobFile, Record, table_of
from engine.contract.events import FileRead
from engine.signal.sources import Source


def take_files(session: Session, home: Home, job: Job, dataset: str, events: Sequence[FileRead]) -> None:
    """Note what became of each file, and add the recordings that are new to the workspace."""
    files = _files(session, job.job_id, [event.index for event in events])
    told = [(files[event.index], event) for event in events if event.index in files]
    known = set(records.by_ids(session, [event.record_id for _, event in told if event.record_id]))
    added: list[dict[str, Any]] = []
    outcomes: list[dict[str, Any]] = []
    seen: dict[int, str] = {}
    for (path, before), event in told:
        status: str = event.status
        seen |= marks.told(event.record)
        if event.record_id and event.record and event.record_id not in known:
            known.add(event.record_id)
            row = records.record_values(home.key, dataset, source_name(path), event.record_id, event.record)
            added.append({**row, "job_id": job.job_id})
            # A run that was killed between store and event finds its own recording as a duplicate when it goes on.
            status = "imported"
        if before != "imported":
            outcomes.append(_outcome(job.job_id, event, status))
    if added:
        session.execute(insert(table_of(Record)), added)
        _keep_findings(session, added)
    marks.keep(session, seen)
    if outcomes:
        session.execute(update(JobFile), outcomes)


def source_name(path: str) -> str:
    """The name by which people know a recording: the file's stem, and the member of a file that holds many."""
    return Source.parse(path).name


def _keep_findings(session: Session, added: Sequence[dict[str, Any]]) -> None:
    rows = [
        {"record_id": row["record_id"], "finding": finding}
        for row in added
        for finding in row["quality_evidence"].get("names") or findings_of(row["quality_reasons"])
    ]
    if rows:
        session.execute(insert(table_of(Finding)), rows)


def _files(session: Session, job_id: str, positions: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Path and present status of input files, by position."""
    query = select(JobFile.position, JobFile.path, JobFile.status).where(JobFile.job_id == job_id)
    query = query.where(JobFile.position.between(min(positions), max(positions)))
    return {position: (path, status) for position, path, status in session.execute(query)}


def _outcome(job_id: str, event: FileRead, status: str) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "position": event.index,
        "status": status,
        "format": event.format,
        "record_id": event.record_id,
        "reason": "" if status == "imported" else event.reason,
        "next_step": "" if status == "imported" else event.next_step,
    }
