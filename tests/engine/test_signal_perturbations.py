"""Faults of recordings: each does what it says, and nothing else."""

import numpy as np
import pytest

from engine.contract.errors import UsageError
from engine.signal.electrodes import ELECTRODES, LEADS_CE, exchanged, leads_of, potentials_of
from engine.signal.leads import CANONICAL
from engine.signal.perturbations import BY_NAME, PERTURBATIONS, chosen, perturbed

RATE = 500.0
NOISES = ("mains_50", "mains_60", "emg", "wander", "motion")


@pytest.fixture
def ecg():
    """Twelve leads that obey Einthoven and Goldberger: nine electrodes of smooth noise."""
    rng = np.random.default_rng(7)
    time = np.arange(5000) / RATE
    waves = sum(
        rng.normal(size=(9, 1)) * np.sin(2 * np.pi * f * time + rng.uniform(0, 6, (9, 1))) for f in (1, 3, 8, 17)
    )
    return leads_of(0.3 * waves)


def at(name, ecg, severity=None, key="r1", seed=0, rate=RATE):
    known = BY_NAME[name]
    return perturbed(ecg, rate, known, known.severities[-1] if severity is None else severity, key, seed)


def einthoven(x):
    one, two, three, avr, avl, avf = x[:6].astype(np.float64)
    return max(
        np.abs(two - one - three).max(),
        np.abs(avr + (one + two) / 2).max(),
        np.abs(avl - (one - two / 2)).max(),
        np.abs(avf - (two - one / 2)).max(),
    )


def band_power(x, low, high, rate=RATE):
    power = np.abs(np.fft.rfft(x, axis=1)) ** 2
    frequency = np.fft.rfftfreq(x.shape[1], 1 / rate)
    return power[:, (frequency >= low) & (frequency < high)].sum()


def test_names_are_unique_and_severities_go_from_mild_to_severe():
    assert len(BY_NAME) == len(PERTURBATIONS)
    for known in PERTURBATIONS:
        steps = np.diff(known.severities)
        assert (steps > 0).all() or (steps < 0).all()
        assert known.graded or len(known.severities) == 1
        assert bool(known.unit) == (known.severities != (1.0,))


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_fault_keeps_the_leads_finite_and_the_given_recording_as_it_was(name, ecg):
    before = ecg.copy()
    changed, rate = at(name, ecg)
    assert changed.dtype == np.float32
    assert changed.shape[0] == 12
    assert np.isfinite(changed).all()
    assert abs(changed.shape[1] / rate - min(10.0, BY_NAME[name].severities[-1] if name == "duration" else 10.0)) < 0.01
    assert np.array_equal(ecg, before)
    assert not np.shares_memory(changed, ecg)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_recording_with_missing_samples_comes_out_whole(name, ecg):
    ecg[3, 100:200] = np.nan
    ecg[9] = np.nan
    assert np.isfinite(at(name, ecg)[0]).all()


@pytest.mark.parametrize("name", NOISES)
def test_noise_is_the_same_at_every_severity_but_for_its_size(name, ecg):
    mild, strong = at(name, ecg, 0.1)[0] - ecg, at(name, ecg, 1.0)[0] - ecg
    assert np.allclose(10 * mild, strong, atol=2e-5)
    assert np.array_equal(at(name, ecg, 0.1)[0], at(name, ecg, 0.1)[0])
    assert not np.allclose(at(name, ecg, 1.0, key="r2")[0] - ecg, strong, atol=1e-3)
    assert not np.allclose(at(name, ecg, 1.0, seed=1)[0] - ecg, strong, atol=1e-3)


@pytest.mark.parametrize("name", [*NOISES, "swap_RA_LA", "swap_RA_LL", "swap_LA_LL", "swap_C1_C2"])
def test_what_comes_from_electrodes_goes_on_to_obey_einthoven(name, ecg):
    assert einthoven(at(name, ecg)[0]) < 2e-5 * np.abs(at(name, ecg)[0]).max() + 1e-5


def test_the_weights_of_electrodes_add_up_to_nothing_and_potentials_give_the_leads_back(ecg):
    assert np.allclose(LEADS_CE.sum(axis=1), 0, atol=1e-15)
    assert np.allclose(leads_of(potentials_of(ecg)), ecg, atol=1e-6)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # what each limb lead becomes, by the definition of the leads: sign and lead
        ("RA", "LA", {"I": "-I", "II": "III", "III": "II", "aVR": "aVL", "aVL": "aVR", "aVF": "aVF"}),
        ("RA", "LL", {"I": "-III", "II": "-II", "III": "-I", "aVR": "aVF", "aVL": "aVL", "aVF": "aVR"}),
        ("LA", "LL", {"I": "II", "II": "I", "III": "-III", "aVR": "aVR", "aVL": "aVF", "aVF": "aVL"}),
    ],
)
def test_exchanged_limb_electrodes_do_to_the_limb_leads_what_the_textbook_says(one, other, expected, ecg):
    changed = exchanged(ecg, one, other)
    for lead, source in expected.items():
        sign = -1 if source.startswith("-") else 1
        was = ecg[CANONICAL.index(source.lstrip("-"))]
        assert np.allclose(changed[CANONICAL.index(lead)], sign * was, atol=1e-5), lead
    assert np.allclose(changed[6:], ecg[6:], atol=1e-5)


