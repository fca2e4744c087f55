"""Asking for runs on models and files: each function checks what is asked and queues the job.

Training is asked for in `app.core.pretrainings`, evaluations in `app.core.evaluations`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core import cohorts, evaluations, jobs, labels, models
from app.core.home import Home
from app.core.label_sheet import Sheet
from app.core.schema import Job, JobFile
from engine.contract.config import (
    CompareConfig,
    EmbedConfig,
    EvaluateConfig,
    ImportConfig,
)
from engine.contract.errors import UsageError, WorldError
from engine.contract.evaluation import MODES, EvaluationSettings, Mode
from engine.signal.sources import Source


def bring_in(
    session: Session,
    home: Home,
    sources: Sequence[Source],
    refused: Sequence[tuple[str, WorldError]],
    config: ImportConfig,
    sheet: Sheet | None,
) -> str:
    """Queue an import; what could not even be looked at is told beside the files."""
    job_id = jobs.submit(session, home, config, config.dataset, inputs=[str(source) for source in sources])
    for n, (name, error) in enumerate(refused, start=len(sources)):
        session.add(
            JobFile(
                job_id=job_id,
                position=n,
                path=name,
                status="refused",
                reason=error.reason,
                next_step=error.next_step,
            )
        )
    if sheet is not None:
        labels.keep_rows(session, job_id, sheet)
    return job_id


def embed(session: Session, home: Home, model: str, cohort: str, keep_for: Sequence[Mode] = ()) -> str:
    """Queue the embedding of a cohort, and the keeping of what modes that come next train their heads on.

    Raises:
        UsageError: unknown names, a model without layers, or one that no head can be trained on where that is asked.
    """
    found = models.get(session, model)
    if found.source not in evaluations.EMBEDDERS:
        raise UsageError(f"model {model}", f"a model of kind {found.source} has no embedding", "Choose another model")
    for mode in keep_for:
        evaluations.refuse_mode(found, EvaluationSettings(mode=mode))
    manifest = cohorts.manifest(session, cohort)
    evaluations.refuse_short(session, found, manifest, cohort)
    config = EmbedConfig(
        store=str(home.store), cache=str(home.cache), model=models.source_of(home, found), keep_for=tuple(keep_for)
    )
    return jobs.submit(session, home, config, f"{model} on {cohort}", manifest, cohort=cohort, model=model)


def compare(
    session: Session,
    home: Home,
    evaluations: Sequence[str],
    seed: int,
    resamples: int,
    margin: float | None = None,
    confirmatory: bool = False,
) -> str:
    """Queue a comparison of finished evaluations on one split; the first is of the model examined.

    Raises:
        UsageError: fewer than two, one named twice, not a finished evaluation, or different splits or no common label.
    """
    if len(evaluations) < 2 or len(set(evaluations)) < len(evaluations):
        raise UsageError("comparison", "it needs two or more different evaluations", "Name the model examined first")
    found = [finished_evaluation(session, job_id) for job_id in evaluations]
    configs = [EvaluateConfig.model_validate(jobs.config_of(job)) for job in found]
    first = found[0]
    if len({job.cohort for job in found}) > 1 or len({config.split_id for config in configs}) > 1:
        raise UsageError("comparison", "the evaluations are of different splits", "Evaluate all models on one cohort")
    common = [label for label in configs[0].labels if all(label in config.labels for config in configs)]
    targets = [target for target in configs[0].targets if all(target in config.targets for config in configs)]
    if not common and not targets:
        raise UsageError("comparison", "the evaluations have no label in common", "Evaluate the same labels")
    config = CompareConfig(
        evaluations=tuple(str(home.run(job.job_id).path) for job in found),
        names=names_of(found),
        labels=tuple(common),
        targets=tuple(targets),
        margin=margin,
        confirmatory=confirmatory,
        split_id=configs[0].split_id,
        resamples=resamples,
        seed=seed,
    )
    manifest = cohorts.manifest(session, str(first.cohort))
    name = f"{config.names[0]} against {', '.join(config.names[1:])}"
    return jobs.submit(session, home, config, name, manifest, cohort=first.cohort)


def finished_evaluation(session: Session, job_id: str) -> Job:
    """The job of an evaluation that is done. Raises UsageError when it is another one, or not done."""
    job = jobs.get(session, job_id)
    if job.kind != "evaluate" or job.state != "done":
        raise UsageError(f"job {job_id}", f"it is a run of kind {job.kind}, {job.state}", "Name finished evaluations")
    return job


def names_of(found: Sequence[Job]) -> tuple[str, ...]:
    """Names of the models of evaluations, each different from the others."""
    modes = [MODES[EvaluateConfig.model_validate(jobs.config_of(job)).mode] for job in found]
    return _distinct([(str(job.model), mode, job.job_id) for job, mode in zip(found, modes, strict=True)])


def _distinct(told: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    """Names of models; one that was evaluated twice is told apart by its mode, twice in one mode by its job."""
    names = [model for model, _, _ in told]
    modes = [f"{model}, {mode}" for model, mode, _ in told]
    return tuple(
        model if names.count(model) == 1 else mode if modes.count(mode) == 1 else f"{model} ({job})"
        for (model, _, job), mode in zip(told, modes, strict=True)
    )
