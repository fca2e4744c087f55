"""What a pretraining would cost: told from a few steps, refused where it cannot fit, nothing left behind."""

import subprocess
import sys
from collections import namedtuple

import numpy as np
import pytest
import torch

from engine.contract.config import CPCConfig, EstimateConfig, PretrainConfig, ProbeConfig, S4Config
from engine.contract.events import EventWriter
from engine.contract.run import ManifestRow, RunFolder, Stopped
from engine.data import resampled
from engine.data.store import Store
from engine.estimate import energy, memory, probing, rehearsal, worker
from engine.estimate.rehearsal import Line, Room, largest_foretold
from engine.estimate.resampling import Once
from engine.signal.recording import Recording
from engine.training import pretrain
from engine.training.learner import Learner

CPU = torch.device("cpu")
SMALL = {"backbone": S4Config(width=8, depth=2, state_size=4), "objective": CPCConfig(offsets=(3,), negatives=8)}
PACE = {"window_s": 0.5, "rate_hz": 100.0, "batch_size": 8, "steps": 12, "evaluate_every": 5, "checkpoint_every": 5}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("estimate") / "store"
    rng = np.random.default_rng(0)
    with Store.create(path) as writer:
        for number in range(12):
            signal_CT = np.cumsum(rng.normal(0, 0.05, (12, 300)), 1).astype(np.float32)
            writer.append(Recording(signal_CT, 100.0, file_sha256=f"{number:064x}"))
    store = Store.open(path)
    return path, [store.entry(row).record_id for row in range(12)]


@pytest.fixture
def ask(corpus, tmp_path, monkeypatch):
    """Estimates a pretraining on ten recordings, two held out; hands back its results and its folder."""
    monkeypatch.setattr(rehearsal, "LEAST_S", 0.0)
    path, ids = corpus
    rows = [ManifestRow(record, f"p{n}", "train" if n < 10 else "validation") for n, record in enumerate(ids)]

    def asked(size=(0, 0), **settings):
        number = len(list(tmp_path.iterdir())) + 1
        config = PretrainConfig(store=str(path), **{**SMALL, **PACE, "device": "cpu", "threads": 1, **settings})
        folder = RunFolder.create(
            tmp_path / f"E{number:04d}",
            EstimateConfig(pretrain=config, warmup=2, probe_recordings=size[0], probe_windows=size[1]),
            rows,
        )
        events = EventWriter(folder.events_path)
        try:
            return worker.run(folder, folder.config(), events), folder
        finally:
            events.close()

    asked.rows = rows
    return asked


def test_an_estimate_tells_time_memory_disk_and_energy_and_leaves_nothing(ask):
    told, folder = ask()
    assert told.fits
    assert (told.refusal, told.advice, told.largest_batch) == ("", "", None)
    assert (told.device, told.tokens, told.steps) == ("cpu", 25, 12)
    assert told.seconds >= told.steps * told.seconds_per_step > 0
    assert told.crops_per_s == pytest.approx(8 / told.seconds_per_step)
    assert 0 < told.memory_bytes < told.memory_free_bytes
    assert told.energy_wh > 0
    assert told.energy_source
    assert {path.name for path in folder.path.iterdir()} == {"config.json", "manifest.csv", "events.jsonl"}


def test_what_follows_from_the_config_is_the_same_each_time_and_true(ask, tmp_path):
    told, folder = ask(keep_checkpoints=2)
    config = folder.config().pretrain
    run = RunFolder.create(tmp_path / "J0002", config, ask.rows)
    events = EventWriter(run.events_path)
    done = pretrain.run(run, config, events)
    events.close()
    kept = sum(path.stat().st_size for path in run.checkpoints.rglob("*") if path.is_file())
    assert told.parameters == done.parameters
    # Two are kept, a third is being written; the card and the checksums are not counted.
    assert told.disk_bytes == pytest.approx(1.5 * kept, rel=0.15)


def test_a_memory_that_cannot_hold_the_batch_refuses_it_and_names_the_largest_that_fits(ask, monkeypatch):
    monkeypatch.setattr(worker, "room_before", lambda device: Room(None, 3_000_000_000))
    monkeypatch.setattr(rehearsal.Rehearsal, "_foretell", lambda *_: Line(2, 2e9, 5e8, 0.1))
    monkeypatch.setattr(rehearsal.Rehearsal, "warm_up", lambda *_: pytest.fail("it was tried all the same"))
    told, _ = ask()
    assert not told.fits
    assert told.largest_batch == 2
    assert told.refusal == "the cpu has too little memory for 8 crops at a time; the largest batch that fits is 2"
    assert told.advice == "Set batch_size = 2, or accumulate = 4 to keep the batch"
    assert told.seconds is None
    assert told.disk_bytes > 0


