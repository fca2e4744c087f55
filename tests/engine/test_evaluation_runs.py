"""Embed, evaluate and compare as the engine's command does them: run folder in, results out."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from engine.contract.config import (
    BaselineModel,
    CompareConfig,
    EmbedConfig,
    EvaluateConfig,
    PredictionsModel,
    RandomModel,
    S4Config,
)
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Finished, read_events
from engine.contract.results import parse_results
from engine.contract.run import ManifestRow, RunFolder, Stopped
from engine.data.splits import patient_folds, split_digest
from engine.data.store import Store
from engine.evaluation import runs
from engine.evaluation.baseline import known_features
from engine.evaluation.opened import Opened
from engine.lifecycle import work
from engine.metrics.discrimination import auroc
from engine.signal.recording import Recording

RANDOM = RandomModel(name="random", backbone=S4Config(width=16, depth=2), seed=1)
AGE_SEX = BaselineModel(name="age + sex")
LABELS = ("SLOW", "RARE")
RECORDS = 40


class Bench:
    """Forty recordings of thirty patients, half of them slow; a store, labels, and runs on them."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0
        rng = np.random.default_rng(0)
        owner = np.r_[np.arange(30), np.arange(10)]
        slow = (np.arange(30) % 2)[owner]
        with Store.create(path / "store") as store:
            for number in range(RECORDS):
                time = np.arange(1500) / 250.0
                beat = np.sin(2 * np.pi * (1.0 if slow[number] else 1.6) * time + rng.uniform(0, 6)) ** 21
                signal = beat + 0.05 * rng.standard_normal((12, 1500))
                store.append(Recording(signal.astype(np.float32), 250.0, file_sha256=f"{number:064x}"))
        store = Store.open(path / "store")
        self.ids = [store.entry(row).record_id for row in range(RECORDS)]
        self.patients = [f"p{n:02}" for n in owner]
        self.y = np.stack([slow, (np.arange(RECORDS) == 3)], axis=1).astype(float)
        self.age = np.where(slow == 1, 70.0, 50.0) + 12 * rng.standard_normal(RECORDS)
        self.age[5] = np.nan
        self.sex = (np.arange(RECORDS) % 2).astype(float)
        self.split = [f"fold-{k}" for k in patient_folds(self.patients, self.y[:, :1], 5, 0)]

    def folder(self, config, split=None):
        self.count += 1
        rows = [ManifestRow(*row) for row in zip(self.ids, self.patients, split or self.split, strict=True)]
        folder = RunFolder.create(self.path / f"run{self.count}", config, rows)
        if config.kind != "embed":
            self.open(folder)
        return folder

    def open(self, folder, **changes):
        arrays = {
            "record_id": np.array(self.ids),
            "patient": np.array(self.patients),
            "labels": np.array(LABELS),
            "y": self.y,
            "age": self.age,
            "sex": self.sex,
        }
        np.savez(folder.labels_path, **{**arrays, **changes})

    def evaluate(self, model, split=None, labels=LABELS, **settings):
        config = EvaluateConfig(
            store=str(self.path / "store"),
            model=model,
            labels=labels,
            cache=str(self.path / "cache"),
            split_id="S-1",
            resamples=200,
            threads=1,
            **settings,
        )
        folder = self.folder(config, split)
        return folder, work("evaluate", folder.path)

    def supply(self, rows, name="vendor"):
        record_id, label, score = zip(*rows, strict=True)
        path = self.path / f"{name}.npz"
        np.savez(path, record_id=np.array(record_id), label=np.array(label), score=np.array(score, dtype=float))
        return PredictionsModel(name=name, file=str(path))

    def compare(self, folders, names, labels=LABELS):
        config = CompareConfig(
            evaluations=tuple(str(f.path) for f in folders), names=names, labels=labels, split_id="S-1", resamples=200
        )
        folder = self.folder(config)
        return folder, work("compare", folder.path)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
    return Bench(tmp_path)


def results(folder):
    return parse_results(folder.results_path.read_text(encoding="utf-8"))


def last_event(folder):
    return read_events(folder.events_path)[0][-1]


