"""Runs that leave the workspace: what goes out stands alone, and only what went out and is done comes back."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from core_cases import make_workspace, quick_copy, tiny_config, use_quick_engine

from app import cli
from app.core.engine_command import engine_command
from app.workspace import Workspace
from engine.contract.config import ProbeConfig, config_json
from engine.contract.errors import UsageError, WorldError
from engine.contract.run import RunFolder


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace, and beside it "cluster": a run that it exported, done on another machine under another path."""
    path = make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=24)
    with Workspace.open(path) as workspace, pytest.MonkeyPatch.context() as patch:
        use_quick_engine(patch, path.parent / "engine")
        workspace.create_cohort("folds", labels=["NORM"], folds=3)
        workspace.export_pretraining(tiny_config("away"), path.parent / "out", cohort="folds")
        shutil.move(path.parent / "out", path.parent / "cluster")
        run_there(path.parent / "cluster")
    return path


@pytest.fixture
def workspace(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        yield opened


@pytest.fixture
def there(template: Path, tmp_path: Path) -> Path:
    """The folder of J0002, done elsewhere."""
    return shutil.copytree(template.parent / "cluster", tmp_path / "cluster")


def run_there(folder: Path) -> None:
    subprocess.run([*engine_command(), "pretrain", str(folder)], check=True, capture_output=True, timeout=60)


def test_an_exported_run_waits_as_stopped_and_nothing_was_started(workspace: Workspace, tmp_path: Path) -> None:
    job = workspace.export_pretraining(tiny_config("away"), tmp_path / "out", store_as="/scratch/store")
    row = workspace.job(job)
    assert (row.state, row.message) == ("stopped", "exported, to be run elsewhere")
    assert row.next_step == "When it is done: isoline pretrain --adopt out"
    workspace.pump()
    assert workspace.job(job).state == "stopped"
    folder, here = RunFolder(tmp_path / "out"), RunFolder(workspace.path / "runs" / job)
    assert folder.config().store == "/scratch/store"
    assert folder.manifest() == here.manifest()
    assert folder.config() == here.config().model_copy(update={"store": "/scratch/store"})
    assert not folder.labels_path.exists()
    exported = next(row for row in workspace.audit() if row.action == "run exported")
    assert (exported.subject, exported.detail["labels"]) == (job, False)


def test_a_run_that_comes_back_done_is_a_job_as_any_other(workspace: Workspace, there: Path) -> None:
    job = "J0002"
    assert workspace.adopt_pretraining(there) == job
    row = workspace.job(job)
    assert (row.state, row.progress.done, row.cohort) == ("done", 10, "folds")
    assert next(series for series in workspace.metrics(job) if series.name == "loss").steps[-1] == 10
    card = workspace.model("away").card
    assert (card["lineage"]["run_id"], card["lineage"]["corpus"]) == (job, "local")
    assert card["lineage"]["records"] == len(RunFolder(there).manifest())
    assert (workspace.path / "runs" / job / "checkpoints" / "step-000010" / "weights.safetensors").exists()
    adopted = next(row for row in workspace.audit() if row.action == "run adopted")
    assert set(adopted.detail) == {"events_sha256", "results_sha256", "ranks", "device"}
    assert workspace.verify_audit().intact


def test_it_comes_back_once(workspace: Workspace, there: Path) -> None:
    workspace.adopt_pretraining(there)
    with pytest.raises(WorldError, match="it was taken back already, as J0002"):
        workspace.adopt_pretraining(there)
    assert [model.name for model in workspace.models()] == ["away"]


def test_the_labels_of_a_probe_go_along_are_counted_and_stay_until_the_run_is_done(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_HOLD", str(tmp_path / "go on"))
    config = tiny_config("away").model_copy(update={"probe": ProbeConfig(cohort="folds")})
    workspace.export_pretraining(config, tmp_path / "out")
    folder = RunFolder(tmp_path / "out")
    assert workspace.cohort("folds").openings == 1
    assert folder.labels_path.exists()
    process = subprocess.Popen([*engine_command(), "pretrain", str(folder.path)])
    while not folder.events_path.exists() or b'"metric"' not in folder.events_path.read_bytes():
        time.sleep(0.02)
    folder.ask_stop()
    assert process.wait(30) == 0
    assert folder.labels_path.exists()  # nobody there could open them again
    with pytest.raises(WorldError, match=r"it stopped: stopped as asked\. Submit its batch file again"):
        workspace.adopt_pretraining(folder.path)
    (tmp_path / "go on").touch()
    run_there(folder.path)
    assert not folder.labels_path.exists()
    workspace.adopt_pretraining(folder.path)
    assert not (workspace.path / "runs" / "J0003" / "labels.npz").exists()


def test_what_belongs_to_the_machine_may_be_changed_there_and_nothing_else(workspace: Workspace, there: Path) -> None:
    folder = RunFolder(there)
    honest = folder.config()
    folder.config_path.write_text(config_json(honest.model_copy(update={"learning_rate": 0.1})))
    with pytest.raises(WorldError, match=r"another config than was asked: learning_rate \(0\.1, asked 0\.003\)"):
        workspace.adopt_pretraining(there)
    folder.config_path.write_text(config_json(honest.model_copy(update={"ranks": 2, "loaders": 3, "store": "/x"})))
    workspace.adopt_pretraining(there)
    assert next(row for row in workspace.audit() if row.action == "run adopted").detail["ranks"] == 2


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda f: f.manifest_path.write_text(f.manifest_path.read_text().replace("train", "test", 1)), "recordings"),
        (lambda f: (f.path / "checkpoints/step-000010/weights.safetensors").write_bytes(b"others"), "not those its"),
        (lambda f: (f.path / "checkpoints/step-000010/weights.safetensors").unlink(), "missing or damaged"),
        (lambda f: f.results_path.write_text("{}"), "results or its weights are missing or damaged"),
        (lambda f: f.events_path.write_text("gibberish\n"), "its events are damaged"),
        (lambda f: f.events_path.write_text(""), "nobody has begun to work on it"),
        (lambda f: f.events_path.write_bytes(f.events_path.read_bytes().rsplit(b"\n", 2)[0] + b"\n"), "not finished"),
    ],
)
def test_what_is_not_the_exported_run_done_and_whole_is_refused_and_changes_nothing(
    workspace: Workspace, there: Path, tmp_path: Path, harm: object, told: str
) -> None:
    spare = shutil.copytree(there, tmp_path / "spare")
    harm(RunFolder(there))  # type: ignore[operator]
    with pytest.raises(WorldError, match=told):
        workspace.adopt_pretraining(there)
    assert workspace.job("J0002").state == "stopped"
    assert workspace.models() == []
    workspace.adopt_pretraining(spare)
    assert workspace.job("J0002").state == "done"