def test_memory_that_runs_out_in_the_warm_up_is_told_and_not_raised(ask, monkeypatch):
    def burst(self, parts):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Learner, "step", burst)
    told, _ = ask()
    assert not told.fits
    assert told.largest_batch == 4


def test_a_step_that_would_take_long_is_foretold_from_a_few_crops_and_not_tried(ask, monkeypatch):
    monkeypatch.setattr(rehearsal, "LONG_S", 0.0)
    monkeypatch.setattr(Learner, "step", lambda *_: pytest.fail("a whole step was tried"))
    told, _ = ask(batch_size=10)
    assert told.fits
    assert told.notes == ["Foretold from 2 crops at a time, since a whole step takes long here"]
    assert told.seconds > 0
    assert told.memory_bytes > 0


def test_another_fault_of_the_warm_up_is_not_taken_for_missing_memory(ask, monkeypatch):
    def broken(self, parts):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Learner, "step", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        ask()


def test_fewer_records_than_a_batch_are_refused_with_the_batch_that_would_fit(ask):
    told, _ = ask(batch_size=11)
    assert not told.fits
    assert told.refusal == "10 training records are fewer than a batch of 11"
    assert told.advice.startswith("Set batch_size to 10 or less")


def test_resampling_once_counts_on_disk_and_in_time_until_it_is_done(ask, corpus):
    path, ids = corpus
    plain, _ = ask()
    told, _ = ask(resample="once", rate_hz=200.0, window_s=0.25)
    store, recipe = Store.open(path), resampled.Recipe(rate_hz=200.0, clip_mv=PretrainConfig().clip_mv)
    assert "12 recordings are resampled once before the first step" in told.notes[0]
    resampled.derive(store, store.find_many(ids), recipe)
    made = path / resampled.FOLDER / recipe.key
    taken = sum(file.stat().st_size for file in made.glob("*.bin"))
    done, _ = ask(resample="once", rate_hz=200.0, window_s=0.25)
    assert told.disk_bytes - done.disk_bytes == pytest.approx(taken, rel=0.02)
    assert done.disk_bytes == pytest.approx(plain.disk_bytes, rel=0.02)
    assert done.notes == []
    resampled.forget_derived(path)


def test_a_disk_too_small_for_the_resampled_recordings_is_refused_whichever_disk_it_is(ask, monkeypatch):
    once = Once(records=12, bytes=10**15, seconds=5.0)
    monkeypatch.setattr(worker, "resampling_of", lambda *_: once)
    told, _ = ask()
    assert told.refusal.startswith("its checkpoints and log and the recordings resampled once take 1000000.00 GB")
    assert told.advice.endswith('or set resample = "crop"')
    monkeypatch.setattr(worker, "resampling_of", lambda *_: once._replace(elsewhere=True, free=10**9))
    told, _ = ask()
    assert told.refusal == "the recordings resampled once take 1000000.00 GB, the store's disk has 1.00 GB left"
    assert told.seconds > 5


