"""Input that cannot be judged, through whole evaluation runs: a named state in the result, never a silent number."""

import numpy as np
import pytest
from test_evaluation_runs import AGE_SEX, RANDOM, RECORDS, Bench, last_event, results

from engine.contract.config import PredictionsModel
from engine.data.store import Store
from engine.signal.recording import Recording


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
    return Bench(tmp_path)


def supplied(bench, score, label="SLOW", **settings):
    """Evaluate scores of a vendor; `score` is one for every recording."""
    rows = [(name, label, value) for name, value in zip(bench.ids, score, strict=True)]
    source = bench.supply(rows, name=f"vendor{bench.count}")
    folder, code = bench.evaluate(source, labels=(label,), **settings)
    assert code == 0, last_event(folder)
    return results(folder)


def test_no_positive_recording_is_a_named_state_on_every_page(bench):
    bench.y[:, 0] = 0
    told = supplied(bench, np.linspace(0, 1, RECORDS)).labels[0]
    assert told.auroc.value is None
    assert "no positive" in told.auroc.not_estimable
    assert told.auprc.value is None
    assert told.operating.not_estimable
    assert told.failures == []
    assert all(one.estimate.value is None for page in told.subgroups for one in page.groups)


def test_one_patient_has_an_area_and_no_interval(bench):
    bench.patients = ["p0"] * RECORDS
    told = supplied(bench, np.linspace(0, 1, RECORDS))
    assert told.patients == 1
    assert told.macro.interval is None
    assert told.labels[0].auroc.interval is None
    assert told.labels[0].auroc.not_estimable


def test_constant_scores_are_one_half_by_ties_and_said_to_rank_nobody(bench):
    told = supplied(bench, np.full(RECORDS, 0.3)).labels[0]
    assert told.auroc.value in (None, 0.5)
    assert told.auroc.interval is None
    assert told.auroc.not_estimable


def test_ties_count_half(bench):
    score = bench.y[:, 0].copy()
    score[:] = np.where(np.arange(RECORDS) % 4 == 0, 0.5, score)
    told = supplied(bench, score).labels[0].auroc
    positive, negative = score[bench.y[:, 0] == 1], score[bench.y[:, 0] == 0]
    wins = (positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean()
    assert told.value == pytest.approx(wins)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_count_as_missing_and_are_told(bench, bad):
    score = np.linspace(0, 1, RECORDS)
    score[:7] = bad
    told = supplied(bench, score)
    assert told.missing_scores == 7
    assert told.labels[0].auroc.records == RECORDS - 7
    assert any("7 of" in note and "lack a score" in note for note in told.notes)


def test_recordings_and_labels_outside_the_map_are_counted_not_scored(bench):
    rows = [(name, "SLOW", 0.5 + 0.01 * n) for n, name in enumerate(bench.ids)]
    source = bench.supply([*rows, ("r_unknown", "SLOW", 1.0), (bench.ids[0], "FOREIGN", 1.0)])
    folder, _ = bench.evaluate(source, labels=("SLOW",))
    assert any("2 supplied scores name a recording or a label outside" in note for note in results(folder).notes)


def test_a_recording_with_two_scores_is_refused_and_nothing_is_left_half_done(bench):
    source = bench.supply([(bench.ids[0], "SLOW", 0.1), (bench.ids[0], "SLOW", 0.9)])
    folder, code = bench.evaluate(source, labels=("SLOW",))
    assert code != 0
    assert "two scores" in last_event(folder).message
    assert not folder.results_path.exists()
    assert not (folder.path / "predictions.npz").exists()


def test_labels_of_other_values_are_a_named_state(bench):
    bench.y[3, 0] = 2
    told = supplied(bench, np.linspace(0, 1, RECORDS)).labels[0]
    assert told.auroc.not_estimable == "labels other than 0 and 1"


def test_three_patients_in_a_subgroup_are_insufficient_evidence_with_their_number(bench):
    three = set(sorted(set(bench.patients))[:3])
    bench.sex = np.array([1.0 if name in three else 0.0 for name in bench.patients])
    told = supplied(bench, np.linspace(0, 1, RECORDS)).labels[0]
    page = next(page for page in told.subgroups if page.attribute == "sex")
    women = next(group for group in page.groups if group.group == "female")
    assert women.state == "insufficient evidence"
    assert women.gap.value is None
    assert women.gap.not_estimable
    assert any(text.startswith("female") for text in page.unestimable)


def test_scores_are_told_nothing_of_calibration_and_probabilities_are(bench):
    score = np.clip(bench.y[:, 0] * 0.3 + np.linspace(0.1, 0.6, RECORDS), 0, 1)
    plain = supplied(bench, score).labels[0]
    assert (plain.calibration, plain.utility, plain.recalibration) == (None, None, None)
    rows = [(name, "SLOW", value) for name, value in zip(bench.ids, score, strict=True)]
    path = bench.supply(rows, name="sure").file
    source = PredictionsModel(name="sure", file=path, output="probability")
    folder, _ = bench.evaluate(source, labels=("SLOW",))
    told = results(folder).labels[0]
    assert told.calibration.slope.value is not None
    assert len(told.utility.points) == 50
    assert told.overall.brier.value == pytest.approx(np.mean((score - bench.y[:, 0]) ** 2))


def test_probabilities_beyond_one_are_named_and_not_judged_as_such(bench):
    rows = [(name, "SLOW", 3.0 * n / RECORDS) for n, name in enumerate(bench.ids)]
    source = PredictionsModel(name="vendor", file=bench.supply(rows).file, output="probability")
    folder, code = bench.evaluate(source, labels=("SLOW",))
    assert code == 0
    told = results(folder).labels[0]
    assert told.auroc.value is not None
    assert "no probabilities" in told.calibration.slope.not_estimable
    assert "no probabilities" in told.utility.not_estimable


def test_a_recording_without_a_lead_is_fed_with_zeros_and_one_too_short_is_left_out_and_told(bench):
    rng = np.random.default_rng(0)
    short = rng.standard_normal((12, 300)).astype(np.float32)
    bare = rng.standard_normal((12, 1500)).astype(np.float32)
    bare[7] = np.nan
    with Store.create(bench.path / "store") as store:
        for number, signal in enumerate((short, bare), start=900):
            store.append(Recording(signal, 250.0, file_sha256=f"{number:064x}"))
    store = Store.open(bench.path / "store")
    bench.ids += [store.entry(row).record_id for row in (RECORDS, RECORDS + 1)]
    bench.patients += ["q0", "q1"]
    bench.y = np.vstack([bench.y, [[1, 0], [0, 0]]])
    bench.age, bench.sex = np.r_[bench.age, 50.0, 50.0], np.r_[bench.sex, 0.0, 1.0]
    bench.split += ["fold-0", "fold-1"]
    folder, code = bench.evaluate(RANDOM, labels=("SLOW",))
    assert code == 0, last_event(folder)
    told = results(folder)
    assert told.missing_scores == 1
    assert any("1 recordings cannot be fed to the model" in note for note in told.notes)


def test_a_label_of_one_class_beside_a_good_one_is_left_out_of_the_macro_by_name(bench):
    bench.y[:, 1] = 0
    folder, _ = bench.evaluate(AGE_SEX)
    told = results(folder)
    assert told.labels[1].auroc.value is None
    assert told.macro.value == pytest.approx(told.labels[0].auroc.value)
    assert any("left out" in note for note in told.notes)
