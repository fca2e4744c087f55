"""The tables of a workspace. Rows of these classes never leave `app.core`; `app.core.rows` does.

Texts that are hashed (config, results, audit detail) are kept as text, byte for byte. Times are UTC in ISO 8601.
The tables are made by the migrations; a test holds the two against each other.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, Table, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of all tables."""


class AuditEvent(Base):
    """One link of the append-only trail; triggers refuse any change."""

    __tablename__ = "audit"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[str]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[str] = mapped_column(Text)
    previous: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)


class Job(Base):
    """One run: what was asked, where it stands, what came out."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'stopped', 'interrupted')", name="known_state"
        ),
        Index("jobs_by_state", "state"),
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    state: Mapped[str]
    created: Mapped[str]
    started: Mapped[str] = mapped_column(default="")
    finished: Mapped[str] = mapped_column(default="")
    launched_at: Mapped[float] = mapped_column(default=0.0)
    launches: Mapped[int] = mapped_column(default=0)
    alive: Mapped[bool] = mapped_column(default=False)
    stop_asked_at: Mapped[float | None]
    config: Mapped[str] = mapped_column(Text)
    manifest_sha256: Mapped[str] = mapped_column(default="")
    cohort: Mapped[str | None]
    model: Mapped[str | None]
    opened_split: Mapped[bool] = mapped_column(default=False)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    unit: Mapped[str] = mapped_column(default="")
    doing: Mapped[str] = mapped_column(default="")
    seconds_left: Mapped[float | None]
    message: Mapped[str] = mapped_column(default="")
    next_step: Mapped[str] = mapped_column(default="")
    event_offset: Mapped[int] = mapped_column(default=0)
    events: Mapped[int] = mapped_column(default=0)
    versions: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    console_tail: Mapped[str] = mapped_column(Text, default="")
    results: Mapped[str | None] = mapped_column(Text)
    results_sha256: Mapped[str] = mapped_column(default="")
    fault: Mapped[str] = mapped_column(default="")
    collapsed: Mapped[str] = mapped_column(default="")


class JobEvent(Base):
    """One line that a run said. `seq` counts the lines as they were taken in."""

    __tablename__ = "events"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]
    time: Mapped[str]
    body: Mapped[str] = mapped_column(Text)


class JobMetric(Base):
    """One number of a run at one step; a resumed run replaces the steps that it repeats."""

    __tablename__ = "metrics"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[float | None]


class StudyRunRow(Base):
    """Where one run of a study stands, as the study's last word on it tells."""

    __tablename__ = "study_runs"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    values: Mapped[dict[str, str | int | float]] = mapped_column(JSON)
    state: Mapped[str]
    metrics: Mapped[dict[str, float | None]] = mapped_column(JSON)
    message: Mapped[str]


class JobMember(Base):
    """One recording of a pretraining run or a study, and its part."""

    __tablename__ = "job_members"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    patient: Mapped[str]
    split: Mapped[str]


class JobFile(Base):
    """One input file of an import run. The path may identify a patient: it stays in this table."""

    __tablename__ = "job_files"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    path: Mapped[str]
    format: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    next_step: Mapped[str] = mapped_column(default="")
    record_id: Mapped[str | None]


class LabelRow(Base):
    """One row of a labels file, waiting for its recording; `fault` says why it was left out."""

    __tablename__ = "label_rows"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    file: Mapped[str]
    file_sha256: Mapped[str]
    record: Mapped[str]
    patient: Mapped[str | None]
    age: Mapped[float | None]
    sex: Mapped[str | None]
    fold: Mapped[int | None]
    part: Mapped[str] = mapped_column(default="")
    values: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)
    fault: Mapped[str] = mapped_column(default="")
    next_step: Mapped[str] = mapped_column(default="")


