"""Measured numbers: the ridge probe against scikit-learn, and whole evaluations of targets."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from test_evaluation_runs import AGE_SEX, LABELS, RANDOM, Bench, results

from engine.contract.evaluation import EvaluationSettings, HeadTraining
from engine.evaluation import ridge
from engine.evaluation.judge_numbers import judge_targets


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.lifecycle._interrupt_is_stop", lambda folder: None)
    return Bench(tmp_path)


def made(records=120, features=8, seed=0):
    rng = np.random.default_rng(seed)
    x_ND = rng.standard_normal((records, features)) * np.arange(1, features + 1)
    y_N = x_ND @ rng.standard_normal(features) + rng.standard_normal(records)
    return x_ND, y_N


@pytest.mark.parametrize("penalty", [ridge.PENALTIES[0], 1.0, ridge.PENALTIES[-1]])
def test_lines_are_those_of_scikit_learn_on_standardised_features(penalty):
    x_ND, y_N = made()
    lines = ridge._Lines.of(x_ND, y_N[:, None])
    place = ridge.PENALTIES.index(penalty)
    told = ridge._Lines(lines.basis, lines.slope_CRK, lines.mean_K, np.array([place])).at(x_ND)[:, 0]
    z_ND = (x_ND - x_ND.mean(axis=0)) / x_ND.std(axis=0)
    np.testing.assert_allclose(told, Ridge(alpha=penalty).fit(z_ND, y_N).predict(z_ND), rtol=1e-8)


def test_every_patient_is_predicted_by_others_and_targets_do_not_meet():
    x_ND, y_N = made()
    patients = [f"p{n // 2}" for n in range(len(y_N))]
    split = [f"fold-{(n // 2) % 4}" for n in range(len(y_N))]
    half_N = np.where(np.arange(len(y_N)) % 3 == 0, np.nan, 100 * y_N)
    told = ridge.cross_validated_numbers(x_ND, np.stack([y_N, half_N], axis=1), patients, split)
    assert np.isfinite(told.prediction_NK).all()
    assert np.corrcoef(told.prediction_NK[:, 0], y_N)[0, 1] > 0.95
    alone = ridge.cross_validated_numbers(x_ND, half_N[:, None], patients, split)
    np.testing.assert_array_equal(alone.prediction_NK[:, 0], told.prediction_NK[:, 1])
    changed_N = y_N.copy()
    changed_N[split.index("fold-0")] = 1e6
    other = ridge.cross_validated_numbers(x_ND, changed_N[:, None], patients, split).prediction_NK[:, 0]
    own_N = np.array(split) == "fold-0"
    np.testing.assert_array_equal(other[own_N], told.prediction_NK[own_N, 0])


def test_a_target_that_hardly_anybody_has_is_told_and_not_predicted():
    x_ND, y_N = made(20)
    y_N[2:] = np.nan
    told = ridge.cross_validated_numbers(
        x_ND, y_N[:, None], [str(n) for n in range(20)], ["train"] * 10 + ["test"] * 10
    )
    assert np.isnan(told.prediction_NK).all()
    assert told.problems == {0: "test: 2 recordings with a value to train on, 3 are needed"}


def test_errors_are_told_in_units_and_in_standard_deviations():
    rng = np.random.default_rng(1)
    measured_NK = rng.normal(60, 10, (80, 2))
    predicted_NK = measured_NK + np.array([5.0, -2.0])
    told, macro = judge_targets(
        ["a", "b"],
        measured_NK,
        predicted_NK,
        [str(n) for n in range(80)],
        EvaluationSettings(resamples=100, subgroups=("sex",)),
        spread_K=np.array([10.0, 4.0]),
        groups={"sex": ["female", "male"] * 40},
    )
    assert told[0].regression.mae.value == pytest.approx(5)
    assert [one.standardised_mae.value for one in told] == pytest.approx([0.5, 0.5])
    assert macro.value == pytest.approx(0.5)
    assert [group.group for group in told[0].subgroups[0].groups] == ["female", "male"]


def test_an_evaluation_of_a_number_and_a_label_tells_both(bench, monkeypatch):
    rng = np.random.default_rng(2)
    number = np.where(bench.y[:, 0] == 1, 62.0, 95.0) + rng.standard_normal(len(bench.y))
    number[4] = np.nan
    bench.y = np.c_[bench.y, number]
    monkeypatch.setattr("test_evaluation_runs.LABELS", (*LABELS, "rate"))
    folder, code = bench.evaluate(AGE_SEX, labels=("SLOW",), targets=("rate",))
    assert code == 0
    told = results(folder)
    assert told.targets[0].regression.mae.records == len(bench.y) - 1
    assert told.targets[0].standardised_mae.value == pytest.approx(
        told.targets[0].regression.mae.value / np.nanstd(number), rel=1e-9
    )
    assert told.macro_mae.value == pytest.approx(told.targets[0].standardised_mae.value)
    assert told.labels[0].auroc.value is not None
    with np.load(folder.path / "predictions.npz") as file:
        assert file["targets"].tolist() == ["rate"]
    trained, _ = bench.evaluate(RANDOM, labels=(), targets=("rate",), mode="frozen", training=HeadTraining(epochs=2))
    assert results(trained).targets[0].regression.mae.value is not None
    assert results(trained).macro.not_estimable == "no label was asked for"
