"""Channels become a recording in one place: names, units, gains, order, derivation, sizes."""

import numpy as np
import pytest
from format_factories import LEADS, steps
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contract.errors import WorldError
from engine.signal.assemble import About, Channel, assemble, check_decoded, lead_name, millivolts_in
from engine.signal.leads import CANONICAL

ABOUT = About(format="test", reader="test")
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def channels(leads=LEADS, gain=0.005, **extra):
    return [Channel(lead, lead_T, gain, **extra) for lead, lead_T in zip(leads, steps(leads), strict=True)]


@given(st.permutations(LEADS))
@settings(deadline=None, max_examples=25)
def test_the_order_of_channels_does_not_matter(order):
    recording = assemble(channels(order), 500.0, ABOUT)
    np.testing.assert_array_equal(recording.signal_CT, (steps() * 0.005).astype(np.float32))
    assert recording.derived == ()
    assert recording.extra is None
    assert recording.transformations == ()


@given(
    st.lists(st.integers(-32768, 32767), min_size=1, max_size=40),
    st.sampled_from((0.0001, 0.00122, 0.0025, 0.00488, 0.005, 1.0)),
    st.integers(-2048, 2048),
)
@settings(deadline=None, max_examples=40)
def test_a_sample_is_its_step_less_the_zero_line_times_the_gain_rounded_once(values, gain, zero):
    lead_T = np.array(values, dtype=np.int16)
    recording = assemble([Channel(lead, lead_T, gain, zero) for lead in LEADS], 500.0, ABOUT)
    truth = np.array([(value - zero) * gain for value in values], dtype=np.float64).astype(np.float32)
    np.testing.assert_array_equal(recording.signal_CT, np.tile(truth, (12, 1)))
    assert recording.resolution_mv.tolist() == [gain] * 12


def test_eight_leads_get_the_other_four_derived_and_marked():
    recording = assemble(channels(EIGHT), 500.0, ABOUT)
    assert recording.derived == ("III", "aVR", "aVL", "aVF")
    np.testing.assert_allclose(recording.signal_CT, steps() * 0.005, atol=1e-6)
    assert recording.resolution_mv.tolist() == [0.005] * 3 + [0.0025] * 3 + [0.005] * 6
    assert recording.transformations == ("III, aVR, aVL, aVF derived from the other limb leads",)


def test_leads_beyond_the_twelve_stand_aside():
    recording = assemble(channels((*LEADS, "V7", "V8", "V9")), 500.0, ABOUT)
    assert recording.extra.leads == ("V7", "V8", "V9")
    assert recording.signal_CT.shape == (12, 120)
    np.testing.assert_array_equal(recording.extra.signal_XT[0], (steps(("V7",))[0] * 0.005).astype(np.float32))


def test_a_lead_of_the_cabrera_order_is_turned_upright():
    turned = [Channel("-aVR", -steps(("aVR",))[0], 0.005), *channels([lead for lead in LEADS if lead != "aVR"])]
    recording = assemble(turned, 500.0, ABOUT)
    np.testing.assert_allclose(recording.signal_CT, steps() * 0.005, atol=1e-6)
    assert recording.transformations == ("aVR turned upright",)


def test_channels_that_are_no_lead_are_left_out_and_told():
    recording = assemble([*channels(), Channel("Resp", np.zeros(3, np.int16), 1.0)], 500.0, ABOUT)
    assert recording.transformations == ("1 channel left out that are no known lead",)


def test_the_code_for_missing_becomes_nan_and_a_lead_without_samples_is_absent():
    gaps = channels(missing=-32768)
    gaps[3] = Channel("aVR", np.full(120, -32768, np.int16), 0.005, missing=-32768)
    recording = assemble(gaps, 500.0, ABOUT)
    assert np.isnan(recording.signal_CT[3]).all()
    assert recording.present == tuple(lead != "aVR" for lead in CANONICAL)


def test_floats_have_no_resolution_and_keep_their_missing_samples():
    held = [Channel(lead, np.array([0.5, np.nan]), 1.0) for lead in LEADS]
    recording = assemble(held, 250.0, ABOUT)
    assert recording.resolution_mv is None
    assert np.isnan(recording.signal_CT[:, 1]).all()


@pytest.mark.parametrize(
    ("faulty", "rate", "reason"),
    [
        (channels(EIGHT[1:]), 500.0, "it has no lead I, III, aVR, aVL, aVF"),
        ([*channels(), channels()[0]], 500.0, "lead I stands in it twice"),
        (channels(gain=0.0), 500.0, "it gives lead I a gain of 0 mV per step"),
        (channels(gain=float("nan")), 500.0, "it gives lead I a gain of nan mV per step"),
        (channels(gain=1e9), 500.0, "it gives lead I a gain of 1e+09 mV per step"),
        (channels(zero=float("inf")), 500.0, "no zero line"),
        (channels(), 0.0, "a sampling rate of 0 Hz"),
        (channels(), float("nan"), "a sampling rate of nan Hz"),
        ([Channel(lead, np.zeros(0), 1.0) for lead in LEADS], 500.0, "it holds no samples"),
        ([*channels(LEADS[1:]), Channel("I", np.zeros(3), 1.0)], 500.0, "differ in length"),
        ([Channel(lead, np.array([np.inf]), 1.0) for lead in LEADS], 500.0, "no voltage can have"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(faulty, rate, reason):
    with pytest.raises(WorldError, match=reason.replace("+", r"\+")):
        assemble(faulty, rate, ABOUT)


def test_a_claim_above_the_limit_is_refused_before_anything_is_allocated(monkeypatch):
    with pytest.raises(WorldError, match="announces 120,000 MB of samples, more than the 512 MB"):
        check_decoded(10**9, 15)
    monkeypatch.setenv("ISOLINE_DECODED_LIMIT_MB", "1")
    check_decoded(10_000, 12)
    with pytest.raises(WorldError, match="more than the 1 MB"):
        check_decoded(11_000, 12)


@pytest.mark.parametrize(
    ("raw", "lead"),
    [("ECG I", "I"), ("Lead II", "II"), ("ekg_v4r", "V4R"), ("MDC_ECG_LEAD_AVF", "aVF"), ("VX", "X"), ("avr", "aVR"),
     ("EKG", None), ("MLII", None), ("V10", None), ("", None), ("I-cal", None)],
)  # fmt: skip
def test_a_name_means_a_lead_or_nothing(raw, lead):
    assert lead_name(raw) == lead


def test_units_are_volts_or_nothing():
    assert [millivolts_in(unit) for unit in ("mV", "uV", "µV", "V", "nanovolts", "mmHg", "")] == [
        1.0, 1e-3, 1e-3, 1e3, 1e-6, None, None,
    ]  # fmt: skip