def test_a_disk_too_small_for_the_checkpoints_is_refused(ask, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(worker.shutil, "disk_usage", lambda path: usage(10, 0, 10))
    told, _ = ask(keep_checkpoints=2)
    assert not told.fits
    assert "the disk has 0.00 GB left" in told.refusal
    assert "keep_checkpoints = 1" in told.advice


def test_accumulation_takes_less_memory_at_a_time(ask, monkeypatch):
    parts = []
    monkeypatch.setattr(rehearsal.Rehearsal, "largest_part", lambda self, _: parts.append(self.part) or self.part)
    ask(accumulate=4)
    assert parts == [2]


def test_probes_and_checkpoints_are_in_the_time(ask, monkeypatch):
    monkeypatch.setattr(rehearsal.Rehearsal, "checkpoint_seconds", lambda self, folder: 100.0)
    monkeypatch.setattr(worker, "probe_seconds", lambda *_: 7000.0)
    told, _ = ask(probe=ProbeConfig(cohort="ward", labels=("AFIB",), every=5), size=(40, 160))
    assert told.seconds == pytest.approx(7300.0, abs=60)
    assert told.notes[0] == "4 linear probes of the cohort 'ward' are in the time: some 1750.0 s each"


def test_what_a_probe_takes_grows_with_its_recordings_and_its_number(ask):
    probe = ProbeConfig(cohort="ward", labels=("AFIB", "NORM"), every=5)
    config = EstimateConfig(pretrain=PretrainConfig(**SMALL, window_s=0.5, rate_hz=100.0, steps=12, probe=probe))
    backbone = Learner(config.pretrain, torch.device("cpu")).backbone
    seconds = [
        probing.probe_seconds(config.model_copy(update={"probe_recordings": n, "probe_windows": 4 * n}), backbone, CPU)
        for n in (50, 5000)
    ]
    assert probing.probe_points(config) == 4
    assert 0 < seconds[0] < seconds[1]
    assert probing.probe_seconds(config, backbone, CPU) == 0.0


def test_a_checkpoint_is_timed_and_gone(ask, tmp_path):
    _, folder = ask()
    assert not (folder.path / "rehearsal").exists()


def test_an_early_stop_that_keeps_the_best_holds_one_checkpoint_more(ask):
    config = PretrainConfig(**SMALL, **PACE)
    stopping = config.model_copy(update={"early_stop": 3})
    assert worker.disk_bytes(stopping, 10**9, 0) - worker.disk_bytes(config, 10**9, 0) == 10**9


def test_ranks_on_one_cpu_share_its_memory(ask, monkeypatch):
    monkeypatch.setattr(worker, "room_before", lambda device: Room(None, 3_000_000_000))
    monkeypatch.setattr(rehearsal.Rehearsal, "_foretell", lambda *_: Line(2, 1e9, 3e8, 0.1))
    told, _ = ask(ranks=2)
    # One rank alone would have room for its four crops: 1.6 GB of 2.85. Two of them have not.
    assert told.largest_batch == 4


def test_what_is_not_counted_is_said(ask):
    told, _ = ask(probe=ProbeConfig(cohort="ward", every=5), early_stop=2)
    assert told.notes[0] == "4 linear probes come on top: each embeds the cohort 'ward' once"
    assert len(told.notes) == 2


def test_somebody_may_stop_it(ask, monkeypatch):
    monkeypatch.setattr(RunFolder, "stop_asked", lambda self: True)
    with pytest.raises(Stopped):
        ask()


def test_halving_goes_on_until_the_memory_holds_it():
    assert largest_foretold(lambda crops: 10 + crops, 64, 40) == 16
    assert largest_foretold(lambda crops: 10 + crops, 64, 9) == 0
    assert largest_foretold(lambda crops: 10 + crops, 64, None) == 64


@pytest.mark.parametrize(
    ("files", "room"),
    [
        ({"memory.max": "1000", "memory.current": "700", "memory.stat": "anon 1\ninactive_file 200\n"}, 500),
        ({"memory.max": "max", "memory.current": "700"}, None),
        ({"memory/memory.limit_in_bytes": "1000", "memory/memory.usage_in_bytes": "1200"}, 0),
        ({"memory/memory.limit_in_bytes": str(2**63 - 4096), "memory/memory.usage_in_bytes": "1"}, None),
        ({}, None),
    ],
)
def test_a_limit_of_the_control_group_counts_and_what_it_can_give_back_too(tmp_path, files, room):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert memory.group_room(tmp_path) == room


def test_peak_memory_sees_what_was_given_back():
    # In a process of its own: one that ran other tests holds freed memory, out of which the block would come.
    program = """
from engine.estimate import memory
memory.forget_peak()
before = memory.peak_bytes()
block = bytearray(b"x") * 40_000_000
del block
print(memory.peak_bytes() - before)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(told.stdout) > 30_000_000


def test_processor_counters_are_read_where_there_are_some(tmp_path):
    counter = tmp_path / "intel-rapl:0" / "energy_uj"
    for name in ("intel-rapl:0", "intel-rapl:0:1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text("5000000", encoding="utf-8")
    meter = energy.EnergyMeter(torch.device("cpu"), 2, tmp_path)
    counter.write_text("6000000", encoding="utf-8")
    watts, source = meter.watts()
    assert watts > 0
    assert "RAPL" in source


def test_without_a_counter_the_assumption_is_told(tmp_path):
    watts, source = energy.EnergyMeter(torch.device("cpu"), 2, tmp_path).watts()
    assert watts == 16
    assert source == "assumed: 8 W for each of 2 busy cores"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_tells_its_memory_and_its_energy(ask):
    told, _ = ask(device="cuda")
    assert told.fits
    assert 0 < told.memory_bytes < told.memory_free_bytes
    assert "GPU" in told.energy_source
