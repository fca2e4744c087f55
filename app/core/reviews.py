"""What somebody who looked at a model's worst mistakes made of each: one verdict, a short note, and when.

A mistake against a wrong label is none of the model's, and one on a poor recording tells of the recording. Who looked
is not kept beside the mark; the trail knows whose account wrote it. A note is free text that reports may one day print:
it may hold no identifier that was seen at import, and the trail keeps its keyed hash alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.core import audit, jobs, leaving, results
from app.core.clock import utc_now
from app.core.home import Home
from app.core.review_rows import (
    LONGEST_NOTE,
    VERDICTS,
    Elsewhere,
    FailureVerdict,
    Review,
    ReviewedFailure,
    Reviews,
    ReviewsElsewhere,
)
from app.core.rows import JobRow
from app.core.schema import FailureReview, Job
from engine.contract.errors import UsageError, WorldError
from engine.contract.evaluation import EvaluateResults

SET, CLEARED = "mistake reviewed", "review of a mistake taken back"
"""Under these names the trail tells of it."""


@dataclass(frozen=True)
class ReviewedEvaluation:
    """How far the worst mistakes of an evaluation were looked at."""

    job: JobRow
    failures: int
    reviewed: int


def of_job(session: Session, job_id: str) -> Reviews:
    """All marks on mistakes of an evaluation. Raises UsageError when there is no such job."""
    jobs.get(session, job_id)
    rows = session.scalars(select(FailureReview).where(FailureReview.job_id == job_id))
    return {(row.label, row.record_id): _review(row) for row in rows}


def elsewhere(session: Session, job_id: str) -> ReviewsElsewhere:
    """The newest mark of other evaluations on each recording and label. Raises UsageError when there is no such job."""
    jobs.get(session, job_id)
    query = select(FailureReview).where(FailureReview.job_id != job_id).order_by(FailureReview.reviewed)
    return {(row.label, row.record_id): Elsewhere(row.job_id, _review(row)) for row in session.scalars(query)}


def failures(session: Session, job_id: str, label: str = "") -> list[ReviewedFailure]:
    """The worst mistakes of an evaluation in the order of its results, with the marks on them.

    Args:
        session: of the workspace.
        job_id: of the evaluation.
        label: only of this one.

    Raises:
        UsageError: no evaluation that is done, or a label that it does not score.
    """
    found, marks, others = _results(session, job_id), of_job(session, job_id), elsewhere(session, job_id)
    known = [one.label for one in found.labels]
    if label and label not in known:
        raise UsageError(f"label {label}", "this evaluation does not score it", f"It scores: {', '.join(known)}")
    told = [failure for one in found.labels if label in ("", one.label) for failure in one.failures]
    keys = [(failure.label, failure.record) for failure in told]
    return [ReviewedFailure(one, marks.get(key), others.get(key)) for one, key in zip(told, keys, strict=True)]


def overview(session: Session) -> list[ReviewedEvaluation]:
    """Evaluations that have mistakes to look at, the newest first, with how many were."""
    label = func.json_each(Job.results, "$.labels").table_valued("value", name="told_label")
    count = func.coalesce(func.sum(func.json_array_length(label.c.value, "$.failures")), 0)
    worst = select(count).select_from(label).correlate(Job).scalar_subquery()
    marked = select(func.count()).where(FailureReview.job_id == Job.job_id).scalar_subquery()
    query = select(Job, worst, marked).where(Job.kind == "evaluate", Job.state == "done", Job.results.is_not(None))
    rows = session.execute(query.order_by(Job.number.desc()))
    return [ReviewedEvaluation(jobs.as_row(job), int(all_), int(seen)) for job, all_, seen in rows if all_]


def review(
    session: Session, home: Home, job_id: str, label: str, record: str, verdict: FailureVerdict, note: str = ""
) -> Review:
    """Keep what somebody made of a mistake; it takes the place of an earlier mark.

    Raises:
        UsageError: no such mistake, an unknown verdict, or too long a note.
        WorldError: the note holds an identifier seen at import.
    """
    _refuse_unknown(session, job_id, label, record)
    note = " ".join(note.split())
    if verdict not in VERDICTS:
        raise UsageError(f"verdict {verdict}", "it is none", f"Choose one of: {', '.join(VERDICTS)}")
    if len(note) > LONGEST_NOTE:
        raise UsageError("note", f"it is longer than {LONGEST_NOTE} letters", "Say it shorter")
    if note and (kinds := {one.kind for one in leaving.search(session, home.key, {"note": note})}):
        told = f"it holds what identifies somebody ({', '.join(sorted(kinds))})"
        raise WorldError("note", f"it was not kept, since {told}", "Take that out of it", fault="identifier")
    kept, before = session.get(FailureReview, (job_id, label, record)), ""
    if kept is None:
        kept = FailureReview(job_id=job_id, label=label, record_id=record)
        session.add(kept)
    elif (kept.verdict, kept.note) == (verdict, note):
        return _review(kept)
    else:
        before = kept.verdict
    kept.verdict, kept.note, kept.reviewed = verdict, note, utc_now()
    session.flush()
    detail = {"label": label, "recording": record, "verdict": verdict, "before": before, "note": _sealed(home, note)}
    audit.append(session, SET, job_id, detail)
    return _review(kept)


def clear(session: Session, job_id: str, label: str, record: str) -> None:
    """Take a mark back. Raises UsageError where there is none."""
    jobs.get(session, job_id)
    kept = session.get(FailureReview, (job_id, label, record))
    if kept is None:
        told = f"recording {record} carries none for label {label}"
        raise UsageError("review", told, f"See: isoline failure list {job_id}")
    before = kept.verdict
    key = (FailureReview.job_id == job_id, FailureReview.label == label, FailureReview.record_id == record)
    session.execute(delete(FailureReview).where(*key))
    audit.append(session, CLEARED, job_id, {"label": label, "recording": record, "before": before})


def _results(session: Session, job_id: str) -> EvaluateResults:
    found = results.results(session, job_id)
    if not isinstance(found, EvaluateResults):
        raise UsageError(f"job {job_id}", "it is no evaluation that is done", "See: isoline failure")
    return found


def _refuse_unknown(session: Session, job_id: str, label: str, record: str) -> None:
    """Only what stands among the mistakes can be marked. Raises UsageError."""
    told = failures(session, job_id, label)
    if not any(one.failure.record == record for one in told):
        reason = f"it is not among the worst mistakes of label {label}"
        raise UsageError(f"recording {record}", reason, f"See: isoline failure list {job_id}")


def _review(row: FailureReview) -> Review:
    verdict = next(one for one in VERDICTS if one == row.verdict)
    return Review(verdict, row.note, row.reviewed)


def _sealed(home: Home, note: str) -> str:
    """A note as the trail tells it: a keyed hash of 128 bits, from which nobody without the key can guess it."""
    return hashlib.blake2b(note.encode(), key=home.key, digest_size=16).hexdigest() if note else ""