def test_a_run_of_another_workspace_and_a_folder_of_no_export_are_refused(workspace: Workspace, there: Path) -> None:
    told = json.loads((there / "export.json").read_text())
    (there / "export.json").write_text(json.dumps(told | {"workspace": "another"}))
    with pytest.raises(UsageError, match="it was exported from another workspace"):
        workspace.adopt_pretraining(there)
    (there / "export.json").unlink()
    with pytest.raises(UsageError, match="it does not say which workspace it is of"):
        workspace.adopt_pretraining(there)


def test_a_run_that_was_gone_on_with_here_is_not_overwritten(
    workspace: Workspace, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_HOLD", str(tmp_path / "go on"))
    workspace.resume("J0002")
    while workspace.job("J0002").progress.done < 1:
        workspace.pump()
        time.sleep(0.02)
    with pytest.raises(WorldError, match="J0002 was run here as well"):
        workspace.adopt_pretraining(there)
    workspace.stop("J0002")
    assert workspace.wait("J0002", timeout_s=30).state == "stopped"
    with pytest.raises(WorldError, match="J0002 was run here as well"):
        workspace.adopt_pretraining(there)


def test_a_folder_that_stands_there_is_left_alone_and_no_job_is_made(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(WorldError, match="run folder out: it exists already"):
        workspace.export_pretraining(tiny_config(), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    assert len(workspace.jobs()) == 2


def test_the_terminal_says_what_to_do_and_takes_the_run_back(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ward, out = str(workspace.path), str(tmp_path / "out")
    tiny = [*("--set", "backbone.width=8"), *("--set", "backbone.depth=1"), *("--set", "steps=10")]
    assert cli.main(["pretrain", "demo", "-w", ward, *tiny, "--set", "ranks=2", "--export", out]) == 0
    told = capsys.readouterr().out
    assert f"isoline-engine slurm {out} --nodes 1 --gpus 2 > job.sh && sbatch job.sh" in told
    assert f"isoline pretrain --adopt {out} -w {ward}" in told
    assert cli.main(["pretrain", "-w", ward, "--adopt", out]) == 1
    assert "nobody has begun to work on it" in capsys.readouterr().err
    run_there(tmp_path / "out")
    assert cli.main(["pretrain", "-w", ward, "--adopt", out]) == 0
    assert capsys.readouterr().out.startswith("J0003 is done.")
    assert cli.main(["pretrain", "-w", ward]) == 2
    assert cli.main(["pretrain", "demo", "-w", ward, "--adopt", out]) == 2
