"""A study as the engine's command does it: its runs as processes, stopped, cut and gone on with."""

import csv
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import torch

from engine.contract.config import CPCConfig, StudyConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Finished, StudyRun, Warned, read_events
from engine.contract.results import parse_results
from engine.contract.run import ManifestRow, RunFolder, Stopped
from engine.data.store import Store
from engine.lifecycle import work
from engine.signal.recording import Recording
from engine.study import children, runner
from engine.study.grid import cells
from engine.study.subsets import Subsets

FAKE = textwrap.dedent('''
    """An engine that needs no torch: it keeps the promises of a run folder and makes its numbers up."""
    import sys, time
    from pathlib import Path
    from engine.contract.events import EventWriter, Finished, Metric, Started
    from engine.contract.results import PretrainResults
    from engine.contract.run import RunFolder

    folder = RunFolder(Path(sys.argv[2]))
    config = folder.config()
    with folder.lock:
        folder.clear_stop()
        events = EventWriter(folder.events_path)
        events.emit(Started(kind="pretrain", host="h", pid=1))
        events.emit(Metric(step=1, values={"loss": 9.0}))
        if config.seed == 13:
            events.emit(Finished(outcome="failed", message="device: it is gone", next_step="Resume", fault="device"))
            sys.exit(1)
        for _ in range(2000 if config.seed == 7 and not (folder.path.parent / "go").exists() else 0):
            if folder.stop_asked():
                events.emit(Finished(outcome="stopped", message="stopped as asked"))
                sys.exit(0)
            time.sleep(0.01)
        loss = 4.0 + 0.01 * config.seed + 10.0 / len(folder.manifest())
        final = {"loss": loss, "validation_loss": loss, "validation_trivial_loss": 4.86, "validation_accuracy": 0.1}
        results = PretrainResults(
            checkpoint="checkpoints/step-000001", weights_sha256="0" * 64, steps=config.steps, parameters=10,
            final=final, seconds=1.0, collapse={"effective_rank": 4.0},
        )
        folder.labels_path.unlink(missing_ok=True)
        folder.write_results(results.model_dump(mode="json"))
        events.emit(Finished(outcome="done"))
''')

SMALL = {"name": "s4", "width": 16, "depth": 1}
MANIFEST = [
    *[ManifestRow(f"r{n:012x}", f"p{n:03}", "train") for n in range(20)],
    *[ManifestRow(f"r{n:012x}", f"q{n:03}", "validation") for n in range(90, 95)],
]


@pytest.fixture
def fake_engine(tmp_path, monkeypatch):
    script = tmp_path / "fake_engine.py"
    script.write_text(FAKE, encoding="utf-8")
    monkeypatch.setattr(children, "engine_command", lambda: [sys.executable, str(script)])
    monkeypatch.setattr(runner, "POLL_S", 0.02)
    return script


def make(tmp_path, axes, **base):
    config = StudyConfig(
        axes=axes,
        base={"steps": 5, "batch_size": 2, "device": "cpu", "backbone": SMALL, **base},
        objectives={"cpc": CPCConfig()},
    )
    return RunFolder.create(tmp_path / "study", config, MANIFEST)


def run(folder):
    events = EventWriter(folder.events_path)
    try:
        return runner.run(folder, folder.config(), events)
    finally:
        events.close()


def states(folder):
    rows = {e.row.number: e.row for e in read_events(folder.events_path)[0] if isinstance(e, StudyRun)}
    return [rows[number].state for number in sorted(rows)]


