"""Thresholds that do what the old version did, against a search through all thresholds of written-out samples."""

import numpy as np
import pytest

from engine.metrics.matching_threshold import matching_threshold
from engine.metrics.uncertainty import draw_multiplicities


def naive(score, counted, called, at_most):
    """The threshold by trying every score that occurs, from high to low."""
    target = called[counted].sum()
    kept = None
    for threshold in sorted(set(score.tolist()), reverse=True):
        calls = (score[counted] >= threshold).sum()
        if at_most and calls <= target:
            kept = threshold
        if not at_most and calls >= target and target > 0:
            return threshold
    return kept


@pytest.fixture
def sample():
    rng = np.random.default_rng(5)
    patient = np.unique(rng.integers(30, size=70), return_inverse=True)[1]
    y = rng.random(70) < 0.4
    return rng.random(70).round(1), y, (0.3 * y + rng.random(70)) > 0.7, patient


@pytest.mark.parametrize(("which", "at_most"), [("with", False), ("without", True), ("all", False)])
def test_thresholds_and_their_resamples_are_those_of_a_search_through_all(sample, which, at_most):
    score, y, called, patient = sample
    counted = {"with": y, "without": ~y, "all": np.ones(70, dtype=bool)}[which]
    weight = draw_multiplicities(patient.max() + 1, 120, 0)
    told = matching_threshold(score, counted, called, patient, weight, at_most=at_most)
    assert told.threshold.value == naive(score, counted, called, at_most)
    assert told.old_value == pytest.approx(called[counted].mean())
    drawn = []
    for column in weight.T:
        rows = np.repeat(np.arange(70), column[patient])
        # thresholds are scores of the test part, whether or not this resample drew them
        drawn.append(_in_all(score, score[rows], counted[rows], called[rows], at_most))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    assert (told.threshold.interval.low, told.threshold.interval.high) == (pytest.approx(low), pytest.approx(high))


def _in_all(every, score, counted, called, at_most):
    target, kept = called[counted].sum(), np.nan
    for threshold in sorted(set(every.tolist()), reverse=True):
        calls = (score[counted] >= threshold).sum()
        if at_most and calls <= target:
            kept = threshold
        if not at_most and calls >= target and target > 0:
            return threshold
    return kept


def test_a_sensitivity_of_nothing_and_a_specificity_of_everything_have_no_threshold(sample):
    score, y, _, patient = sample
    weight = draw_multiplicities(patient.max() + 1, 50, 0)
    nothing = np.zeros(70, dtype=bool)
    found = matching_threshold(score, y, nothing, patient, weight)
    assert found.threshold.value is None
    assert found.old_value == 0
    flat = np.ones(70)
    spared = matching_threshold(flat, ~y, nothing, patient, weight, at_most=True)
    assert spared.threshold.value is None
    assert "so few" in spared.threshold.not_estimable