def test_exchanged_chest_electrodes_exchange_two_leads_and_nothing_else(ecg):
    changed = exchanged(ecg, "C1", "C2")
    assert np.allclose(changed[[7, 6]], ecg[[6, 7]], atol=1e-6)
    assert np.allclose(changed[[0, 1, 2, 3, 4, 5, 8, 9, 10, 11]], ecg[[0, 1, 2, 3, 4, 5, 8, 9, 10, 11]], atol=1e-6)


def test_leads_that_are_off_are_flat_and_the_others_untouched(ecg):
    for known in PERTURBATIONS:
        if known.group != "leads":
            continue
        changed = at(known.name, ecg)[0]
        flat = ~changed.any(axis=1)
        assert flat.any()
        assert np.array_equal(changed[~flat], ecg[~flat])
    assert (at("off_all_but_I", ecg)[0].any(axis=1).nonzero()[0] == [0]).all()
    assert (at("off_chest", ecg)[0].any(axis=1) == [True] * 6 + [False] * 6).all()


@pytest.mark.parametrize(
    ("name", "band"), [("mains_50", (49, 51)), ("mains_60", (59, 61)), ("emg", (20, 150)), ("wander", (0, 0.6))]
)
def test_noise_lies_in_its_band(name, band, ecg):
    noise = at(name, ecg, 1.0)[0] - ecg
    wide = (max(0.0, band[0] - 2), band[1] + 2)  # bursts and short recordings spread a line
    assert band_power(noise, *wide) > 0.9 * band_power(noise, 0, 251)


def test_amplitudes_are_those_of_the_electrodes():
    silent = np.zeros((12, 5000), np.float32)
    peaks, rms = [], []
    for number in range(20):
        hum, muscle = at("mains_50", silent, 1.0, f"r{number}")[0], at("emg", silent, 1.0, f"r{number}")[0]
        peaks.append(np.abs(hum).max())
        rms.append(np.sqrt(np.mean(muscle[0] ** 2)))  # lead I: two electrodes of RMS 1
    assert max(peaks) < 2.5
    assert np.mean(rms) == pytest.approx(np.sqrt(2), rel=0.1)


def test_filters_take_what_lies_beyond_their_cut_and_leave_the_rest():
    time = np.arange(10_000) / RATE
    tones = np.stack([np.sin(2 * np.pi * f * time) for f in (0.5, 10, 40, 90)] * 3).astype(np.float32)

    def gains(name, cut):
        kept = at(name, tones, cut)[0][:4, 4000:6000]
        return np.sqrt(2 * np.mean(kept.astype(np.float64) ** 2, axis=1))

    assert gains("low_pass", 40) == pytest.approx([1, 1, 0.5, 0.0014], abs=0.01)  # both ways: half at the cut
    assert gains("high_pass", 0.5) == pytest.approx([np.sqrt(0.5), 1, 1, 1], abs=0.01)
    assert np.array_equal(at("low_pass", tones, 150, rate=250.0)[0], tones)


def test_a_high_pass_begins_without_a_step():
    level = np.full((12, 1000), 0.7, np.float32)
    assert np.abs(at("high_pass", level, 0.5)[0]).max() < 1e-6
    level[:, 0] = 2.0  # a wave that stands at the first sample moves that sample alone
    assert np.abs(at("high_pass", level, 0.05)[0][:, 1:]).max() < 0.01


def test_amplitude_rate_duration_and_direction_change_as_told(ecg):
    assert np.allclose(at("gain_down", ecg, 0.5)[0], 0.5 * ecg)
    assert np.abs(at("clip", ecg, 0.25)[0]).max() == np.float32(0.25)
    faster, rate = at("rate_up", ecg)
    assert rate == 1000
    assert np.allclose(faster[:, ::2], ecg, atol=0.01 * np.abs(ecg).max())
    slower, rate = at("rate_down", ecg, 100)
    assert rate == 100
    assert slower.shape == (12, 1000)
    assert at("duration", ecg, 5)[0].shape == (12, 2500)
    assert np.array_equal(at("time_reversed", ecg)[0], ecg[:, ::-1])


def test_electrodes_are_named_as_leads_are_placed():
    assert ELECTRODES[3:] == ("C1", "C2", "C3", "C4", "C5", "C6")


def test_a_fault_is_made_at_the_severities_that_are_asked_for():
    (low_pass,) = chosen(["low_pass=25, 40"])
    assert (low_pass.severities, low_pass.graded) == ((40, 25), True)
    (single,) = chosen(["emg=0.1"])
    assert (single.severities, single.graded, single.title) == ((0.1,), False, "Muscle noise (RMS), 0.1 mV")
    assert [one.severities for one in chosen(["clip=1", "clip=2"])] == [(2, 1)]
    assert chosen(["emg=0.1", "noise"]) == chosen(["noise"])


@pytest.mark.parametrize("name", ["emg=0.3", "emg=", "noise=0.1", "nothing=1", "low_pass=fast"])
def test_a_severity_that_is_not_made_is_refused(name):
    with pytest.raises(UsageError):
        chosen([name])
