"""Training with the real engine, tiny: a probe, a continuation, an estimate, a study that is killed and resumed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from core_cases import make_workspace

from app.core.engine_command import engine_command
from app.workspace import Workspace
from engine.contract.card import DERIVED_STAMP
from engine.contract.config import CPCConfig, PretrainConfig, ProbeConfig, S4Config, StudyConfig
from engine.contract.events import Started
from engine.contract.results import EstimateResults, PretrainResults, StudyResults

pytestmark = pytest.mark.slow

PATIENCE_S = 300


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    path = make_workspace(tmp_path_factory.mktemp("training") / "ward", count=40)
    with Workspace.open(path) as opened:
        opened.create_cohort("reference", labels=["NORM"], folds=3)
        yield opened
    if before is None:
        del os.environ["OMP_NUM_THREADS"]
    else:
        os.environ["OMP_NUM_THREADS"] = before


def tiny(name: str, **changes: object) -> PretrainConfig:
    config = PretrainConfig(
        name=name,
        backbone=S4Config(width=16, depth=2),
        objective=CPCConfig(negatives=16),
        batch_size=8,
        steps=20,
        evaluate_every=10,
        checkpoint_every=10,
        threads=1,
        device="cpu",
        probe=ProbeConfig(cohort="reference", every=10),
    )
    return config.model_copy(update=changes)


@pytest.fixture(scope="module")
def first(workspace: Workspace) -> str:
    job = workspace.pretrain(tiny("first"))
    row = workspace.wait(job, timeout_s=PATIENCE_S)
    assert row.state == "done", (row, workspace.job_detail(job).console_tail)
    return job


def test_a_probed_pretraining_leaves_curves_points_and_no_labels(workspace: Workspace, first: str) -> None:
    found = workspace.results(first)
    assert isinstance(found, PretrainResults)
    assert [point.step for point in found.probes] == [0, 10, 20]
    series = {curve.name: curve for curve in workspace.metrics(first)}
    assert series["probe_macro"].steps == (0, 10, 20)
    assert series["probe_macro"].values[-1] == pytest.approx(found.probes[-1].macro.value)
    assert {"loss", "validation_loss", "trivial_loss", "learning_rate"} <= series.keys()
    assert not (workspace.path / "runs" / first / "labels.npz").exists()
    assert any("transductive" in note for note in workspace.model("first").card["notes"])


def test_what_goes_on_from_a_model_is_stamped_and_tells_what_it_forgot(workspace: Workspace, first: str) -> None:
    job = workspace.pretrain(tiny("second", seed=1), parent="first")
    row = workspace.wait(job, timeout_s=PATIENCE_S)
    assert row.state == "done", workspace.job_detail(job).console_tail
    found, model = workspace.results(job), workspace.model("second")
    assert isinstance(found, PretrainResults)
    assert [change.label for change in found.forgetting] == ["macro", "NORM"]
    assert model.card["stamp"] == DERIVED_STAMP
    assert model.card["lineage"]["parent_sha256"] == workspace.model("first").sha256
    assert model.marks == (f"{DERIVED_STAMP} (from first)",)
    before = found.probes[0].macro.value
    after = workspace.results(first)
    assert isinstance(after, PretrainResults)
    assert before == pytest.approx(after.probes[-1].macro.value)


def test_an_estimate_tells_time_memory_and_disk(workspace: Workspace) -> None:
    job = workspace.estimate(tiny("costly", steps=100_000))
    assert workspace.wait(job, timeout_s=PATIENCE_S).state == "done", workspace.job_detail(job).console_tail
    found = workspace.results(job)
    assert isinstance(found, EstimateResults)
    assert found.fits
    assert found.steps == 100_000
    assert found.seconds is not None
    assert found.seconds_per_step is not None
    assert found.seconds > 50_000 * found.seconds_per_step
    assert found.disk_bytes > 0


def test_a_study_that_was_killed_is_resumed_and_its_figures_are_exported(workspace: Workspace, tmp_path: Path) -> None:
    base = tiny("x").model_dump(
        mode="json", include={"backbone", "objective", "batch_size", "steps", "threads", "device"}
    )
    config = StudyConfig(name="grid", base={**base, "steps": 4}, axes={"records": (16, 0), "seed": (0, 1)})
    job = workspace.study(config)
    kill_after(workspace, job, done=1)
    assert workspace.wait(job, timeout_s=PATIENCE_S).state == "interrupted"
    workspace.resume(job)
    row = workspace.wait(job, timeout_s=PATIENCE_S)
    assert row.state == "done", workspace.job_detail(job).console_tail
    found = workspace.results(job)
    assert isinstance(found, StudyResults)
    assert [(one.number, one.state) for one in found.rows] == [(n, "done") for n in range(1, 5)]
    assert workspace.study_rows(job) == found.rows
    names = {path.name for path in workspace.export_study(job, tmp_path / "figures")}
    assert {"study.csv", "held-out-loss.svg", "loss-by-records.svg"} <= names
    kept = workspace.keep_study_model(job, 3, "of the study")
    assert kept.sha256 == workspace.model("of the study").sha256


def kill_after(workspace: Workspace, job: str, done: int) -> None:
    """Kill the study's process once so many of its runs have ended."""
    limit = time.monotonic() + PATIENCE_S
    while workspace.job(job).progress.done < done:
        assert time.monotonic() < limit, workspace.job(job)
        assert workspace.job(job).active, workspace.job_detail(job).console_tail
        workspace.pump()
        time.sleep(0.05)
    pid = next(event.pid for event in workspace.events(job) if isinstance(event, Started))
    os.kill(pid, signal.SIGKILL)


def test_a_run_that_is_done_elsewhere_ends_as_one_that_was_done_here(
    workspace: Workspace, first: str, tmp_path: Path
) -> None:
    """There the store has another path, told relative to the run folder, and the workspace's own cannot be seen."""
    away = workspace.export_pretraining(tiny("first"), tmp_path / "out", store_as="../store")
    there = tmp_path / "scratch"
    there.mkdir()
    shutil.move(tmp_path / "out", there / "run")
    shutil.copytree(workspace.path / "store", there / "store")
    shutil.copytree(workspace.path / "store", tmp_path / "kept")
    shutil.rmtree(workspace.path / "store")
    try:
        command = [*engine_command(), "pretrain", str(there / "run")]
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S, cwd=tmp_path)
    finally:
        shutil.move(tmp_path / "kept", workspace.path / "store")
    assert workspace.adopt_pretraining(there / "run") == away
    here, back = workspace.results(first), workspace.results(away)
    assert isinstance(here, PretrainResults)
    assert isinstance(back, PretrainResults)
    assert (back.weights_sha256, back.final, back.probes) == (here.weights_sha256, here.final, here.probes)
    assert workspace.model("first 2").sha256 == workspace.model("first").sha256
