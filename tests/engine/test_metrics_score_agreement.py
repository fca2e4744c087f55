"""Agreement of two versions' scores, against scipy and against resamples written out one by one."""

import numpy as np
import pytest
from scipy import stats

from engine.metrics.score_agreement import resampled_quantiles, score_agreement
from engine.metrics.uncertainty import draw_multiplicities


@pytest.fixture
def scores():
    rng = np.random.default_rng(3)
    patient = rng.integers(40, size=90)
    patient = np.unique(patient, return_inverse=True)[1]
    old = rng.random(90).round(2)  # with ties
    return old, np.clip(old + 0.05 + 0.1 * rng.standard_normal(90), 0, 1).round(2), patient


def test_bias_limits_and_ranks_are_those_of_scipy_and_numpy(scores):
    old, new, patient = scores
    told = score_agreement(old, new, patient, draw_multiplicities(patient.max() + 1, 400, 0))
    gap = new - old
    assert told.mean_difference.value == pytest.approx(gap.mean(), abs=1e-12)
    assert told.spread == pytest.approx(gap.std(ddof=1), rel=1e-12)
    assert told.lower_limit.value == pytest.approx(gap.mean() - 1.96 * gap.std(ddof=1), rel=1e-10)
    assert told.upper_limit.value == pytest.approx(gap.mean() + 1.96 * gap.std(ddof=1), rel=1e-10)
    assert told.spearman.value == pytest.approx(stats.spearmanr(old, new).statistic, rel=1e-12)
    for one in told.quantiles:
        assert one.shift.value == pytest.approx(np.quantile(new, one.share) - np.quantile(old, one.share))


def test_the_interval_of_the_correlation_is_that_of_patients_drawn_one_by_one(scores):
    old, new, patient = scores
    weight = draw_multiplicities(patient.max() + 1, 150, 1)
    told = score_agreement(old, new, patient, weight).spearman
    drawn = []
    for column in weight.T:
        rows = np.repeat(np.arange(len(old)), column[patient])
        drawn.append(stats.spearmanr(old[rows], new[rows]).statistic)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (told.interval.low, told.interval.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


def test_quantiles_of_resamples_are_those_of_recordings_written_out(scores):
    old, _, patient = scores
    weight = draw_multiplicities(patient.max() + 1, 30, 2)
    told = resampled_quantiles(old, patient, weight, (0.05, 0.5, 0.95))
    for number, column in enumerate(weight.T):
        rows = np.repeat(np.arange(len(old)), column[patient])
        expected = np.quantile(old[rows], [0.05, 0.5, 0.95], method="inverted_cdf")
        np.testing.assert_allclose(told[:, number], expected)


def test_equal_scores_differ_by_exactly_nothing(scores):
    old, _, patient = scores
    told = score_agreement(old, old.copy(), patient, draw_multiplicities(patient.max() + 1, 100, 0))
    assert told.mean_difference.value == told.spread == told.lower_limit.value == 0
    assert told.identical == told.records == 90
    assert told.spearman.value == pytest.approx(1)
    assert all(one.shift.value == 0 for one in told.quantiles)


def test_a_version_that_says_one_number_of_everybody_has_no_correlation(scores):
    old, _, patient = scores
    told = score_agreement(old, np.full(len(old), 0.5), patient, draw_multiplicities(patient.max() + 1, 100, 0))
    assert told.spearman.value is None
    assert "same score" in told.spearman.not_estimable


def test_three_recordings_are_too_few_to_speak_of_agreement():
    few = np.array([0.1, 0.2, 0.3])
    told = score_agreement(few, few, np.arange(3), draw_multiplicities(3, 100, 0))
    assert "4 are needed" in told.not_estimable
    assert told.mean_difference is None
