"""Registered models: a row, a card, and files by content hash that are never overwritten.

Files go first, the row second: a kill in between leaves an unused folder, never a row without its weights.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, probes
from app.core.clock import utc_now
from app.core.config_paths import absolute_model
from app.core.corpus_names import tells
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.jobs import config_of
from app.core.rows import ModelRow
from app.core.schema import Job, JobMember, Record, RegisteredModel
from engine.contract.card import UNKNOWN, Lineage, ModelCard, Preprocessing
from engine.contract.config import (
    AnyBackboneConfig,
    BaselineModel,
    ModelSource,
    NativeModel,
    PredictionsModel,
    PretrainConfig,
    RandomModel,
)
from engine.contract.errors import UsageError, WorldError
from engine.contract.model_source import AnswerKind, BaselineFeature
from engine.contract.results import PretrainResults
from engine.contract.run import ManifestRow

WEIGHTS, CARD, SCORES = "weights.safetensors", "card.json", "predictions.npz"
_SOURCE: TypeAdapter[ModelSource] = TypeAdapter(ModelSource)


def all_rows(session: Session) -> list[ModelRow]:
    """All models in the order of their registration."""
    return [as_row(found) for found in session.scalars(select(RegisteredModel).order_by(RegisteredModel.number))]


def get(session: Session, name: str) -> RegisteredModel:
    """The model of this name. Raises UsageError when there is none."""
    found = session.scalar(select(RegisteredModel).where(RegisteredModel.name == name))
    if found is None:
        raise UsageError(f"model {name}", "the workspace has none of this name", "See: isoline model list")
    return found


def source_of(home: Home, found: RegisteredModel) -> ModelSource:
    """The model as the engine is told to load it, with absolute paths."""
    return _SOURCE.validate_python(absolute_model({**found.definition, "name": found.name}, home.path))


def register_pretrained(session: Session, home: Home, job: Job, results: PretrainResults) -> None:
    """Register what a pretraining run made; once, however often its end is taken in.

    Raises:
        WorldError: the checkpoint is missing, or is not the one that the results name.
    """
    if session.scalar(select(RegisteredModel.number).where(RegisteredModel.job_id == job.job_id)) is not None:
        return
    folder = (home.run(job.job_id).path / results.checkpoint).resolve()
    if not folder.is_relative_to(home.run(job.job_id).path.resolve()):
        raise WorldError(f"job {job.job_id}", "its checkpoint is outside its run folder", "Ask for the run again")
    card, sha256 = keep_checkpoint(home, folder)
    if sha256 != results.weights_sha256:
        raise WorldError(f"job {job.job_id}", "its checkpoint is not the one its results name", "Resume the job")
    config = PretrainConfig.model_validate(config_of(job))
    told = {
        "name": config.name,
        "lineage": _lineage(session, job, card.lineage),
        "notes": _notes(session, job, card, results),
    }
    card = card.model_copy(update=told)
    register(session, config.name, sha256, card, _native(sha256), job_id=job.job_id, free_name=True)


def add_checkpoint(home: Home, folder: Path, name: str | None, study: str = "", trained_on: str = "") -> ModelRow:
    """Register a checkpoint of our own format that stands outside the workspace, or among the runs of a study.

    Its files are copied before the database is asked to wait for anything.

    Raises:
        WorldError: no checkpoint of Isoline, or its weights are not those its card names.
        UsageError: the name is taken, or the card tells already what it was trained on.
    """
    card, sha256 = keep_checkpoint(home, folder)
    chosen = name or card.name
    lineage = card.lineage.model_copy(update={"run_id": study}) if study else card.lineage
    if trained_on and tells(lineage.corpus):
        raise UsageError(f"model {chosen}", "its card tells what it was trained on", "Leave out --trained-on")
    lineage = lineage.model_copy(update={"corpus": trained_on}) if trained_on else lineage
    card = card.model_copy(update={"name": chosen, "lineage": lineage})
    with home.db.write() as session:
        return register(session, chosen, sha256, card, _native(sha256), free_name=name is None)


def add_random(
    session: Session, name: str, backbone: AnyBackboneConfig, seed: int, rate_hz: float, window_s: float
) -> ModelRow:
    """Register a backbone with random weights; its hash is that of its definition."""
    definition = RandomModel(name=name, backbone=backbone, rate_hz=rate_hz, window_s=window_s, seed=seed)
    data = definition.model_dump(mode="json")
    sha256 = definition_sha256(data)
    card = ModelCard(
        name=name,
        source="random",
        developer="Isoline",
        intended_use="comparator: what the architecture gives without any pretraining",
        output="embedding",
        weights_sha256=sha256,
        lineage=Lineage(
            objective="none", fidelity="none", backbone=backbone.summary, corpus="none", steps=0, seed=seed
        ),
        preprocessing=Preprocessing(rate_hz=rate_hz, window_s=window_s, clip_mv=definition.clip_mv),
        notes=("The weights are drawn from the seed; the hash is that of this definition.",),
    )
    return register(session, name, sha256, card, data)


def add_baseline(session: Session, name: str, features: Sequence[BaselineFeature] = ("age", "sex")) -> ModelRow:
    """Register the logistic regression on age and sex, or on what else is known without looking at the ECG."""
    data = BaselineModel(name=name, features=tuple(features)).model_dump(mode="json")
    sha256 = definition_sha256(data)
    card = ModelCard(
        name=name,
        source="baseline",
        developer="Isoline",
        intended_use=f"comparator: what {', '.join(features)} alone tell",
        output="probability",
        weights_sha256=sha256,
        lineage=Lineage(objective="none", fidelity="none", backbone="logistic regression", corpus="none"),
        notes=("It is fitted anew on the training part of each split; the hash is that of this definition.",),
    )
    return register(session, name, sha256, card, data)


def add_scores(
    session: Session,
    name: str,
    sha256: str,
    output: tuple[AnswerKind, dict[str, AnswerKind], str],
    notes: tuple[str, ...],
    *,
    fixed: bool,
    trained_on: str = "",
    detail: Mapping[str, Any] | None = None,
) -> ModelRow:
    """Register answers that somebody else computed; their file stands in the models folder.

    Args:
        session: of the write.
        name: in this workspace.
        sha256: of the file.
        output: what the answers are, by label what others are, and both in words.
        notes: for the card.
        fixed: whether somebody chose the name.
        trained_on: what the maker declares.
        detail: for the audit trail.
    """
    kind, kinds, words = output
    lineage = Lineage(corpus=trained_on or UNKNOWN)
    card = ModelCard(name=name, source="predictions", output=words, weights_sha256=sha256, lineage=lineage, notes=notes)
    definition = PredictionsModel(name=name, file=f"models/{sha256}/{SCORES}", output=kind, outputs=kinds)
    data = definition.model_dump(mode="json")
    _refuse_other_reading(session, name, sha256, data)
    return register(session, name, sha256, card, data, free_name=not fixed, detail=detail)


def definition_sha256(definition: dict[str, Any]) -> str:
    """Hash of a model that has no file: its definition without the name, as canonical JSON."""
    return hashlib.sha256(rfc8785.dumps({k: v for k, v in definition.items() if k != "name"})).hexdigest()


def keep_checkpoint(home: Home, folder: Path) -> tuple[ModelCard, str]:
    """Copy a checkpoint into the models folder by its hash; gives back its card and hash.

    Raises:
        WorldError: weights or card are missing, damaged, or do not belong together; the disk is full.
    """
    try:
        card = ModelCard.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
        sha256 = sha256_of(folder / WEIGHTS)
    except (OSError, ValidationError, UnicodeDecodeError):
        reason = f"it lacks a readable {WEIGHTS} or {CARD}"
        raise WorldError("checkpoint", reason, "Name a checkpoint folder made by Isoline") from None
    if card.weights_sha256 not in (UNKNOWN, sha256):
        raise WorldError("checkpoint", "its weights are not those its card names", "Take an undamaged copy")
    copy_in(home, sha256, {WEIGHTS: folder / WEIGHTS, CARD: folder / CARD})
    return card, sha256


def copy_in(home: Home, sha256: str, files: dict[str, Path]) -> None:
    """Put files into the folder of a hash, whole or not at all; one that is there already stays."""
    goal = home.models / sha256
    if all((goal / name).is_file() for name in files):
        return
    draft = home.models / f"{sha256}.tmp"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, source in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, draft / name)
        _put(draft, goal, files)
    except OSError as error:
        if all((goal / name).is_file() for name in files):
            return
        reason = f"its files cannot be copied ({error.strerror or type(error).__name__})"
        raise WorldError("model", reason, "Free some space and resume the job or add the model again") from None


def _put(draft: Path, goal: Path, names: Iterable[str]) -> None:
    """Move a whole draft to its place; where the folder is there, only what it lacks."""
    if not goal.is_dir():
        draft.rename(goal)
        return
    for name in names:
        if not (goal / name).exists():
            (goal / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / name).rename(goal / name)
    shutil.rmtree(draft, ignore_errors=True)


def as_row(found: RegisteredModel) -> ModelRow:
    """The frozen row of a model."""
    agreed = bool(found.definition.get("allow_incomplete"))
    told = (found.name, found.version, found.source, found.sha256, found.created, dict(found.card), found.job_id)
    return ModelRow(*told, allow_incomplete=agreed)


def register(
    session: Session,
    name: str,
    sha256: str,
    card: ModelCard,
    definition: dict[str, Any],
    job_id: str = "",
    free_name: bool = False,
    detail: Mapping[str, Any] | None = None,
) -> ModelRow:
    """Add the row; the same content under the same name is that row again.

    Args:
        session: of the write.
        name: in this workspace.
        sha256: of its content.
        card: whole; name and hash are set here.
        definition: as the engine is told to load it, paths relative to the workspace.
        job_id: the run that made it; each such run has a row of its own.
        free_name: whether another name may be made of a taken one.
        detail: for the audit trail, beside hash, source and run.

    Raises:
        UsageError: another model has the name, or its card says otherwise what it was trained on.
    """
    taken = session.scalar(select(RegisteredModel).where(RegisteredModel.name == name))
    if taken is not None and taken.sha256 == sha256 and not job_id:
        _refuse_other_corpus(taken, card)
        return as_row(taken)
    if taken is not None and not free_name:
        raise UsageError(f"model {name}", "another model has this name", "Choose another name")
    chosen = _free(session, name) if taken is not None else name
    made = RegisteredModel(
        name=chosen,
        version=card.version,
        source=card.source,
        sha256=sha256,
        created=utc_now(),
        card=card.model_copy(update={"name": chosen, "weights_sha256": sha256}).model_dump(mode="json"),
        definition={**definition, "name": chosen},
        job_id=job_id,
    )
    session.add(made)
    session.flush()
    told = {"sha256": sha256, "source": card.source, "job": job_id, **(detail or {})}
    audit.append(session, "model added", chosen, told)
    return as_row(made)


def _refuse_other_reading(session: Session, name: str, sha256: str, definition: dict[str, Any]) -> None:
    """The same numbers under the same name, called something else. Raises UsageError."""
    taken = session.scalar(select(RegisteredModel).where(RegisteredModel.name == name))
    if taken is None or taken.sha256 != sha256:
        return
    known = _SOURCE.validate_python({**taken.definition, "name": name}).model_dump(mode="json")
    if any(known.get(key) != definition[key] for key in ("output", "outputs")):
        reason = "it is registered already, and its answers were called something else"
        raise UsageError(f"model {name}", reason, "Add it under another name")


def _refuse_other_corpus(taken: RegisteredModel, card: ModelCard) -> None:
    """What somebody declares anew of a model that is here must not get lost. Raises UsageError."""
    known = str((taken.card.get("lineage") or {}).get("corpus", ""))
    if tells(card.lineage.corpus) and card.lineage.corpus != known:
        reason = "it is registered already, and its card says otherwise what it was trained on"
        raise UsageError(f"model {taken.name}", reason, "Add it under another name")


def _free(session: Session, name: str) -> str:
    known = set(session.scalars(select(RegisteredModel.name)))
    number = 2
    while f"{name} {number}" in known:
        number += 1
    return f"{name} {number}"


def _native(sha256: str) -> dict[str, Any]:
    return NativeModel(name="", checkpoint=f"models/{sha256}").model_dump(mode="json")


def _notes(session: Session, job: Job, card: ModelCard, results: PretrainResults) -> tuple[str, ...]:
    """The card's notes, and what the engine cannot know: patients that the probe shares with the pretraining.

    A card is written with its checkpoint, so that its training went on to a later step is told here as well.
    """
    config = PretrainConfig.model_validate(config_of(job))
    if results.kept_step is not None:
        on = (
            f"weights of step {results.kept_step:,}, the best held-out loss; training went on to step {results.steps:,}"
        )
        card = card.model_copy(update={"notes": (*card.notes, on)})
    if config.probe is None or not config.probe.cohort:
        return card.notes
    members = session.scalars(select(JobMember).where(JobMember.job_id == job.job_id)).all()
    corpus = [ManifestRow(member.record_id, member.patient, member.split) for member in members]
    note = probes.overlap_note(session, config.probe, corpus)
    return (*card.notes, note) if note else card.notes


def _lineage(session: Session, job: Job, told: Lineage) -> Lineage:
    """What the engine cannot know: which recordings these were, and of how many patients."""
    members = session.execute(
        select(JobMember.patient, Record.dataset)
        .join(Record, Record.record_id == JobMember.record_id)
        .where(JobMember.job_id == job.job_id)
    ).all()
    return told.model_copy(
        update={
            "run_id": job.job_id,
            "corpus": ", ".join(sorted({dataset for _, dataset in members})) or UNKNOWN,
            "corpus_sha256": job.manifest_sha256 or UNKNOWN,
            "records": len(members),
            "patients": len({patient for patient, _ in members}),
            "parent_name": job.model or told.parent_name,
        }
    )