class Record(Base):
    """One recording of the store. `source_name` and `patient` never leave the workspace.

    `fold` and `part` are the official ones of a public corpus, where it has any.
    """

    __tablename__ = "records"
    __table_args__ = (
        Index("records_by_name", "source_name"),
        Index("records_by_dataset", "dataset"),
        Index("records_by_patient", "patient"),
        Index("records_by_age", "age"),
        Index("records_by_sex", "sex"),
        Index("records_by_year", "year"),
        Index("records_by_quality", "quality"),
        Index("records_by_format", "format"),
        Index("records_by_device", "maker", "model"),
        Index("records_by_rate", "rate_hz"),
        Index("records_by_seconds", "seconds"),
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(unique=True)
    source_name: Mapped[str]
    dataset: Mapped[str]
    patient: Mapped[str]
    patient_known: Mapped[bool] = mapped_column(default=False)
    age: Mapped[float | None]
    age_over_89: Mapped[bool] = mapped_column(default=False)
    sex: Mapped[str] = mapped_column(default="unknown")
    rate_hz: Mapped[float]
    seconds: Mapped[float]
    leads: Mapped[list[str]] = mapped_column(JSON)
    derived: Mapped[list[str]] = mapped_column(JSON)
    format: Mapped[str]
    quality: Mapped[str]
    quality_reasons: Mapped[list[str]] = mapped_column(JSON)
    file_sha256: Mapped[str]
    signal_sha256: Mapped[str]
    imported: Mapped[str]
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"))
    acquired: Mapped[str] = mapped_column(default="")
    year: Mapped[int | None]
    maker: Mapped[str] = mapped_column(default="")
    model: Mapped[str] = mapped_column(default="")
    firmware: Mapped[str] = mapped_column(default="")
    device: Mapped[str] = mapped_column(default="")
    high_pass_hz: Mapped[float | None]
    low_pass_hz: Mapped[float | None]
    notch_hz: Mapped[float | None]
    paced: Mapped[bool | None]
    setting: Mapped[str] = mapped_column(default="")
    statements: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    measurements: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)
    extra_leads: Mapped[list[str]] = mapped_column(JSON, default=list)
    reader: Mapped[str] = mapped_column(default="")
    transformations: Mapped[list[str]] = mapped_column(JSON, default=list)
    removed: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    quality_evidence: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    fold: Mapped[int | None]
    part: Mapped[str] = mapped_column(default="")


class Finding(Base):
    """One thing that speaks against the quality of a recording, without the leads: to filter by."""

    __tablename__ = "findings"
    __table_args__ = (Index("findings_by_name", "finding", "record_id"),)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.record_id"), primary_key=True)
    finding: Mapped[str] = mapped_column(primary_key=True)


class Mark(Base):
    """The keyed hash of what an identifier seen at import looks like in text; never the identifier."""

    __tablename__ = "marks"
    mark: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]


class RecordLabel(Base):
    """What is known of one label of one recording: a value, or no row when unknown. 1 and 0 are yes and no.

    `kind` is "binary" or "number"; `origin` is "table", or "device" for what the cart itself stated.
    """

    __tablename__ = "labels"
    __table_args__ = (Index("labels_by_name", "label", "value"),)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.record_id"), primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    source_sha256: Mapped[str]
    kind: Mapped[str] = mapped_column(default="binary")
    origin: Mapped[str] = mapped_column(default="table")


class Cohort(Base):
    """A named, frozen set of recordings with one patient-wise split."""

    __tablename__ = "cohorts"
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created: Mapped[str]
    seed: Mapped[int]
    labels: Mapped[list[str]] = mapped_column(JSON)
    dataset: Mapped[str | None]
    split_id: Mapped[str]
    split_kind: Mapped[str]
    split_sha256: Mapped[str]
    records: Mapped[int]
    patients: Mapped[int]
    openings: Mapped[int] = mapped_column(default=0)
    excluded: Mapped[dict[str, int]] = mapped_column(JSON)
    rules: Mapped[list[str]] = mapped_column(JSON, default=list)
    flow: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class CohortMember(Base):
    """One recording of a cohort, its patient as counted then, and its part of the split."""

    __tablename__ = "cohort_members"
    __table_args__ = (UniqueConstraint("cohort", "record_id", name="one_part_each"),)
    cohort: Mapped[int] = mapped_column(ForeignKey("cohorts.number"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    record_id: Mapped[str] = mapped_column(ForeignKey("records.record_id"))
    patient: Mapped[str]
    split: Mapped[str]


class RegisteredModel(Base):
    """One immutable model version. `definition` is the engine's model source, with paths below the workspace."""

    __tablename__ = "models"
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    version: Mapped[str]
    source: Mapped[str]
    sha256: Mapped[str]
    created: Mapped[str]
    card: Mapped[dict[str, Any]] = mapped_column(JSON)
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    job_id: Mapped[str] = mapped_column(default="")


class FailureReview(Base):
    """What somebody made of one of the worst mistakes of an evaluation; no row while nobody has looked.

    A recording has or lacks a label, so that label and recording name a mistake: it is of one kind only.
    """

    __tablename__ = "failure_reviews"
    __table_args__ = (
        CheckConstraint(
            "verdict IN ('model wrong', 'label wrong', 'recording poor', 'cannot tell')", name="known_verdict"
        ),
    )
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    note: Mapped[str] = mapped_column(Text, default="")
    reviewed: Mapped[str]


class Report(Base):
    """One exported PDF: its hash, and the audit event that the export was."""

    __tablename__ = "reports"
    number: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[str]
    sha256: Mapped[str]
    created: Mapped[str]
    comparison_job: Mapped[str]
    audit_seq: Mapped[int]


def table_of(model: type[Base]) -> Table:
    """The table behind a class, for writing many rows without making objects of them."""
    return cast(Table, model.__table__)
