"""The verdict on recordings with one known fault each."""

import json

import numpy as np
import pytest

from engine.signal.leads import CANONICAL
from engine.signal.quality import REASONS, assess, impossible_amplitude, swing_mv
from engine.signal.readers import find_files, read_recording
from engine.signal.recording import Recording


def rows(*leads):
    return [CANONICAL.index(lead) for lead in leads]


@pytest.fixture(scope="module")
def ecg(samples):
    """A shipped recording of PTB-XL without any finding: ten seconds at 500 Hz."""
    return read_recording(find_files([samples])[0], digest=False)


def remade(recording, change, **fields):
    signal_CT = recording.signal_CT.copy()
    signal_CT = change(signal_CT)
    return Recording(signal_CT=signal_CT.astype(np.float32), rate_hz=recording.rate_hz, **fields)


def with_lead(recording, lead, values):
    signal_CT = recording.signal_CT.copy()
    signal_CT[CANONICAL.index(lead)] = values
    return Recording(signal_CT=signal_CT, rate_hz=500.0)


def lead_of(recording, lead):
    return recording.signal_CT[CANONICAL.index(lead)].copy()


def test_a_clean_recording_is_good(ecg):
    quality = assess(ecg)
    assert (quality.verdict, quality.reasons, quality.names) == ("good", (), ())


def test_a_flat_lead_is_named(ecg):
    quality = assess(with_lead(ecg, "V2", 0.3))
    assert quality.verdict == "limited"
    assert "flat line in V2" in quality.reasons
    assert quality.leads["V2"] == ("flat",)


def test_an_absent_lead_is_named(ecg):
    recording = with_lead(ecg, "V5", np.nan)
    present = tuple(lead != "V5" for lead in CANONICAL)
    quality = assess(Recording(signal_CT=recording.signal_CT, rate_hz=500.0, present=present))
    assert quality.verdict == "limited"
    assert "no samples in V5" in quality.reasons


def test_missing_samples_are_named_from_five_percent_on(ecg):
    lead = lead_of(ecg, "V3")
    lead[:200] = np.nan
    assert assess(with_lead(ecg, "V3", lead)).verdict == "good"
    lead[:300] = np.nan
    assert "samples missing in V3" in assess(with_lead(ecg, "V3", lead)).reasons


def test_a_saturated_lead_is_named(ecg):
    lead = lead_of(ecg, "V6")
    lead = np.minimum(lead, np.quantile(lead, 0.9))
    assert assess(with_lead(ecg, "V6", lead)).leads["V6"][0] == "clipped"


def test_a_value_held_to_the_end_is_not_a_saturated_lead(ecg):
    lead = lead_of(ecg, "V6")
    lead[-100:] = lead.min() - 0.1
    assert assess(with_lead(ecg, "V6", lead)).names == ()


def test_a_heart_with_large_waves_that_are_alike_has_not_lost_contact(ecg):
    large = lead_of(ecg, "V2") * np.float32(4)
    assert np.ptp(large) > 5.5
    assert assess(with_lead(ecg, "V2", large)).names == ()
    torn = 2 * large.reshape(100, 50)[np.random.default_rng(2).permutation(100)].ravel()
    assert "lead_off" in assess(with_lead(ecg, "V2", torn)).leads["V2"]


def test_a_slow_heart_that_rests_without_noise_has_not_lost_contact():
    time = np.arange(10000) / 500
    waves = ((0.12, 0.23, 0.025), (1.2, 0.4, 0.012), (-0.3, 0.43, 0.012), (0.3, 0.65, 0.05))
    beat = sum(high * np.exp(-(((time % 1.9) - at) ** 2) / (2 * wide**2)) for high, at, wide in waves)
    eight = np.array([0.6, 1.0, -0.4, -0.2, 0.5, 1.1, 1.0, 0.8])[:, None] * beat
    one, two = eight[:2]
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    coarse = (np.vstack([*limbs, eight[2:]]) / 0.005).round() * 0.005
    assert assess(Recording(signal_CT=coarse.astype(np.float32), rate_hz=500.0)).leads == {}


