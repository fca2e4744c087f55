"""The verdict on recordings with one known fault each."""

import numpy as np
import pytest

from engine.signal.leads import CANONICAL
from engine.signal.quality import assess, impossible_amplitude, swing_mv
from engine.signal.readers import find_files, read_recording
from engine.signal.recording import Recording


def ecg(**changes):
    """Ten seconds of spikes on slow drift that obey Einthoven, at 500 Hz."""
    rng = np.random.default_rng(1)
    time = np.arange(5000) / 500
    beat = np.exp(-((time % 1 - 0.5) ** 2) / 0.0004)
    limbs = rng.normal(size=(2, 1)) * 0.1 + np.array([[0.7], [1.1]]) * beat
    limbs += 0.02 * np.sin(time * 2) + rng.normal(scale=0.005, size=(2, 5000))
    one, two = limbs
    chest = np.linspace(0.5, 1.6, 6)[:, None] * beat + rng.normal(scale=0.005, size=(6, 5000))
    signal_CT = np.vstack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, chest])
    return Recording(signal_CT=signal_CT.astype(np.float32), rate_hz=500.0, **changes)


def with_lead(recording, lead, values):
    signal_CT = recording.signal_CT.copy()
    signal_CT[CANONICAL.index(lead)] = values
    return Recording(signal_CT=signal_CT, rate_hz=500.0)


def test_a_clean_recording_is_good():
    assert assess(ecg()).verdict == "good"
    assert assess(ecg()).reasons == ()


def test_a_flat_lead_is_named():
    quality = assess(with_lead(ecg(), "V2", 0.3))
    assert (quality.verdict, quality.reasons) == ("limited", ("flat line in V2",))


def test_an_absent_lead_is_named():
    recording = with_lead(ecg(), "V5", np.nan)
    present = tuple(lead != "V5" for lead in CANONICAL)
    quality = assess(Recording(signal_CT=recording.signal_CT, rate_hz=500.0, present=present))
    assert (quality.verdict, quality.reasons) == ("limited", ("no samples in V5",))


def test_missing_samples_are_named_from_five_percent_on():
    lead = ecg().signal_CT[8].copy()
    lead[:200] = np.nan
    assert assess(with_lead(ecg(), "V3", lead)).verdict == "good"
    lead[:300] = np.nan
    assert assess(with_lead(ecg(), "V3", lead)).reasons == ("samples missing in V3",)


def test_a_saturated_lead_is_named():
    lead = np.minimum(ecg().signal_CT[11], 0.5)
    assert assess(with_lead(ecg(), "V6", lead)).reasons == ("stuck at its extreme: V6",)


def test_swapped_limb_electrodes_that_break_einthoven_are_told():
    assert any("II is not I + III" in reason for reason in assess(with_lead(ecg(), "II", ecg().signal_CT[0])).reasons)


@pytest.mark.parametrize("factor", [0.1, 6.0])
def test_a_wrong_gain_is_suspected(factor):
    recording = Recording(signal_CT=ecg().signal_CT * np.float32(factor), rate_hz=500.0)
    assert any(reason.startswith("gain suspect") for reason in assess(recording).reasons)
    assert impossible_amplitude(recording) is None


@pytest.mark.parametrize("factor", [1e-4, 1e3])
def test_an_amplitude_that_no_ecg_has_is_impossible(factor):
    recording = Recording(signal_CT=ecg().signal_CT * np.float32(factor), rate_hz=500.0)
    assert impossible_amplitude(recording) == pytest.approx(swing_mv(ecg().signal_CT, 500.0) * factor, rel=1e-4)


def test_one_lead_with_an_impossible_amplitude_is_named():
    recording = with_lead(ecg(), "V4", ecg().signal_CT[9] * np.float32(500))
    assert assess(recording).reasons == ("impossible amplitude in V4",)


def test_a_recording_without_any_signal_is_unusable_and_no_gain_is_blamed():
    dead = Recording(signal_CT=np.zeros((12, 5000), np.float32), rate_hz=500.0)
    assert assess(dead).verdict == "unusable"
    assert impossible_amplitude(dead) is None


def test_leads_scaled_one_by_one_are_no_millivolts():
    signal_CT = ecg().signal_CT / np.ptp(ecg().signal_CT, axis=1, keepdims=True)
    reasons = assess(Recording(signal_CT=signal_CT, rate_hz=500.0)).reasons
    assert any("each was normalised" in reason for reason in reasons)


@pytest.mark.shared
def test_wrong_gains_of_the_early_challenge_release_are_caught_and_right_ones_are_not(shared):
    data = shared / "data"

    def suspects(folder, pattern):
        verdicts = []
        for path in sorted((data / folder).glob(pattern)):
            recording = read_recording(path)
            reasons = assess(recording).reasons
            suspect = any(reason.startswith("gain suspect") for reason in reasons)
            verdicts.append(suspect or impossible_amplitude(recording) is not None)
        return np.array(verdicts)

    early = "cinc-challenge/cinc2020-early-blank-dx"
    assert suspects(early, "HR*.hea").mean() > 0.7  # five times too big
    assert suspects(early, "E*.hea").mean() > 0.7  # five times too small
    assert suspects(early, "S*.hea").all()  # two thousand times too small
    assert not suspects(early, "[AQ]*.hea").any()
    assert not suspects("cinc-challenge/cinc2021-georgia-ptbxl-ningbo", "*.hea").any()


@pytest.mark.shared
def test_nearly_all_of_ptb_xl_is_good(shared):
    paths = find_files([shared / "data/ptbxl-500/records500"])[:120]
    verdicts = [assess(read_recording(path, digest=False)).verdict for path in paths]
    assert verdicts.count("good") >= 0.95 * len(verdicts)
    assert "unusable" not in verdicts