def test_an_evaluation_scores_every_recording_once_and_keeps_scores_and_features(bench):
    folder, code = bench.evaluate(RANDOM)
    assert code == 0
    told = results(folder)
    assert (told.records, told.patients, told.missing_scores) == (40, 30, 0)
    assert told.split_kind == "out-of-fold over 5 patient folds"
    assert told.mode == "linear probe"
    assert told.test_sha256 == split_digest(bench.ids, bench.split)
    with np.load(folder.path / "predictions.npz") as kept:
        assert kept["record_id"].tolist() == bench.ids
        assert kept["fold"].tolist() == bench.split
        assert kept["labels"].tolist() == list(LABELS)
        assert np.isfinite(kept["scores"][:, 0]).all()
        assert told.labels[0].auroc.value == pytest.approx(auroc(bench.y[:, 0], kept["scores"][:, 0]), abs=1e-12)
    features = load_file(folder.path / "features.safetensors")
    assert told.layers == ["stem", "block1", "block2"]
    assert features["block2"].shape == (40, 16)
    assert features["block2"].dtype == np.float32


def test_a_label_that_cannot_be_learned_is_named_and_left_out_of_the_macro(bench):
    folder, _ = bench.evaluate(RANDOM)
    told = results(folder)
    assert told.labels[1].auroc.value is None
    assert "no positive recording to train on" in told.labels[1].auroc.not_estimable
    assert told.macro.value == told.labels[0].auroc.value
    assert any("mean over 1 of 2 labels; left out: RARE" in note for note in told.notes)


def test_labels_are_gone_after_the_run_and_events_name_no_patient(bench):
    folder, _ = bench.evaluate(RANDOM)
    assert not folder.labels_path.exists()
    said = folder.events_path.read_text(encoding="utf-8")
    assert not any(f'"{patient}"' in said for patient in bench.patients)


def test_two_evaluations_of_the_same_thing_give_the_same_numbers(bench):
    first, second = (results(bench.evaluate(RANDOM)[0]).model_dump(exclude={"seconds"}) for _ in range(2))
    assert first == second


def test_a_held_out_part_is_scored_alone(bench):
    split = ["test" if part == "fold-0" else "train" for part in bench.split]
    folder, code = bench.evaluate(RANDOM, split=split, labels=("SLOW",))
    assert code == 0
    told = results(folder)
    assert told.split_kind == "held-out test patients"
    assert told.records == split.count("test")
    assert not any("Scores of different folds" in note for note in told.notes)
    with np.load(folder.path / "predictions.npz") as kept:
        assert set(kept["fold"].tolist()) == {"test"}


def test_age_and_sex_are_judged_like_any_model(bench):
    folder, code = bench.evaluate(AGE_SEX, labels=("SLOW",))
    assert code == 0
    told = results(folder)
    assert told.mode == "age + sex"
    assert told.layers == []
    assert told.macro.value > 0.7
    assert not (folder.path / "features.safetensors").exists()


def test_a_missing_age_is_the_median_of_the_training_part_and_marked():
    age, sex = np.array([50.0, 60.0, np.nan, 99.0]), np.array([0.0, np.nan, 1.0, 1.0])
    train = np.array([True, True, True, False])
    measured = np.array([[80.0], [np.nan], [60.0], [70.0]])
    opened = Opened([], [], [], [], np.empty((4, 0)), age, sex, measured=["rate"], measured_NM=measured)
    made = known_features(opened, ("age", "sex"), train)
    assert made.tolist() == [[50, 0, 0, 0], [60, 0, 0.5, 1], [55, 1, 1, 0], [99, 0, 1, 0]]
    assert known_features(opened, ("sex",), train).shape == (4, 2)
    assert known_features(opened, ("measurements",), train).tolist() == [[80, 0], [70, 1], [60, 0], [70, 0]]
    with pytest.raises(WorldError, match="no recording of the cohort has measurements"):
        known_features(replace(opened, measured=[]), ("measurements",), train)


