"""Asking for what an evaluation leaves open: how a model bears faults of its recordings. Each function queues a job."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core import cohorts, jobs, models
from app.core.home import Home
from app.core.schema import RegisteredModel
from engine.contract.config import StressConfig
from engine.contract.errors import UsageError
from engine.signal.perturbations import chosen


def stress(
    session: Session,
    home: Home,
    model: str,
    cohort: str,
    names: Sequence[str],
    faults: Sequence[str],
    margin: float,
    resamples: int,
    seed: int,
) -> str:
    """Queue a stress bench.

    Raises:
        UsageError: unknown model, cohort, label or fault, or a model that takes no recordings.
        WorldError: nothing to evaluate: no label has both classes.
    """
    chosen(faults)
    found, group = models.get(session, model), cohorts.get(session, cohort)
    _refuse_without_input(found)
    manifest = cohorts.manifest(session, cohort)
    cohorts.refuse_short(session, manifest, cohort, float(found.card["preprocessing"]["window_s"]))
    config = StressConfig(
        store=str(home.store),
        cache=str(home.cache),
        model=models.source_of(home, found),
        labels=cohorts.chosen_labels(session, group, manifest, names),
        faults=tuple(faults),
        margin=margin,
        split_id=group.split_id,
        resamples=resamples,
        seed=seed,
    )
    return jobs.submit(session, home, config, f"{model} on {cohort}", manifest, cohort=cohort, model=model)


def _refuse_without_input(found: RegisteredModel) -> None:
    """Only a network can be shown other recordings than those it was scored on."""
    if found.source not in ("native", "random"):
        reason = f"a model of kind {found.source} takes no recordings that could be broken"
        raise UsageError(f"model {found.name}", reason, "Choose a network")
