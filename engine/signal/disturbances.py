"""Noise as carts meet it: mains hum, muscle, wandering baseline, electrodes that move. Millivolts at the electrode.

Every disturbance is made at the nine electrodes and reaches the leads as a real one would (`electrodes`). It is made
once from its chance and then scaled, so that a sweep over amplitudes asks about the same noise, only stronger.

Shapes: E electrodes, T samples.

Sources of what is imitated: Clifford, Azuaje, McSharry (eds.), Advanced Methods and Tools for ECG Data Analysis
(2006), chapter 3, for the bands of each kind; Moody, Muldrow, Mark, Computers in Cardiology 11 (1984), for their
separation into baseline wander, muscle artefact and electrode motion. Real noise is worse behaved than any of these.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.signal.electrodes import ELECTRODES

Floats = NDArray[np.float64]

EMG_HZ = (20.0, 150.0)
WANDER_HZ = (0.05, 0.5)
MOTION_EVERY_S = 2.5
"""Mean time between two movements of one electrode."""
MOTION_RISE_S, MOTION_FALL_S = 0.05, 0.6


def mains(samples: int, rate_hz: float, rng: np.random.Generator, mains_hz: float = 50.0) -> Floats:
    """Hum of amplitude 1 at the electrode that picks up most; the others by chance, phases nearly alike.

    A third harmonic of a tenth is added where the rate can hold it. At a rate that cannot hold the hum itself it is
    zero: a cart's own filter before sampling would have taken it away.
    """
    wave_ET = np.zeros((len(ELECTRODES), samples))
    time_T = np.arange(samples) / rate_hz
    strength_E = rng.uniform(0.2, 1.0, len(ELECTRODES))
    strength_E /= strength_E.max()
    phase_E = rng.uniform(0, 2 * np.pi) + rng.normal(scale=0.2, size=len(ELECTRODES))
    for harmonic, share in ((1, 1.0), (3, 0.1)):
        if harmonic * mains_hz < rate_hz / 2:
            wave_ET += share * np.sin(2 * np.pi * harmonic * mains_hz * time_T + harmonic * phase_E[:, None])
    return strength_E[:, None] * wave_ET


def muscle(samples: int, rate_hz: float, rng: np.random.Generator) -> Floats:
    """Muscle noise of RMS 1: Gaussian, 20 to 150 Hz, coming and going over a second or two, each electrode its own."""
    high = min(EMG_HZ[1], 0.45 * rate_hz)
    noise_ET = _band(rng.normal(size=(len(ELECTRODES), samples)), rate_hz, EMG_HZ[0], high)
    swell_ET = _band(rng.normal(size=(len(ELECTRODES), samples)), rate_hz, 0.0, 0.7)
    bursts_ET = noise_ET * np.exp(0.7 * _scaled(swell_ET))
    return _scaled(bursts_ET)


def wander(samples: int, rate_hz: float, rng: np.random.Generator) -> Floats:
    """A wandering baseline whose highest excursion is 1 at every electrode: breathing and slow drift, below 0.5 Hz."""
    time_T = np.arange(samples) / rate_hz
    breath_hz = rng.uniform(0.15, 0.4)
    drift_hz = rng.uniform(WANDER_HZ[0], 0.15, (len(ELECTRODES), 1))
    phases_2E = rng.uniform(0, 2 * np.pi, (2, len(ELECTRODES), 1))
    depth_E = rng.uniform(0.3, 1.0, (len(ELECTRODES), 1))
    wave_ET = depth_E * np.sin(2 * np.pi * breath_hz * time_T + phases_2E[0])
    wave_ET += np.sin(2 * np.pi * drift_hz * time_T + phases_2E[1])
    wave_ET -= wave_ET.mean(axis=1, keepdims=True)
    peak_E = np.abs(wave_ET).max(axis=1, keepdims=True)
    return np.asarray(wave_ET / np.where(peak_E > 0, peak_E, 1.0))


def motion(samples: int, rate_hz: float, rng: np.random.Generator) -> Floats:
    """Electrodes that move: steps that rise in 50 ms and decay over 0.6 s, up to 1 high, each at times of its own."""
    time_T = np.arange(samples) / rate_hz
    wave_ET = np.zeros((len(ELECTRODES), samples))
    seconds = samples / rate_hz
    for row in wave_ET:
        count = rng.poisson(seconds / MOTION_EVERY_S)
        starts, heights = rng.uniform(0, seconds, count), rng.uniform(-1, 1, count)
        for start, height in zip(starts, heights, strict=True):
            after_T = np.clip(time_T - start, 0, None)
            row += height * (1 - np.exp(-after_T / MOTION_RISE_S)) * np.exp(-after_T / MOTION_FALL_S)
    return wave_ET


def _band(noise_ET: Floats, rate_hz: float, low_hz: float, high_hz: float) -> Floats:
    """What of a noise lies in a band."""
    from scipy.fft import irfft, rfft, rfftfreq  # not above: every command reads this file, few use it

    spectrum_EF = rfft(noise_ET, axis=1)
    frequency_F = rfftfreq(noise_ET.shape[1], 1 / rate_hz)
    spectrum_EF[:, (frequency_F < low_hz) | (frequency_F > high_hz)] = 0
    return np.asarray(irfft(spectrum_EF, n=noise_ET.shape[1], axis=1), dtype=np.float64)


def _scaled(noise_ET: Floats) -> Floats:
    """Each electrode's noise at RMS 1; silence stays silent."""
    rms_E = np.sqrt(np.mean(noise_ET**2, axis=1, keepdims=True))
    return np.asarray(noise_ET / np.where(rms_E > 0, rms_E, 1.0))