def test_supplied_scores_go_through_the_same_statistics(bench):
    score = bench.y[:, 0] + np.random.default_rng(1).standard_normal(RECORDS)
    source = bench.supply([(i, "SLOW", s) for i, s in zip(bench.ids, score, strict=True)])
    folder, code = bench.evaluate(source, labels=("SLOW",))
    assert code == 0
    told = results(folder)
    assert told.mode == "scores as supplied"
    assert told.labels[0].auroc.value == pytest.approx(auroc(bench.y[:, 0], score), abs=1e-12)


def test_missing_and_non_finite_supplied_scores_are_counted_and_left_out(bench):
    score = bench.y[:, 0] + np.random.default_rng(1).standard_normal(RECORDS)
    rows = [(i, "SLOW", s) for i, s in zip(bench.ids, score, strict=True)][3:]
    rows[0] = (rows[0][0], "SLOW", float("nan"))
    rows.append(("r999999999999", "SLOW", 0.5))
    folder, _ = bench.evaluate(bench.supply(rows), labels=("SLOW",))
    told = results(folder)
    assert told.missing_scores == 4
    assert told.labels[0].auroc.records == 36
    assert "4 of 40 recordings lack a score and are left out" in told.notes
    assert "1 supplied score names a recording or a label outside this evaluation" in told.notes


def test_two_supplied_scores_for_one_recording_are_refused(bench):
    folder, code = bench.evaluate(bench.supply([(bench.ids[0], "SLOW", 0.1), (bench.ids[0], "SLOW", 0.2)]))
    assert code == 1
    assert "two scores for one label" in last_event(folder).message


def test_constant_supplied_scores_are_not_estimable_and_not_one_half(bench):
    folder, code = bench.evaluate(bench.supply([(i, "SLOW", 0.3) for i in bench.ids]), labels=("SLOW",))
    assert code == 0
    told = results(folder)
    assert told.labels[0].auroc.value is None
    assert told.labels[0].auroc.not_estimable == "all scores are equal"
    assert told.macro.value is None


def test_an_evaluation_without_opened_labels_or_with_those_of_another_manifest_fails_with_the_next_step(bench):
    config = EvaluateConfig(model=AGE_SEX, labels=("SLOW",))
    folder = bench.folder(config)
    folder.labels_path.unlink()
    assert work("evaluate", folder.path) == 1
    assert "they are not there" in last_event(folder).message
    bench.open(folder, record_id=np.array(bench.ids[::-1]))
    assert work("evaluate", folder.path) == 1
    assert "they are not those of its manifest" in last_event(folder).message


def test_an_unknown_label_and_a_manifest_without_a_split_are_the_worlds_errors(bench):
    folder, code = bench.evaluate(AGE_SEX, labels=("NONE",))
    assert code == 1
    assert "there is none called NONE" in last_event(folder).message
    folder, code = bench.evaluate(AGE_SEX, split=["train"] * RECORDS)
    assert code == 1
    assert "neither folds nor a train and a test part" in last_event(folder).message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_while_features_are_kept_is_told_as_such_and_the_run_goes_on_later(bench):
    config = EvaluateConfig(store=str(bench.path / "store"), model=RANDOM, labels=("SLOW",), resamples=200, threads=1)
    folder = bench.folder(config)
    draft = folder.path / "features.safetensors.tmp"
    draft.symlink_to("/dev/full")
    assert work("evaluate", folder.path) == 1
    assert (last_event(folder).outcome, last_event(folder).bug) == ("failed", False)
    assert "No space left" in last_event(folder).message
    draft.unlink(missing_ok=True)
    bench.open(folder)
    assert work("evaluate", folder.path) == 0


def test_a_stopped_evaluation_goes_on_from_the_cache(bench, monkeypatch):
    monkeypatch.setattr("engine.evaluation.embed.BLOCK", 8)
    config = EvaluateConfig(store=str(bench.path / "store"), model=RANDOM, labels=("SLOW",), resamples=200, threads=1)
    folder = bench.folder(config)
    events = EventWriter(folder.events_path)
    folder.ask_stop()
    with pytest.raises(Stopped):
        runs.evaluate(folder, config, events)
    events.close()
    assert work("evaluate", folder.path) == 0
    assert isinstance(last_event(folder), Finished)
    assert results(folder).labels[0].auroc.value is not None


