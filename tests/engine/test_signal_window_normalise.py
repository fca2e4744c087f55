"""Normalisation of windows against plain loops and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from engine.signal.window_normalise import (
    OF_WINDOWS,
    RANGE,
    RANK,
    WHOLE_RANGE,
    WHOLE_WINDOW,
    WINDOW,
    normalise_windows,
    z_score,
)


@pytest.fixture
def x_NCT():
    return np.random.default_rng(0).normal(3, 2, size=(2, 3, 50)).astype(np.float32)


def test_a_lead_of_a_window_has_mean_zero_and_deviation_one(x_NCT):
    told = normalise_windows(x_NCT, WINDOW)
    for window, made in zip(x_NCT, told, strict=True):
        for lead, z in zip(window, made, strict=True):
            np.testing.assert_allclose(z, (lead - lead.mean()) / lead.std(), atol=1e-5)


def test_all_leads_of_a_window_share_mean_and_deviation(x_NCT):
    told = normalise_windows(x_NCT, WHOLE_WINDOW)
    np.testing.assert_allclose(told[1], (x_NCT[1] - x_NCT[1].mean()) / x_NCT[1].std(), atol=1e-5)


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=30))
def test_ranks_with_ties_are_averaged_and_reach_from_minus_one_to_one(values):
    lead = np.array(values, dtype=np.float32)
    told = normalise_windows(lead[None, None], RANK)[0, 0]
    truth = np.array([sum(v < x for v in lead) + (sum(v == x for v in lead) + 1) / 2 for x in lead])
    np.testing.assert_allclose(told, (truth - 1) / (len(lead) - 1) * 2 - 1, atol=1e-6)
    np.testing.assert_allclose(rankdata(lead), truth)


def test_a_range_reaches_from_minus_one_to_one(x_NCT):
    told = normalise_windows(x_NCT, RANGE)
    np.testing.assert_allclose(told.min(axis=2), -1)
    np.testing.assert_allclose(told.max(axis=2), 1)


def test_all_leads_of_a_window_share_a_range_from_zero_to_one(x_NCT):
    told = normalise_windows(x_NCT, WHOLE_RANGE)
    for window, made in zip(x_NCT, told, strict=True):
        low, high = window.min(), window.max()
        np.testing.assert_allclose(made, (window - low) / (high - low), atol=1e-6)


@pytest.mark.parametrize("text", OF_WINDOWS)
def test_a_flat_lead_becomes_zero(text):
    assert not normalise_windows(np.full((1, 2, 40), 0.3, dtype=np.float32), text).any()


def test_a_flat_lead_of_a_recording_becomes_zero():
    assert not z_score(np.full((2, 40), 0.3, dtype=np.float32), (1,)).any()


def test_what_is_not_of_windows_leaves_them_alone(x_NCT):
    assert normalise_windows(x_NCT, "none") is x_NCT
