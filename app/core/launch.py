"""Starting engine processes and finding out which of them have died.

A process is started by one claim: a conditional UPDATE inside BEGIN IMMEDIATE, so that window and command line never
start the same job twice. Whether it lives is asked of the run's lock. The lock is never probed before the engine has
said that it holds it (or the time of grace has passed), since a probe at that very moment would get in its way.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.core import audit, cohorts, exposure, ingest, jobs, probes, studies
from app.core.changes import Changes
from app.core.config_paths import resolved
from app.core.engine_command import engine_command
from app.core.home import Home
from app.core.schema import Job
from engine.contract.config import ImportConfig, StudyConfig, config_json
from engine.contract.errors import WorldError
from engine.contract.run import write_whole

GRACE_S = 30.0
"""Time that a launched engine has to take its lock."""

STOP_GRACE_S = 60.0
"""Time that an engine has to checkpoint after it was asked to stop; then its processes are ended."""

AT_ONCE = 1
"""Jobs that run beside each other."""

AWAITED = ("estimate", "try")
"""Kinds of job that take seconds, and that somebody sits before."""


_STARTED: dict[str, subprocess.Popen[bytes]] = {}
"""Engine processes of this program by run folder. They outlive the workspace object that started them."""

_LEAVING: list[subprocess.Popen[bytes]] = []
"""Processes that have said their last word and are about to end."""


class Processes:
    """The engine processes that this program has started; they go on when it ends."""

    def start(self, home: Home, job_id: str, kind: str) -> None:
        """Start the engine on a run folder, detached. Raises WorldError when it cannot be started."""
        folder = home.run(job_id)
        if (before := _STARTED.pop(str(folder.path), None)) is not None:
            _LEAVING.append(before)
        try:
            with folder.console_path.open("ab") as console:
                _STARTED[str(folder.path)] = subprocess.Popen(
                    [*engine_command(), kind, str(folder.path)],
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    cwd=folder.path,
                    **_detached(),
                )
        except OSError as error:
            reason = f"it cannot be started ({error.strerror or type(error).__name__})"
            raise WorldError("engine", reason, "Check the setting ISOLINE_ENGINE, or install Isoline again") from None

    def exit_code(self, home: Home, job_id: str) -> int | None:
        """Exit code of a process that we started and that has ended; None when it lives or is not ours."""
        process = _STARTED.get(str(home.run(job_id).path))
        return None if process is None else process.poll()

    def lives(self, home: Home, job_id: str) -> bool:
        """Whether a process that we started still works, or still starts."""
        process = _STARTED.get(str(home.run(job_id).path))
        return process is not None and process.poll() is None

    def reap(self, home: Home, running: Collection[str]) -> None:
        """Drop the handles of this workspace's processes that have ended, once their jobs are known to have ended."""
        kept = {str(home.run(job_id).path) for job_id in running}
        for path, process in list(_STARTED.items()):
            if path not in kept and Path(path).is_relative_to(home.path) and process.poll() is not None:
                del _STARTED[path]
        _LEAVING[:] = [process for process in _LEAVING if process.poll() is None]

    def end(self, home: Home, job_id: str) -> None:
        """End a process that we started, and its children."""
        process = _STARTED.get(str(home.run(job_id).path))
        if process is None or process.poll() is not None:
            return
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


@atexit.register
def _let_go() -> None:
    """The engines go on when this program ends: tell `Popen` that nobody will wait for them, or it warns."""
    for process in [*_STARTED.values(), *_LEAVING]:
        if process.poll() is None:
            process.returncode = 0


