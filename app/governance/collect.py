"""Collects the dossier of a comparison from the database: everything that the report prints, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, certificate, cohorts, jobs, models, records, results, signals
from app.core.clock import utc_now
from app.core.config_paths import config_sha256
from app.core.home import Home
from app.core.old_configs import pretraining_of
from app.core.rows import LabelSummary
from app.core.schema import Job, Record, RegisteredModel
from app.governance.basis import basis_of
from app.governance.change_record import between
from app.governance.claims import claims_of
from app.governance.dossier import (
    DataSummary,
    Dossier,
    ExampleECG,
    ModelSection,
    PretrainingSection,
    RunProvenance,
)
from app.governance.evidence import evidence_of
from app.governance.failure_reviews import limits_of_reviews
from app.governance.leaks import claims_of_leaks, leaks_of, limits_of_leaks, searches_of
from app.governance.limits import limits_of
from app.governance.vettings import limits_of_vettings, vettings_of
from engine.contract.card import ModelCard
from engine.contract.errors import UsageError, WorldError
from engine.contract.results import CompareResults, EvaluateResults, PretrainResults

CURVES = ("loss", "validation_loss", "trivial_loss", "accuracy", "learning_rate")
"""Curves of a pretraining that a dossier shows."""


def collect(home: Home, comparison_job: str, title: str | None = None) -> Dossier:
    """The dossier of a finished comparison, in one consistent look at the database.

    Raises:
        UsageError: unknown job, or not a finished comparison.
        WorldError: an evaluation that it rests on is no longer there.
    """
    with home.db.read() as session:
        found = _collect(session, home, comparison_job, title)
    try:
        return replace(found, certificate=certificate.certificate())
    except WorldError as error:
        why = f"{error.thing}: {error.reason}"
        limit = f"The self-test of the statistics could not be run ({why}): nothing vouches for the figures here."
        return replace(found, untested=why, limits=(limit, *found.limits))


def latest_comparison(session: Session) -> str:
    """The newest comparison that is done. Raises UsageError when there is none."""
    query = select(Job.job_id).where(Job.kind == "compare", Job.state == "done").order_by(Job.number.desc()).limit(1)
    found = session.scalar(query)
    if found is None:
        raise UsageError("report", "no comparison is done yet", "Compare two evaluations first: isoline compare")
    return found


def _collect(session: Session, home: Home, comparison_job: str, title: str | None) -> Dossier:
    job, comparison = _comparison(session, comparison_job)
    cohort = cohorts.row(session, str(job.cohort))
    sections = _sections(session, job, comparison)
    trained = _pretrainings(session, sections)
    members = _members(session, cohort.name)
    basis = basis_of(session, cohort, members, sections, trained)
    leaks = leaks_of(session, cohort.name, sections)
    vetted = vettings_of(session, sections)
    changes = between(session, home, [section.evaluation_job for section in sections])
    further = [job_id for one in vetted for job_id in one.runs] + [one.job_id for one in changes]
    runs = _runs(session, job, sections, trained, [*searches_of(leaks), *further])
    seq, head = audit.head(session)
    labels = [item.label for item in sections[0].evaluation.labels]
    return Dossier(
        title=title or f"{comparison.examined} on {cohort.name}",
        created=utc_now(),
        workspace_id=home.id,
        data=_data(session, members, labels, job.manifest_sha256),
        cohort=cohort,
        models=tuple(sections),
        comparison_job=comparison_job,
        comparison=comparison,
        pretrainings=tuple(trained),
        example=_example(session, home, members, labels),
        claims=(*claims_of_leaks(leaks), *claims_of(sections, comparison)),
        limits=(
            *limits_of_leaks(leaks),
            *limits_of_vettings(sections, vetted),
            *limits_of_reviews(session, sections),
            *limits_of(basis, sections, trained),
        ),
        runs=runs,
        evidence=evidence_of(session, [run.job_id for run in runs]),
        audit_seq=seq,
        audit_head=head,
        versions=dict(job.versions),
        leaks=leaks,
        vettings=vetted,
        version_changes=changes,
    )


def _comparison(session: Session, job_id: str) -> tuple[Job, CompareResults]:
    job, found = jobs.get(session, job_id), results.results(session, job_id)
    if not isinstance(found, CompareResults):
        raise UsageError(f"job {job_id}", f"it is a run of kind {job.kind}, {job.state}", "Name a finished comparison")
    return job, found


def _sections(session: Session, job: Job, comparison: CompareResults) -> list[ModelSection]:
    """One section a model, in the order of the comparison, under the names that the comparison uses."""
    sections = []
    for path, name in zip(jobs.config_of(job)["evaluations"], comparison.models, strict=True):
        evaluation_job = path.rpartition("/")[2]
        evaluation = results.results(session, evaluation_job)
        if not isinstance(evaluation, EvaluateResults):
            raise WorldError(f"job {evaluation_job}", "it has no results any more", "Evaluate and compare again")
        model = models.get(session, str(jobs.get(session, evaluation_job).model))
        card = ModelCard.model_validate(model.card).model_copy(update={"name": name})
        sections.append(ModelSection(card, model.sha256, evaluation_job, evaluation))
    return sections


def _pretrainings(session: Session, sections: Sequence[ModelSection]) -> list[PretrainingSection]:
    made = []
    for job_id in dict.fromkeys(_made_by(session, section.sha256) for section in sections):
        found = results.results(session, job_id) if job_id else None
        if isinstance(found, PretrainResults):
            config = pretraining_of(jobs.config_of(jobs.get(session, job_id)))
            curves = [curve for curve in results.metrics(session, job_id) if curve.name in CURVES]
            made.append(PretrainingSection(job_id, config, found, tuple(curves), _card_of(session, job_id)))
    return made


def _card_of(session: Session, job_id: str) -> ModelCard | None:
    card = session.scalar(select(RegisteredModel.card).where(RegisteredModel.job_id == job_id).limit(1))
    return None if card is None else ModelCard.model_validate(card)


def _made_by(session: Session, sha256: str) -> str:
    query = select(RegisteredModel.job_id).where(RegisteredModel.sha256 == sha256, RegisteredModel.job_id != "")
    return session.scalar(query.order_by(RegisteredModel.number).limit(1)) or ""


def _members(session: Session, cohort: str) -> list[Record]:
    ids = [row.record_id for row in cohorts.manifest(session, cohort)]
    found = records.by_ids(session, ids)
    return [found[record_id] for record_id in ids]


def _runs(
    session: Session,
    job: Job,
    sections: Sequence[ModelSection],
    trained: Sequence[PretrainingSection],
    searches: Sequence[str],
) -> tuple[RunProvenance, ...]:
    ids = [section.job_id for section in trained] + [section.evaluation_job for section in sections]
    ids += [job.job_id, *searches]
    return tuple(_provenance(jobs.get(session, job_id)) for job_id in dict.fromkeys(ids))


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


def _data(session: Session, members: Sequence[Record], labels: Sequence[str], manifest_sha256: str) -> DataSummary:
    ages = np.array([record.age for record in members if record.age is not None])
    low, median, high = np.percentile(ages, (25, 50, 75)) if len(ages) else (None, None, None)
    sexes = Counter(record.sex for record in members)
    seconds = [record.seconds for record in members]
    return DataSummary(
        datasets=tuple(sorted({record.dataset for record in members})),
        records=len(members),
        patients=len({record.patient for record in members}),
        female=sexes["female"],
        male=sexes["male"],
        sex_unknown=sexes["unknown"],
        age_median=_number(median),
        age_low_quartile=_number(low),
        age_high_quartile=_number(high),
        age_unknown=len(members) - len(ages),
        rates_hz=tuple(sorted({record.rate_hz for record in members})),
        seconds_low=min(seconds),
        seconds_high=max(seconds),
        quality=dict(sorted(Counter(record.quality for record in members).items())),
        labels=_label_counts(session, members, labels),
        manifest_sha256=manifest_sha256,
    )


def _label_counts(session: Session, members: Sequence[Record], labels: Sequence[str]) -> tuple[LabelSummary, ...]:
    known = records.labels_of(session, [record.record_id for record in members])
    counted = []
    for label in labels:
        values = [(record.patient, known[record.record_id].get(label)) for record in members]
        yes = [patient for patient, value in values if value is not None and value > 0]
        no = [patient for patient, value in values if value is not None and value <= 0]
        unknown = len(values) - len(yes) - len(no)
        counted.append(LabelSummary(label, len(yes), len(no), unknown, len(set(yes)), len(set(no))))
    return tuple(counted)


def _example(session: Session, home: Home, members: Sequence[Record], labels: Sequence[str]) -> ExampleECG | None:
    """The recording with the smallest id among the best: always the same one, chosen by nobody."""
    best = min(members, key=lambda r: (r.quality != "good", len(r.leads) < 12, r.record_id))
    known = records.labels_of(session, [best.record_id])[best.record_id]
    try:
        signal = signals.read(home, best.record_id)
    except WorldError:
        return None
    return ExampleECG(
        record_id=best.record_id,
        dataset=best.dataset,
        age_text=records.age_text(best.age, best.age_over_89) or "unknown",
        sex=best.sex,
        signal=signal,
        quality=best.quality,
        labels=tuple(label for label in labels if known.get(label, 0) > 0),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
