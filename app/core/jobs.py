"""The queue: jobs are rows, their work is a run folder.

    queued -> running -> done | failed | stopped | interrupted        and back to queued by `resume`.

Every change of state is one transaction with its audit event.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.core import audit
from app.core.clock import utc_now
from app.core.config_paths import config_sha256, portable, portable_text
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.rows import JobRow, JobState, ProgressRow
from app.core.schema import Job, JobFile, JobMember
from engine.contract.config import AnyConfig
from engine.contract.errors import UsageError, WorldError
from engine.contract.run import ManifestRow, RunFolder


def submit(
    session: Session,
    home: Home,
    config: AnyConfig,
    name: str,
    manifest: Sequence[ManifestRow] = (),
    inputs: Sequence[str] = (),
    **links: Any,
) -> str:
    """Write the run folder and the queued row, in the open transaction; gives back the job's id."""
    number = (session.scalar(select(func.max(Job.number))) or 0) + 1
    job_id = f"J{number:04d}"
    folder = home.run(job_id)
    # Nobody else writes now and no row has this id: what stands there was left by a submit that did not finish.
    shutil.rmtree(folder.path, ignore_errors=True)
    data = portable(config, home.path)
    digest = _write_folder(folder, config, manifest, inputs)
    session.add(
        Job(
            number=number,
            job_id=job_id,
            kind=config.kind,
            name=name,
            state="queued",
            created=utc_now(),
            config=portable_text(data),
            manifest_sha256=digest,
            message="waits for its turn",
            **links,
        )
    )
    session.flush()
    if config.kind in ("pretrain", "study"):
        rows = [{"job_id": job_id, **vars(row)} for row in manifest]
        session.execute(insert(JobMember), rows)
    if inputs:
        files = [{"job_id": job_id, "position": n, "path": path} for n, path in enumerate(inputs)]
        session.execute(insert(JobFile), files)
    told = {"kind": config.kind, "config_sha256": config_sha256(data), "manifest_sha256": digest}
    audit.append(session, "run queued", job_id, told)
    return job_id


def _write_folder(folder: RunFolder, config: AnyConfig, manifest: Sequence[ManifestRow], inputs: Sequence[str]) -> str:
    """Write the run folder; gives back the hash of the manifest."""
    try:
        RunFolder.create(folder.path, config, manifest, inputs)
        return sha256_of(folder.manifest_path) if manifest else ""
    except OSError as error:
        shutil.rmtree(folder.path.with_name(folder.path.name + ".tmp"), ignore_errors=True)
        reason = f"its folder cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError(f"run {folder.path.name}", reason, "Free some space and ask again") from None


def get(session: Session, job_id: str) -> Job:
    """The job with this id. Raises UsageError when there is none."""
    found = session.scalar(select(Job).where(Job.job_id == job_id))
    if found is None:
        raise UsageError(f"job {job_id}", "the workspace has none of this id", "See: isoline jobs")
    return found


def all_rows(session: Session) -> list[JobRow]:
    """All jobs, the newest first."""
    return [as_row(job) for job in session.scalars(select(Job).order_by(Job.number.desc()))]


def ask_stop(session: Session, home: Home, job_id: str) -> None:
    """Ask a job to end: a waiting one ends at once, a running one after its next checkpoint.

    Raises:
        UsageError: unknown id, or a job that neither waits nor works.
    """
    job = get(session, job_id)
    if job.state == "queued":
        set_state(job, "stopped", "stopped before it began", "Resume it to go on")
    elif job.state == "running":
        job.stop_asked_at = time.time()
        job.message = "asked to stop; it checkpoints first"
        home.run(job_id).ask_stop()
    else:
        raise UsageError(f"job {job_id}", f"it is {job.state}", "There is nothing to stop")
    audit.append(session, "run stop asked", job_id)


def requeue(session: Session, home: Home, job_id: str) -> None:
    """Put a job that was stopped, failed or interrupted back into the queue; it goes on where it was.

    Raises:
        UsageError: unknown id, or a job that has no need of it.
        WorldError: its run folder is gone.
    """
    job = get(session, job_id)
    if job.state not in ("stopped", "failed", "interrupted"):
        raise UsageError(f"job {job_id}", f"it is {job.state}", "There is nothing to resume")
    if not home.run(job_id).config_path.exists():
        raise WorldError(f"job {job_id}", "its run folder is gone", "Ask for the same run again")
    set_state(job, "queued", "waits for its turn", "")
    job.fault = ""
    job.finished, job.seconds_left, job.stop_asked_at = "", None, None
    audit.append(session, "run resumed", job_id)


def set_state(job: Job, state: JobState, message: str, next_step: str) -> None:
    """Move a job to a state, with what people are told."""
    job.state, job.message, job.next_step = state, message, next_step
    if state in ("done", "failed", "stopped", "interrupted"):
        job.finished, job.seconds_left, job.alive = utc_now(), None, False


def as_row(job: Job) -> JobRow:
    """The frozen row of a job."""
    return JobRow(
        job_id=job.job_id,
        kind=job.kind,
        name=job.name,
        state=cast(JobState, job.state),
        created=job.created,
        started=job.started,
        finished=job.finished,
        progress=ProgressRow(job.done, job.total, job.unit, job.doing, job.seconds_left),
        message=job.message,
        next_step=job.next_step,
        fault=job.fault,
        cohort=job.cohort or "",
        model=job.model or "",
    )


def config_of(job: Job) -> dict[str, Any]:
    """The config of a job as plain data, with paths below the workspace."""
    return dict(json.loads(job.config))
