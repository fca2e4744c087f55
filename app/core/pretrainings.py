"""Asking for training: a pretraining, an estimate of one, or a study of many.

Each function checks what is asked, chooses the recordings, and queues the job. All three read the recordings of a
cohort (of a held-out split only its training part), or all that are long enough for a crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import cohorts, jobs, parents, probes, studies
from app.core.home import Home
from app.core.schema import Record
from engine.contract.card import LEAK_NOTE
from engine.contract.config import EstimateConfig, PretrainConfig, StudyConfig, explain
from engine.contract.errors import UsageError, WorldError
from engine.contract.pretraining import too_few_records
from engine.contract.results import StudyRow
from engine.contract.run import ManifestRow
from engine.data.splits import holdout
from engine.study.grid import Cell, cells
from engine.study.subsets import Subsets, read_sizes

_OF_EACH_RUN = ("backbone", "objective", "rate_hz", "window_s", "batch_size", "accumulate", "ranks")
"""Fields of a study's base that must fit together in each of its runs."""


def pretrain(session: Session, home: Home, config: PretrainConfig, cohort: str | None, parent: str | None) -> str:
    """Queue a pretraining, fresh or from a registered model.

    Raises:
        UsageError: unknown cohort, parent or label.
        WorldError: too few recordings that are long enough, or a config that does not fit its parent.
    """
    config = _settled(session, home, config, parent)
    manifest = _manifest(session, cohort, config.window_s, config.validation_fraction, config.seed)
    _refuse_too_few(session, config, manifest)
    return jobs.submit(session, home, config, config.name, manifest, cohort=cohort, model=parent or None)


def estimate(session: Session, home: Home, config: PretrainConfig, cohort: str | None) -> str:
    """Queue the estimate of a pretraining's cost. No labels are opened for it: a probe is told by its size alone.

    Raises:
        UsageError: unknown cohort.
        WorldError: too few recordings that are long enough.
    """
    config = config.model_copy(update={"store": str(home.store), "parent": ""})
    size = {}
    if config.probe is not None:
        probe = probes.settled(session, config.probe, config.window_s)
        config, size = config.model_copy(update={"probe": probe}), probes.size(session, probe, config.window_s)
    manifest = _manifest(session, cohort, config.window_s, config.validation_fraction, config.seed)
    return jobs.submit(session, home, EstimateConfig(pretrain=config, **size), config.name, manifest, cohort=cohort)


def study(session: Session, home: Home, config: StudyConfig, cohort: str | None) -> str:
    """Queue a study: one manifest, of which its runs train on parts.

    Raises:
        UsageError: unknown cohort, parent or label.
        WorldError: an axis that no pretraining has, no run that can work, or too few recordings.
    """
    config, manifest, _runs = _planned(session, home, config, cohort)
    return jobs.submit(session, home, config, config.name, manifest, cohort=cohort)


def estimate_study(session: Session, home: Home, config: StudyConfig, cohort: str | None) -> str:
    """Queue the estimate of a study's largest run: the one with most steps, crops and features.

    Raises:
        UsageError: unknown cohort, parent or label.
        WorldError: an axis that no pretraining has, no run that can work, or too few recordings.
    """
    _config, manifest, runs = _planned(session, home, config, cohort)
    able = [run.config for run in runs if run.config is not None]
    largest = max(able, key=lambda one: one.steps * one.batch_size * one.samples * one.backbone.width**2)
    largest = largest.model_copy(update={"parent": ""})
    size = {} if largest.probe is None else probes.size(session, largest.probe, largest.window_s)
    asked = EstimateConfig(pretrain=largest, **size)
    return jobs.submit(session, home, asked, config.name, manifest, cohort=cohort)


def preview(session: Session, home: Home, config: StudyConfig, cohort: str | None) -> list[StudyRow]:
    """The runs that a study would have, those that cannot work with the reason; nothing is queued.

    Raises:
        UsageError: unknown cohort, parent or label.
        WorldError: an axis that no pretraining has, no run that can work, or too few recordings.
    """
    _config, _manifest_rows, runs = _planned(session, home, config, cohort)
    return [
        StudyRow(
            number=run.number,
            name=run.name,
            values=dict(run.values),
            state="waiting" if run.config is not None else "refused",
            metrics={} if run.config is None else {"steps": float(run.config.steps)},
            message=run.refusal,
        )
        for run in runs
    ]


def _planned(
    session: Session, home: Home, config: StudyConfig, cohort: str | None
) -> tuple[StudyConfig, list[ManifestRow], list[Cell]]:
    """A study as it will run, the recordings it reads, and its runs."""
    base = _read_base(config)
    config = config.model_copy(update={"store": str(home.store), "base": _settled_base(session, home, config)})
    manifest = _manifest(session, cohort, _longest_window(config), base.validation_fraction, base.seed)
    sizes = read_sizes(config.axes.get("records", ()), config.name)
    corpora = studies.corpora(session, manifest) if studies.CORPUS in config.axes else {}
    runs = cells(config, Subsets(manifest, sizes, config.layout, config.subset_seed, corpora))
    return config, manifest, runs


