"""McNemar's question over patients, against enumeration, published formulas and exact binomial tests of scipy."""

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from engine.metrics.net_flips import clustered_mcnemar, obuchowski, sign_flip
from engine.metrics.paired import mcnemar


def paired(net_P, both=3):
    """Recordings of patients whose answers flip so many times more one way, beside some that do not flip."""
    first, second, patient = [], [], []
    for person, net in enumerate(net_P):
        first += [net < 0] * abs(net) + [True] * both
        second += [net > 0] * abs(net) + [True] * both
        patient += [person] * (abs(net) + both)
    return np.array(first), np.array(second), np.array(patient)


@pytest.mark.parametrize("net_P", [[1, 2, -1, 3], [2, 2, 2, -1, -1, 5], [4, -4, 1], [1] * 6, [3, 0, 0, -1, 2]])
def test_the_exact_test_over_patients_is_the_share_of_all_sign_patterns_at_least_as_far(net_P):
    sums = [
        abs(sum(sign * size for sign, size in zip(signs, net_P, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(net_P))
    ]
    expected = np.mean([one >= abs(sum(net_P)) for one in sums])
    assert sign_flip(np.array(net_P, dtype=float)) == pytest.approx(expected, rel=1e-12)


STATSMODELS = {
    (7, 1): 0.0703125,
    (0, 9): 0.00390625,
    (12, 12): 1.0,
    (30, 18): 0.11140289106101878,
    (1, 0): 1.0,
    (121, 59): 4.4344492637551645e-06,
}
"""`mcnemar([[50, b], [c, 40]], exact=True).pvalue` of statsmodels 0.15.0; the last is its manual's example."""


@pytest.mark.parametrize("counts", list(STATSMODELS))
def test_with_one_recording_a_patient_it_is_mcnemars_exact_test(counts):
    first, second, patient = paired([-1] * counts[0] + [1] * counts[1] + [0] * 5, both=0)
    more = np.ones(8, dtype=bool), np.ones(8, dtype=bool), np.arange(1000, 1008)
    told = clustered_mcnemar(np.r_[first, more[0]], np.r_[second, more[1]], np.r_[patient, more[2]])
    assert told.p_value == pytest.approx(STATSMODELS[counts], rel=1e-9)
    assert told.p_value == pytest.approx(mcnemar(*counts), rel=1e-9)
    assert told.p_value == pytest.approx(binomtest(counts[0], sum(counts), 0.5).pvalue, rel=1e-10)
    assert told.patients == sum(counts)


def test_obuchowskis_statistic_is_that_of_the_published_form():
    b, c = np.array([56, 64, 75, 95, 87.0]), np.array([7, 1, 2, 3, 9.0])  # the example of R's clust.bin.pair 0.1.2
    net = b - c
    pooled = (b + c).sum() / 2  # var(p1 - p2) under one common p, written out as Obuchowski (1998), eqs. 1 to 4
    size = (b + c).sum()
    deviations = (b - (b + c) * pooled / size) - (c - (b + c) * pooled / size)
    variance = 5 / 4 * np.sum(deviations**2) / size**2
    assert obuchowski(net) == pytest.approx((net.sum() / size) ** 2 / variance, rel=1e-12)
    assert obuchowski(net) == pytest.approx(4 / 5 * 355**2 / 26247, rel=1e-12)


def test_ten_recordings_of_one_patient_are_one_piece_of_evidence():
    first, second, patient = paired([10, 1, 1], both=20)
    told = clustered_mcnemar(first, second, patient)
    assert mcnemar(0, 12) < 0.001
    assert told.p_value == pytest.approx(0.25)  # three patients: all signs alike, 2 of 8 patterns


def test_many_flips_are_told_by_chi_squared_which_agrees_with_the_exact_test(monkeypatch):
    rng = np.random.default_rng(0)
    net = rng.choice([-2, -1, 0, 1, 2], p=[0.05, 0.2, 0.4, 0.25, 0.1], size=2000)
    first, second, patient = paired(net, both=1)
    exact = clustered_mcnemar(first, second, patient)
    monkeypatch.setattr("engine.metrics.net_flips.EXACT_FLIPS", 10)
    told = clustered_mcnemar(first, second, patient)
    assert "Obuchowski" in told.method
    assert "exact" in exact.method
    assert told.p_value == pytest.approx(chi2.sf(told.statistic, 1), rel=1e-9)
    assert told.p_value == pytest.approx(exact.p_value, rel=0.1)


def test_nothing_flips_and_one_patient_are_told_as_what_they_are():
    same = np.array([True, False, True])
    assert clustered_mcnemar(same, same, np.array([0, 1, 2])).p_value == 1
    alone = clustered_mcnemar(same, ~same, np.array([0, 0, 0]))
    assert alone.p_value is None
    assert "one patient" in alone.method
