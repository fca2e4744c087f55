"""AUROC against scikit-learn and against its definition, pair by pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from engine.metrics.discrimination import Ranked, auroc, midranks, placements


def pairs_won(y, score):
    """The definition: every positive against every negative, a tie counts half."""
    positive, negative = score[y == 1], score[y == 0]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    return wins.mean()


@pytest.mark.parametrize("decimals", [8, 1, 0])
def test_auroc_equals_scikit_learn_with_and_without_ties(decimals):
    rng = np.random.default_rng(decimals)
    y = (rng.random(500) < 0.3).astype(float)
    score = np.round(rng.standard_normal(500) + y, decimals)
    assert auroc(y, score) == pytest.approx(roc_auc_score(y, score), abs=1e-14)


def test_weighted_auroc_equals_scikit_learn_with_sample_weights():
    rng = np.random.default_rng(3)
    y = (rng.random(300) < 0.4).astype(float)
    score, weight = np.round(rng.standard_normal(300) + y, 1), rng.random(300)
    assert auroc(y, score, weight) == pytest.approx(roc_auc_score(y, score, sample_weight=weight), abs=1e-13)


def test_an_auroc_without_one_class_is_undefined_and_never_one_half():
    assert np.isnan(auroc([1, 1], [0.1, 0.2]))
    assert np.isnan(auroc([0, 0], [0.1, 0.2]))
    assert np.isnan(auroc([], []))
    assert np.isnan(auroc([0, 1], [0.1, 0.2], [1, 0]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40))
def test_auroc_is_the_share_of_pairs_won_for_any_scores(rows):
    y = np.array([float(a) for a, _ in rows])
    score = np.array([float(b) for _, b in rows])
    if 0 < y.sum() < len(y):
        assert auroc(y, score) == pytest.approx(pairs_won(y, score), abs=1e-14)
        assert auroc(y, -score) == pytest.approx(1 - pairs_won(y, score), abs=1e-14)


def test_auroc_depends_on_the_order_of_scores_only():
    rng = np.random.default_rng(5)
    y, score = (rng.random(80) < 0.5).astype(float), rng.standard_normal(80)
    assert auroc(y, np.exp(3 * score)) == auroc(y, score)


def test_every_resample_equals_the_auroc_of_the_resampled_rows():
    rng = np.random.default_rng(7)
    patient = rng.integers(20, size=70)
    y, score = (rng.random(70) < 0.4).astype(float), np.round(rng.standard_normal(70), 1)
    weight = rng.integers(0, 4, size=(20, 30)).astype(np.int16)
    fast = Ranked.of(y, score, patient).resampled(weight)
    for b in range(30):
        rows = np.repeat(np.arange(70), weight[patient, b])
        assert fast[b] == pytest.approx(pairs_won(y[rows], score[rows]), abs=1e-14)


def test_chunks_do_not_change_the_resamples(monkeypatch):
    rng = np.random.default_rng(8)
    y, score, patient = (rng.random(50) < 0.4).astype(float), rng.standard_normal(50), np.arange(50)
    weight = rng.integers(0, 3, size=(50, 41)).astype(np.int16)
    whole = Ranked.of(y, score, patient).resampled(weight)
    monkeypatch.setattr("engine.metrics.discrimination._CELLS", 120)
    assert np.array_equal(whole, Ranked.of(y, score, patient).resampled(weight))


@pytest.mark.parametrize("decimals", [8, 1, 0])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_midranks_equal_scipy_with_and_without_ties_to_the_bit(count, decimals):
    score = np.round(np.random.default_rng(count).standard_normal(count), decimals)
    np.testing.assert_array_equal(midranks(score), rankdata(score))


def test_placements_equal_their_definition_and_average_to_the_auroc():
    rng = np.random.default_rng(9)
    y, score = (rng.random(90) < 0.3).astype(float), np.round(rng.standard_normal(90), 1)
    v10, v01 = placements(y, score)
    positive, negative = score[y == 1], score[y == 0]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    assert np.allclose(v10, wins.mean(axis=1), atol=1e-14)
    assert np.allclose(v01, wins.mean(axis=0), atol=1e-14)
    assert v10.mean() == pytest.approx(auroc(y, score), abs=1e-14)
