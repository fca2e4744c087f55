"""What runs left behind, answered from the database alone: details, metrics, events, results, outcomes of files."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import jobs
from app.core.rows import FileOutcome, JobDetail, MetricSeries
from app.core.schema import JobEvent, JobFile, JobMetric, LabelRow
from engine.contract.events import AnyEvent, Checkpoint, Warned, parse_event
from engine.contract.results import AnyResults, parse_results


def detail(session: Session, job_id: str) -> JobDetail:
    """All that is known of a job."""
    job = jobs.get(session, job_id)
    return JobDetail(
        job=jobs.as_row(job),
        config=jobs.config_of(job),
        results=None if job.results is None else json.loads(job.results),
        events=job.events,
        warnings=tuple(e.message for e in _of_type(session, job_id, "warning") if isinstance(e, Warned)),
        versions=dict(job.versions),
        console_tail=job.console_tail,
        checkpoints=tuple(e.name for e in _of_type(session, job_id, "checkpoint") if isinstance(e, Checkpoint)),
        collapsed=job.collapsed,
    )


def metrics(session: Session, job_id: str) -> list[MetricSeries]:
    """The curves of a run, by name."""
    jobs.get(session, job_id)
    query = select(JobMetric.name, JobMetric.step, JobMetric.value).where(JobMetric.job_id == job_id)
    series: dict[str, list[tuple[int, float | None]]] = defaultdict(list)
    for name, step, value in session.execute(query.order_by(JobMetric.name, JobMetric.step)):
        series[name].append((step, value))
    return [
        MetricSeries(name, tuple(step for step, _ in points), tuple(value for _, value in points))
        for name, points in series.items()
    ]


def results(session: Session, job_id: str) -> AnyResults | None:
    """The results of a run that is done, else None."""
    text = jobs.get(session, job_id).results
    return None if text is None else parse_results(text)


def events(session: Session, job_id: str, after_seq: int = -1, limit: int = 500) -> list[AnyEvent]:
    """What a run said after event `after_seq`, at most `limit` events; `seq` counts as they were taken in."""
    jobs.get(session, job_id)
    query = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.seq > after_seq)
    return [_event(row) for row in session.scalars(query.order_by(JobEvent.seq).limit(limit))]


def outcomes(session: Session, job_id: str) -> list[FileOutcome]:
    """What became of each input file of an import, and which rows of its labels file were left out."""
    jobs.get(session, job_id)
    # Columns, not objects: a hundred thousand files are told in a fraction of the time.
    told = (JobFile.path, JobFile.format, JobFile.status, JobFile.reason, JobFile.next_step, JobFile.record_id)
    files = select(*told).where(JobFile.job_id == job_id, JobFile.status != "").order_by(JobFile.position)
    rows = select(LabelRow).where(LabelRow.job_id == job_id, LabelRow.fault != "").order_by(LabelRow.line)
    return [_file(*file) for file in session.execute(files)] + [_label_row(row) for row in session.scalars(rows)]


def _of_type(session: Session, job_id: str, kind: str) -> list[AnyEvent]:
    query = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.type == kind).order_by(JobEvent.seq)
    return [_event(row) for row in session.scalars(query)]


def _event(row: JobEvent) -> AnyEvent:
    return parse_event(row.body).model_copy(update={"seq": row.seq})


def _file(path: str, form: str, status: Any, reason: str, next_step: str, record_id: str | None) -> FileOutcome:
    folder, _, name = path.rpartition(os.sep)
    return FileOutcome(name, form, status, reason, next_step, record_id, folder)


def _label_row(row: LabelRow) -> FileOutcome:
    return FileOutcome(f"{row.file} line {row.line}", "labels", "refused", row.fault, row.next_step, None)
