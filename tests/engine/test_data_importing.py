"""Import runs: one event a file, nothing lost, nothing twice, no identity told."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest
import reading_cases

from engine.cli import main
from engine.contract.config import ImportConfig
from engine.contract.errors import EXIT_DONE, EXIT_WORLD
from engine.contract.events import EventWriter, FileRead, Progress, read_events
from engine.contract.results import parse_results
from engine.contract.run import RunFolder, Stopped
from engine.data import importing
from engine.data.importing import Tally, with_rounding
from engine.data.store import Store
from engine.signal.readers import find_files, read_recording


class NoProcesses:
    """Stands for the pool, whose processes take half a second each to start; they have tests of their own."""

    def __init__(self, read, count):
        self._read = read

    def outcomes(self, files):
        return (self._read(index, source) for index, source in files)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def bench(tmp_path, samples, monkeypatch):
    """A folder of a few sample recordings, and a way to import lists of files in this process."""
    monkeypatch.setattr(importing, "ReadingPool", NoProcesses)
    source = tmp_path / "in"
    source.mkdir()
    for header in sorted(samples.glob("*.hea"))[:6]:
        for suffix in (".hea", ".dat"):
            shutil.copyfile(header.with_suffix(suffix), source / (header.stem + suffix))

    class Bench:
        store, folder = tmp_path / "store", source

        def make(self, paths, name="J0001"):
            config = ImportConfig(store=str(self.store))
            return RunFolder.create(tmp_path / name, config, inputs=[str(path) for path in paths])

        def work(self, run, read=None):
            events = EventWriter(run.events_path)
            try:
                return importing.run(run, run.config(), events, read)
            finally:
                events.close()

        def files(self):
            return sorted(source.glob("*.hea"))

    return Bench()


def outcomes(run):
    return [event for event in read_events(run.events_path)[0] if isinstance(event, FileRead)]


def test_every_file_gets_one_event_and_its_recording_stands_in_the_store(bench):
    run = bench.make(bench.files())
    results = bench.work(run)
    assert (results.imported, results.duplicates, results.refused, results.store_records) == (6, 0, 0, 6)
    store = Store.open(bench.store)
    told = outcomes(run)
    assert [event.index for event in told] == list(range(6))
    for event, path in zip(told, bench.files(), strict=True):
        np.testing.assert_array_equal(store.signal(store.find(event.record_id)), read_recording(path).signal_CT)
        assert event.record["rate_hz"] == 500.0
        assert event.record["seconds"] == 10.0
        assert len(event.record["present"]) == 12
        assert event.record["quality"] == "good"


def test_an_event_tells_which_leads_are_stored_with_rounding_and_by_how_much(bench, tmp_path):
    whole = read_recording(bench.files()[0]).signal_CT
    np.savez(tmp_path / "decimals.npz", signal=whole + np.float32(0.0001) * np.pi, fs=500.0, unit="mV")
    run = bench.make([bench.files()[0], tmp_path / "decimals.npz"])
    bench.work(run)
    exact, rounded = outcomes(run)
    assert "rounded" not in exact.record
    assert len(rounded.record["rounded"]) == 12
    sentence = rounded.record["transformations"][-1]
    assert sentence.startswith("all leads stored with rounding, at most ")
    store = Store.open(bench.store)
    kept_CT = store.signal(store.find(rounded.record_id))
    error_uv = 1000 * np.abs(kept_CT - read_recording(tmp_path / "decimals.npz").signal_CT).max()
    assert error_uv <= 1.1 * float(sentence.split("at most ")[1].split(" ")[0]) + 1e-3


def test_a_tally_takes_a_byte_a_file_whatever_was_said_of_it():
    tally = Tally(30_000)
    tracemalloc.start()
    for index in range(30_000):
        told = {"quality_evidence": {"noise_mv": [0.1] * 12}, "removed": {"patient name": 1}}
        tally.add(FileRead(index=index, status="imported" if index % 3 else "refused", record=told))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    tally.add(FileRead(index=0, status="imported"))  # told of already
    results = tally.results(20_000)
    assert (results.imported, results.refused, results.removed) == (20_000, 10_000, {"patient name": 30_000})
    assert held < 20_000


def test_leads_that_are_rounded_are_named_where_others_are_not():
    told = with_rounding({"present": ["I", "V1"], "transformations": ["x"]}, {"V1": 0.00025})
    assert told == {"rounded": ["V1"], "transformations": ["x", "V1 stored with rounding, at most 0.25 µV off"]}
    assert with_rounding({"present": ["I"]}, {}) == {}


def test_the_engines_command_imports_in_processes(tmp_path, samples):
    paths = find_files([samples])[:3]
    config = ImportConfig(store=str(tmp_path / "store"))
    run = RunFolder.create(tmp_path / "J0001", config, inputs=[str(path) for path in paths])
    done = subprocess.run([sys.executable, "-m", "engine", "import", str(run.path)], check=False)
    assert done.returncode == EXIT_DONE
    assert parse_results(run.results_path.read_text()).imported == 3


def test_events_name_no_file_no_patient_and_no_age_above_89(bench):
    header = bench.files()[0]
    old = header.with_name("Meier_Anna_19310412.hea")
    old.write_text(header.read_text() + "# Age: 95\n# Sex: F\n# Name: Meier\n")
    run = bench.make([old, bench.folder / "Meier_missing.hea"])
    run.lend_key(bytes(range(32)))
    bench.work(run)
    text = run.events_path.read_text()
    for secret in ("Meier", "Anna", "19310412", '"age":95', bench.folder.name + "/", str(bench.folder)):
        assert secret not in text
    record = outcomes(run)[0].record
    assert (record["age"], record["age_over_89"], record["sex"]) == (90.0, True, "female")


def test_bad_files_get_a_reason_and_a_next_step_and_the_rest_is_imported(bench):
    files = bench.files()
    files[0].with_suffix(".dat").unlink()
    signal_file = files[1].with_suffix(".dat")
    signal_file.write_bytes(signal_file.read_bytes()[:1000])
    files[2].write_text(files[2].read_text().replace("1000.0(0)/mV", "0(0)/mV"))
    files[3].write_text(files[3].read_text().replace("1000.0(0)/mV", "0.001(0)/mV"))
    run = bench.make([*files, bench.folder / "nowhere.hea", bench.folder])
    results = bench.work(run)
    assert (results.imported, results.refused, results.store_records) == (2, 6, 2)
    refused = [event for event in outcomes(run) if event.status == "refused"]
    assert all(event.reason and event.next_step and not event.record_id for event in refused)
    assert "no ECG does: the gain in the file must be wrong" in refused[3].reason
    assert len({event.reason for event in refused}) == 6


def test_a_bug_in_a_reader_costs_one_file_and_its_message_is_withheld(bench):
    run = bench.make(bench.files())
    results = bench.work(run, reading_cases.stumbling)
    assert (results.imported, results.refused) == (5, 1)
    assert outcomes(run)[1].reason.startswith("internal error (KeyError at reading_cases.py:")
    assert "Meier" not in run.events_path.read_text()


def test_the_same_signal_under_two_names_is_a_duplicate_and_kept_once(bench):
    twin = bench.folder / "twin.hea"
    twin.write_text(bench.files()[0].read_text())
    run = bench.make([bench.files()[0], twin])
    results = bench.work(run)
    assert (results.imported, results.duplicates, results.store_records) == (1, 1, 1)
    one, other = outcomes(run)
    assert other.status == "duplicate"
    assert other.record_id == one.record_id


def test_a_second_run_finds_everything_there_already(bench):
    bench.work(bench.make(bench.files()))
    results = bench.work(bench.make(bench.files(), "J0002"))
    assert (results.imported, results.duplicates, results.store_records) == (0, 6, 6)


def test_a_run_killed_between_commit_and_events_still_calls_its_recordings_its_own(bench, monkeypatch):
    run = bench.make(bench.files())

    class PowerCut(BaseException):
        pass

    emit = EventWriter.emit

    def cut(self, event):
        if isinstance(event, FileRead) and event.index == 3:
            raise PowerCut
        return emit(self, event)

    monkeypatch.setattr(EventWriter, "emit", cut)
    with pytest.raises(PowerCut):
        bench.work(run)
    monkeypatch.undo()
    assert len(Store.open(bench.store)) == 6
    results = bench.work(run)
    assert (results.imported, results.duplicates, results.store_records) == (6, 0, 6)
    assert sorted(event.index for event in outcomes(run)) == list(range(6))


def test_a_stopped_run_goes_on_where_it_was(bench, monkeypatch):
    run = bench.make(bench.files())
    take = importing._Batch.take

    def stop_at_third(self, outcome):
        if outcome.index == 2:
            run.ask_stop()
        take(self, outcome)

    monkeypatch.setattr(importing._Batch, "take", stop_at_third)
    with pytest.raises(Stopped):
        bench.work(run)
    assert len(outcomes(run)) == len(Store.open(bench.store)) == 3
    monkeypatch.undo()
    run.clear_stop()
    assert bench.work(run).imported == 6
    assert [event.index for event in outcomes(run)] == list(range(6))


def test_progress_ends_at_all_files(bench):
    run = bench.make(bench.files())
    bench.work(run)
    progress = [event for event in read_events(run.events_path)[0] if isinstance(event, Progress)]
    assert (progress[-1].done, progress[-1].total) == (6, 6)


def test_a_run_without_a_list_of_inputs_fails_with_a_reason(bench, capsys, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    run = bench.make([])
    assert main(["import", str(run.path)]) == EXIT_WORLD
    assert "list of inputs" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_an_engine_killed_at_any_moment_leaves_every_file_accounted_for_once_it_goes_on(tmp_path, samples):
    paths = [str(path) for path in find_files([samples])]
    run = RunFolder.create(tmp_path / "J0001", ImportConfig(store=str(tmp_path / "store")), inputs=paths)
    command = [sys.executable, "-m", "engine", "import", str(run.path)]
    for lines in (1, 70):
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if run.events_path.exists() and run.events_path.read_bytes().count(b"\n") >= lines:
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.002)
        process.wait(timeout=60)
    assert subprocess.run(command, check=False).returncode == EXIT_DONE
    told = outcomes(run)
    assert sorted(event.index for event in told) == list(range(len(paths)))
    assert {event.status for event in told} == {"imported"}
    store = Store.open(tmp_path / "store")
    assert len(store) == len(paths)
    assert store.verify() == []
    assert json.loads(run.results_path.read_text())["imported"] == len(paths)
