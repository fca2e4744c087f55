"""The probe against scikit-learn, and what it must never do: see a patient twice, or call chance worse than chance."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from engine.contract.errors import WorldError
from engine.data.splits import patient_folds
from engine.evaluation.probe import STRENGTHS, cross_validated, parts_of
from engine.metrics.discrimination import auroc
from engine.metrics.logistic import Basis, fit


def objective(x, y, weight, intercept, strength):
    margin = (2 * y - 1) * (x @ weight + intercept)
    return np.logaddexp(0, -margin).sum() + weight @ weight / (2 * strength)


@pytest.mark.parametrize(("records", "width"), [(300, 20), (60, 150)])
@pytest.mark.parametrize("strength", [1e-4, 1e-2, 1.0])
def test_the_fit_reaches_the_objective_and_the_weights_of_scikit_learn(records, width, strength):
    rng = np.random.default_rng(width)
    x = rng.standard_normal((records, width)) @ rng.standard_normal((width, width)) + 3
    y = (rng.random(records) < 1 / (1 + np.exp(-x[:, 0] / 5))).astype(float)
    basis = Basis.of(x)
    line = fit(basis.white_NR, basis.stretch_R, y, strength)
    standard = StandardScaler().fit_transform(x)
    peer = LogisticRegression(C=strength, tol=1e-10, max_iter=20_000).fit(standard, y)
    weight = basis.turn_DR @ (line.slope_R / basis.stretch_R)
    ours = objective(standard, y, weight, line.intercept, strength)
    theirs = objective(standard, y, peer.coef_[0], peer.intercept_[0], strength)
    assert ours <= theirs * (1 + 1e-9)
    assert np.allclose(weight, peer.coef_[0], atol=2e-4 * np.abs(weight).max())
    assert np.allclose(basis.predictor(x, line.slope_R), standard @ weight, atol=1e-8)


def test_a_feature_that_does_not_vary_changes_nothing():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((80, 3)), (rng.random(80) < 0.5).astype(float)
    wide = np.hstack([x, np.full((80, 1), 7.3), np.zeros((80, 1))])
    plain, padded = Basis.of(x), Basis.of(wide)
    a, b = (fit(basis.white_NR, basis.stretch_R, y, 1.0) for basis in (plain, padded))
    assert np.allclose(plain.predictor(x, a.slope_R), padded.predictor(wide, b.slope_R), atol=1e-6)


def cohort(seed, patients=60, width=6, signal=1.5):
    rng = np.random.default_rng(seed)
    names = [f"p{i:03}" for i in np.repeat(np.arange(patients), 2)]
    y = (rng.random(patients) < 0.4)[np.repeat(np.arange(patients), 2)].astype(float)[:, None]
    x = rng.standard_normal((2 * patients, width))
    x[:, 0] += signal * y[:, 0]
    folds = patient_folds(names, y, 5, seed)
    return x, y, names, [f"fold-{k}" for k in folds]


def test_out_of_fold_scores_find_a_signal_that_is_there():
    x, y, names, split = cohort(3)
    told = cross_validated(x, y, names, split)
    assert np.isfinite(told.score_NL).all()
    assert auroc(y[:, 0], told.score_NL[:, 0]) > 0.75
    assert ((told.probability_NL > 0) & (told.probability_NL < 1)).all()
    assert np.isin(told.strength_FL, STRENGTHS).all()


def test_a_recordings_score_does_not_depend_on_its_own_patients_label():
    x, y, names, split = cohort(4)
    before = cross_validated(x, y, names, split).score_NL
    changed = y.copy()
    own = [i for i, name in enumerate(split) if name == "fold-2"]
    changed[own] = 1 - changed[own]
    after = cross_validated(x, changed, names, split).score_NL
    assert np.array_equal(before[own], after[own])
    others = [i for i in range(len(split)) if i not in own]
    assert not np.array_equal(before[others], after[others])


def test_standardisation_sees_training_recordings_only():
    x, y, names, split = cohort(5)
    before = cross_validated(x, y, names, split).score_NL
    shifted = x.copy()
    row = split.index("fold-1")
    shifted[row] += 1000
    after = cross_validated(shifted, y, names, split).score_NL
    rest = [i for i, name in enumerate(split) if name == "fold-1" and i != row]
    assert np.array_equal(before[rest], after[rest])


def test_the_probe_gives_the_same_scores_every_time():
    x, y, names, split = cohort(6)
    assert np.array_equal(cross_validated(x, y, names, split).score_NL, cross_validated(x, y, names, split).score_NL)


def test_pooled_scores_of_chance_have_an_auroc_of_one_half_where_pooled_probabilities_do_not():
    scores, probabilities = [], []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        y = np.zeros((100, 1))
        y[:25] = 1
        names = [f"p{i}" for i in range(100)]
        split = [f"fold-{k}" for k in patient_folds(names, None, 5, seed)]
        told = cross_validated(rng.standard_normal((100, 3)), y, names, split, seed)
        scores.append(auroc(y[:, 0], told.score_NL[:, 0]))
        probabilities.append(auroc(y[:, 0], told.probability_NL[:, 0]))
    assert np.mean(scores) == pytest.approx(0.5, abs=0.04)
    assert np.mean(probabilities) < 0.45


def test_unknown_labels_train_nobody_and_are_scored_all_the_same():
    x, y, names, split = cohort(7)
    y[:40] = np.nan
    told = cross_validated(x, y, names, split)
    assert np.isfinite(told.score_NL[:40]).all()


def test_a_recording_without_features_gets_no_score_and_spoils_no_other():
    x, y, names, split = cohort(8)
    x[5] = np.nan
    told = cross_validated(x, y, names, split)
    assert np.isnan(told.score_NL[5]).all()
    assert np.isfinite(np.delete(told.score_NL, 5, axis=0)).all()


def test_a_label_whose_positives_sit_in_one_fold_has_no_scores_and_says_why():
    x, y, names, split = cohort(9)
    rare = np.zeros_like(y)
    rare[split.index("fold-3")] = 1
    told = cross_validated(x, np.hstack([y, rare]), names, split)
    assert told.problems == {1: "fold-3: no positive recording to train on"}
    assert np.isnan(told.score_NL[:, 1]).all()
    assert np.isfinite(told.score_NL[:, 0]).all()


def test_a_held_out_part_is_scored_by_one_model_and_training_patients_are_not():
    x, y, names, split = cohort(10)
    split = ["test" if name == "fold-0" else "train" for name in split]
    told = cross_validated(x, y, names, split)
    test_N = np.array(split) == "test"
    assert np.isfinite(told.score_NL[test_N]).all()
    assert np.isnan(told.score_NL[~test_N]).all()


def test_a_manifest_without_a_split_is_refused():
    with pytest.raises(WorldError, match="neither folds nor a train and a test part"):
        parts_of(["train", "train"])
    assert [part.name for part in parts_of(["fold-1", "fold-0", "fold-1"])] == ["fold-0", "fold-1"]


def test_a_path_that_ends_early_chooses_the_penalties_of_the_whole_path(monkeypatch):
    rng = np.random.default_rng(8)
    x = rng.standard_normal((240, 24))
    odds = rng.uniform(0, 3, 12) * x[:, :12] + rng.standard_normal((240, 12))
    y = (odds > np.quantile(odds, np.linspace(0.5, 0.95, 12), axis=0).diagonal()).astype(float)
    y[rng.random(y.shape) < 0.1] = np.nan
    names = [f"p{n // 2}" for n in range(240)]
    split = [f"fold-{(n // 2) % 3}" for n in range(240)]
    early = cross_validated(x, y, names, split)
    monkeypatch.setattr("engine.evaluation.probe.RISES", len(STRENGTHS))
    whole = cross_validated(x, y, names, split)
    assert np.array_equal(early.strength_FL, whole.strength_FL)
    assert np.array_equal(early.score_NL, whole.score_NL)
    assert len(np.unique(early.strength_FL)) > 2


@pytest.mark.slow
def test_the_1622_targets_of_the_study_go_through_one_pass_and_stay_what_each_is_alone():
    rng = np.random.default_rng(9)
    x = rng.standard_normal((2000, 16))
    odds = x @ rng.standard_normal((16, 1622)) / 4 + rng.standard_normal((2000, 1622))
    y = (odds > np.quantile(odds, 0.9, axis=0)).astype(float)
    names = [f"p{n // 2}" for n in range(2000)]
    split = ["test" if (n // 2) % 5 == 0 else "train" for n in range(2000)]
    told = cross_validated(x, y, names, split)
    assert not told.problems
    tested = np.array(split) == "test"
    assert np.isfinite(told.score_NL[tested]).all()
    basis = Basis.of(x[~tested])
    for label in (0, 811, 1621):
        line = fit(basis.white_NR, basis.stretch_R, y[~tested, label], told.strength_FL[0, label])
        assert np.allclose(basis.predictor(x[tested], line.slope_R), told.score_NL[tested, label], atol=1e-5)
