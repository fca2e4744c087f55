import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from core_cases import SAMPLES, event_lines, make_workspace, quick_copy, tiny_config

from app.core import ingest, launch
from app.core.pump import beat
from app.workspace import Workspace
from engine.contract.events import EventWriter, Finished, Metric, Progress, Started
from engine.contract.run import RunFolder

PUMP = """
import sys
from pathlib import Path
from app.workspace import Workspace
with Workspace.open(Path(sys.argv[1])) as workspace:
    print("ready", flush=True)
    while True:
        workspace.pump()
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("template") / "workspace", count=4)


@pytest.fixture
def workspace(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with quick_copy(template, tmp_path, monkeypatch) as opened:
        yield opened


def claimed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> tuple[str, RunFolder]:
    """A job that counts as running while the test writes its events itself."""
    monkeypatch.setattr(launch.Processes, "start", lambda *_: None)
    job = workspace.pretrain(tiny_config())
    workspace.pump()
    assert workspace.job(job).state == "running"
    return job, RunFolder(workspace.path / "runs" / job)


def pump_elsewhere(workspace: Workspace) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PUMP, str(workspace.path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def assert_nothing_lost_nothing_twice(workspace: Workspace, job: str, steps: int) -> None:
    lines = event_lines(workspace, job)
    events = workspace.events(job, limit=10**6)
    assert [event.seq for event in events] == list(range(len(lines)))
    assert [event.model_dump(mode="json") for event in events] == lines
    assert workspace.job_detail(job).events == len(lines)
    assert {len(curve.steps) for curve in workspace.metrics(job)} == {steps}


def test_a_line_that_is_not_whole_waits_for_its_end(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    job, folder = claimed(workspace, monkeypatch)
    with folder.lock:
        writer = EventWriter(folder.events_path)
        writer.emit(Started(kind="pretrain", host="h", pid=1))
        writer.emit(Metric(step=1, values={"loss": 1.0}))
        writer.close()
        whole = folder.events_path.read_bytes()
        for cut in (1, len(whole) // 2, len(whole) - 1):
            folder.events_path.write_bytes(whole[:cut])
            workspace.pump()
        folder.events_path.write_bytes(whole)
        workspace.pump()
        assert [event.type for event in workspace.events(job)] == ["started", "metric"]


def test_a_long_file_is_taken_in_in_blocks(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    job, folder = claimed(workspace, monkeypatch)
    monkeypatch.setattr(ingest, "BLOCK", 1000)
    with folder.lock:
        writer = EventWriter(folder.events_path)
        for step in range(1, 101):
            writer.emit(Metric(step=step, values={"loss": 1.0 / step}))
        writer.close()
        workspace.pump()
    assert_nothing_lost_nothing_twice(workspace, job, 100)


def test_an_error_in_the_middle_of_a_block_takes_in_nothing_of_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, folder = claimed(workspace, monkeypatch)
    with folder.lock:
        writer = EventWriter(folder.events_path)
        writer.emit(Metric(step=1, values={"loss": 1.0}))
        writer.emit(Progress(done=1, total=2, unit="steps"))
        writer.close()

        def fail(*_: object) -> None:
            raise RuntimeError

        with monkeypatch.context() as broken:
            broken.setitem(ingest._ACTS, "progress", fail)
            with pytest.raises(RuntimeError):
                workspace.pump()
        assert workspace.events(job) == []
        assert workspace.metrics(job) == []
        workspace.pump()
        assert_nothing_lost_nothing_twice(workspace, job, 1)


def test_two_programs_that_pump_one_workspace_count_nothing_twice(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, folder = claimed(workspace, monkeypatch)
    with folder.lock:
        writer = EventWriter(folder.events_path)
        writer.emit(Started(kind="pretrain", host="h", pid=1))
        with pump_elsewhere(workspace) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
            for step in range(1, 301):
                writer.emit(Metric(step=step, values={"loss": 1.0 / step}))
                if step % 10 == 0:
                    beat(workspace._home, workspace._processes)
            writer.emit(Finished(outcome="stopped"))
            other.kill()
        writer.close()
        workspace.pump()
    assert workspace.job(job).state == "stopped"
    assert_nothing_lost_nothing_twice(workspace, job, 300)


def kill_pumps_while_a_run_works(workspace: Workspace, kills: int, steps: int) -> str:
    """Start a run, kill the program that pumps at random moments `kills` times, then end with a fresh one."""
    job = workspace.pretrain(tiny_config(steps=steps))
    workspace.close()
    moments = random.Random(7)
    for _ in range(kills):
        with pump_elsewhere(workspace) as pump:
            assert pump.stdout is not None
            assert pump.stdout.readline() == "ready\n"
            time.sleep(moments.uniform(0.0, 0.15))
            pump.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
            pump.wait()
    return job


def assert_whole_after_kills(workspace: Workspace, job: str, steps: int) -> None:
    with Workspace.open(workspace.path) as again:
        row = again.wait(job, timeout_s=90)
        while row.state == "interrupted":  # killed between claim and start: the run is resumable, and nothing is lost
            again.resume(job)
            row = again.wait(job, timeout_s=90)
        assert row.state == "done"
        assert_nothing_lost_nothing_twice(again, job, steps)
        assert [model.job_id for model in again.models()] == [job]
        assert again.verify_audit().intact
        assert [row.action for row in again.audit()].count("model added") == 1


def test_killing_the_program_that_pumps_loses_no_row_and_doubles_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "GRACE_S", 3.0)
    monkeypatch.setenv("FAKE_PAUSE", "0.01")
    job = kill_pumps_while_a_run_works(workspace, kills=2, steps=100)
    assert_whole_after_kills(workspace, job, 100)


@pytest.mark.slow
def test_twenty_kills_lose_no_row_and_double_none(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "GRACE_S", 3.0)
    monkeypatch.setenv("FAKE_PAUSE", "0.01")
    job = kill_pumps_while_a_run_works(workspace, kills=20, steps=1500)
    assert_whole_after_kills(workspace, job, 1500)


@pytest.mark.slow
def test_an_import_that_is_killed_again_and_again_loses_no_recording(tmp_path: Path) -> None:
    paths = sorted(SAMPLES.glob("*.hea"))
    with Workspace.create(tmp_path / "ward7") as workspace:
        job = workspace.import_files(paths, labels=SAMPLES / "labels.csv")
        moments = random.Random(3)
        for _ in range(6):
            workspace.pump()
            time.sleep(moments.uniform(0.2, 0.8))
            for process in launch._STARTED.values():
                process.kill()
            if workspace.wait(job, timeout_s=60).state == "done":
                break
            workspace.resume(job)
        assert workspace.wait(job, timeout_s=60).state == "done"
        assert workspace.record_count() == len(paths)
        assert {outcome.status for outcome in workspace.outcomes(job)} == {"imported"}
        assert all(row.labels for row in workspace.records())
        assert [workspace.signal(row.record_id).signal_CT.shape for row in workspace.records()] == [(12, 5000)] * 155