def test_a_lead_whose_electrode_fell_off_for_four_seconds_is_off(ecg):
    lead = lead_of(ecg, "V4")
    lead[2000:4000] = 8.0
    quality = assess(with_lead(ecg, "V4", lead))
    assert "lead_off" in quality.leads["V4"]
    assert set(quality.leads) == {"V4"}


@pytest.mark.parametrize("hertz", [50.0, 60.0])
def test_mains_of_a_tenth_of_a_millivolt_is_named_in_its_lead_alone(ecg, hertz):
    hum = 0.1 * np.sin(2 * np.pi * hertz * np.arange(ecg.samples) / ecg.rate_hz)
    quality = assess(with_lead(ecg, "V1", lead_of(ecg, "V1") + hum.astype(np.float32)))
    assert "mains" in quality.leads["V1"]
    assert dict(quality.numbers)["mains_mv"][6] == pytest.approx(0.1, abs=0.02)
    assert set(quality.leads) == {"V1"}


def test_muscle_noise_is_named(ecg):
    noise = np.random.default_rng(1).normal(scale=0.1, size=ecg.samples).astype(np.float32)
    quality = assess(with_lead(ecg, "V2", lead_of(ecg, "V2") + noise))
    assert "noise" in quality.leads["V2"]
    assert set(quality.leads) == {"V2"}


def test_a_wandering_baseline_is_named(ecg):
    drift = 1.5 * np.sin(2 * np.pi * 0.15 * np.arange(ecg.samples) / ecg.rate_hz).astype(np.float32)
    assert "wander" in assess(with_lead(ecg, "V5", lead_of(ecg, "V5") + drift)).leads["V5"]


def test_limb_leads_that_break_einthoven_are_told(ecg):
    quality = assess(with_lead(ecg, "II", lead_of(ecg, "V2")))
    assert any("II is not I + III" in reason for reason in quality.reasons)
    assert "einthoven" in quality.names


@pytest.mark.parametrize("lead", CANONICAL[:6])
def test_the_one_limb_lead_that_is_upside_down_is_named(ecg, lead):
    quality = assess(with_lead(ecg, lead, -lead_of(ecg, lead)))
    assert quality.suspicions[0].name == "polarity"
    assert quality.suspicions[0].leads == (lead,)


def test_two_limb_leads_in_each_others_place_are_named(ecg):
    def change(signal_CT):
        signal_CT[rows("I", "aVF")] = signal_CT[rows("aVF", "I")]
        return signal_CT

    (suspicion,) = assess(remade(ecg, change)).suspicions
    assert (suspicion.name, set(suspicion.leads)) == ("limb_swap", {"I", "aVF"})


def test_laws_are_not_asked_of_leads_that_were_computed_from_them(ecg):
    def change(signal_CT):
        signal_CT[2] = -signal_CT[2]
        return signal_CT

    assert "einthoven" in assess(remade(ecg, change)).names
    assert "einthoven" not in assess(remade(ecg, change, derived=("III", "aVR", "aVL", "aVF"))).names


@pytest.mark.parametrize("factor", [0.1, 6.0])
def test_a_wrong_gain_is_suspected(ecg, factor):
    recording = Recording(signal_CT=ecg.signal_CT * np.float32(factor), rate_hz=500.0)
    quality = assess(recording)
    assert any(reason.startswith("gain suspect") for reason in quality.reasons)
    assert quality.names == ("gain",)
    assert impossible_amplitude(recording) is None


@pytest.mark.parametrize("factor", [1e-4, 1e3])
def test_an_amplitude_that_no_ecg_has_is_impossible(ecg, factor):
    recording = Recording(signal_CT=ecg.signal_CT * np.float32(factor), rate_hz=500.0)
    assert impossible_amplitude(recording) == pytest.approx(swing_mv(ecg.signal_CT, 500.0) * factor, rel=1e-4)


