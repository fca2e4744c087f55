"""Asking for a version regression: an old and a new version of a product on the same test part of the same split."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import cohorts, jobs, runs
from app.core.home import Home
from app.core.rows import JobRow
from app.core.schema import Job
from engine.contract.config import EvaluateConfig, VersionConfig
from engine.contract.errors import UsageError
from engine.contract.evaluation import Attribute


def compare(
    session: Session,
    home: Home,
    old_job: str,
    new_job: str,
    margin: float,
    brier_margin: float,
    subgroups: Sequence[Attribute] | None,
    resamples: int,
    seed: int,
) -> str:
    """Queue a version regression of two finished evaluations of one split.

    Raises:
        UsageError: one job named twice, not a finished evaluation, different splits, no label in common, or a margin
            that is not between 0 and 1.
    """
    if old_job == new_job:
        raise UsageError(
            "version regression", "both versions are the same evaluation", "Name the old one, then the new"
        )
    for name, value in (("margin", margin), ("Brier margin", brier_margin)):
        if not 0 < value < 1:
            reason = "it is not between 0 and 1"
            raise UsageError(f"{name} {value:g}", reason, "Give the loss that would be accepted, such as 0.02")
    found = [runs.finished_evaluation(session, job_id) for job_id in (old_job, new_job)]
    old, new = (EvaluateConfig.model_validate(jobs.config_of(job)) for job in found)
    if found[0].cohort != found[1].cohort or old.split_id != new.split_id:
        reason = "the evaluations are of different splits"
        raise UsageError("version regression", reason, "Evaluate both versions on one cohort")
    common = tuple(label for label in old.labels if label in new.labels)
    if not common:
        reason = "the evaluations have no label in common"
        raise UsageError("version regression", reason, "Evaluate both versions on the same labels")
    first, second = runs.names_of(found)
    config = VersionConfig(
        evaluations=(str(home.run(old_job).path), str(home.run(new_job).path)),
        names=(first, second),
        labels=common,
        split_id=old.split_id,
        margin=margin,
        brier_margin=brier_margin,
        resamples=resamples,
        seed=seed,
        **({} if subgroups is None else {"subgroups": tuple(subgroups)}),
    )
    cohort = str(found[0].cohort)
    name = f"{second} in place of {first}"
    return jobs.submit(session, home, config, name, cohorts.manifest(session, cohort), cohort=cohort)


def between(session: Session, models: Sequence[str]) -> list[JobRow]:
    """The version regressions in which old and new are two of these models, the newest first, whatever became of them.

    Args:
        session: of the workspace.
        models: their names.
    """
    query = select(Job).where(Job.kind == "version").order_by(Job.number.desc())
    return [jobs.as_row(job) for job in session.scalars(query) if _models(session, job) <= set(models)]


def evaluations_of(job: Job) -> list[str]:
    """Jobs of the old and of the new version's evaluation; a run folder is called like its job."""
    return [path.rpartition("/")[2] for path in jobs.config_of(job)["evaluations"]]


def _models(session: Session, job: Job) -> set[str]:
    return {jobs.as_row(jobs.get(session, job_id)).model for job_id in evaluations_of(job)}
