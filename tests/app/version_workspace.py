"""A workspace with two versions of somebody's scores, evaluated and held against each other by the engine in place."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from core_cases import SAMPLES, make_workspace

from app.core import certificate, launch
from app.workspace import Workspace
from engine import lifecycle
from engine.contract.evaluation import EvaluationSettings

RECORDS = 24


def engine_in_place(patch: pytest.MonkeyPatch) -> None:
    """Let jobs be worked on in this very process, at once: no start of another one. One self-test serves for all."""
    patch.setattr(certificate, "certificate", cache(certificate.certificate))
    patch.setattr(lifecycle, "_interrupt_is_stop", lambda folder: None)
    patch.setattr(
        launch.Processes, "start", lambda self, home, job_id, kind: lifecycle.work(kind, home.run(job_id).path)
    )


def versions_of(workspace: Workspace, folder: Path) -> tuple[str, str]:
    """Register two versions as files of probabilities and evaluate them; gives back the evaluations' jobs."""
    with (SAMPLES / "labels.csv").open(encoding="utf-8") as file:
        norm = {row["record"]: int(row["NORM"]) for row in csv.DictReader(file) if row["NORM"]}
    names = [row.source_name for row in workspace.records()]
    rng = np.random.default_rng(0)
    drawn = {name: rng.standard_normal(2) for name in sorted(names)}
    workspace.create_cohort("main", labels=["NORM"], folds=2)
    jobs = []
    for version, gap in (("v1", 1.5), ("v2", 0.3)):
        file = folder / f"scores-{version}.csv"
        noise = 0 if version == "v1" else 1
        rows = [(name, 1 / (1 + np.exp(-(gap * (2 * norm[name] - 1) + drawn[name][noise])))) for name in sorted(names)]
        file.write_text("record,label,score\n" + "".join(f"{name},NORM,{score:.6f}\n" for name, score in rows))
        workspace.add_predictions(file, version, probabilities=True)
        settings = EvaluationSettings(resamples=100, subgroups=())
        job = workspace.evaluate(version, "main", settings=settings)
        assert workspace.wait(job, timeout_s=60).state == "done"
        jobs.append(job)
    return jobs[0], jobs[1]


def compared(folder: Path, patch: pytest.MonkeyPatch) -> tuple[Workspace, str]:
    """An open workspace, and the job of its finished version regression."""
    engine_in_place(patch)
    workspace = Workspace.open(make_workspace(folder / "ward7", count=RECORDS))
    old, new = versions_of(workspace, folder)
    job = workspace.compare_versions(old, new, resamples=100)
    assert workspace.wait(job, timeout_s=60).state == "done"
    return workspace, job
