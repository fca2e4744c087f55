"""Exchanged electrodes: the sums that undo them, what changes nothing, and planted exchanges that must be suspected."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.signal.quality import assess
from engine.signal.quality_beats import find_beats, wide
from engine.signal.quality_electrodes import AS_IT_IS, EXCHANGES, FEATURES, MEASURED, gains, judged
from engine.signal.quality_left import FEATURES as LEFT_FEATURES
from engine.signal.quality_left import left_features
from engine.signal.quality_weights import CUTS, LEFT_WEIGHTS, WEIGHTS
from engine.signal.readers import find_files, read_recording
from engine.signal.recording import Recording

BY_NAME = {exchange.name: exchange for exchange in EXCHANGES}


@pytest.fixture(scope="module")
def recordings(samples):
    return [read_recording(path, digest=False) for path in find_files([samples])[:8]]


def limbs_exchanged(signal_CT, right, left, leg):
    """Twelve leads from what the three limb electrodes measure, by the definitions of the leads."""
    at = {"RA": 0 * signal_CT[0], "LA": signal_CT[0], "LL": signal_CT[1]}
    chest = signal_CT[6:] + sum(at.values()) / 3
    ra, la, ll = at[right], at[left], at[leg]
    limbs = [la - ra, ll - ra, ll - la, ra - (la + ll) / 2, la - (ra + ll) / 2, ll - (ra + la) / 2]
    return np.vstack([*limbs, chest - (ra + la + ll) / 3]).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("RA-LA", ("LA", "RA", "LL")),
        ("RA-LL", ("LL", "LA", "RA")),
        ("LA-LL", ("RA", "LL", "LA")),
        ("RA-LA-LL", ("LA", "LL", "RA")),
        ("RA-LL-LA", ("LL", "RA", "LA")),
    ],
)
def test_undoing_an_exchange_of_limb_electrodes_gives_the_leads_back(name, places):
    eight = np.random.default_rng(3).normal(size=(8, 50)).astype(np.float32)
    signal_CT = AS_IT_IS @ eight
    exchanged = limbs_exchanged(signal_CT, *places)
    np.testing.assert_allclose(BY_NAME[name].undo_CM @ exchanged[list(MEASURED)], signal_CT, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in ("RA-LA-LL", "RA-LL-LA")])
def test_every_exchange_but_a_circle_undoes_itself(name):
    undo = BY_NAME[name].undo_CM
    np.testing.assert_allclose(undo @ undo[list(MEASURED)], AS_IT_IS, atol=1e-6)


def test_every_feature_and_every_exchange_has_its_number():
    assert tuple(WEIGHTS) == FEATURES
    assert tuple(LEFT_WEIGHTS) == LEFT_FEATURES
    assert set(CUTS) == set(BY_NAME)


def test_exchanging_left_arm_and_left_leg_turns_the_sign_of_all_that_is_asked_of_them(recordings):
    beats = find_beats(recordings[0].signal_CT, 500.0)
    exchanged = find_beats(limbs_exchanged(recordings[0].signal_CT, "RA", "LL", "LA"), 500.0)
    np.testing.assert_allclose(left_features(exchanged), -left_features(beats), atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(0.3, 3.0), offset=st.floats(-2.0, 2.0))
def test_neither_amplitude_nor_offset_moves_the_suspicion(scale, offset):
    recording = Recording(signal_CT=_beating(), rate_hz=500.0)
    changed = (recording.signal_CT * np.float32(scale) + np.float32(offset)).astype(np.float32)
    expected = gains(find_beats(recording.signal_CT, 500.0))
    np.testing.assert_allclose(gains(find_beats(changed, 500.0)), expected, atol=0.05)


def test_suspicion_does_not_hang_on_the_rate(recordings):
    for recording in recordings[:4]:
        at_250 = recording.signal_CT.reshape(12, -1, 2).mean(axis=2)
        fine, coarse = gains(find_beats(recording.signal_CT, 500.0)), gains(find_beats(at_250, 250.0))
        np.testing.assert_allclose(coarse, fine, atol=0.05)


def test_held_ends_move_no_verdict(recordings):
    for recording in recordings[:4]:
        before, after = (recording.signal_CT[:, :1].repeat(40, 1), recording.signal_CT[:, -1:].repeat(40, 1))
        padded = np.hstack([before, recording.signal_CT, after])
        assert assess(Recording(signal_CT=padded, rate_hz=500.0)).names == assess(recording).names


@pytest.mark.parametrize(
    "name", ["RA-LA", "RA-LL", "LA-LL", "RA-LA-LL", "RA-LL-LA", "V1-V3", "V6-V1", "all", "V2", "V6"]
)
def test_planted_exchanges_are_suspected_in_shipped_recordings(recordings, name):
    finding = {"limb": "limb_swap", "chest": "precordial_order", "polarity": "polarity"}[BY_NAME[name].kind]
    plain = [recording for recording in recordings if assess(recording).verdict == "good"]
    found = 0
    for recording in plain:
        signal_CT = BY_NAME[name].undo_CM @ recording.signal_CT[list(MEASURED)]
        found += finding in assess(Recording(signal_CT=signal_CT, rate_hz=500.0)).names
    assert found >= 0.8 * len(plain)
    assert len(plain) >= 5


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (("LA", "RA", "LL"), "RA and LA may be swapped"),
        (("LL", "LA", "RA"), "RA and LL may be swapped"),
        (("RA", "LL", "LA"), "LA and LL may be swapped"),
        (("LA", "LL", "RA"), "RA, LA and LL may be swapped in a circle"),
        (("LL", "RA", "LA"), "RA, LA and LL may be swapped in a circle"),
    ],
)
def test_the_limb_electrodes_that_were_exchanged_are_the_ones_named(recordings, places, told):
    named = []
    for recording in recordings:
        quality = assess(Recording(signal_CT=limbs_exchanged(recording.signal_CT, *places), rate_hz=500.0))
        named += [one.text.startswith(told) for one in quality.suspicions if one.name == "limb_swap"]
    assert len(named) >= 6
    assert np.mean(named) >= 0.7


def test_a_suspicion_is_never_told_as_certain():
    assert all(" may be " in exchange.text for exchange in EXCHANGES)


def test_a_flat_lead_between_the_legs_is_told_as_electrodes_exchanged_with_the_right_leg(recordings):
    signal_CT = limbs_exchanged(recordings[0].signal_CT, "RA", "LA", "LL")
    zero, two = 0 * signal_CT[0], signal_CT[1]
    one = -signal_CT[2]
    limbs = np.vstack([one, zero, -one, -one / 2, one, -one / 2])
    quality = assess(Recording(signal_CT=np.vstack([limbs, signal_CT[6:] - two / 3]), rate_hz=500.0))
    assert any(reason.startswith("RA and RL may be swapped") for reason in quality.reasons)


def test_a_chest_lead_that_cannot_be_read_does_not_tell_one_exchange_three_times(recordings):
    signal_CT = limbs_exchanged(recordings[0].signal_CT, "LA", "RA", "LL")
    signal_CT[6] = 0.0
    suspicions = assess(Recording(signal_CT=signal_CT, rate_hz=500.0)).suspicions
    assert [one.name for one in suspicions] == ["limb_swap"]


def test_in_wide_complexes_nothing_is_said_of_the_chest_leads_but_the_right_arm_is_still_judged(recordings):
    narrow = find_beats(recordings[0].signal_CT, 500.0)
    spread = np.repeat(narrow.median_CL, 3, axis=1)[:, narrow.median_CL.shape[1] - 15 :][:, : narrow.median_CL.shape[1]]
    broad = replace(narrow, median_CL=spread)
    assert (wide(narrow), wide(broad)) == (False, True)
    asked = {exchange.name for exchange, mark in zip(EXCHANGES, judged(broad), strict=True) if mark}
    assert asked == {"RA-LA", "RA-LL", "RA-LA-LL", "RA-LL-LA"}
    assert judged(narrow).all()


@pytest.mark.shared
def test_exchanged_electrodes_are_suspected_in_recordings_that_nothing_was_fitted_to(shared):
    folder = shared / "data/cinc-challenge/cinc2021-georgia-ptbxl-ningbo"
    unseen = [read_recording(path, digest=False) for path in find_files([folder]) if not path.stem.startswith("HR")]
    plain = [recording for recording in unseen if not assess(recording).names]
    assert len(plain) >= 15
    for places, least in ((("LA", "RA", "LL"), 0.8), (("RA", "LL", "LA"), 0.7)):
        exchanged = [limbs_exchanged(recording.signal_CT, *places) for recording in plain]
        found = ["limb_swap" in assess(Recording(signal_CT=one, rate_hz=500.0)).names for one in exchanged]
        assert np.mean(found) >= least


def _beating():
    """Ten seconds of waves on all leads, each beat alike, with limb leads that obey the laws."""
    time = np.arange(5000) / 500
    waves = ((0.12, -0.17, 0.025), (-0.15, -0.025, 0.01), (1.0, 0.0, 0.012), (-0.2, 0.03, 0.012), (0.3, 0.25, 0.05))
    beat = sum(high * np.exp(-(((time % 0.9) - 0.4 - at) ** 2) / (2 * wide**2)) for high, at, wide in waves)
    eight = np.array([0.6, 1.0, -0.4, -0.2, 0.5, 1.1, 1.0, 0.8])[:, None] * beat
    return (AS_IT_IS @ eight).astype(np.float32)
