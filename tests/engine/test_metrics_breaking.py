"""Breaking points: what a sweep's resamples say of where a model breaks, and when they say nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.results import Estimate, Interval
from engine.metrics.breaking import breaking_point

SEVERITIES = (0.1, 0.2, 0.5, 1.0)


def change(value, reach=0.01):
    return Estimate(value=value, interval=Interval(low=value - reach, high=value + reach, method="percentile"))


def swept(values, spread=0.0, resamples=1000, **more):
    rng = np.random.default_rng(3)
    change_SB = np.array(values)[:, None] + spread * rng.normal(size=resamples)
    return breaking_point(SEVERITIES, [change(value) for value in values], change_SB, **more)


def test_a_sweep_breaks_at_the_mildest_severity_that_loses_the_margin():
    found = swept([0.0, -0.02, -0.08, -0.2])
    assert (found.broken, found.low, found.high, found.held) == (0.5, 0.5, 0.5, 0.2)
    assert found.unbroken_share == 0


def test_a_sweep_that_recovers_is_broken_where_it_first_broke():
    assert swept([0.0, -0.06, -0.01, -0.2]).broken == 0.2


def test_what_never_loses_the_margin_is_unbroken_and_held_to_the_end():
    found = swept([0.0, 0.0, -0.01, -0.02])
    assert (found.broken, found.low, found.high, found.held, found.unbroken_share) == (None, None, None, 1.0, 1.0)


def test_the_interval_follows_the_resamples():
    values, spread = [-0.01, -0.045, -0.06, -0.3], 0.02
    found = swept(values, spread, resamples=20_000)
    # By the normal law 2.3 % break at 0.1 (more than 2 %, less than 2.5 %), 40 % by 0.2, 69 % by 0.5, all by 1.0.
    assert (found.broken, found.low, found.high) == (0.5, 0.2, 1.0)
    assert swept(values, spread, resamples=20_000, confidence=0.96).low == 0.1
    assert found.unbroken_share == 0


def test_an_interval_reaches_beyond_the_sweep_where_many_resamples_hold():
    found = swept([-0.0, -0.02, -0.03, -0.055], 0.02)
    assert found.broken == 1.0
    assert found.high is None
    assert 0.3 < found.unbroken_share < 0.5


def test_held_ends_at_the_first_interval_that_reaches_the_margin():
    changes = [change(0.0), change(-0.045), change(0.0), change(0.0)]
    assert breaking_point(SEVERITIES, changes, np.zeros((4, 10))).held == 0.1
    assert breaking_point(SEVERITIES, [change(-0.2)] * 4, np.full((4, 10), -0.2)).held is None


def test_a_change_without_an_interval_holds_by_its_resamples():
    alike = Estimate(value=0.0, not_estimable="no interval: both separate perfectly")
    assert breaking_point(SEVERITIES, [alike] * 4, np.zeros((4, 10))).held == 1.0
    assert breaking_point(SEVERITIES, [alike] * 4, np.full((4, 10), -0.1)).held is None


def test_what_cannot_be_judged_is_told_and_has_no_number():
    lost = Estimate(not_estimable="all scores are equal")
    found = breaking_point(SEVERITIES, [change(0.0)] * 3 + [lost], np.zeros((4, 10)))
    assert "all scores are equal" in found.not_estimable
    assert found.broken is None
    undefined = np.full((4, 10), np.nan)
    undefined[:, :5] = 0.0
    assert "half" in breaking_point(SEVERITIES, [change(0.0)] * 4, undefined).not_estimable


@given(st.lists(st.floats(-0.5, 0.2), min_size=4, max_size=4), st.integers(0, 2**31))
def test_a_smaller_margin_never_breaks_later(values, seed):
    change_SB = np.array(values)[:, None] + 0.03 * np.random.default_rng(seed).normal(size=(4, 50))
    order = [*SEVERITIES, None]

    def place(margin):
        found = breaking_point(SEVERITIES, [change(value) for value in values], change_SB, margin)
        return [order.index(found.broken), order.index(found.low), order.index(found.high)]

    assert all(small <= large for small, large in zip(place(0.02), place(0.1), strict=True))


def test_the_sweeps_of_one_resample_agree_with_a_plain_walk():
    rng = np.random.default_rng(11)
    change_SB = rng.normal(-0.03, 0.04, size=(4, 501))
    walked = []
    for column in change_SB.T:
        walked.append(next((s for s, value in enumerate(column) if value <= -0.05), 4))
    found = breaking_point(SEVERITIES, [change(float(v)) for v in change_SB.mean(axis=1)], change_SB)
    low, high = np.quantile(walked, [0.025, 0.975], method="inverted_cdf")
    order = [*SEVERITIES, None]
    assert (order.index(found.low), order.index(found.high)) == (low, high)
    assert found.unbroken_share == pytest.approx(np.mean(np.array(walked) == 4))