def test_one_lead_with_an_impossible_amplitude_is_named(ecg):
    recording = with_lead(ecg, "V4", lead_of(ecg, "V4") * np.float32(500))
    assert assess(recording).reasons == ("impossible amplitude in V4",)


def test_a_recording_without_any_signal_is_unusable_and_no_gain_is_blamed():
    dead = Recording(signal_CT=np.zeros((12, 5000), np.float32), rate_hz=500.0)
    quality = assess(dead)
    assert quality.verdict == "unusable"
    assert "gain" not in quality.names
    assert impossible_amplitude(dead) is None


@pytest.mark.parametrize("scale", [np.ptp, np.std])
def test_leads_scaled_one_by_one_are_no_millivolts(ecg, scale):
    signal_CT = ecg.signal_CT / scale(ecg.signal_CT, axis=1, keepdims=True)
    quality = assess(Recording(signal_CT=signal_CT, rate_hz=500.0))
    assert any("each was normalised" in reason for reason in quality.reasons)


@pytest.mark.parametrize(("samples_kept", "verdict"), [(1, "unusable"), (400, "unusable"), (1500, "limited")])
def test_a_short_recording_is_told(ecg, samples_kept, verdict):
    quality = assess(Recording(signal_CT=ecg.signal_CT[:, :samples_kept].copy(), rate_hz=500.0))
    assert (quality.verdict, quality.names[-1]) == (verdict, "short")


@pytest.mark.parametrize("rate_hz", [0.5, 39.0, 100.0, 257.0, 1000.0, 16000.0])
def test_any_rate_gets_a_verdict(ecg, rate_hz):
    assert assess(Recording(signal_CT=ecg.signal_CT, rate_hz=rate_hz)).verdict in ("good", "limited", "unusable")


def test_evidence_fits_json_and_names_are_those_of_the_list(ecg):
    quality = assess(with_lead(ecg, "V2", np.nan))
    assert json.loads(json.dumps(quality.evidence, allow_nan=False)) == quality.evidence
    assert set(quality.evidence["names"]) <= set(REASONS)


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
def test_ludb_is_known_to_be_normalised_lead_by_lead(shared):
    path = find_files([shared / "data/ludb/data"])[0]
    assert any("each was normalised" in reason for reason in assess(read_recording(path, digest=False)).reasons)


@pytest.mark.shared
def test_flat_chest_leads_of_two_ningbo_recordings_are_named(shared):
    folder = shared / "data/cinc-challenge/cinc2021-georgia-ptbxl-ningbo"
    for name in ("JS20004", "JS20008"):
        assert "flat line in V2, V4, V6" in assess(read_recording(folder / f"{name}.hea", digest=False)).reasons


@pytest.mark.shared
def test_more_than_nine_in_ten_of_ptb_xl_are_good(shared):
    paths = find_files([shared / "data/ptbxl-500/records500"])[:120]
    verdicts = [assess(read_recording(path, digest=False)).verdict for path in paths]
    assert verdicts.count("good") >= 0.9 * len(verdicts)
    assert "unusable" not in verdicts


@pytest.mark.shared
def test_files_that_hold_avf_before_avl_are_found_out(shared):
    folder = shared / "data/cinc2011-mobile-quality/set-a"
    told = []
    for path in sorted(folder.glob("*.txt")):
        signal_CT = np.loadtxt(path, delimiter=",", dtype=np.float32)[:, 1:].T * np.float32(0.005)
        quality = assess(Recording(signal_CT=np.ascontiguousarray(signal_CT), rate_hz=500.0))
        if quality.verdict != "unusable":
            told += [one.leads for one in quality.suspicions if one.name == "limb_swap"]
    assert len(told) >= 8
    assert set(told) == {("aVL", "aVF")}
