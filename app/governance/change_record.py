"""Collects what a change record prints: the version regression, both cards, the runs behind them, the trail's head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, certificate, cohorts, jobs, models, results
from app.core.clock import utc_now
from app.core.config_paths import config_sha256
from app.core.home import Home
from app.core.rows import CohortRow
from app.core.schema import Job
from app.core.version_changes import evaluations_of
from app.governance.card_changes import CardChange, card_changes
from app.governance.dossier import Evidence, RunProvenance
from app.governance.evidence import evidence_of
from engine.contract.card import ModelCard
from engine.contract.errors import UsageError, WorldError
from engine.contract.selftest import Certificate
from engine.contract.version_change import VersionResults


@dataclass(frozen=True)
class VersionSide:
    """One of the two versions: card, hash, and its evaluation."""

    name: str
    card: ModelCard
    sha256: str
    evaluation_job: str
    mode: str


@dataclass(frozen=True)
class ChangeRecord:
    """Everything that a change record prints.

    `certificate` is what the self-test found when it was collected; where it could not be run, `untested` says why.
    """

    title: str
    created: str
    workspace_id: str
    job_id: str
    old: VersionSide
    new: VersionSide
    card_changes: tuple[CardChange, ...]
    cohort: CohortRow
    results: VersionResults
    runs: tuple[RunProvenance, ...]
    evidence: tuple[Evidence, ...]
    audit_seq: int
    audit_head: str
    versions: dict[str, str] = field(default_factory=dict)
    certificate: Certificate | None = None
    untested: str = ""


def collect(home: Home, job_id: str) -> ChangeRecord:
    """The change record of a finished version regression, in one consistent look at the database.

    Raises:
        UsageError: unknown job, or not a finished version regression.
    """
    with home.db.read() as session:
        found = replace(_record(session, home, job_id), evidence=evidence_of(session, [job_id]))
    try:
        return replace(found, certificate=certificate.certificate())
    except WorldError as error:
        return replace(found, untested=f"{error.thing}: {error.reason}")


def between(session: Session, home: Home, evaluations: Sequence[str]) -> tuple[ChangeRecord, ...]:
    """The newest finished version regression of each pair of these evaluations, for a dossier with evidence of its own.

    Args:
        session: of the workspace.
        home: the workspace.
        evaluations: their jobs.
    """
    query = select(Job).where(Job.kind == "version", Job.state == "done").order_by(Job.number.desc())
    newest: dict[tuple[str, ...], str] = {}
    for job in session.scalars(query):
        newest.setdefault(tuple(evaluations_of(job)), job.job_id)
    found = [job_id for pair, job_id in newest.items() if set(pair) <= set(evaluations)]
    return tuple(_record(session, home, job_id) for job_id in sorted(found))


def _record(session: Session, home: Home, job_id: str) -> ChangeRecord:
    """Without evidence."""
    job, found = jobs.get(session, job_id), results.results(session, job_id)
    if not isinstance(found, VersionResults):
        reason = f"it is a run of kind {job.kind}, {job.state}"
        raise UsageError(f"job {job_id}", reason, "Name a finished version regression (see: isoline version)")
    below = evaluations_of(job)
    old = _side(session, below[0], found.old, found.old_mode)
    new = _side(session, below[1], found.new, found.new_mode)
    seq, head = audit.head(session)
    return ChangeRecord(
        title=f"{found.new} in place of {found.old}",
        created=utc_now(),
        workspace_id=home.id,
        job_id=job_id,
        old=old,
        new=new,
        card_changes=tuple(card_changes(old.card, new.card)),
        cohort=cohorts.row(session, str(job.cohort)),
        results=found,
        runs=tuple(_provenance(jobs.get(session, one)) for one in (*below, job_id)),
        evidence=(),
        audit_seq=seq,
        audit_head=head,
        versions=dict(job.versions),
    )


def _side(session: Session, evaluation_job: str, name: str, mode: str) -> VersionSide:
    model = models.get(session, str(jobs.get(session, evaluation_job).model))
    return VersionSide(name, ModelCard.model_validate(model.card), model.sha256, evaluation_job, mode)


def _provenance(job: Job) -> RunProvenance:
    config = jobs.config_of(job)
    return RunProvenance(
        job_id=job.job_id,
        kind=job.kind,
        config_sha256=config_sha256(config),
        results_sha256=job.results_sha256,
        seed=config.get("seed"),
        versions=dict(job.versions),
    )
