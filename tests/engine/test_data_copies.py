"""A copy of a recording is found whatever was done to it, another recording is not. Real recordings (PTB-XL)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt, sosfiltfilt

from engine.data.copies import Query, find_copies, needed
from engine.data.fingerprint import TICKS_HZ, fingerprint
from engine.data.landmarks import LandmarkIndex, ones_by_word
from engine.data.prints import Prints, key_of
from engine.signal.condition import resample
from engine.signal.readers import read_recording

RATE = 500


@pytest.fixture(scope="module")
def originals(samples):
    return [read_recording(path) for path in sorted(samples.glob("*.hea"))[:24]]


@pytest.fixture(scope="module")
def searched(originals):
    prints = Prints.gather((one.record_id, fingerprint(one.signal_CT, one.rate_hz)) for one in originals)
    return prints, LandmarkIndex(prints)


def rows_found(searched, signal_CT, rate_hz=RATE):
    taken = fingerprint(np.asarray(signal_CT, dtype=np.float32), rate_hz)
    return [copy.row for copy in find_copies(Query(taken), *searched)]


def band(signal_CT, low, high, filtered=sosfiltfilt):
    return filtered(butter(2, [low, high], "band", fs=RATE, output="sos"), signal_CT, axis=1).astype(np.float32)


CHANGES = {
    "equal": lambda x: (x, RATE),
    "half as large": lambda x: (x * 0.5, RATE),
    "each lead to its own scale": lambda x: ((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True), RATE),
    "100 Hz": lambda x: (resample(x, RATE, 100), 100),
    "240 Hz": lambda x: (resample(x, RATE, 240), 240),
    "band-pass there and back": lambda x: (band(x, 0.5, 40), RATE),
    "band-pass one way": lambda x: (band(x, 0.5, 40, sosfilt), RATE),
    "on an offset of 300 mV": lambda x: (x + 300, RATE),
    "2.5 s": lambda x: (x[:, 1700:2950], RATE),
    "filtered, scaled, 100 Hz, 3 s": lambda x: (resample(3 * band(x, 0.5, 40), RATE, 100)[:, 411:711], 100),
    "a lead is missing": lambda x: (np.where(np.arange(12)[:, None] == 8, np.nan, x), RATE),
    "arms swapped": lambda x: (np.stack([-x[0], x[2], x[1], *x[3:]]), RATE),
    "a fifth of a second is missing": lambda x: (np.where((np.arange(5000) // 100) == 20, np.nan, x), RATE),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(originals, searched, change):
    for row in range(0, 24, 3):
        assert rows_found(searched, *CHANGES[change](originals[row].signal_CT)) == [row]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    row=st.integers(0, 23),
    start=st.integers(0, 3500),
    gain=st.floats(0.01, 100),
    offset=st.floats(-5, 5),
    rate=st.sampled_from([100, 128, 250, 257, 360, 400]),
)
def test_crop_scale_offset_and_rate_in_any_mixture_leave_a_copy_a_copy(
    originals, searched, row, start, gain, offset, rate
):
    crop_CT = originals[row].signal_CT[:, start : start + 1500]
    changed_CT = resample(gain * crop_CT + np.float32(offset), RATE, rate)
    assert row in rows_found(searched, changed_CT, rate)


def test_the_shift_of_a_crop_is_told_to_a_hundredth_of_a_second(originals, searched):
    taken = fingerprint(originals[5].signal_CT[:, 1234:3234], RATE)
    (copy,) = find_copies(Query(taken), *searched)
    assert copy.row == 5
    assert copy.shift_s == pytest.approx(-1234 / RATE, abs=0.01)
    assert copy.overlap_s == pytest.approx(4.0, abs=0.25)


def test_a_recording_that_is_upside_down_is_another_one(originals, searched):
    assert rows_found(searched, -originals[3].signal_CT) == []


def test_the_original_is_found_from_a_crop_that_is_in_the_index(originals):
    prints = Prints.gather([("r" + "0" * 12, fingerprint(originals[7].signal_CT[:, 2000:3500], RATE))])
    assert rows_found((prints, LandmarkIndex(prints)), originals[7].signal_CT) == [0]


@pytest.mark.parametrize("seconds", [0.002, 0.1, 0.5, 1.5])
def test_what_is_too_short_cannot_be_compared_and_says_so(originals, seconds):
    assert not fingerprint(originals[0].signal_CT[:, : int(seconds * RATE)], RATE).can_be_compared


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_flat_or_empty_recording_cannot_be_compared(value):
    taken = fingerprint(np.full((12, 5000), value, dtype=np.float32), RATE)
    assert taken.leads == 0
    assert not taken.can_be_compared


def test_a_shorter_overlap_must_agree_better():
    assert needed(2.0) > needed(2.5) > needed(5) > needed(10) == needed(60)


def test_among_many_recordings_a_copy_must_agree_better():
    assert needed(2.5, 10_000) == needed(2.5)
    assert needed(2.5, 1_000_000) == pytest.approx(0.93)
    assert needed(10, 1_000_000) == pytest.approx(needed(10) + 0.08)
    assert needed(2.5, 10**9) == pytest.approx(0.93)


def test_landmarks_of_a_crop_are_those_of_the_whole(originals):
    whole, part = (fingerprint(x, RATE) for x in (originals[2].signal_CT, originals[2].signal_CT[:, 1000:4000]))
    inside = whole.ticks_A[(whole.ticks_A > 1000 * 0.4 + 150) & (whole.ticks_A < 4000 * 0.4 - 260)] - 1000 * 0.4
    assert len(inside) >= 4
    assert np.abs(part.ticks_A[:, None].astype(float) - inside).min(axis=0).max() <= 1


def test_the_clock_of_odd_rates_runs_true(originals):
    signal_CT = resample(originals[4].signal_CT, RATE, 257)
    taken, whole = fingerprint(signal_CT, 257), fingerprint(originals[4].signal_CT, RATE)
    assert abs(taken.band_KT.shape[1] - 10 * TICKS_HZ) <= 1
    apart = np.abs(taken.ticks_A[:, None].astype(int) - whole.ticks_A.astype(int)).min(axis=0)
    assert np.median(apart) <= 1


def test_bits_are_counted_as_the_language_counts_them():
    words = np.random.default_rng(0).integers(0, 2**63, 100, dtype=np.uint64)
    assert ones_by_word(words).sum(axis=1).tolist() == [int(word).bit_count() for word in words]


def test_a_key_is_the_number_of_the_record_id():
    assert f"r{key_of('r00ff12345678'):012x}" == "r00ff12345678"
