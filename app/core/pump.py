"""The heartbeat of the queue: take in what runs said, find out which died, start the next. Cheap enough for 4 Hz."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select

from app.core import ingest, jobs, launch
from app.core.changes import Changes
from app.core.home import Home
from app.core.rows import JobRow
from app.core.schema import Job
from engine.contract.errors import WorldError

BEAT_S = 0.1
"""Seconds between two beats of a caller that waits."""


def beat(home: Home, processes: launch.Processes) -> Changes:
    """One round over all jobs that may have news."""
    with home.db.read() as session:
        query = select(Job).where(Job.state.in_(("queued", "running", "interrupted"))).order_by(Job.number)
        waiting = [(job.job_id, job.state, _has_news(home, job)) for job in session.scalars(query)]
    changes = Changes.NOTHING
    for job_id, state, news in waiting:
        if news:
            changes |= ingest.take_in(home, job_id)
        if news or state == "running":
            changes |= launch.reconcile(home, processes, job_id)
    processes.reap(home, [job_id for job_id, state, _ in waiting if state == "running"])
    return changes | launch.start_next(home, processes)


def wait(
    home: Home,
    processes: launch.Processes,
    job_id: str,
    on_progress: Callable[[JobRow], None] | None,
    timeout_s: float | None,
) -> JobRow:
    """Beat until a job has ended. Raises WorldError when the time is over; the job goes on."""
    limit = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        beat(home, processes)
        with home.db.read() as session:
            row = jobs.as_row(jobs.get(session, job_id))
        if on_progress is not None:
            on_progress(row)
        if not row.active:
            return row
        if limit is not None and time.monotonic() > limit:
            raise WorldError(
                f"job {job_id}", f"it has not ended within {timeout_s:g} s", "It goes on; look again later"
            )
        time.sleep(BEAT_S)


def _has_news(home: Home, job: Job) -> bool:
    return ingest.unread(job, home.run(job.job_id).events_path) > 0
