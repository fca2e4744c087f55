"""Labels that a run may open: those of its own cohort, or of the cohort that a pretraining is probed on.

A probe scores the test part of a split, so it counts as an opening of it like any evaluation does.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import cohorts, jobs
from app.core.schema import Job, Record
from engine.contract.config import (
    AnyConfig,
    CompareConfig,
    DriftConfig,
    EvaluateConfig,
    PretrainConfig,
    ProbeConfig,
    StressConfig,
    StudyConfig,
    VersionConfig,
    VetConfig,
)
from engine.contract.errors import UsageError
from engine.contract.run import ManifestRow, RunFolder

MANIFEST = "probe.csv"
"""Recordings of the probe and their parts, beside the manifest of the pretraining; never a label."""


def settled(session: Session, probe: ProbeConfig, window_s: float) -> ProbeConfig:
    """The probe with its labels named and its way of scoring taken from the cohort's split.

    Raises:
        UsageError: no cohort is named, or an unknown cohort or label.
        WorldError: no label has both classes, or recordings are shorter than a crop.
    """
    if not probe.cohort:
        raise UsageError("probe", "it names no cohort", "Name a labelled cohort")
    group, members = cohorts.get(session, probe.cohort), cohorts.manifest(session, probe.cohort)
    cohorts.refuse_short(session, members, probe.cohort, window_s)
    labels = cohorts.chosen_labels(session, group, members, probe.labels)
    folds = any(row.split.startswith("fold-") for row in members)
    return probe.model_copy(update={"labels": labels, "folds": folds})


def size(session: Session, probe: ProbeConfig, window_s: float) -> dict[str, int]:
    """Recordings of a probe's cohort, and how many windows they have together, as an estimate asks for them."""
    ids = {row.record_id for row in cohorts.manifest(session, probe.cohort)}
    lengths = [s for record_id, s in session.execute(select(Record.record_id, Record.seconds)) if record_id in ids]
    return {"probe_recordings": len(ids), "probe_windows": sum(int(s // window_s) for s in lengths)}


def probe_of(config: AnyConfig) -> ProbeConfig | None:
    """The probe of a pretraining or of a study's runs."""
    if isinstance(config, PretrainConfig):
        return config.probe
    if isinstance(config, StudyConfig) and config.base.get("probe"):
        return ProbeConfig.model_validate(config.base["probe"])
    return None


def opened_by(job: Job) -> tuple[str, int] | None:
    """The cohort whose test part a job scores, and for how many models; None when it opens none."""
    if job.kind in ("evaluate", "stress"):
        return str(job.cohort), 1
    data = jobs.config_of(job)
    if job.kind == "vet":
        return (str(job.cohort), 1) if data["labels"] else None
    probe = (data.get("base") or data).get("probe") if job.kind in ("pretrain", "study") else None
    if not probe:
        return None
    return str(probe["cohort"]), math.prod(len(values) for values in data.get("axes", {}).values())


def write_labels(session: Session, config: AnyConfig, folder: RunFolder) -> None:
    """Write the labels that a run may see, if any, and which recordings its probe is of."""
    if isinstance(config, EvaluateConfig):
        cohorts.write_labels(session, folder.manifest(), [*config.labels, *config.targets], folder)
    elif isinstance(config, CompareConfig | StressConfig | DriftConfig | VersionConfig) or (
        isinstance(config, VetConfig) and config.labels
    ):
        cohorts.write_labels(session, folder.manifest(), config.labels, folder)
    elif (probe := probe_of(config)) is not None:
        members = cohorts.manifest(session, probe.cohort)
        _write_members(folder, members)
        cohorts.write_labels(session, members, probe.labels, folder)


def close_labels(folder: RunFolder) -> None:
    """Delete what was lent to a run that has ended by force: labels, key, and the labels of a study's own runs."""
    folder.labels_path.unlink(missing_ok=True)
    folder.key_path.unlink(missing_ok=True)
    for lent in folder.path.glob("runs/*/labels.npz"):
        if not RunFolder(lent.parent).lock.is_held():
            lent.unlink(missing_ok=True)


def overlap_note(session: Session, probe: ProbeConfig, corpus: Sequence[ManifestRow]) -> str:
    """What must be said when a probe's recordings are also pretrained on; empty when none is."""
    members = cohorts.manifest(session, probe.cohort)
    trained = {row.record_id for row in corpus if row.split == "train"}
    patient = {found.record_id: found.patient for found in session.execute(select(Record.record_id, Record.patient))}
    shared = sum(row.record_id in trained for row in members)
    patients = len({patient[row.record_id] for row in members} & {patient[record_id] for record_id in trained})
    if not patients:
        return ""
    whole = len({row.patient for row in members})
    what = f"{shared:,} of the {len(members):,} recordings" if shared else "other recordings"
    return (
        f"The probe's cohort '{probe.cohort}' shares {patients:,} of its {whole:,} patients with the pretraining "
        f"({what}, signals only, no labels): its probe figures are transductive and may be better than on new patients."
    )


def _write_members(folder: RunFolder, members: Sequence[ManifestRow]) -> None:
    draft = folder.path / f"{MANIFEST}.tmp"
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer: Any = csv.writer(file, lineterminator="\n")
        writer.writerow(["record_id", "patient", "split"])
        writer.writerows([row.record_id, row.patient, row.split] for row in members)
    draft.replace(folder.path / MANIFEST)
