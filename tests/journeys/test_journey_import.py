"""Imports that are killed at any moment go on and end as if nothing had happened; no process is left behind."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.contract.config import ImportConfig
from engine.contract.events import FileRead, read_events
from engine.contract.run import RunFolder
from engine.data.store import Store
from engine.signal.readers import find_files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc"),
]
KEY = bytes(range(32))


def make(folder: Path, paths: list[str], workers: int = 2) -> RunFolder:
    config = ImportConfig(store=str(folder / "store"), workers=workers)
    return RunFolder.create(folder / "J0001", config, inputs=paths)


def start(run: RunFolder) -> "subprocess.Popen[bytes]":
    run.lend_key(KEY)
    return subprocess.Popen([sys.executable, "-m", "engine", "import", str(run.path)])


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def told(run: RunFolder) -> list[FileRead]:
    return [event for event in read_events(run.events_path)[0] if isinstance(event, FileRead)]


def test_an_import_killed_at_random_moments_ends_with_the_same_store_as_one_that_was_not(
    tmp_path: Path, samples: Path
) -> None:
    paths = [str(path) for path in find_files([samples])]
    (tmp_path / "calm").mkdir()
    (tmp_path / "rough").mkdir()
    calm, rough = make(tmp_path / "calm", paths, workers=1), make(tmp_path / "rough", paths, workers=3)
    assert start(calm).wait(timeout=120) == 0
    moments, left_behind = random.Random(11), []
    for _ in range(8):
        process = start(rough)
        time.sleep(moments.uniform(0.3, 4.0))
        left_behind += children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    assert start(rough).wait(timeout=120) == 0
    limit = time.monotonic() + 15
    while any(alive(pid) for pid in left_behind) and time.monotonic() < limit:
        time.sleep(0.1)
    assert not [pid for pid in left_behind if alive(pid)]
    events = told(rough)
    assert sorted(event.index for event in events) == list(range(len(paths)))
    assert {event.status for event in events} == {"imported"}
    one, other = Store.open(tmp_path / "calm" / "store"), Store.open(tmp_path / "rough" / "store")
    assert [one.entry(row) for row in range(len(one))] == [other.entry(row) for row in range(len(other))]
    assert other.verify() == []
    records = [{event.index: event.record for event in told(run)} for run in (calm, rough)]
    assert records[0] == records[1]
    assert not rough.key_path.exists()


def test_a_worker_that_is_killed_costs_one_file_at_most_and_the_import_ends(tmp_path: Path, samples: Path) -> None:
    paths = [str(path) for path in find_files([samples])]
    run = make(tmp_path, paths)
    process = start(run)
    killed = 0
    while process.poll() is None:
        if killed < 3 and run.events_path.exists() and run.events_path.read_bytes().count(b"\n") > 10:
            for pid in children(process.pid):
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                    break
        time.sleep(0.02)
    assert process.returncode == 0
    results = json.loads(run.results_path.read_text())
    assert results["refused"] <= killed
    assert results["imported"] + results["refused"] == len(paths)
    assert {event.reason for event in told(run) if event.status == "refused"} <= {"its reader crashed"}