def notes(session: Session, home: Home, config: PretrainConfig, cohort: str | None) -> list[str]:
    """What should be known before a pretraining is started: leaks, and patients that its probe shares with it.

    Raises:
        UsageError: unknown cohort.
        WorldError: too few recordings that are long enough.
    """
    told = [f"The model {LEAK_NOTE}"] * config.leaks + config.cautions
    if config.probe is not None and config.probe.cohort:
        manifest = _manifest(session, cohort, config.window_s, config.validation_fraction, config.seed)
        shared = probes.overlap_note(session, config.probe, manifest)
        told += [shared] if shared else []
    return told


def _refuse_too_few(session: Session, config: PretrainConfig, manifest: Sequence[ManifestRow]) -> None:
    """Before anything is queued. The engine leaves out what is slower than the model's rate, so it does not count."""
    fast = set(session.scalars(select(Record.record_id).where(Record.rate_hz >= config.rate_hz)))
    usable = sum(row.split == "train" and row.record_id in fast for row in manifest)
    if usable < config.batch_size:
        raise too_few_records(usable, config.batch_size)


def _settled(session: Session, home: Home, config: PretrainConfig, parent: str | None) -> PretrainConfig:
    """The config as it will run: this store, the parent's checkpoint, the probe's labels."""
    if config.parent:
        raise UsageError("pretraining", "a parent is named as a model of the workspace", "Register it, then name it")
    config = config.model_copy(update={"store": str(home.store)})
    if parent:
        config = parents.going_on(session, home, config, parent)
    if config.probe is not None:
        config = config.model_copy(update={"probe": probes.settled(session, config.probe, config.window_s)})
    return config


def _read_base(config: StudyConfig) -> PretrainConfig:
    """What a study's base says of the recordings. Whether its runs can work is asked of each run, not here."""
    asked = {name: value for name, value in config.base.items() if name not in _OF_EACH_RUN}
    try:
        return PretrainConfig.model_validate(asked)
    except ValidationError as error:
        raise UsageError(f"study {config.name}", f"base.{explain(error)}", "Correct the study's base") from None


def _settled_base(session: Session, home: Home, config: StudyConfig) -> dict[str, Any]:
    """The base of a study with its probe's labels, and with the checkpoint of a parent that is named by its model."""
    base = dict(config.base)
    if (probe := probes.probe_of(config)) is not None:
        base["probe"] = probes.settled(session, probe, _longest_window(config)).model_dump(mode="json")
    if base.get("parent"):
        base["parent"] = str(_parent_of_runs(session, home, config, str(base["parent"])))
    return base


def _parent_of_runs(session: Session, home: Home, config: StudyConfig, name: str) -> Path:
    """The checkpoint that the runs of a study go on from, if their base is as the parent is. Axes are asked later."""
    fixed = [field for field in parents.SETTLED if not any(axis.split(".")[0] == field for axis in config.axes)]
    asked = {field: config.base.get(field, PretrainConfig.model_fields[field].default) for field in fixed}
    if "backbone" in asked:
        try:
            asked["backbone"] = parents.whole_backbone(config.base.get("backbone", {"name": "s4"}))
        except ValidationError as error:
            raise UsageError(f"study {config.name}", f"base.backbone: {explain(error)}", "Correct it") from None
    return parents.fitting_checkpoint(session, home, asked, name)


def _longest_window(config: StudyConfig) -> float:
    """All runs of a study read the same recordings, so these must be long enough for its longest crop."""
    default = PretrainConfig.model_fields["window_s"].default
    return float(max(config.axes.get("window_s", (config.base.get("window_s", default),)), key=float))


def _manifest(
    session: Session, cohort: str | None, window_s: float, validation_fraction: float, seed: int
) -> list[ManifestRow]:
    """The recordings to train on, with a share of the patients held out to watch the loss."""
    found = _records(session, cohort, window_s)
    people = cohorts.stand_ins(found)
    if len(set(people)) < 2:
        there = "none is that long" if not found else "those that are so long are of one"
        raise WorldError(
            "pretraining",
            f"it needs recordings of two patients or more, each of {window_s:g} s at least, and {there}",
            "Set a shorter window_s, choose another cohort, or import more recordings",
        )
    held = np.zeros(len(found), dtype=bool)
    if validation_fraction > 0:
        held = holdout(people, validation_fraction, seed)
    return [
        ManifestRow(record_id, person, "validation" if out else "train")
        for (record_id, _), person, out in zip(found, people, held, strict=True)
    ]


def _records(session: Session, cohort: str | None, window_s: float) -> list[tuple[str, str]]:
    """Id and patient of each recording that can be read, by id; columns only, since there may be many."""
    query = select(Record.record_id, Record.patient).where(Record.seconds >= window_s, Record.quality != "unusable")
    found = [(record_id, patient) for record_id, patient in session.execute(query.order_by(Record.record_id))]
    if cohort is not None:
        kept = {row.record_id for row in cohorts.manifest(session, cohort) if row.split != "test"}
        found = [(record_id, patient) for record_id, patient in found if record_id in kept]
    return found