def test_an_embedding_run_fills_the_cache_that_an_evaluation_reads(bench):
    config = EmbedConfig(store=str(bench.path / "store"), model=RANDOM, cache=str(bench.path / "cache"), threads=1)
    first = bench.folder(config)
    assert work("embed", first.path) == 0
    told = results(first)
    assert (told.records, told.computed, told.width, told.layers) == (40, 40, 16, ["stem", "block1", "block2"])
    second = bench.folder(config)
    assert work("embed", second.path) == 0
    assert results(second).computed == 0


def test_scores_of_others_cannot_be_embedded_with(bench):
    folder = bench.folder(EmbedConfig(model=AGE_SEX))
    assert work("embed", folder.path) == 1
    assert "it has no layers to embed with" in last_event(folder).message


def test_a_comparison_holds_paired_differences_against_the_first_and_cka_of_layered_models(bench):
    other = RANDOM.model_copy(update={"name": "other", "seed": 2})
    folders = [bench.evaluate(model, labels=("SLOW",))[0] for model in (RANDOM, AGE_SEX, other)]
    folder, code = bench.compare(folders, ("random", "age + sex", "other"), labels=("SLOW",))
    assert code == 0
    told = results(folder)
    assert [(d.reference, d.label) for d in told.differences] == [
        ("age + sex", "SLOW"),
        ("age + sex", "macro"),
        ("other", "SLOW"),
        ("other", "macro"),
    ]
    values = [results(f).labels[0].auroc.value for f in folders]
    assert told.differences[0].estimate.value == pytest.approx(values[0] - values[1], abs=1e-12)
    assert {d.model for d in told.differences} == {told.examined} == {"random"}
    assert told.differences[1].estimate.value == pytest.approx(values[0] - values[1], abs=1e-12)
    assert [(c.rows, c.columns) for c in told.cka] == [("random", "random"), ("random", "other")]
    assert np.allclose(np.diag(np.array(told.cka[0].values)), 1)
    assert told.cka[1].row_layers == ["stem", "block1", "block2"]
    assert told.cka[1].low[2][2] <= told.cka[1].values[2][2] <= told.cka[1].high[2][2]
    assert [one.model for one in told.ranking.tasks[0].models] == ["random", "age + sex", "other"]
    assert [one.score for one in told.ranking.tasks[0].models] == pytest.approx(values)
    assert [one.model for one in told.spread] == ["random", "other"]
    assert told.test_sha256 == split_digest(bench.ids, bench.split)


def test_a_difference_rests_on_the_recordings_that_both_models_scored(bench):
    score = bench.y[:, 0] + np.random.default_rng(1).standard_normal(RECORDS)
    vendor = bench.supply([(i, "SLOW", s) for i, s in zip(bench.ids, score, strict=True)][8:])
    folders = [bench.evaluate(model, labels=("SLOW",))[0] for model in (AGE_SEX, vendor)]
    folder, code = bench.compare(folders, ("age + sex", "vendor"), labels=("SLOW",))
    assert code == 0
    estimate = results(folder).differences[0].estimate
    with np.load(folders[0].path / "predictions.npz") as kept:
        theirs = kept["scores"][8:, 0]
    assert estimate.records == 32
    expected = auroc(bench.y[8:, 0], theirs) - auroc(bench.y[8:, 0], score[8:])
    assert estimate.value == pytest.approx(expected, abs=1e-12)
    assert results(folder).cka == []


def test_evaluations_of_different_folds_are_not_compared(bench):
    first, _ = bench.evaluate(AGE_SEX, labels=("SLOW",))
    other_split = [f"fold-{k}" for k in patient_folds(bench.patients, None, 4, 7)]
    second, _ = bench.evaluate(AGE_SEX, split=other_split, labels=("SLOW",))
    folder, code = bench.compare([first, second], ("a", "b"), labels=("SLOW",))
    assert code == 1
    assert "different recordings or folds" in last_event(folder).message


