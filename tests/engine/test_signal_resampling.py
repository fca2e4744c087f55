"""One filter for the whole house: scipy's, by a product of matrices and by a convolution."""

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from engine.signal import resampling
from engine.signal.resampling import polyphase, resample
from engine.training.resampling import resample as resample_batch

RATES = [(500, 240), (1000, 240), (100, 240), (400, 240), (250, 240), (257, 240), (360, 500), (500, 100), (128, 500)]


@pytest.fixture
def signal_CT():
    drift_CT = np.linspace(-1, 2, 12)[:, None] * np.linspace(0, 1, 5000)
    return (np.random.default_rng(0).normal(size=(12, 5000)) + drift_CT + 0.7).astype(np.float32)


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_resampling_equals_scipys_polyphase_filter_in_float64(signal_CT, from_hz, to_hz):
    truth_CT = resample_poly(signal_CT.astype(np.float64), to_hz, from_hz, axis=1, padtype="line")
    got_CT = resample(signal_CT, from_hz, to_hz)
    assert got_CT.dtype == np.float32
    assert got_CT.shape == (12, round(5000 * to_hz / from_hz))
    error = np.abs(got_CT - truth_CT[:, : got_CT.shape[1]]).max()
    assert error <= 4e-7 * np.abs(truth_CT).max()


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_a_batch_on_the_device_is_resampled_by_the_same_filter(signal_CT, from_hz, to_hz):
    length = polyphase(from_hz, to_hz).needed(600)
    x_NT = signal_CT[:, :length]
    got_NT = resample_batch(torch.from_numpy(x_NT), from_hz, to_hz, 600).numpy()
    np.testing.assert_allclose(got_NT, resample(x_NT, from_hz, to_hz)[:, :600], atol=4e-6)


def test_a_long_recording_is_filtered_in_parts_that_do_not_show(signal_CT, monkeypatch):
    whole_CT = resample(signal_CT, 500, 240)
    monkeypatch.setattr(resampling, "BLOCKS", 7)
    np.testing.assert_allclose(resample(signal_CT, 500, 240), whole_CT, atol=4e-6)


def test_resampling_keeps_a_slow_sine_and_an_offset():
    time_500, time_240 = np.arange(5000) / 500, np.arange(2400) / 240
    sine_CT = (0.4 + np.sin(2 * np.pi * 7 * time_500)).astype(np.float32)[None]
    got_T = resample(sine_CT, 500, 240)[0]
    np.testing.assert_allclose(got_T[50:-50], 0.4 + np.sin(2 * np.pi * 7 * time_240)[50:-50], atol=2e-3)


def test_a_constant_stays_one_to_its_very_ends():
    got_CT = resample(np.full((12, 777), 1.5, np.float32), 500, 240)
    np.testing.assert_allclose(got_CT, 1.5, rtol=3e-4)


def test_the_same_rate_is_left_alone(signal_CT):
    assert resample(signal_CT, 240.0, 240.0) is signal_CT


@pytest.mark.parametrize("samples", [0, 1, 2, 3])
def test_a_signal_of_hardly_any_samples_is_resampled_too(samples):
    got_CT = resample(np.ones((12, samples), np.float32), 500, 240)
    assert got_CT.shape == (12, round(samples * 0.48))
    np.testing.assert_allclose(got_CT, 1.0, rtol=3e-4)


def test_rates_that_are_no_neat_ratio_are_met_to_two_millionths():
    bank = polyphase(999.37, 240.0)
    assert bank.down <= 1000
    assert bank.up / bank.down == pytest.approx(240 / 999.37, abs=2e-6)
