"""Local recordings against a reference, as the engine's command compares them: run folder in, shifts out."""

import numpy as np
import pytest

from engine.contract.config import DriftConfig, RandomModel, S4Config
from engine.contract.drift import LOCAL, REFERENCE
from engine.contract.events import Finished, read_events
from engine.contract.results import parse_results
from engine.contract.run import ManifestRow, RunFolder
from engine.data.store import Store
from engine.evaluation import two_samples
from engine.lifecycle import work
from engine.signal.recording import Recording

MODEL = RandomModel(name="random", backbone=S4Config(width=16, depth=2), seed=1)
SIDE = 60
LABELS = ("TALL",)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A hundred and twenty recordings, half of them tall; the second sixty may be told to be local."""
    path = tmp_path_factory.mktemp("drift")
    rng = np.random.default_rng(0)
    tall = (np.arange(2 * SIDE) % 2).astype(float)
    noisy = rng.random(2 * SIDE) < 0.5
    with Store.create(path / "store") as store:
        for number in range(2 * SIDE):
            time = np.arange(750) / 250.0
            beat = (0.5 + tall[number]) * np.sin(2 * np.pi * 1.2 * time + rng.uniform(0, 6)) ** 21
            signal = beat + (0.3 if noisy[number] else 0.02) * rng.standard_normal((12, 750))
            store.append(Recording(signal.astype(np.float32), 250.0, file_sha256=f"{number:064x}"))
    store = Store.open(path / "store")
    return path, [store.entry(row).record_id for row in range(2 * SIDE)], tall, noisy


def compared(bench, name, local, code=0, patients=None, age=None, device=None, **settings):
    path, ids, tall, _ = bench
    people = patients or [f"p{n}" for n in range(len(ids))]
    settings = {"labels": LABELS, "permutations": 199, "resamples": 300, **settings}
    config = DriftConfig(store=str(path / "store"), model=MODEL, cache=str(path / "cache"), threads=1, **settings)
    rows = [ManifestRow(i, p, LOCAL if here else REFERENCE) for i, p, here in zip(ids, people, local, strict=True)]
    folder = RunFolder.create(path / name, config, rows)
    ages = np.full(len(ids), 50.0) if age is None else age
    sex = (np.arange(len(ids)) % 2).astype(float)
    labels = {"labels": np.array(LABELS), "y": tall[:, None]}
    groups = {} if device is None else {"group_device": np.array(device)}
    np.savez(folder.labels_path, record_id=np.array(ids), age=ages, sex=sex, **labels, **groups)
    assert work("drift", folder.path) == code, read_events(folder.events_path)[0][-1]
    return folder if code else parse_results(folder.results_path.read_text())


@pytest.fixture(autouse=True)
def _no_signals(monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)


def test_recordings_of_one_kind_are_not_called_different(bench):
    told = compared(bench, "alike", [n >= SIDE for n in range(2 * SIDE)])
    assert told.classifier.interval.low < 0.5 < told.classifier.interval.high
    assert told.kernel.p_value > 0.05
    assert (told.reference_records, told.local_records) == (SIDE, SIDE)
    prior = told.priors[0]
    assert prior.reference.value == prior.observed.value == 0.5
    assert prior.local.interval.low < 0.5 < prior.local.interval.high


def test_noisier_recordings_are_told_apart_and_the_facts_that_moved_are_named(bench):
    noisy = bench[3]
    told = compared(bench, "noisy", noisy, age=np.where(noisy, 70.0, 50.0) + np.arange(2 * SIDE) % 7)
    assert told.classifier.value > 0.9
    assert told.kernel.p_value == 1 / 200
    age, sex = told.features
    assert (age.distance, age.p_value) == (1.0, 1 / 200)
    assert (age.reference_centre, age.local_centre) == ("median 53", "median 74")
    assert sex.kind == "category"
    assert sex.p_value > 0.05


def test_a_label_that_is_rarer_here_is_reckoned_from_scores_alone(bench):
    tall = bench[2]
    rng = np.random.default_rng(4)
    # Of the local ones few are tall: they look the same, there are only fewer of them.
    local = rng.random(2 * SIDE) < np.where(tall == 1, 0.15, 0.6)
    prior = compared(bench, "rarer", local).priors[0]
    assert prior.local.value < prior.reference.value - 0.2
    assert prior.local.interval.low <= prior.observed.value <= prior.local.interval.high


def test_patients_on_both_sides_are_left_out_of_the_shares_and_told(bench):
    people = [f"p{n % 110}" for n in range(2 * SIDE)]
    told = compared(bench, "shared", [n >= SIDE for n in range(2 * SIDE)], patients=people)
    assert any("10 patients are on both sides" in note for note in told.notes)
    assert told.priors[0].local.patients == 50


def test_without_labels_no_share_is_reckoned_and_unknown_ages_are_said(bench):
    ages = np.full(2 * SIDE, np.nan)
    told = compared(bench, "bare", [n >= SIDE for n in range(2 * SIDE)], age=ages, labels=())
    assert told.priors == []
    assert told.features[0].distance is None
    assert "fewer than 10" in told.features[0].not_estimable


def test_a_side_of_too_few_patients_is_refused(bench):
    folder = compared(bench, "few", [n < 4 for n in range(2 * SIDE)], code=1)
    last = read_events(folder.events_path)[0][-1]
    assert isinstance(last, Finished)
    assert "local recordings: 4 patients are too few, 10 are needed" in last.message


def test_a_large_side_is_drawn_from_by_the_seed(monkeypatch):
    monkeypatch.setattr(two_samples, "LARGEST", 50)
    local = np.arange(300) >= 100
    rows = two_samples._sample(np.arange(300) % 10 != 0, local, 3)
    assert (len(rows), local[rows].sum()) == (100, 50)
    assert np.array_equal(rows, two_samples._sample(np.arange(300) % 10 != 0, local, 3))
    assert (rows % 10 != 0).all()


def test_the_device_that_differs_is_named_and_the_others_are_not(bench):
    noisy = bench[3]
    local = np.arange(2 * SIDE) >= SIDE // 2
    device = np.where(noisy & local, "Maker B", "Maker A")
    reference_noise = noisy & ~local
    told = compared(bench, "devices", local & ~reference_noise, device=device, permutations=199)
    by_name = {one.group: one for one in told.groups}
    assert set(by_name) == {"Maker A", "Maker B"}
    assert by_name["Maker B"].records == int((noisy & local).sum())
    assert by_name["Maker B"].kernel.squared > by_name["Maker A"].kernel.squared
    assert all(one.adjusted_p >= one.kernel.p_value for one in told.groups)


def test_a_group_of_few_patients_is_told_and_compared_with_nothing(bench):
    local = np.arange(2 * SIDE) >= SIDE
    device = np.where(np.arange(2 * SIDE) >= 2 * SIDE - 4, "Maker B", "Maker A")
    small = next(one for one in compared(bench, "small group", local, device=device).groups if one.group == "Maker B")
    assert small.classifier.not_estimable == "insufficient evidence: 4 patients, 10 are needed"
    assert (small.kernel, small.adjusted_p, small.patients) == (None, None, 4)


def test_one_device_for_all_is_no_group_beside_the_whole(bench):
    local = np.arange(2 * SIDE) >= SIDE
    assert compared(bench, "one", local, device=np.full(2 * SIDE, "Maker A")).groups == []
