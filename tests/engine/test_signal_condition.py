"""Conditioning against scipy and numpy, and against what a model card asks for."""

import numpy as np
import pytest

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.signal.condition import clip, fill_missing, model_input, windows

CARD = Preprocessing(rate_hz=240.0, window_s=2.5)


@pytest.fixture
def signal_CT():
    return np.random.default_rng(0).normal(size=(12, 5000)).astype(np.float32)


def test_missing_samples_are_interpolated_as_numpy_does(signal_CT):
    holes = np.random.default_rng(1).random(signal_CT.shape) < 0.2
    holes[4], holes[5] = False, True
    broken = np.where(holes, np.float32(np.nan), signal_CT)
    filled = fill_missing(broken)
    times = np.arange(5000)
    for lead in range(12):
        if lead == 5:
            assert not filled[lead].any()
            continue
        known = ~holes[lead]
        np.testing.assert_array_equal(filled[lead][known], signal_CT[lead][known])
        truth = np.interp(times, times[known], signal_CT[lead][known].astype(np.float64))
        np.testing.assert_allclose(filled[lead], truth, atol=1e-6)


def test_filling_leaves_the_recording_itself_alone(signal_CT):
    signal_CT[0, 10] = np.nan
    fill_missing(signal_CT)
    assert np.isnan(signal_CT[0, 10])


def test_windows_do_not_overlap_and_the_rest_is_dropped(signal_CT):
    parts = windows(signal_CT, 500, 2.4)
    assert parts.shape == (4, 12, 1200)
    np.testing.assert_array_equal(np.concatenate(list(parts), axis=1), signal_CT[:, :4800])


def test_a_recording_shorter_than_a_window_is_refused(signal_CT):
    with pytest.raises(WorldError, match=r"lasts 2\.00 s, the model needs 2\.5 s"):
        windows(signal_CT[:, :1000], 500, 2.5)


def test_clipping_to_nothing_changes_nothing(signal_CT):
    assert clip(signal_CT, None) is signal_CT
    assert np.abs(clip(signal_CT, 0.5)).max() == 0.5


def test_a_model_gets_four_windows_of_600_samples_from_ten_seconds(signal_CT):
    x_NCT = model_input(signal_CT * 5, 500.0, CARD)
    assert x_NCT.shape == (4, 12, 600)
    assert x_NCT.dtype == np.float32
    assert np.abs(x_NCT).max() == 3.0


def test_a_model_gets_the_leads_its_card_names_in_its_order(signal_CT):
    card = CARD.model_copy(update={"leads": ("V2", "I"), "clip_mv": None, "rate_hz": 500.0})
    np.testing.assert_array_equal(model_input(signal_CT, 500.0, card)[0], signal_CT[[7, 0], :1250])


@pytest.mark.parametrize(
    "wish",
    [
        {"filters": "0.5-40 Hz"},
        {"filters": "low-pass 300 Hz, Butterworth order 2, forward"},
        {"normalisation": "z-score"},
        {"normalisation": "z-score per lead by constants"},
        {"units": "V"},
        {"leads": ("MLII",)},
        {"stride_s": 1.0},
    ],
)
def test_a_card_that_asks_for_more_than_can_be_done_is_refused(signal_CT, wish):
    with pytest.raises(WorldError, match="model card"):
        model_input(signal_CT, 500.0, CARD.model_copy(update=wish))


def test_a_card_in_microvolts_with_inverted_polarity_is_fed_so(signal_CT):
    card = CARD.model_copy(update={"units": "uV", "polarity": "inverted", "clip_mv": None, "rate_hz": 500.0})
    np.testing.assert_allclose(model_input(signal_CT, 500.0, card)[0], -1000 * signal_CT[:, :1250], rtol=1e-6)


def test_overlapping_windows_begin_a_stride_apart(signal_CT):
    card = CARD.model_copy(
        update={"stride_s": 1.25, "aggregation": "mean over windows", "clip_mv": None, "rate_hz": 500.0}
    )
    x_NCT = model_input(signal_CT, 500.0, card)
    assert len(x_NCT) == 7
    np.testing.assert_array_equal(x_NCT[3], signal_CT[:, 1875:3125])


def test_the_first_window_alone_is_fed_where_the_card_says_so(signal_CT):
    card = CARD.model_copy(update={"aggregation": "first window", "clip_mv": None, "rate_hz": 500.0})
    np.testing.assert_array_equal(model_input(signal_CT, 500.0, card), signal_CT[None, :, :1250])


@pytest.mark.parametrize(
    ("padding", "tail"), [("zeros at the end", lambda x: np.zeros_like(x[:, :250])), ("repeated", lambda x: x[:, :250])]
)
def test_a_short_recording_is_padded_as_the_card_says(signal_CT, padding, tail):
    card = CARD.model_copy(update={"padding": padding, "clip_mv": None, "rate_hz": 500.0})
    short_CT = signal_CT[:, :1000]
    x_NCT = model_input(short_CT, 500.0, card)
    np.testing.assert_array_equal(x_NCT[0], np.concatenate([short_CT, tail(short_CT)], axis=1))


def test_computed_leads_are_refused_where_the_card_wants_measured_ones(signal_CT):
    card = CARD.model_copy(update={"derived_leads": "refused"})
    assert len(model_input(signal_CT, 500.0, card)) == 4
    with pytest.raises(WorldError, match="aVR were computed"):
        model_input(signal_CT, 500.0, card, ("aVR",))


def test_a_z_score_by_constants_uses_those_of_the_card(signal_CT):
    means, deviations = tuple(np.linspace(-0.1, 0.1, 12)), tuple(np.linspace(0.1, 0.4, 12))
    card = CARD.model_copy(
        update={
            "normalisation": "z-score per lead by constants",
            "means": means,
            "deviations": deviations,
            "clip_mv": None,
            "rate_hz": 500.0,
        }
    )
    truth = (signal_CT[:, :1250] - np.array(means)[:, None]) / np.array(deviations)[:, None]
    np.testing.assert_allclose(model_input(signal_CT, 500.0, card)[0], truth, rtol=1e-4, atol=1e-5)


def test_constants_of_another_number_of_leads_are_no_contract():
    with pytest.raises(ValueError, match="needs 12 numbers"):
        Preprocessing(rate_hz=100, window_s=3, means=(0.0,))


def test_a_contract_that_asks_for_nothing_new_has_the_identity_it_had():
    assert "stride" not in CARD.identity
    assert "inverted" in CARD.model_copy(update={"polarity": "inverted"}).identity