def _detached() -> dict[str, Any]:
    """The engine outlives the window and does not get its Ctrl+C."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def start_next(home: Home, processes: Processes) -> Changes:
    """Start the next job of the queue when there is room."""
    with home.db.read() as session:
        if _room(session) <= 0 or _next(session) is None:
            return Changes.NOTHING
    with home.db.write() as session:
        job = _claim(session, home)
        if job is None:
            return Changes.NOTHING
        job_id, kind, opened = job.job_id, job.kind, job.opened_split
    try:
        _prepare(home, job_id)
        processes.start(home, job_id, kind)
    except WorldError as error:
        _fail(home, job_id, error)
    return Changes.JOBS | (Changes.COHORTS if opened else Changes.NOTHING)


def _room(session: Session) -> int:
    running = session.scalar(select(func.count()).select_from(Job).where(Job.state == "running")) or 0
    return AT_ONCE - running


def _next(session: Session) -> str | None:
    """What somebody sits before goes before all else that waits. Nothing goes beside what runs."""
    query = select(Job.job_id).where(Job.state == "queued").order_by(Job.kind.not_in(AWAITED), Job.number)
    return session.scalar(query.limit(1))


def _claim(session: Session, home: Home) -> Job | None:
    """Take the next queued job for this process; None when another process was faster or the engine still ends."""
    job_id = _next(session)
    if job_id is None or _room(session) <= 0 or home.run(job_id).lock.is_held():
        return None
    job = jobs.get(session, job_id)
    while ingest.take_block(session, home, job):
        pass
    claimed = session.execute(
        update(Job)
        .where(Job.job_id == job_id, Job.state == "queued")
        .values(state="running", launched_at=time.time(), launches=Job.launches + 1, alive=False)
    )
    if claimed.rowcount != 1:  # type: ignore[attr-defined]
        return None
    session.refresh(job)
    # A power cut can take lines that were read already; what the engine writes now starts at the file's true end.
    job.event_offset = min(job.event_offset, _size(home.run(job_id).events_path))
    job.message, job.next_step = "starting", ""
    if not job.opened_split and (opened := probes.opened_by(job)) is not None:
        cohorts.open_split(session, job, *opened)
    return job


def _prepare(home: Home, job_id: str) -> None:
    """Write what the engine reads: the config with today's paths, and the labels that the protocol opens."""
    folder = home.run(job_id)
    with home.db.read() as session:
        job = jobs.get(session, job_id)
        config = resolved(jobs.config_of(job), home.path)
        try:
            write_whole(folder.config_path, config_json(config))
            folder.clear_stop()
            probes.write_labels(session, config, folder)
            exposure.write_known(session, job, folder)
            if isinstance(config, ImportConfig):
                folder.lend_key(home.key)
            if isinstance(config, StudyConfig) and studies.CORPUS in config.axes:
                studies.write_corpora(session, folder)
        except OSError as error:
            reason = f"its folder cannot be written ({error.strerror or type(error).__name__})"
            raise WorldError(f"run {job_id}", reason, "Free some space and resume it") from None


def _fail(home: Home, job_id: str, error: WorldError) -> None:
    probes.close_labels(home.run(job_id))
    with home.db.write() as session:
        job = jobs.get(session, job_id)
        jobs.set_state(job, "failed", f"{error.thing}: {error.reason}", error.next_step)
        job.fault = error.fault
        audit.append(session, "run ended", job_id, {"outcome": "failed"})


def reconcile(home: Home, processes: Processes, job_id: str) -> Changes:
    """Find out whether a running job still has somebody working on it."""
    with home.db.read() as session:
        job = jobs.get(session, job_id)
        if job.state != "running":
            return Changes.NOTHING
        _insist(home, processes, job)
        if not _seems_dead(home, processes, job):
            return Changes.NOTHING
    with home.db.write() as session:
        job = jobs.get(session, job_id)
        while ingest.take_block(session, home, job):
            pass
        if job.state == "running" and _seems_dead(home, processes, job):
            _bury(session, home, job, processes.exit_code(home, job_id))
    return Changes.JOBS


def _insist(home: Home, processes: Processes, job: Job) -> None:
    """A wish to stop that came while the engine was starting is told again; one that is not heeded ends it."""
    if job.stop_asked_at is None:
        return
    if job.alive and not home.run(job.job_id).stop_asked():
        home.run(job.job_id).ask_stop()
    if time.time() - job.stop_asked_at > STOP_GRACE_S:
        processes.end(home, job.job_id)


def _seems_dead(home: Home, processes: Processes, job: Job) -> bool:
    if processes.exit_code(home, job.job_id) is not None:
        return not home.run(job.job_id).lock.is_held()
    # On a busy machine a process may take longer than the grace until it works; that it lives is known of our own.
    starts = processes.lives(home, job.job_id) or time.time() - job.launched_at < GRACE_S
    waiting = not job.alive and starts
    return not waiting and not home.run(job.job_id).lock.is_held()


def _bury(session: Session, home: Home, job: Job, code: int | None) -> None:
    probes.close_labels(home.run(job.job_id))  # the engine did not live to close what was opened
    ingest.keep_console(job, home.run(job.job_id).console_path)
    if code in (1, 2, 3) and not job.alive:
        jobs.set_state(job, "failed", f"the engine ended before its work began (exit code {code})", "Open its log")
        outcome = "failed"
    elif code in (1, 2, 3):
        told = f"the engine ended (exit code {code}) and could not write down why"
        jobs.set_state(job, "interrupted", told, "Make sure that the disk has room, then resume it")
        outcome = "interrupted"
    elif job.stop_asked_at is not None:
        jobs.set_state(job, "interrupted", "ended by force, since it did not stop in time", "Resume it to go on")
        outcome = "interrupted"
    else:
        jobs.set_state(job, "interrupted", "its process ended without a word", "Resume it to go on")
        outcome = "interrupted"
    audit.append(session, "run ended", job.job_id, {"outcome": outcome})


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
