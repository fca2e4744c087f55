"""What runs say, taken into the database.

Each block of events, what follows from it, and how far the file was read stand in one transaction. So nothing is lost
and nothing is counted twice, whoever pumps and whenever a process is killed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import insert
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Session

from app.core import audit, finish, jobs
from app.core.changes import Changes
from app.core.home import Home
from app.core.intake import take_files
from app.core.schema import Job, JobEvent, JobMetric, StudyRunRow
from engine.contract.config import ImportConfig
from engine.contract.errors import WorldError
from engine.contract.events import (
    AnyEvent,
    CollapseWatch,
    FileRead,
    Finished,
    Metric,
    Probed,
    Progress,
    Started,
    StudyRun,
    read_events,
)
from engine.contract.results import parse_results

BLOCK = 1 << 20
"""Bytes of events per transaction: other writers wait only so long."""

PROBE_MACRO, PROBE_LABEL = "probe_macro", "probe:"
"""Names of a probe's curves: the mean over labels, and what a label's own curve begins with."""

CONSOLE_TAIL = 64 * 1024
"""Bytes of console kept in the database."""


def take_in(home: Home, job_id: str) -> Changes:
    """Take in all that a run has said since the last time."""
    changes = Changes.NOTHING
    while True:
        with home.db.write() as session:
            job = jobs.get(session, job_id)
            more = take_block(session, home, job)
        changes |= more
        if not more:
            return changes


def take_block(session: Session, home: Home, job: Job) -> Changes:
    """Take in the next block of events in the open transaction; NOTHING when there is none."""
    folder = home.run(job.job_id)
    if unread(job, folder.events_path) <= 0:
        return Changes.NOTHING
    try:
        events, offset = read_events(folder.events_path, job.event_offset, BLOCK)
    except (ValidationError, ValueError):
        jobs.set_state(job, "failed", "its event file is damaged", "Ask for the same run again")
        job.event_offset = folder.events_path.stat().st_size
        audit.append(session, "run ended", job.job_id, {"outcome": "failed", "reason": "event file damaged"})
        return Changes.JOBS
    if not events:
        return Changes.NOTHING
    rows = [
        {"job_id": job.job_id, "seq": job.events + n, "type": e.type, "time": e.time, "body": e.model_dump_json()}
        for n, e in enumerate(events)
    ]
    session.execute(insert(JobEvent), rows)
    job.events += len(events)
    job.event_offset = offset
    keep_console(job, folder.console_path)
    changes = Changes.JOBS
    if files := [event for event in events if isinstance(event, FileRead)]:
        take_files(session, home, job, ImportConfig.model_validate(jobs.config_of(job)).dataset, files)
        changes |= Changes.RECORDS
    for event in events:
        changes |= _apply(session, home, job, event)
    return changes


def unread(job: Job, events_path: Path) -> int:
    """Bytes that the run has written and the database has not seen."""
    try:
        return events_path.stat().st_size - job.event_offset
    except OSError:
        return 0


def keep_console(job: Job, path: Path) -> None:
    """Keep the end of what the process printed."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - CONSOLE_TAIL))
            job.console_tail = stream.read().decode(errors="replace")
    except OSError:
        return


def _apply(session: Session, home: Home, job: Job, event: AnyEvent) -> Changes:
    act: Callable[[Session, Home, Job, Any], Changes] | None = _ACTS.get(event.type)
    return act(session, home, job, event) if act else Changes.NOTHING


def _started(session: Session, home: Home, job: Job, event: Started) -> Changes:
    if job.state != "running":
        jobs.set_state(job, "running", "", "")
        job.finished = ""
    job.alive = True
    job.started = job.started or event.time
    job.versions, job.message, job.next_step, job.fault = dict(event.versions), "", "", ""
    audit.append(session, "run started", job.job_id, {"kind": event.kind, "versions": dict(event.versions)})
    return Changes.JOBS


def _progress(session: Session, home: Home, job: Job, event: Progress) -> Changes:
    job.done, job.total, job.unit = event.done, event.total, event.unit
    job.doing, job.seconds_left = event.message, event.seconds_left
    return Changes.JOBS


def _metric(session: Session, home: Home, job: Job, event: Metric) -> Changes:
    return _keep_values(session, job, event.step, event.values)


def _collapse(session: Session, home: Home, job: Job, event: CollapseWatch) -> Changes:
    job.collapsed = event.reason if event.collapsed else ""
    return _keep_values(session, job, event.step, event.measures)


def _probed(session: Session, home: Home, job: Job, event: Probed) -> Changes:
    labels = {f"{PROBE_LABEL}{label}": value for label, value in event.labels.items()}
    return _keep_values(session, job, event.step, {PROBE_MACRO: event.macro, **labels})


def _keep_values(session: Session, job: Job, step: int, values: Mapping[str, float | None]) -> Changes:
    """Points of curves; a resumed run replaces the steps that it repeats."""
    rows = [{"job_id": job.job_id, "name": name, "step": step, "value": value} for name, value in values.items()]
    if rows:
        put = upsert(JobMetric)
        keys = [JobMetric.job_id, JobMetric.name, JobMetric.step]
        session.execute(put.on_conflict_do_update(index_elements=keys, set_={"value": put.excluded.value}), rows)
    return Changes.JOBS


def _study_run(session: Session, home: Home, job: Job, event: StudyRun) -> Changes:
    told = event.row.model_dump(mode="json")
    put = upsert(StudyRunRow).values(job_id=job.job_id, **told)
    keys = [StudyRunRow.job_id, StudyRunRow.number]
    session.execute(
        put.on_conflict_do_update(index_elements=keys, set_={k: v for k, v in told.items() if k != "number"})
    )
    return Changes.JOBS


def _finished(session: Session, home: Home, job: Job, event: Finished) -> Changes:
    changes, outcome, message, next_step = Changes.JOBS, event.outcome, event.message, event.next_step
    if outcome == "done":
        try:
            with session.begin_nested():  # what follows from results that cannot be used is undone whole
                changes |= _keep_results(session, home, job)
        except WorldError as error:
            outcome, message, next_step = "failed", f"{error.thing}: {error.reason}", error.next_step
    jobs.set_state(job, outcome, message, next_step)
    job.fault = event.fault
    detail = {"outcome": outcome, "results_sha256": job.results_sha256}
    audit.append(session, "run ended", job.job_id, detail)
    return changes


def _keep_results(session: Session, home: Home, job: Job) -> Changes:
    try:
        content = home.run(job.job_id).results_path.read_bytes()
        results = parse_results(content.decode())
    except (OSError, ValueError):
        raise WorldError(f"job {job.job_id}", "its results are missing or damaged", "Resume it") from None
    job.results, job.results_sha256 = content.decode(), hashlib.sha256(content).hexdigest()
    if job.total:
        job.done = job.total
    return Changes.RESULTS | finish.ACTS[job.kind](session, home, job, results)


_ACTS: dict[str, Callable[[Session, Home, Job, Any], Changes]] = {
    "started": _started,
    "progress": _progress,
    "metric": _metric,
    "collapse": _collapse,
    "probe": _probed,
    "study_run": _study_run,
    "finished": _finished,
}