def test_evaluations_are_not_compared_on_labels_that_have_changed_since(bench):
    first, second = (bench.evaluate(AGE_SEX, labels=LABELS)[0] for _ in range(2))
    assert results(first).labels_sha256 == results(second).labels_sha256
    bench.y = bench.y.copy()
    bench.y[7, 0] = 1 - bench.y[7, 0]
    folder, code = bench.compare([first, second], ("a", "b"))
    assert code == 1
    assert last_event(folder).message == "evaluation of a: labels have changed since then: SLOW"
    assert bench.compare([first, second], ("a", "b"), labels=("RARE",))[1] == 0


def test_a_comparison_with_an_unfinished_evaluation_is_the_worlds_error(bench):
    first, _ = bench.evaluate(AGE_SEX, labels=("SLOW",))
    unfinished = bench.folder(EvaluateConfig(model=AGE_SEX, labels=("SLOW",)))
    folder, code = bench.compare([first, unfinished], ("a", "b"), labels=("SLOW",))
    assert code == 1
    assert "evaluation of b: it has no results" in last_event(folder).message


def test_judging_age_and_sex_or_the_scores_of_others_loads_neither_torch_nor_all_statistics_of_scipy(bench):
    vendor = bench.supply([(i, "SLOW", float(n % 7)) for n, i in enumerate(bench.ids)])
    folders = [
        bench.folder(EvaluateConfig(model=model, labels=("SLOW",), resamples=200)) for model in (AGE_SEX, vendor)
    ]
    compare = CompareConfig(
        evaluations=tuple(str(f.path) for f in folders), names=("a", "b"), labels=("SLOW",), resamples=200
    )
    script = (
        "import sys\nfrom engine.lifecycle import work\nfrom pathlib import Path\n"
        "codes = [work(kind, Path(path)) for kind, path in (pair.split('=', 1) for pair in sys.argv[1:])]\n"
        "print(codes, [name for name in ('torch', 'scipy.stats') if name in sys.modules])\n"
    )
    jobs = [f"evaluate={f.path}" for f in folders] + [f"compare={bench.folder(compare).path}"]
    done = subprocess.run([sys.executable, "-c", script, *jobs], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[0, 0, 0] []", done.stderr


def test_an_engine_process_probes_on_one_thread_unless_told_otherwise():
    script = (
        "import os, sys, engine.cli\nassert 'numpy' not in sys.modules\n"
        "import engine.evaluation.probe\nprint(os.environ['OPENBLAS_NUM_THREADS'])\n"
    )
    clean = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    for told, expected in ((clean, "1"), ({**clean, "OPENBLAS_NUM_THREADS": "3"}, "3")):
        done = subprocess.run([sys.executable, "-c", script], env=told, capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == expected, done.stderr


def test_a_comparison_corrects_its_p_values_judges_the_margin_and_compares_what_both_models_have(bench):
    numbers = (3.0, 1.5)
    folders = []
    for place, noise in enumerate(numbers):
        rng = np.random.default_rng(place)
        score = 1 / (1 + np.exp(-(3 * bench.y[:, 0] - 1.5 + noise * rng.standard_normal(RECORDS))))
        rows = [(name, "SLOW", value) for name, value in zip(bench.ids, score, strict=True)]
        source = bench.supply(rows, name=f"v{place}").model_copy(update={"output": "probability"})
        folders.append(bench.evaluate(source, labels=("SLOW",))[0])
    config = CompareConfig(
        evaluations=tuple(str(folder.path) for folder in folders),
        names=("a", "b"),
        labels=("SLOW",),
        split_id="S-1",
        resamples=200,
        margin=0.2,
    )
    folder = bench.folder(config)
    assert work("compare", folder.path) == 0, last_event(folder)
    told = results(folder)
    label, macro = told.differences
    assert macro.correction == "Holm"
    assert label.correction == "Benjamini-Hochberg"
    assert macro.adjusted_p == macro.p_value == pytest.approx(label.p_value)
    assert {label.verdict, macro.verdict} <= {"superior", "non-inferior", "not shown", "inferior"}
    measures = {one.measure: one.estimate for one in told.further}
    assert set(measures) == {"sensitivity", "specificity", "Brier"}
    assert measures["Brier"].value > 0
    assert told.margin == 0.2
