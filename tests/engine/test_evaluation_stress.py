"""The stress bench as the engine's command does it: run folder in, sweeps and breaking points out."""

from contextlib import closing

import numpy as np
import pytest

from engine.contract.config import EvaluateConfig, RandomModel, S4Config, StressConfig
from engine.contract.errors import UsageError
from engine.contract.events import EventWriter, Finished, read_events
from engine.contract.results import parse_results
from engine.contract.run import ManifestRow, RunFolder, Stopped
from engine.data.splits import patient_folds
from engine.data.store import Store
from engine.evaluation import stress
from engine.lifecycle import work
from engine.signal.perturbations import PERTURBATIONS, chosen
from engine.signal.recording import Recording

MODEL = RandomModel(name="random", backbone=S4Config(width=16, depth=2), seed=1)
LABELS = ("TALL",)
RECORDS = 48


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Forty-eight recordings of as many patients; the tall ones carry the label, so amplitude is all that tells."""
    path = tmp_path_factory.mktemp("stress")
    rng = np.random.default_rng(0)
    tall = np.arange(RECORDS) % 2
    with Store.create(path / "store") as store:
        for number in range(RECORDS):
            time = np.arange(1500) / 250.0
            beat = np.sin(2 * np.pi * 1.2 * time + rng.uniform(0, 6)) ** 21
            signal = (0.5 + 0.5 * tall[number]) * beat + 0.03 * rng.standard_normal((12, 1500))
            store.append(Recording(signal.astype(np.float32), 250.0, file_sha256=f"{number:064x}"))
    store = Store.open(path / "store")
    ids = [store.entry(row).record_id for row in range(RECORDS)]
    return path, ids, tall.astype(float)[:, None]


def folder_of(bench, name, config, split=None, patients=None):
    path, ids, y = bench
    people = patients or [f"p{n}" for n in range(RECORDS)]
    parts = split or [f"fold-{k}" for k in patient_folds(people, y, 4, 0)]
    rows = [ManifestRow(*row) for row in zip(ids, people, parts, strict=True)]
    folder = RunFolder.create(path / name, config, rows)
    half = np.full(RECORDS, 0.5)
    arrays = {"record_id": np.array(ids), "labels": np.array(LABELS), "y": y, "age": half, "sex": half}
    np.savez(folder.labels_path, **arrays)
    return folder


def asked(bench, kind=StressConfig, **settings):
    path = bench[0]
    told = {"store": str(path / "store"), "model": MODEL, "labels": LABELS, "cache": str(path / "cache")}
    return kind(**told, resamples=200, threads=1, **settings)


def stressed(bench, name, split=None, **settings):
    folder = folder_of(bench, name, asked(bench, **settings), split)
    code = work("stress", folder.path)
    events, _ = read_events(folder.events_path)
    assert code == 0, events[-1]
    return folder, parse_results(folder.results_path.read_text())


@pytest.fixture(autouse=True)
def _no_signals(monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)


def test_without_a_fault_the_bench_scores_as_the_evaluation_does(bench):
    folder = folder_of(bench, "plain", asked(bench, EvaluateConfig))
    assert work("evaluate", folder.path) == 0
    plain = parse_results(folder.results_path.read_text())
    _, told = stressed(bench, "mild", faults=("rate_up",))
    assert told.clean == plain.macro
    assert told.test_sha256 == plain.test_sha256
    # 250 Hz seen at 1,000 Hz and brought to the model's rate: nearly the same recording.
    assert abs(told.sweeps[0].levels[0].change.value) < 0.02


@pytest.mark.slow
def test_a_fault_that_drowns_the_waves_breaks_the_model_and_a_harmless_one_does_not(bench):
    _, told = stressed(bench, "sweeps", faults=("wander", "off_V3", "time_reversed"))
    one_off, wander, backwards = told.sweeps
    assert told.clean.value > 0.95
    assert wander.breaking.broken in (0.5, 1, 2, 5)  # the waves are a millivolt high
    assert wander.breaking.held in (0.1, 0.2, 0.5, 1)
    assert wander.levels[-1].change.interval.low < wander.levels[-1].change.value < -0.1
    assert (one_off.breaking, backwards.breaking) == (None, None)
    assert (one_off.name, backwards.name) == ("off_V3", "time_reversed")
    assert backwards.levels[0].macro.value > 0.9
    assert [level.severity for level in wander.levels] == [0.1, 0.2, 0.5, 1, 2, 5]
    change = wander.levels[-1].macro.value - told.clean.value
    assert wander.levels[-1].change.value == pytest.approx(change, abs=1e-12)


def test_the_probe_is_fitted_on_whole_recordings_only(bench, monkeypatch):
    """With a train part, only the test part is broken: the training rows that the probe sees stay as they are."""
    split = ["train" if n < 32 else "test" for n in range(RECORDS)]
    seen = []
    real = stress.cross_validated

    def watched(features, *rest):
        seen.append(features(np.array([part == "train" for part in split])))
        return real(features, *rest)

    monkeypatch.setattr(stress, "cross_validated", watched)
    _, told = stressed(bench, "parts", split, faults=("gain_down",))
    clean, *broken = seen
    assert all(np.array_equal(one[:32], clean[:32]) for one in broken)
    assert all(not np.allclose(one[32:], clean[32:]) for one in broken)
    assert (told.records, told.patients) == (16, 16)


@pytest.mark.slow
def test_a_stopped_bench_goes_on_where_it_was_and_ends_with_the_same_numbers(bench, monkeypatch):
    _, whole = stressed(bench, "whole", faults=("emg=0.01,0.1,0.5",))
    folder = folder_of(bench, "cut", asked(bench, faults=("emg=0.01,0.1,0.5",)))
    real, made = stress.perturbed, []

    def cut(*rest):
        made.append(rest)
        if len(made) == 2 * RECORDS + 5:
            folder.ask_stop()
        return real(*rest)

    monkeypatch.setattr(stress, "perturbed", cut)
    with closing(EventWriter(folder.events_path)) as events, pytest.raises(Stopped):
        stress.run(folder, folder.config(), events)
    assert len(list((folder.path / stress.SCORES).glob("*.npz"))) == 2
    folder.clear_stop()
    made.clear()
    monkeypatch.setattr(folder.__class__, "ask_stop", lambda self: None)
    with closing(EventWriter(folder.events_path)) as events:
        again = stress.run(folder, folder.config(), events)
    assert len(made) == RECORDS
    assert again.sweeps == whole.sweeps


def test_a_fault_that_makes_recordings_too_short_is_told_and_gives_no_number(bench, monkeypatch):
    short = [one for one in PERTURBATIONS if one.name == "duration"]
    monkeypatch.setattr(stress, "chosen", lambda names: short)
    monkeypatch.setattr(stress, "perturbed", lambda x, rate, p, severity, key, seed: (x[:, :250], rate))
    _, told = stressed(bench, "short")
    assert told.sweeps[0].levels[0].macro.value is None
    assert told.sweeps[0].breaking.not_estimable
    assert any("cannot be judged under: shorter recording" in note for note in told.notes)


def test_faults_are_chosen_by_name_and_group_and_an_unknown_one_is_refused(bench):
    assert chosen(()) == list(PERTURBATIONS)
    assert {one.group for one in chosen(("noise",))} == {"noise"}
    assert [one.name for one in chosen(("clip", "off_V1"))] == ["off_V1", "clip"]
    with pytest.raises(UsageError, match="gremlins"):
        chosen(("gremlins",))
    folder = folder_of(bench, "unknown", asked(bench, faults=("gremlins",)))
    assert work("stress", folder.path) == 1
    events, _ = read_events(folder.events_path)
    assert isinstance(events[-1], Finished)
    assert "gremlins" in events[-1].message


def test_scores_of_others_cannot_be_stressed():
    with pytest.raises(ValueError, match="source"):
        StressConfig(model={"source": "baseline", "name": "age + sex"}, labels=LABELS)
