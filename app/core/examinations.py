"""Asking for what an evaluation leaves open: how a model bears faults, how recordings differ. Each queues a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy.orm import Session

from app.core import cohorts, evaluations, jobs, models
from app.core.home import Home
from app.core.schema import RegisteredModel
from engine.contract.config import DriftConfig, EvaluationSettings, StressConfig
from engine.contract.drift import LOCAL, REFERENCE, GroupedBy
from engine.contract.errors import UsageError, WorldError
from engine.contract.run import ManifestRow
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
    mode: Literal["linear", "own"] = "linear",
    classes: Mapping[str, str] | None = None,
) -> str:
    """Queue a stress bench.

    Raises:
        UsageError: unknown model, cohort, label or fault, a model that takes no recordings, or one that has no
            answers, or no embedding, where the mode asks for them.
        WorldError: nothing to evaluate: no label has both classes.
    """
    chosen(faults)
    found, group = models.get(session, model), cohorts.get(session, cohort)
    _refuse_without_input(found)
    evaluations.refuse_own(found, EvaluationSettings(mode=mode, classes=dict(classes or {})))
    manifest = cohorts.manifest(session, cohort)
    evaluations.refuse_short(session, found, manifest, cohort)
    source, labels = models.source_of(home, found), cohorts.chosen_labels(session, group, manifest, names)
    if mode == "own":
        labels = evaluations.own_labels(source, labels, bool(names), classes or {})
    config = StressConfig(
        store=str(home.store),
        cache=str(home.cache),
        model=source,
        labels=labels,
        mode=mode,
        classes=dict(classes or {}),
        faults=tuple(faults),
        margin=margin,
        split_id=group.split_id,
        resamples=resamples,
        seed=seed,
    )
    return jobs.submit(session, home, config, f"{model} on {cohort}", manifest, cohort=cohort, model=model)


def drift(
    session: Session,
    home: Home,
    model: str,
    reference: str,
    cohort: str,
    names: Sequence[str],
    by: Sequence[GroupedBy] | None,
    seed: int,
) -> str:
    """Queue a comparison of a cohort's recordings with those of a reference. What is in both counts as local.

    Raises:
        UsageError: unknown model, cohort or label, one cohort named twice, or a model that takes no recordings.
        WorldError: no recording of the reference is left.
    """
    found = models.get(session, model)
    _refuse_without_input(found)
    if reference == cohort:
        raise UsageError(f"cohort {cohort}", "it cannot be held against itself", "Name another reference")
    local, known = cohorts.manifest(session, cohort), cohorts.manifest(session, reference)
    here = {row.record_id for row in local}
    apart = [row for row in known if row.record_id not in here]
    if not apart:
        raise WorldError(f"cohort {reference}", f"all its recordings are in '{cohort}', too", "Name another reference")
    people = cohorts.stand_ins([(row.record_id, row.patient) for row in (*apart, *local)])
    sides = [REFERENCE] * len(apart) + [LOCAL] * len(local)
    rows = [
        ManifestRow(row.record_id, person, side)
        for row, person, side in zip((*apart, *local), people, sides, strict=True)
    ]
    for members, name in ((local, cohort), (known, reference)):
        evaluations.refuse_short(session, found, members, name)
    config = DriftConfig(
        store=str(home.store),
        cache=str(home.cache),
        model=models.source_of(home, found),
        labels=cohorts.chosen_labels(session, cohorts.get(session, reference), apart, names) if names else (),
        seed=seed,
        **({} if by is None else {"by": tuple(by)}),
    )
    title = f"{cohort} against {reference}, seen by {model}"
    return jobs.submit(session, home, config, title, rows, cohort=cohort, model=model)


def _refuse_without_input(found: RegisteredModel) -> None:
    """Only a network can be shown other recordings than those it was scored on."""
    if found.source not in evaluations.EMBEDDERS:
        reason = f"a model of kind {found.source} takes no recordings that could be broken"
        raise UsageError(f"model {found.name}", reason, "Choose a network")