def test_a_study_ends_with_a_table_means_over_seeds_and_fits(tmp_path, fake_engine):
    folder = make(tmp_path, {"objective": ("cpc",), "records": (5, 10, 0), "seed": (0, 1)})
    told = run(folder)
    assert [row.state for row in told.rows] == ["done"] * 6
    assert [(cell.name, cell.seeds, cell.works) for cell in told.cells] == [
        ("cpc records 5", 2, False),
        ("cpc records 10", 2, True),
        ("cpc all records", 2, True),
    ]
    assert told.cells[0].metrics["validation_loss"].value == pytest.approx(4.005 + 10 / 10)
    assert told.cells[2].ranks == {"validation_loss": 1}
    assert {(fit.series, fit.metric) for fit in told.fits} == {("cpc", "validation_loss")}
    with (folder.path / "study.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [row["records"] for row in table][:3] == ["5", "5", "10"]
    assert float(table[0]["validation_loss"]) == pytest.approx(5.0)
    assert parse_results(told.model_dump_json()) == told


def test_every_run_gets_its_training_part_and_the_same_held_out_recordings(tmp_path, fake_engine):
    folder = make(tmp_path, {"records": (5, 0)})
    run(folder)
    small, full = (RunFolder(children.run_path(folder, n)).manifest() for n in (1, 2))
    assert [row for row in small if row.split == "validation"] == [row for row in full if row.split == "validation"]
    assert {row.record_id for row in small} < {row.record_id for row in full}
    assert len(small) == 10


def test_a_run_that_fails_is_told_and_the_others_go_on(tmp_path, fake_engine):
    told = run(make(tmp_path, {"seed": (0, 13, 1)}))
    assert [row.state for row in told.rows] == ["done", "failed", "done"]
    assert told.rows[1].message == "device: it is gone. Resume"
    assert told.rows[1].metrics["loss"] == 9.0
    assert any("1 of 3 runs failed" in note for note in told.notes)


@pytest.mark.parametrize("left", [1, 0])
def test_a_stopped_study_stops_its_run_and_goes_on_with_what_is_left(tmp_path, fake_engine, left):
    folder = make(tmp_path, {"seed": (0, 7, 1)[: 2 + left]})
    waiting = ["waiting"] * left

    def stop_when_the_second_runs():
        while not folder.events_path.exists() or states(folder) != ["done", "running", *waiting]:
            time.sleep(0.02)
        folder.ask_stop()

    asker = threading.Thread(target=stop_when_the_second_runs)
    asker.start()
    with pytest.raises(Stopped):
        run(folder)
    asker.join()
    assert states(folder) == ["done", "stopped", *waiting]
    before = children.run_path(folder, 1).joinpath("results.json").stat().st_mtime_ns
    folder.clear_stop()
    (folder.path / "runs" / "go").touch()
    assert [row.state for row in run(folder).rows] == ["done"] * (2 + left)
    assert children.run_path(folder, 1).joinpath("results.json").stat().st_mtime_ns == before


def test_a_run_that_was_stopped_alone_leaves_its_study_stopped_and_it_goes_on_with_that_run(tmp_path, fake_engine):
    folder = make(tmp_path, {"seed": (7, 1)})
    first = RunFolder(children.run_path(folder, 1))

    def stop_the_first_run():
        while not first.events_path.exists() or not read_events(first.events_path)[0]:
            time.sleep(0.02)
        first.ask_stop()

    asker = threading.Thread(target=stop_the_first_run)
    asker.start()
    with pytest.raises(Stopped):
        run(folder)
    asker.join()
    assert states(folder) == ["stopped", "done"]
    warned = [event.message for event in read_events(folder.events_path)[0] if isinstance(event, Warned)]
    assert warned == ["run 1 was stopped on its own; resumed, the study goes on with it"]
    (folder.path / "runs" / "go").touch()
    assert [row.state for row in run(folder).rows] == ["done", "done"]


def test_a_run_that_outlived_its_study_is_waited_for_and_not_started_twice(tmp_path, fake_engine):
    folder = make(tmp_path, {"seed": (7,)})
    config = folder.config()
    subsets = Subsets(MANIFEST, [], config.layout, config.subset_seed)
    orphan = children.Child(children.child_folder(folder, 1, cells(config, subsets)[0].config, MANIFEST))
    orphan.start()
    while not orphan.folder.lock.is_held():
        time.sleep(0.02)
    threading.Timer(0.5, orphan.ask_stop).start()
    with pytest.raises(Stopped):
        run(folder)
    assert states(folder) == ["stopped"]
    while orphan.alive():
        time.sleep(0.02)
    starts = [e for e in read_events(orphan.folder.events_path)[0] if e.type == "started"]
    assert len(starts) == 1


def test_runs_beside_each_other_are_as_many_as_asked_for(tmp_path, fake_engine):
    folder = make(tmp_path, {"seed": (0, 1, 2, 3)})
    config = folder.config().model_copy(update={"parallel": 2})
    events = EventWriter(folder.events_path)
    runner.run(folder, config, events)
    events.close()
    running, most = set(), 0
    for event in read_events(folder.events_path)[0]:
        if isinstance(event, StudyRun):
            (running.add if event.row.state == "running" else running.discard)(event.row.number)
            most = max(most, len(running))
    assert most == 2


def test_labels_are_lent_to_a_run_and_never_left_there(tmp_path, fake_engine):
    folder = make(tmp_path, {"seed": (0, 13)}, probe={"cohort": "c"})
    np.savez(folder.labels_path, record_id=np.array([]))
    (folder.path / "probe.csv").write_text("record_id,patient,split\n", encoding="utf-8")
    run(folder)
    for number in (1, 2):
        assert (children.run_path(folder, number) / "probe.csv").exists()
        assert not (children.run_path(folder, number) / "labels.npz").exists()


def test_a_probe_without_labels_is_refused_before_a_run_begins(tmp_path, fake_engine):
    with pytest.raises(WorldError, match="labels of the probe"):
        run(make(tmp_path, {"seed": (0,)}, probe={"cohort": "c"}))


def test_gpus_are_handed_out_by_the_names_that_this_process_sees(tmp_path, fake_engine, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    config = make(tmp_path, {"seed": (0, 1)}).config()
    assert runner.visible_gpus(config) == []  # meant for the CPU
    config = config.model_copy(update={"base": {**config.base, "device": "cuda"}})
    assert runner.visible_gpus(config) == ["3", "5"]
    seen = []
    monkeypatch.setattr(runner, "Child", lambda folder, gpu: seen.append(gpu) or children.Child(folder, gpu))
    folder = RunFolder.create(tmp_path / "on-gpus", config, MANIFEST)
    told = run(folder)
    assert seen == ["3", "5"]
    assert [row.state for row in told.rows] == ["done", "done"]


@pytest.mark.slow
def test_a_study_of_true_pretrainings_ends_with_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
    rng = np.random.default_rng(0)
    with Store.create(tmp_path / "store") as store:
        for number in range(24):
            signal = rng.standard_normal((12, 1500)).astype(np.float32)
            store.append(Recording(signal, 250.0, file_sha256=f"{number:064x}"))
    store = Store.open(tmp_path / "store")
    manifest = [ManifestRow(store.entry(n).record_id, f"p{n}", "train" if n < 20 else "validation") for n in range(24)]
    config = StudyConfig(
        store=str(tmp_path / "store"),
        axes={"objective": ("cpc",), "seed": (0, 1)},
        base={"steps": 3, "batch_size": 4, "device": "cpu", "threads": 1, "backbone": SMALL},
        objectives={"cpc": CPCConfig()},
    )
    folder = RunFolder.create(tmp_path / "study", config, manifest)
    assert work("study", folder.path) == 0
    told = parse_results(folder.results_path.read_text(encoding="utf-8"))
    assert [row.state for row in told.rows] == ["done", "done"]
    assert told.cells[0].metrics["validation_loss"].interval is not None
    assert isinstance(read_events(folder.events_path)[0][-1], Finished)
