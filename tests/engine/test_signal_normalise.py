"""The lead order of the z-score constants is proved, named and applied alike in training and evaluation."""

import numpy as np
import pytest

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.signal.condition import model_input
from engine.signal.leads import CANONICAL
from engine.signal.normalise import DEVIATIONS_MV, LISTED, MEANS_MV, TEXTS, normalise, statistics


def limb_residuals(order):
    """How far the means are from Einthoven's and Goldberger's laws, which hold for every sample and so for means."""
    mean = dict(zip(order, MEANS_MV, strict=True))
    i, ii = mean["I"], mean["II"]
    expected = {"III": ii - i, "aVR": -(i + ii) / 2, "aVL": i - ii / 2, "aVF": ii - i / 2}
    return {lead: abs(mean[lead] - value) for lead, value in expected.items()}


def test_the_means_obey_einthoven_in_the_listed_order_and_in_no_other_that_was_supposed():
    listed, canonical = limb_residuals(LISTED), limb_residuals(CANONICAL)
    assert listed["III"] < 2.1e-7
    assert max(listed.values()) < 6e-5
    assert canonical["III"] > 3e-4
    assert max(canonical.values()) > 2e-3


def test_every_lead_is_scaled_by_its_own_constants():
    means_C1, deviations_C1 = statistics("ptbxl")
    for lead, mean, deviation in zip(LISTED, MEANS_MV, DEVIATIONS_MV, strict=True):
        row = CANONICAL.index(lead)
        assert means_C1[row, 0] == np.float32(mean)
        assert deviations_C1[row, 0] == np.float32(deviation)


def test_as_released_the_scales_are_wrong_by_the_factors_that_were_found():
    """Method specification, section 9, item 3."""
    _, right_C1 = statistics("ptbxl")
    _, wrong_C1 = statistics("ptbxl_as_released")
    factors = dict(zip(CANONICAL, (right_C1 / wrong_C1)[:, 0], strict=True))
    told = {"III": 0.73, "aVR": 0.42, "aVL": 0.44, "aVF": 0.48, "V1": 0.86, "V2": 1.23, "V3": 1.95, "V4": 2.18}
    told |= {"V5": 1.87, "V6": 1.88, "I": 1.0, "II": 1.0}
    assert factors == pytest.approx(told, abs=0.005)


def test_none_leaves_millivolts_as_they_are():
    signal_CT = np.ones((12, 5), dtype=np.float32)
    assert normalise(signal_CT, TEXTS["none"]) is signal_CT


def test_a_models_input_is_clipped_first_and_normalised_then():
    signal_CT = np.full((12, 600), 9.0, dtype=np.float32)
    card = Preprocessing(rate_hz=240.0, window_s=2.5, clip_mv=3.0, normalisation=TEXTS["ptbxl"])
    x_NCT = model_input(signal_CT, 240.0, card)
    for lead, mean, deviation in zip(LISTED, MEANS_MV, DEVIATIONS_MV, strict=True):
        np.testing.assert_allclose(x_NCT[0, CANONICAL.index(lead)], (3.0 - mean) / deviation, rtol=1e-6)


def test_leads_that_a_card_orders_otherwise_keep_their_own_constants():
    signal_CT = np.random.default_rng(0).normal(size=(12, 600)).astype(np.float32)
    feed = {"rate_hz": 240.0, "window_s": 2.5, "normalisation": TEXTS["ptbxl"]}
    all_NCT = model_input(signal_CT, 240.0, Preprocessing(**feed))
    some_NCT = model_input(signal_CT, 240.0, Preprocessing(**feed, leads=("V6", "aVF")))
    np.testing.assert_array_equal(some_NCT, all_NCT[:, [CANONICAL.index("V6"), CANONICAL.index("aVF")]])


def test_a_normalisation_that_is_not_known_is_refused_with_those_that_are():
    card = Preprocessing(rate_hz=240.0, window_s=2.5, normalisation="min-max")
    with pytest.raises(WorldError, match=r"normalisation = min-max\. Only 'none' or 'z-score per lead"):
        model_input(np.zeros((12, 600), dtype=np.float32), 240.0, card)
