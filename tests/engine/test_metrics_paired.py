"""Two models on the same recordings, and many tests at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.errors import UsageError
from engine.contract.estimate import Estimate, Interval
from engine.metrics.multiplicity import benjamini_hochberg, holm
from engine.metrics.paired import mcnemar, non_inferiority, paired_rate_difference, tango


def test_turning_the_pair_round_turns_the_interval_round():
    low, high = tango(12, 3, 80, 0.95)
    assert tango(3, 12, 80, 0.95) == pytest.approx((-high, -low))
    assert low > 0 > tango(6, 5, 80, 0.95)[0]


@given(first=st.integers(0, 30), second=st.integers(0, 30), both=st.integers(0, 30))
def test_the_interval_of_a_paired_difference_always_holds_its_value(first, second, both):
    pairs = first + second + both
    if pairs == 0:
        return
    low, high = tango(first, second, pairs, 0.95)
    assert -1 <= low <= (first - second) / pairs <= high <= 1
    assert high - low > 0
    assert 0 <= mcnemar(first, second) <= 1


def test_pairs_that_agree_everywhere_are_no_evidence():
    assert mcnemar(0, 0) == 1
    told = paired_rate_difference(np.ones(40, bool), np.ones(40, bool), np.arange(40))
    assert told.value == 0
    assert told.interval.low < 0 < told.interval.high


def test_recordings_of_one_patient_that_agree_widen_the_paired_interval():
    rng = np.random.default_rng(0)
    first, second = rng.random(60) < 0.8, rng.random(60) < 0.6
    alone = paired_rate_difference(first, second, np.arange(60))
    five = paired_rate_difference(np.repeat(first, 5), np.repeat(second, 5), np.repeat(np.arange(60), 5))
    assert alone.interval.method == "Tango score"
    assert "design effect 5" in five.interval.method
    assert five.interval.high - five.interval.low == pytest.approx(alone.interval.high - alone.interval.low, rel=0.02)
    assert paired_rate_difference(first, second, np.zeros(60, dtype=int)).not_estimable.startswith("no interval")
    nobody = np.zeros(0, dtype=bool)
    assert paired_rate_difference(nobody, nobody, np.zeros(0, dtype=int)).not_estimable


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.01, 0.05, "superior"), (-0.02, 0.03, "non-inferior"), (-0.06, 0.02, "not shown"), (-0.09, -0.04, "inferior")],
)
def test_non_inferiority_is_judged_by_the_interval_alone(low, high, verdict):
    difference = Estimate(value=(low + high) / 2, interval=Interval(low=low, high=high, method="any"))
    assert non_inferiority(difference, 0.03).verdict == verdict


def test_without_an_interval_nothing_is_shown_and_a_margin_must_be_one():
    told = non_inferiority(Estimate(value=0.1, not_estimable="no interval: one patient"), 0.03)
    assert (told.verdict, told.problem) == ("not shown", "no interval: one patient")
    with pytest.raises(UsageError, match="margin"):
        non_inferiority(Estimate(value=0.1), 0)


@given(p=st.lists(st.floats(0, 1), max_size=12))
def test_adjusted_values_keep_the_order_and_holm_is_the_stricter(p):
    strict, loose = holm(p), benjamini_hochberg(p)
    assert np.all(strict >= loose - 1e-12)
    assert np.all(loose >= np.asarray(p) - 1e-12)
    order = np.argsort(p, kind="stable")
    assert np.all(np.diff(strict[order]) >= 0)
    assert np.all(np.diff(loose[order]) >= 0)


def test_what_is_no_probability_is_refused():
    with pytest.raises(UsageError, match="p-values"):
        holm([0.1, float("nan")])
    with pytest.raises(UsageError, match="p-values"):
        benjamini_hochberg([1.2])
