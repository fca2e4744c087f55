"""A pretraining that is probed along the way: the same numbers as an evaluation, and a paired forgetting check."""

import csv

import numpy as np
import pytest

from engine.contract.config import CPCConfig, EvaluateConfig, NativeModel, PretrainConfig, ProbeConfig, S4Config
from engine.contract.errors import WorldError
from engine.contract.events import Probed, read_events
from engine.contract.results import parse_results
from engine.contract.run import ManifestRow, RunFolder
from engine.data.splits import patient_folds
from engine.data.store import Store
from engine.evaluation.alongside import LinearProbe
from engine.lifecycle import work
from engine.signal.recording import Recording

RECORDS = 40
LABELS = ("SLOW", "RARE")
BACKBONE = S4Config(width=16, depth=1, state_size=4)


class Bench:
    """Forty recordings of thirty patients, half of them slow: pretrained on, and probed."""

    def __init__(self, path):
        self.path = self.path_of_runs = path
        rng = np.random.default_rng(0)
        owner = np.r_[np.arange(30), np.arange(10)]
        slow = (np.arange(30) % 2)[owner]
        with Store.create(path / "store") as store:
            for number in range(RECORDS):
                time = np.arange(500) / 100.0
                beat = np.sin(2 * np.pi * (1.0 if slow[number] else 1.6) * time + rng.uniform(0, 6)) ** 21
                signal = beat + 0.6 * rng.standard_normal((12, 500))
                store.append(Recording(signal.astype(np.float32), 100.0, file_sha256=f"{number:064x}"))
        store = Store.open(path / "store")
        self.ids = [store.entry(row).record_id for row in range(RECORDS)]
        self.patients = [f"p{n:02}" for n in owner]
        self.y = np.stack([slow, (np.arange(RECORDS) == 3)], axis=1).astype(float)
        self.folds = [f"fold-{k}" for k in patient_folds(self.patients, self.y[:, :1], 5, 0)]

    def config(self, **settings):
        small = {"backbone": BACKBONE, "objective": CPCConfig(offsets=(3,), negatives=8), "window_s": 1.0}
        pace = {"steps": 4, "batch_size": 8, "rate_hz": 100.0, "device": "cpu", "threads": 1, "learning_rate": 0.02}
        probe = {"probe": ProbeConfig(cohort="c", every=2)}
        return PretrainConfig(store=str(self.path / "store"), **{**small, **pace, **probe, **settings})

    def pretrain(self, name, split=None, **settings):
        rows = [ManifestRow(*row) for row in zip(self.ids, self.patients, ["train"] * RECORDS, strict=True)]
        folder = RunFolder.create(self.path_of_runs / name, self.config(**settings), rows)
        self.open(folder, split or self.folds)
        return folder, work("pretrain", folder.path)

    def open(self, folder, split):
        unknown = np.full(RECORDS, np.nan)
        arrays = {"record_id": np.array(self.ids), "patient": np.array(self.patients), "labels": np.array(LABELS)}
        np.savez(folder.labels_path, **arrays, y=self.y, age=unknown, sex=unknown)
        with (folder.path / "probe.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["record_id", "patient", "split"])
            writer.writerows(zip(self.ids, self.patients, split, strict=True))


@pytest.fixture(autouse=True, scope="module")
def no_signal_handlers():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
        yield


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("alongside"))


@pytest.fixture(scope="module")
def probed(shared_bench):
    """A pretraining that was probed at steps 0, 2 and 4, and its exit code."""
    return shared_bench.pretrain("probed")


@pytest.fixture
def bench(shared_bench, tmp_path):
    shared_bench.path_of_runs = tmp_path
    return shared_bench


def results(folder):
    return parse_results(folder.results_path.read_text(encoding="utf-8"))


def test_the_last_probe_is_what_an_evaluation_of_the_checkpoint_says(bench, probed):
    folder, code = probed
    assert code == 0
    told = results(folder)
    assert [point.step for point in told.probes] == [0, 2, 4]
    assert told.probes[0].macro.value != told.probes[-1].macro.value
    model = NativeModel(name="m", checkpoint=str(folder.path / told.checkpoint))
    config = EvaluateConfig(store=str(bench.path / "store"), model=model, labels=LABELS, threads=1)
    rows = [ManifestRow(*row) for row in zip(bench.ids, bench.patients, bench.folds, strict=True)]
    evaluation = RunFolder.create(bench.path_of_runs / "evaluation", config, rows)
    bench.open(evaluation, bench.folds)
    assert work("evaluate", evaluation.path) == 0
    same = results(evaluation)
    assert told.probes[-1].macro == same.macro
    whole = [(one.label, one.auroc) for one in same.labels]
    assert [(one.label, one.auroc) for one in told.probes[-1].labels] == whole


def test_probes_are_told_as_events_and_leave_no_labels_behind(probed):
    folder, _ = probed
    told = [event for event in read_events(folder.events_path)[0] if isinstance(event, Probed)]
    assert [event.step for event in told] == [0, 2, 4]
    assert set(told[0].labels) == set(LABELS)
    assert not folder.labels_path.exists()


def test_a_probe_does_not_change_what_is_learned(bench, probed):
    plain, _ = bench.pretrain("plain", probe=None)
    assert results(probed[0]).weights_sha256 == results(plain).weights_sha256


def test_a_test_part_is_scored_by_a_model_of_the_training_part(bench):
    split = ["test" if patient < "p10" else "train" for patient in bench.patients]
    folder, _ = bench.pretrain("run", split=split)
    assert results(folder).probes[0].labels[0].auroc.records == split.count("test")


def test_going_on_from_a_model_tells_the_paired_difference_of_its_probe(bench, probed):
    first, _ = probed
    parent = first.path / results(first).checkpoint
    folder, code = bench.pretrain("second", parent=str(parent), seed=1)
    assert code == 0
    told = results(folder)
    assert told.probes[0].macro.value == pytest.approx(results(first).probes[-1].macro.value)
    by_label = {change.label: change.estimate for change in told.forgetting}
    before, after = (
        {label.label: label.auroc.value for label in point.labels} for point in (told.probes[0], told.probes[-1])
    )
    assert by_label["SLOW"].value == pytest.approx(after["SLOW"] - before["SLOW"])
    assert by_label["SLOW"].interval.low <= by_label["SLOW"].value <= by_label["SLOW"].interval.high
    assert "paired difference" in by_label["SLOW"].interval.method
    assert by_label["macro"].value is not None
    assert results(first).forgetting == []


@pytest.mark.parametrize("missing", ["labels.npz", "probe.csv"])
def test_a_probe_without_its_labels_or_its_split_is_refused(bench, missing):
    rows = [ManifestRow(*row) for row in zip(bench.ids, bench.patients, ["train"] * RECORDS, strict=True)]
    folder = RunFolder.create(bench.path_of_runs / "run", bench.config(), rows)
    bench.open(folder, bench.folds)
    (folder.path / missing).unlink()
    assert work("pretrain", folder.path) == 1
    assert read_events(folder.events_path)[0][-1].message in (
        "labels of the probe: they are not there",
        "split of the probe: it is not there",
    )


def test_labels_of_other_recordings_are_refused(bench):
    folder = RunFolder.create(bench.path_of_runs / "run", bench.config(), [ManifestRow(bench.ids[0], "p0", "train")])
    bench.open(folder, bench.folds)
    path = folder.path / "probe.csv"
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(WorldError, match="not those of its recordings"):
        LinearProbe(folder, bench.config())
