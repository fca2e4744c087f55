import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from core_cases import event_lines, make_workspace, quick_copy, tiny_config

from app.core import launch
from app.core.changes import Changes
from app.workspace import Workspace
from engine.contract.config import S4Config
from engine.contract.errors import UsageError, WorldError
from engine.contract.results import PretrainResults
from engine.contract.run import RunFolder


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=4)


@pytest.fixture
def workspace(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        yield opened


def slow(monkeypatch: pytest.MonkeyPatch, pause: float = 0.05) -> None:
    monkeypatch.setenv("FAKE_PAUSE", str(pause))


def hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let every run wait after its first step until the file stands that this names."""
    monkeypatch.setenv("FAKE_HOLD", str(tmp_path / "go on"))
    return tmp_path / "go on"


def wait_for(workspace: Workspace, job_id: str, step: int) -> None:
    limit = time.monotonic() + 30
    while workspace.job(job_id).progress.done < step:
        assert time.monotonic() < limit, workspace.job(job_id)
        workspace.pump()
        time.sleep(0.02)


def actions(workspace: Workspace, job_id: str) -> list[str]:
    return [row.action for row in reversed(workspace.audit()) if row.subject == job_id]


def test_a_moved_workspace_still_works(workspace: Workspace) -> None:
    assert workspace.record_count() == 4
    job = workspace.pretrain(tiny_config())
    assert workspace.wait(job, timeout_s=30).state == "done"


def test_a_job_goes_from_queued_through_running_to_done(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config())
    assert workspace.job(job).state == "queued"
    assert workspace.pump() & Changes.JOBS
    assert workspace.job(job).state == "running"
    seen: list[int] = []
    row = workspace.wait(job, lambda r: seen.append(r.progress.done), timeout_s=30)
    assert (row.state, row.progress.done, row.progress.total, row.message) == ("done", 10, 10, "")
    assert seen == sorted(seen)
    assert actions(workspace, job) == ["run queued", "run started", "run ended"]
    assert workspace.verify_audit().intact


def test_everything_a_run_said_is_in_the_database_once_and_in_order(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config())
    workspace.wait(job, timeout_s=30)
    told = [event.model_dump(mode="json") for event in workspace.events(job)]
    assert told == event_lines(workspace, job)
    assert [event.seq for event in workspace.events(job, after_seq=4, limit=3)] == [5, 6, 7]


def test_the_database_alone_answers_when_the_run_folder_is_gone(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config())
    workspace.wait(job, timeout_s=30)
    results_text = (workspace.path / "runs" / job / "results.json").read_text(encoding="utf-8")
    shutil.rmtree(workspace.path / "runs")
    detail = workspace.job_detail(job)
    assert detail.results == json.loads(results_text)
    assert detail.config["steps"] == 10
    assert detail.config["store"] == "store"
    assert detail.console_tail == "working on tiny\n"
    assert detail.checkpoints == ("step-000010",)
    assert detail.versions["isoline"]
    assert detail.events == len(workspace.events(job))
    series = {curve.name: curve for curve in workspace.metrics(job)}
    assert series["loss"].values == tuple(1.0 / step for step in range(1, 11))
    assert series["odd"].values[:3] == (1.0, None, 3.0)
    assert isinstance(workspace.results(job), PretrainResults)


def test_one_job_runs_at_a_time_and_the_next_follows_in_order(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = hold(monkeypatch, tmp_path)
    first, second = workspace.pretrain(tiny_config("first")), workspace.pretrain(tiny_config("second"))
    workspace.pump()
    workspace.pump()
    assert (workspace.job(first).state, workspace.job(second).state) == ("running", "queued")
    go_on.touch()
    assert workspace.wait(second, timeout_s=30).state == "done"
    assert workspace.job(first).state == "done"


def test_an_error_of_the_world_is_told_with_its_next_step(workspace: Workspace) -> None:
    row = workspace.wait(workspace.pretrain(tiny_config("refuses")), timeout_s=30)
    assert (row.state, row.message, row.next_step) == ("failed", "disk: it is full", "Free some space")
    assert workspace.job_detail(row.job_id).warnings == ("a warning",)
    assert workspace.results(row.job_id) is None


def test_a_bug_is_told_without_what_it_may_quote(workspace: Workspace) -> None:
    row = workspace.wait(workspace.pretrain(tiny_config("bug")), timeout_s=30)
    assert row.state == "failed"
    assert "ValueError" in row.message
    detail = workspace.job_detail(row.job_id)
    assert "secret name" not in row.message + detail.console_tail + str(workspace.events(row.job_id))


def test_a_run_that_was_killed_is_interrupted_and_goes_on_where_it_was(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config("dies"))
    assert workspace.wait(job, timeout_s=30).state == "interrupted"
    assert workspace.job(job).resumable
    workspace.resume(job)
    assert workspace.wait(job, timeout_s=30).state == "done"
    series = {curve.name: curve for curve in workspace.metrics(job)}
    assert series["loss"].steps == tuple(range(1, 11))
    assert [e["seq"] for e in event_lines(workspace, job)] == [e.seq for e in workspace.events(job)]
    assert actions(workspace, job).count("run resumed") == 1


def test_an_engine_that_could_not_write_why_it_ended_is_told_with_its_exit_code(workspace: Workspace) -> None:
    row = workspace.wait(workspace.pretrain(tiny_config("cannot write")), timeout_s=30)
    assert (row.state, row.resumable) == ("interrupted", True)
    assert "exit code 1" in row.message
    assert "disk" in row.next_step


def test_a_run_that_dies_before_its_first_metric_is_found_without_waiting_for_the_grace(workspace: Workspace) -> None:
    began = time.monotonic()
    assert workspace.wait(workspace.pretrain(tiny_config("says nothing")), timeout_s=25).state == "interrupted"
    assert time.monotonic() - began < launch.GRACE_S


def test_an_engine_that_cannot_be_started_fails_the_job(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOLINE_ENGINE", "/nowhere/isoline-engine")
    row = workspace.wait(workspace.pretrain(tiny_config()), timeout_s=10)
    assert row.state == "failed"
    assert "cannot be started" in row.message


def test_an_engine_that_ends_before_its_work_fails_the_job(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOLINE_ENGINE", f'"{sys.executable}" -c "import sys; print(1234); sys.exit(2)"')
    row = workspace.wait(workspace.pretrain(tiny_config()), timeout_s=10)
    assert row.state == "failed"
    assert "exit code 2" in row.message
    assert workspace.job_detail(row.job_id).console_tail == "1234\n"


def test_a_waiting_job_stops_at_once_and_can_be_resumed(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config())
    workspace.stop(job)
    assert workspace.job(job).state == "stopped"
    assert workspace.pump() == Changes.NOTHING
    workspace.resume(job)
    assert workspace.wait(job, timeout_s=30).state == "done"


def test_a_running_job_stops_at_its_next_safe_point(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch)
    job = workspace.pretrain(tiny_config(steps=1000))
    wait_for(workspace, job, 2)
    workspace.stop(job)
    assert workspace.wait(job, timeout_s=30).state == "stopped"
    monkeypatch.setenv("FAKE_PAUSE", "0")
    workspace.resume(job)
    assert workspace.wait(job, timeout_s=60).state == "done"
    assert {len(curve.steps) for curve in workspace.metrics(job)} == {1000}


def test_a_wish_to_stop_that_comes_while_the_engine_starts_is_not_lost(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch)
    job = workspace.pretrain(tiny_config(steps=1000))
    workspace.pump()
    workspace.stop(job)
    assert workspace.wait(job, timeout_s=30).state == "stopped"


def test_a_run_that_does_not_heed_the_wish_is_ended(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch, 600)
    monkeypatch.setattr(launch, "STOP_GRACE_S", 0.3)
    job = workspace.pretrain(tiny_config("deaf"))
    wait_for(workspace, job, 1)
    workspace.stop(job)
    row = workspace.wait(job, timeout_s=30)
    assert row.state == "interrupted"
    assert "by force" in row.message


def test_asking_for_the_impossible_is_refused(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config())
    with pytest.raises(UsageError, match="it is queued"):
        workspace.resume(job)
    workspace.wait(job, timeout_s=30)
    with pytest.raises(UsageError, match="it is done"):
        workspace.stop(job)
    with pytest.raises(UsageError, match="J0099"):
        workspace.job("J0099")
    workspace.stop(again := workspace.pretrain(tiny_config()))
    shutil.rmtree(workspace.path / "runs" / again)
    with pytest.raises(WorldError, match="folder is gone"):
        workspace.resume(again)


def test_a_job_goes_on_when_the_window_closes_and_the_next_window_finds_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(monkeypatch, 0.03)
    job = workspace.pretrain(tiny_config(steps=40))
    wait_for(workspace, job, 2)
    workspace.close()
    with Workspace.open(workspace.path) as again:
        assert again.wait(job, timeout_s=30).state == "done"
        assert [e["seq"] for e in event_lines(again, job)] == [e.seq for e in again.events(job)]


def test_a_run_that_somebody_resumed_in_a_terminal_is_taken_up_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workspace.pretrain(tiny_config("dies"))
    workspace.wait(job, timeout_s=30)
    command = os.environ["ISOLINE_ENGINE"].replace('"', "").split(" ")
    subprocess.run([*command, "pretrain", str(workspace.path / "runs" / job)], check=True, capture_output=True)
    workspace.pump()
    assert workspace.job(job).state == "done"
    assert [model.job_id for model in workspace.models()] == [job]


def test_an_engine_that_takes_longer_to_start_than_the_grace_is_not_declared_dead(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "GRACE_S", 0.0)
    assert workspace.wait(workspace.pretrain(tiny_config()), timeout_s=120).state == "done"


def test_a_claimed_job_whose_program_died_is_interrupted_after_the_grace(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workspace.pretrain(tiny_config())
    monkeypatch.setattr(launch.Processes, "start", lambda *_: None)
    workspace.pump()
    workspace.pump()
    assert workspace.job(job).state == "running"
    monkeypatch.setattr(launch, "GRACE_S", 0.0)
    workspace.pump()
    assert workspace.job(job).state == "interrupted"


def test_a_job_whose_lock_is_held_elsewhere_is_not_declared_dead(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workspace.pretrain(tiny_config())
    monkeypatch.setattr(launch.Processes, "start", lambda *_: None)
    monkeypatch.setattr(launch, "GRACE_S", 0.0)
    workspace.pump()
    hold = f"from engine.contract.run import RunFolder; from pathlib import Path; import time; \
lock = RunFolder(Path(r'{workspace.path / 'runs' / job}')).lock; lock.acquire(); print('held', flush=True); \
time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        workspace.pump()
        assert workspace.job(job).state == "running"
        holder.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        holder.wait()
    workspace.pump()
    assert workspace.job(job).state == "interrupted"


def test_events_lost_in_a_power_cut_do_not_hide_what_is_said_later(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config("dies"))
    workspace.wait(job, timeout_s=30)
    before = len(workspace.events(job))
    path = workspace.path / "runs" / job / "events.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:6]))
    workspace.resume(job)
    assert workspace.wait(job, timeout_s=30).state == "done"
    events = workspace.events(job)
    assert [event.seq for event in events] == list(range(len(events)))
    assert len(events) == before + len(event_lines(workspace, job)) - 6
    assert {len(curve.steps) for curve in workspace.metrics(job)} == {10}


def test_a_damaged_event_file_fails_its_job_and_nothing_else(workspace: Workspace) -> None:
    job = workspace.pretrain(tiny_config("dies"))
    workspace.wait(job, timeout_s=30)
    with (workspace.path / "runs" / job / "events.jsonl").open("ab") as file:
        file.write(b"\x00\x00\x00\n")
    workspace.pump()
    assert workspace.job(job).state == "failed"
    assert workspace.wait(workspace.pretrain(tiny_config()), timeout_s=30).state == "done"


def test_damaged_results_fail_the_job(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch, 0.02)
    job = workspace.pretrain(tiny_config())
    workspace.pump()
    folder = RunFolder(workspace.path / "runs" / job)
    limit = time.monotonic() + 30
    while not folder.results_path.exists() or folder.lock.is_held():
        assert time.monotonic() < limit
        time.sleep(0.05)
    folder.results_path.write_text("{", encoding="utf-8")
    row = workspace.wait(job, timeout_s=30)
    assert row.state == "failed"
    assert "results are missing or damaged" in row.message
    assert workspace.models() == []


def test_a_submit_that_died_half_way_leaves_nothing_in_the_way(workspace: Workspace) -> None:
    left = workspace.path / "runs" / "J0002"
    left.mkdir()
    (left / "config.json").write_text("half", encoding="utf-8")
    assert workspace.pretrain(tiny_config()) == "J0002"
    assert workspace.wait("J0002", timeout_s=30).state == "done"


def test_pretraining_divides_patients_and_keeps_test_parts_out(workspace: Workspace) -> None:
    workspace.create_cohort("held", folds=None, holdout=0.25)
    job = workspace.pretrain(tiny_config(), cohort="held")
    rows = RunFolder(workspace.path / "runs" / job).manifest()
    test = {row.record_id for row in workspace.cohort_members("held") if row.split == "test"}
    assert test
    assert not test & {row.record_id for row in rows}
    assert {row.split for row in rows} == {"train", "validation"}
    with pytest.raises(UsageError, match="cohort nowhere"):
        workspace.pretrain(tiny_config(), cohort="nowhere")
    with pytest.raises(WorldError, match="two patients"):
        workspace.pretrain(tiny_config().model_copy(update={"window_s": 60.0}))


def test_embedding_asks_for_a_model_with_layers(workspace: Workspace) -> None:
    workspace.create_cohort("all", folds=2)
    workspace.add_random_model("random S4", S4Config(width=8, depth=1))
    workspace.add_baseline()
    assert workspace.wait(workspace.embed("random S4", "all"), timeout_s=30).state == "done"
    with pytest.raises(UsageError, match="no embedding"):
        workspace.embed("age + sex", "all")
    kept = workspace.embed("random S4", "all", ["frozen"])
    assert '"frozen"' in RunFolder(workspace.path / "runs" / kept).config_path.read_text(encoding="utf-8")


def test_waiting_gives_up_but_the_job_goes_on(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = hold(monkeypatch, tmp_path)
    job = workspace.pretrain(tiny_config())
    with pytest.raises(WorldError, match="has not ended within"):
        workspace.wait(job, timeout_s=0.2)
    go_on.touch()
    assert workspace.wait(job, timeout_s=30).state == "done"


def test_a_disk_that_is_full_when_a_run_is_asked_for_leaves_no_job(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = [row.job_id for row in workspace.jobs()]
    with monkeypatch.context() as disk:
        disk.setattr(RunFolder, "_write_manifest", full)
        with pytest.raises(WorldError, match="No space left"):
            workspace.pretrain(tiny_config())
    assert [row.job_id for row in workspace.jobs()] == before
    assert sorted(path.name for path in (workspace.path / "runs").iterdir()) == before
    assert workspace.wait(workspace.pretrain(tiny_config()), timeout_s=30).state == "done"


def test_labels_that_were_opened_for_a_run_do_not_outlive_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.create_cohort("all", folds=2)
    workspace.add_baseline()
    monkeypatch.setattr(launch.Processes, "start", lambda *_: None)
    job = workspace.evaluate("age + sex", "all", labels=["NORM"])
    labels = workspace.path / "runs" / job / "labels.npz"
    workspace.pump()
    assert labels.exists()
    monkeypatch.setattr(launch, "GRACE_S", 0.0)
    workspace.pump()
    assert workspace.job(job).state == "interrupted"
    assert not labels.exists()
