"""Correlations against scipy's."""

import numpy as np
import pytest
from scipy import stats

from engine.metrics.association import association, ranks_of

X = [1.2, 1.1, 0.9, 0.95, 0.7, 0.7]
Y = [0.30, 0.31, 0.25, 0.22, 0.20, 0.21]


def test_pearson_and_its_interval_are_scipys():
    told, scipys = association("cpc", "loss", "error", X, Y).pearson, stats.pearsonr(X, Y)
    assert told.value == pytest.approx(scipys.statistic, rel=1e-12)
    assert (told.interval.low, told.interval.high) == pytest.approx(tuple(scipys.confidence_interval()), rel=1e-12)


def test_spearman_is_scipys_and_its_interval_is_wider_than_fishers():
    told = association("cpc", "loss", "error", X, Y).spearman
    assert told.value == pytest.approx(stats.spearmanr(X, Y).statistic, rel=1e-12)
    z = np.arctanh(told.value)
    reach = stats.norm.ppf(0.975) * np.sqrt((1 + told.value**2 / 2) / 3)
    assert (told.interval.low, told.interval.high) == pytest.approx((np.tanh(z - reach), np.tanh(z + reach)))


def test_ranks_share_the_mean_of_ties():
    values = np.array([3.0, 1.0, 3.0, 2.0, 3.0])
    assert ranks_of(values).tolist() == stats.rankdata(values).tolist()


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([1.0], [1.0], "1 points"),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], "does not vary"),
        ([1.0, 2.0, 4.0], [1.0, 3.0, 3.5], "no interval: 3 points"),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], "one order exactly"),
        ([1.0, float("nan")], [1.0, 2.0], "1 points"),
    ],
)
def test_what_cannot_be_estimated_says_why(x, y, reason):
    told = association("s", "x", "y", x, y).pearson
    assert told.interval is None
    assert reason in told.not_estimable
