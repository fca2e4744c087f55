"""What the numbers of a dossier rest on: counts that its limits are told from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import cohorts, studies
from app.core.rows import CohortRow
from app.core.schema import Job, JobMember, Record
from app.governance.dossier import ModelSection, PretrainingSection


@dataclass(frozen=True)
class Overlap:
    """How many evaluated recordings and patients a pretraining has seen (without labels).

    A model of a study was given a part of what the study read, known by the hash in its card. Where that fits no part
    (a study of an older version), the counts are the most that it can have seen.
    """

    model: str
    records: int
    patients: int
    at_most: bool = False


@dataclass(frozen=True)
class Basis:
    """Facts about cohort, split and models."""

    records: int
    patients: int
    datasets: tuple[str, ...]
    patient_unknown: int
    limited_quality: int
    excluded: dict[str, int]
    folds: bool
    openings: int
    overlaps: tuple[Overlap, ...]


def basis_of(
    session: Session,
    cohort: CohortRow,
    members: Sequence[Record],
    sections: Sequence[ModelSection],
    trained: Sequence[PretrainingSection],
) -> Basis:
    """Count what the limits speak of."""
    return Basis(
        records=len(members),
        patients=len({record.patient for record in members}),
        datasets=tuple(sorted({record.dataset for record in members})),
        patient_unknown=sum(not record.patient_known for record in members),
        limited_quality=sum(record.quality == "limited" for record in members),
        excluded=dict(cohorts.get(session, cohort.name).excluded),
        folds="folds" in cohort.split_kind,
        openings=cohort.openings,
        overlaps=(
            *(_overlap(session, members, section, sections) for section in trained),
            *of_studies(session, members, sections),
        ),
    )


def _overlap(
    session: Session, members: Sequence[Record], trained: PretrainingSection, sections: Sequence[ModelSection]
) -> Overlap:
    sha256 = trained.results.weights_sha256
    name = next((section.card.name for section in sections if section.sha256 == sha256), trained.config.name)
    return Overlap(name, *_shared(session, members, trained.job_id))


def of_studies(session: Session, members: Sequence[Record], sections: Sequence[ModelSection]) -> Iterator[Overlap]:
    """Overlaps of the models that were kept from a study of this workspace."""
    for section in sections:
        job_id = section.card.lineage.run_id
        if session.scalar(select(Job.job_id).where(Job.job_id == job_id, Job.kind == "study")) is not None:
            own = studies.read_by(session, job_id, section.card.lineage.corpus_sha256)
            yield Overlap(section.card.name, *_shared(session, members, job_id, own), at_most=own is None)


def _shared(session: Session, members: Sequence[Record], job_id: str, own: set[str] | None = None) -> tuple[int, int]:
    """How many of these recordings, and of their patients, a job has read; of those in `own` where they are told."""
    query = select(Record.record_id, Record.patient).join(JobMember, JobMember.record_id == Record.record_id)
    seen = [row for row in session.execute(query.where(JobMember.job_id == job_id)) if own is None or row[0] in own]
    ids, people = {record_id for record_id, _ in seen}, {patient for _, patient in seen}
    return sum(record.record_id in ids for record in members), len({record.patient for record in members} & people)
