"""Run folders are made whole, and their lock lives exactly as long as its process."""

import subprocess
import sys

import pytest

from engine.contract.config import ImportConfig
from engine.contract.errors import WorldError
from engine.contract.run import Lock, ManifestRow, RunFolder, write_whole

HOLD = """
import sys, pathlib
from engine.contract.run import Lock
lock = Lock(pathlib.Path(sys.argv[1]))
lock.acquire("import")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    path = tmp_path / "lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield path, process
    process.kill()
    process.communicate()


def test_a_lock_held_by_another_process_is_seen_and_refused_with_its_holder(holder):
    path, process = holder
    assert Lock(path).is_held()
    with pytest.raises(WorldError, match=rf"import \(process {process.pid} on host"):
        Lock(path).acquire()


def test_probing_a_lock_does_not_take_it_from_its_holder(holder):
    path, _ = holder
    for _ in range(3):
        assert Lock(path).is_held()


GLANCE = """
import sys, time, pathlib
from engine.contract.run import Lock
with Lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(0.05)
"""


def test_a_lock_that_is_held_for_a_glance_only_is_waited_for(tmp_path):
    """Asking whether a lock is held takes it for an instant, and must not cost a worker its start."""
    path = tmp_path / "lock"
    asker = subprocess.Popen([sys.executable, "-c", GLANCE, str(path)], stdout=subprocess.PIPE, text=True)
    assert asker.stdout.readline() == "held\n"
    with Lock(path) as lock:
        assert lock.is_held()
    assert asker.communicate()[0] == ""


def test_a_killed_process_leaves_no_lock_behind(holder):
    path, process = holder
    process.kill()
    process.wait()
    assert not Lock(path).is_held()
    with Lock(path) as lock:
        assert lock.is_held()
    assert not Lock(path).is_held()


def test_a_process_that_probes_its_own_lock_keeps_it(tmp_path):
    path = tmp_path / "lock"
    with Lock(path):
        assert Lock(path).is_held()
        code = (
            "import sys,pathlib; from engine.contract.run import Lock; print(Lock(pathlib.Path(sys.argv[1])).is_held())"
        )
        other = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        assert other.stdout == "True\n"
        with pytest.raises(WorldError, match="this process"):
            Lock(path).acquire()


def test_a_run_folder_gives_back_config_manifest_and_inputs(tmp_path):
    rows = [ManifestRow("r1", "p1", "train"), ManifestRow("r2", "p2", "validation")]
    config = ImportConfig(store="store", dataset="ward 7")
    folder = RunFolder.create(tmp_path / "J0001", config, rows, ["a.hea", "b.hea"])
    assert folder.config() == config
    assert folder.manifest() == rows
    assert folder.inputs() == ["a.hea", "b.hea"]


def test_a_run_folder_is_never_made_twice(tmp_path):
    RunFolder.create(tmp_path / "J0001", ImportConfig(store="store"))
    with pytest.raises(WorldError, match="exists already"):
        RunFolder.create(tmp_path / "J0001", ImportConfig(store="store"))


def test_a_half_made_run_folder_of_a_killed_process_does_not_block_the_next(tmp_path):
    (tmp_path / "J0001.tmp").mkdir()
    (tmp_path / "J0001.tmp" / "config.json").write_text("{")
    assert RunFolder.create(tmp_path / "J0001", ImportConfig(store="store")).config().kind == "import"


def test_results_with_nan_are_refused_and_the_old_file_stays(tmp_path):
    folder = RunFolder.create(tmp_path / "J0001", ImportConfig(store="store"))
    folder.write_results({"value": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.write_results({"value": float("nan")})
    assert '"value": 1.0' in folder.results_path.read_text()


def test_a_failed_replacement_leaves_the_old_text(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, "old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "new")
    assert path.read_text() == "old"
