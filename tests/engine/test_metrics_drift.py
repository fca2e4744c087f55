"""Drift between two samples: against plain transcriptions, scipy, and what must hold when nothing or much has moved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from engine.metrics.drift import (
    distribution_gap,
    gap_test,
    implied_share,
    kernel_test,
    permuted_sides,
    share_divergence,
    stability_index,
)


def samples(shift=0.0, reference=60, local=40, width=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(reference + local, width))
    side = np.arange(reference + local) >= reference
    x[side, 0] += shift
    return x, side


def plain_mmd(x, y, bandwidth):
    def kernel(a, b):
        return np.exp(-np.sum((a - b) ** 2) / (2 * bandwidth**2))

    m, n = len(x), len(y)
    xx = sum(kernel(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    yy = sum(kernel(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return xx + yy - 2 * sum(kernel(a, b) for a in x for b in y) / (m * n)


def test_the_discrepancy_is_the_sum_over_pairs_that_the_paper_writes():
    x, side = samples(0.5, 17, 12)
    told = kernel_test(x, side, permuted_sides(side, np.arange(29), 19, 0))
    pairs = [np.linalg.norm(x[i] - x[j]) for i in range(29) for j in range(i)]
    assert told.bandwidth == pytest.approx(np.median(pairs), rel=1e-12)
    assert told.squared == pytest.approx(plain_mmd(x[~side], x[side], told.bandwidth), abs=1e-13)


def test_a_shift_is_found_and_equal_samples_are_not_called_shifted():
    moved, side = samples(1.5)
    sides = permuted_sides(side, np.arange(100), 199, 1)
    assert kernel_test(moved, side, sides).p_value == 1 / 200
    assert gap_test(moved[:, 0], side, sides)[1] == 1 / 200
    alike, side = samples(0.0)
    assert kernel_test(alike, side, sides).p_value > 0.05


def test_p_values_of_equal_samples_are_spread_evenly():
    p_kernel, p_gap = [], []
    for seed in range(200):
        x, side = samples(0.0, 24, 16, 2, seed)
        sides = permuted_sides(side, np.arange(40), 99, seed)
        p_kernel.append(kernel_test(x, side, sides).p_value)
        p_gap.append(gap_test(x[:, 0], side, sides)[1])
    for p in (p_kernel, p_gap):  # 5 % of 200 are 10; more than 20 would be one chance in a thousand
        assert sum(value <= 0.05 for value in p) <= 20
        assert 0.4 < np.mean(p) < 0.62


def test_recordings_of_one_patient_change_sides_together_and_do_not_fake_a_shift():
    rng = np.random.default_rng(5)
    false_alarms = {"patients": 0, "records": 0}
    for seed in range(60):
        person = np.repeat(np.arange(20), 8)  # eight recordings a patient, alike
        x = rng.normal(size=(20, 2))[person] + 0.1 * rng.normal(size=(160, 2))
        side = person >= 10
        clustered = permuted_sides(side, person, 99, seed)
        assert all(len(np.unique(clustered[person == p], axis=0)) == 1 for p in range(3))
        false_alarms["patients"] += kernel_test(x, side, clustered).p_value <= 0.05
        single = permuted_sides(side, np.arange(160), 99, seed)
        false_alarms["records"] += kernel_test(x, side, single).p_value <= 0.05
    assert false_alarms["patients"] <= 9
    assert false_alarms["records"] >= 50


def test_the_gap_of_distribution_functions_is_scipys_ties_and_all():
    rng = np.random.default_rng(2)
    value = rng.integers(0, 12, 90).astype(float)
    side = rng.random(90) < 0.4
    assert distribution_gap(value, side[:, None])[0] == pytest.approx(
        ks_2samp(value[side], value[~side]).statistic, abs=1e-14
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_discrepancy_does_not_depend_on_scale_or_origin(seed, scale, origin):
    x, side = samples(0.7, 12, 9, 2, seed)
    sides = permuted_sides(side, np.arange(21), 9, seed)
    one, other = kernel_test(x, side, sides), kernel_test(scale * x + origin, side, sides)
    assert one.squared == pytest.approx(other.squared, abs=1e-9)


def test_constant_features_are_no_shift():
    told = kernel_test(np.ones((8, 3)), np.arange(8) > 3, permuted_sides(np.arange(8) > 3, np.arange(8), 9, 0))
    assert (told.squared, told.p_value) == (0.0, 1.0)
    with pytest.raises(ValueError, match="two recordings"):
        kernel_test(np.ones((8, 3)), np.arange(8) > 6, np.zeros((8, 1), bool))


def test_the_stability_index_is_zero_for_the_same_counts_and_grows_with_the_shift():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=4000)
    assert share_divergence(np.array([5, 9]), np.array([5, 9])) == 0
    steps = [stability_index(reference, rng.normal(loc, 1, 4000)) for loc in (0.0, 0.5, 1.5)]
    assert steps[0] < 0.02 < steps[1] < steps[2]
    # Two groups by hand: p = 0.8, q = 0.5 (without the added halves, which weigh nothing here).
    by_hand = (0.8 - 0.5) * np.log(0.8 / 0.5) + (0.2 - 0.5) * np.log(0.2 / 0.5)
    assert share_divergence(np.array([500_000, 500_000]), np.array([800_000, 200_000])) == pytest.approx(
        by_hand, rel=1e-4
    )


def test_the_implied_share_undoes_false_alarms():
    share, sensitivity, false_alarms = np.array([0.0, 0.1, 0.5, 1.0]), 0.8, 0.15
    alerts = share * sensitivity + (1 - share) * false_alarms
    assert implied_share(alerts, np.full(4, 0.8), np.full(4, 0.15)) == pytest.approx(share)
    assert implied_share(np.array([0.05, 0.95]), np.full(2, 0.8), np.full(2, 0.15)).tolist() == [0.0, 1.0]
    assert np.isnan(implied_share(np.array([0.5]), np.array([0.4]), np.array([0.4]))).all()
