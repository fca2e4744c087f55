"""Filters of a card against scipy's own, and words that are no filter."""

import numpy as np
import pytest
from scipy.ndimage import median_filter
from scipy.signal import butter, filtfilt, iirnotch, lfilter

from engine.contract.errors import WorldError
from engine.signal.filtering import filtered, parse_filters

BAND = "band-pass 0.5-40 Hz, Butterworth order 4, forward-backward"


@pytest.fixture
def signal_CT():
    return np.random.default_rng(0).normal(size=(3, 1000)).astype(np.float32)


def test_a_band_pass_both_ways_is_scipys_in_the_middle_of_a_recording(signal_CT):
    b, a = butter(4, (0.5, 40), "bandpass", fs=100)
    truth = filtfilt(b, a, signal_CT.astype(np.float64), axis=1)
    np.testing.assert_allclose(filtered(signal_CT, 100.0, BAND)[:, 300:-300], truth[:, 300:-300], atol=2e-4)


def test_filters_are_applied_one_after_the_other(signal_CT):
    text = "high-pass 0.5 Hz, Butterworth order 2, forward; notch 50 Hz, quality 30, forward"
    once = lfilter(*butter(2, 0.5, "highpass", fs=500), signal_CT.astype(np.float64), axis=1)
    truth = lfilter(*iirnotch(50, 30, fs=500), once, axis=1)
    np.testing.assert_allclose(filtered(signal_CT, 500.0, text), truth, atol=1e-4)


@pytest.mark.parametrize(("seconds", "samples"), [("0.4", 41), ("0.2", 21), ("0.25", 27)])
def test_a_running_median_is_taken_off_with_zeros_beyond_the_ends(signal_CT, seconds, samples):
    truth = signal_CT - median_filter(signal_CT, size=(1, samples), mode="constant")
    told = filtered(signal_CT, 100.0, f"running median of {seconds} s taken off")
    np.testing.assert_array_equal(told, truth)


def test_a_running_median_may_follow_filters(signal_CT):
    text = "running median of 0.4 s taken off"
    both = filtered(signal_CT, 100.0, f"{BAND}; {text}")
    np.testing.assert_array_equal(both, filtered(filtered(signal_CT, 100.0, BAND), 100.0, text))


def test_no_filter_leaves_the_signal_itself(signal_CT):
    assert filtered(signal_CT, 100.0, "none") is signal_CT


def test_a_filter_beyond_half_of_the_rate_is_refused(signal_CT):
    with pytest.raises(WorldError, match="low-pass at 60 Hz cannot be made"):
        filtered(signal_CT, 100.0, "low-pass 60 Hz, Butterworth order 2, forward")


@pytest.mark.parametrize(
    "words",
    [
        "0.5-40 Hz",
        "band-pass 40 Hz, Butterworth order 4, forward",
        "band-pass 40-0.5 Hz, Butterworth order 4, forward",
        "low-pass 0 Hz, Butterworth order 4, forward",
        "low-pass 4.0.1 Hz, Butterworth order 4, forward",
        "low-pass 40 Hz, Butterworth order 0, forward",
        "low-pass 40 Hz, Chebyshev order 4, forward",
        "low-pass 40 Hz, Butterworth order 4, backward",
        "running median of 0 s taken off",
        "running median of 0.4.1 s taken off",
    ],
)
def test_words_that_are_no_filter_are_refused_with_how_to_write_one(words):
    with pytest.raises(WorldError, match="Write it like"):
        parse_filters(words)


@pytest.mark.parametrize("text", [BAND, "running median of 0.4 s taken off"])
def test_a_recording_shorter_than_the_padding_is_filtered_all_the_same(text):
    assert np.isfinite(filtered(np.ones((1, 5), dtype=np.float32), 100.0, text)).all()
