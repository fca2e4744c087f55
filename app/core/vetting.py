"""Asking for a vetting of an external model, and what the last one of a registered version found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import cohorts, jobs, models
from app.core.digests import sha256_of
from app.core.golden import golden_ecgs
from app.core.home import Home
from app.core.schema import Job, RegisteredModel
from engine.contract.answers import answers
from engine.contract.card import ModelCard
from engine.contract.config import ExternalModel, VetConfig, explain
from engine.contract.errors import UsageError, WorldError
from engine.contract.results import parse_results
from engine.contract.run import ManifestRow
from engine.contract.vetting import GOLDEN, REFERENCE, ParityCertificate, VetResults
from engine.data.golden import GoldenECG, write_golden
from engine.data.reference_outputs import Reference, parse_reference, write_reference


@dataclass(frozen=True)
class Supplied:
    """What a vetting brings along: shipped ECGs, and what the vendor says that his program gives for them."""

    golden: list[GoldenECG]
    reference: Reference | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Vetting:
    """A finished vetting of a registered version."""

    job_id: str
    results: VetResults
    current: bool
    """Whether it is of the card's present contract."""


def supplied(card: ModelCard, reference: Path | None) -> Supplied:
    """Read the shipped ECGs and a vendor's file, before the database is asked to wait for anything.

    Raises:
        WorldError: a file is missing or unreadable, or names what there is not.
    """
    golden = golden_ecgs()
    if reference is None:
        return Supplied(golden)
    found = parse_reference(reference, card.outputs, [one.name for one in golden])
    return Supplied(golden, found, sha256_of(reference))


def external_card(session: Session, name: str) -> ModelCard:
    """The card of an external model. Raises UsageError when it is none."""
    return ModelCard.model_validate(_external(session, name).card)


def vet(
    session: Session,
    home: Home,
    model: str,
    given: Supplied,
    cohort: str | None = None,
    labels: Sequence[str] = (),
    classes: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> str:
    """Queue a vetting.

    Args:
        session: an open write transaction.
        home: the workspace.
        model: an external one.
        given: shipped ECGs, and the vendor's numbers.
        cohort: on whose recordings contract items are broken; the shipped ECGs when left out.
        labels: of the cohort, on which a loss of AUROC is looked for; the test part of its split is opened for them.
        classes: by label the class that answers it.
        settings: further fields of a VetConfig: tolerance, loss, most, repeats, resamples, seed.

    Raises:
        UsageError: unknown model, cohort or label; labels without a cohort; or settings out of range.
    """
    found = _external(session, model)
    if labels and cohort is None:
        raise UsageError("labels", "they are those of a cohort, and none is named", "Name a cohort")
    source = models.source_of(home, found)
    assert isinstance(source, ExternalModel)
    manifest, chosen, split_id = _recordings(session, cohort, labels)
    told = dict(classes or {})
    if chosen and any(output.kind != "embedding" for output in source.outputs):
        answers(model, source.outputs, chosen, told)
    asked = {
        **(settings or {}),
        "store": str(home.store),
        "cache": str(home.cache),
        "model": source,
        "card": ModelCard.model_validate(found.card),
        "labels": chosen,
        "classes": told,
        "cohort": cohort or "",
        "split_id": split_id,
        "reference_sha256": given.sha256,
    }
    try:
        config = VetConfig.model_validate(asked)
    except ValidationError as error:
        raise UsageError("vetting", explain(error), "Correct the named settings") from None
    title = f"{model} on {cohort}" if cohort else model
    job_id = jobs.submit(session, home, config, title, manifest, cohort=cohort, model=model)
    _bring(home, job_id, given)
    return job_id


def latest(session: Session, name: str) -> Vetting | None:
    """The newest finished vetting of this registered version; None when there is none."""
    return next(_vettings(session, name), None)


def certifying(session: Session, name: str) -> Vetting | None:
    """The vetting whose parity certificate counts: the newest that compares something, else the newest.

    Only vettings of the version as its card stands count; None when there is none.
    """
    current = [one for one in _vettings(session, name) if one.current]
    compared = (one for one in current if one.results.parity.verdict != "no reference supplied")
    return next(compared, current[0] if current else None)


def certificate(session: Session, name: str) -> ParityCertificate:
    """The parity certificate of a registered version.

    Raises:
        UsageError: unknown model, or it has not been vetted as its card stands.
    """
    found = certifying(session, name)
    if found is None:
        raise UsageError(f"model {name}", "it has not been vetted as its card stands", "Ask for: isoline model vet")
    return found.results.parity


def _vettings(session: Session, name: str) -> Iterator[Vetting]:
    """Finished vettings of this registered version, the newest first."""
    model = models.get(session, name)
    query = select(Job).where(Job.kind == "vet", Job.state == "done", Job.model == name).order_by(Job.number.desc())
    for job in session.scalars(query):
        results = None if job.results is None else parse_results(job.results)
        if isinstance(results, VetResults) and results.model_sha256 == model.sha256:
            yield Vetting(job.job_id, results, _is_current(job, model))


def _external(session: Session, name: str) -> RegisteredModel:
    found = models.get(session, name)
    if found.source != "external":
        reason = f"a model of kind {found.source} has no contract with somebody else that could be vetted"
        raise UsageError(f"model {name}", reason, "Choose an external model")
    return found


def _is_current(job: Job, model: RegisteredModel) -> bool:
    """Whether contract and outputs that were vetted are those of the card today."""
    vetted, now = jobs.config_of(job)["card"], ModelCard.model_validate(model.card).model_dump(mode="json")
    return all(vetted.get(part) == now[part] for part in ("preprocessing", "outputs"))


def _recordings(
    session: Session, cohort: str | None, labels: Sequence[str]
) -> tuple[list[ManifestRow], tuple[str, ...], str]:
    if cohort is None:
        return [], (), ""
    group, manifest = cohorts.get(session, cohort), cohorts.manifest(session, cohort)
    chosen = cohorts.chosen_labels(session, group, manifest, labels) if labels else ()
    return manifest, chosen, group.split_id


def _bring(home: Home, job_id: str, given: Supplied) -> None:
    """Put what the run needs into its folder."""
    folder = home.run(job_id).path
    try:
        write_golden(folder / GOLDEN, given.golden)
        if given.reference is not None:
            write_reference(folder / REFERENCE, given.reference)
    except OSError as error:
        reason = f"its folder cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError(f"run {job_id}", reason, "Free some space and ask again") from None
