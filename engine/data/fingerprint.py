"""The fingerprint of a recording: what stays the same when a copy is filtered, scaled, resampled or cut.

Three parts, all taken from the band of 3 to 22 Hz, in which usual filters leave an ECG alone:

- landmarks: moments at which the leads together swing most, to 5 ms. They depend on nearby samples only, so a crop
  keeps those that it holds.
- codes: 64 bits a landmark, from the shape of all leads around it, each lead scaled to itself. Copies differ in few of
  them; an index finds them among millions (`engine.data.landmarks`).
- signs: one byte for every 20 ms, one bit a lead: above zero or below. Two recordings are compared by them.

The idea of hashing the surroundings of landmarks is that of audio fingerprints (Wang, An industrial-strength audio
search algorithm, ISMIR 2003), the codes are random hyperplanes (Charikar, STOC 2002).

Shapes: K leads compared (8), T ticks of 5 ms, S signs (one every 20 ms), A landmarks, W samples of a window.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.signal.condition import fill_missing
from engine.signal.leads import CANONICAL

METHOD = 1
"""Number of this method. Fingerprints of another number cannot be compared."""

COMPARED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""Leads of a fingerprint; the other four follow from I and II."""

TICKS_HZ = 200
TICKS_A_SIGN = 4
EDGE = 20
"""Ticks at either end that are not compared: what lies beyond them reaches in through the filter."""

QUIET = 1e-3
"""A lead that swings less than this share of the leads' median is flat."""

FEWEST_LEADS = 3
SHORTEST = 100
"""Signs that two recordings must have in common: 2 s."""

_ROWS = [CANONICAL.index(lead) for lead in COMPARED]
_PADDING_S = 0.5
_BAND_HZ = (3.0, 6.0, 15.0, 22.0)
"""Where the band begins to rise, has risen, begins to fall, has ended. Below 3 Hz filters of carts differ most."""
_APART = 40
"""A landmark is the largest swing within so many ticks on either side."""

_WINDOW = np.arange(-50, 130, 4)
"""Ticks around a landmark that its code looks at: 250 ms before to 650 ms after."""

_GROUPS = (("I", "II", "V1", "V2"), ("V3", "V4", "V5", "V6"), ("I", "II", "V5", "V6"), ("V1", "V2", "V3", "V4"))
"""Leads that each word of 16 bits is made of: with a lead missing, or two limb leads swapped, two words stay."""

_STEEPNESS = 1.5
# fmt: off
_MEDIANS = np.array([
    0, -4, 3, -6, -2, -1, -5, 7, -1, 4, -3, -5, 6, -6, 3, -3,
    -4, -8, 2, -6, -4, 8, -6, 7, -5, -1, -2, -1, -3, 2, -4, -3,
    -7, 6, -1, 0, 2, 5, 10, -2, -3, -3, 5, 7, -2, -4, -9, -5,
    1, -3, 2, 6, -5, -1, -2, -6, 1, 8, 5, 1, 0, 0, -5, 8,
], dtype=np.float32)
# fmt: on
"""Middle of each direction over the landmarks of one half of the patients of 356 PTB-XL records (CC BY 4.0): with it
as threshold a bit is as often one as zero. `docs/leakage.py medians` computes them."""


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is kept of a recording to find its copies.

    Attributes:
        signs_S: [S] uint8, bit k of byte s: lead k is above zero 20 ms * s after the start.
        ticks_A: [A] uint32, the landmarks in ticks of 5 ms.
        codes_A: [A] uint64, their codes.
        leads: bit k: lead k of `COMPARED` is there and not flat.
        band_KT: [8, T] float32, the filtered leads; only in memory, for a comparison from this side.
    """

    signs_S: NDArray[np.uint8] = field(repr=False)
    ticks_A: NDArray[np.uint32] = field(repr=False)
    codes_A: NDArray[np.uint64] = field(repr=False)
    leads: int
    band_KT: NDArray[np.float32] = field(repr=False)

    @property
    def can_be_compared(self) -> bool:
        """Whether there is enough to go by: three leads, one landmark, 2 s between the ends that are not compared."""
        enough = len(self.signs_S) >= SHORTEST + 2 * EDGE // TICKS_A_SIGN
        return enough and self.leads.bit_count() >= FEWEST_LEADS and len(self.ticks_A) > 0


def fingerprint(signal_CT: NDArray[np.float32], rate_hz: float) -> Fingerprint:
    """The fingerprint of a recording.

    Args:
        signal_CT: [12, T] in canonical order, in any unit, NaN where missing.
        rate_hz: samples a second; from 60 Hz on.
    """
    chosen_KT = signal_CT[_ROWS].astype(np.float32, copy=False)
    held = np.isfinite(chosen_KT).mean(axis=1) > 0.5
    band_KT = _band(fill_missing(chosen_KT) if not np.isfinite(chosen_KT).all() else chosen_KT, rate_hz)
    swing_K = np.sqrt(np.square(band_KT).sum(axis=1) / max(band_KT.shape[1], 1))
    held &= swing_K > QUIET * float(np.median(swing_K))
    band_KT[~held] = 0
    ticks_A = _landmarks(band_KT, np.where(held, swing_K, 1))
    bits_KS = band_KT[:, ::TICKS_A_SIGN] > 0
    return Fingerprint(
        signs_S=np.packbits(bits_KS, axis=0, bitorder="little")[0],
        ticks_A=np.rint(ticks_A).astype(np.uint32),
        codes_A=_codes(band_KT, ticks_A),
        leads=int(np.packbits(held, bitorder="little")[0]),
        band_KT=band_KT,
    )


def _band(signal_KT: NDArray[np.float32], rate_hz: float) -> NDArray[np.float32]:
    """The leads between 3 and 22 Hz at 200 ticks a second, by one Fourier transform there and one back."""
    from scipy.fft import irfft, rfft  # not above: every command reads this file, few use it

    samples = signal_KT.shape[1]
    padding = min(round(_PADDING_S * rate_hz), samples - 1)
    total = _whole_ticks(samples + 2 * padding, rate_hz)
    mirrored_KT = _mirrored(signal_KT, padding, total - samples - padding)
    mirrored_KT -= mirrored_KT.mean(axis=1, keepdims=True)
    spectrum_KF = rfft(mirrored_KT, axis=1)
    ticks = round(total * TICKS_HZ / rate_hz)
    kept = min(spectrum_KF.shape[1], ticks // 2 + 1)
    gains = _gains(kept, rate_hz / total) * np.float32(ticks / total)
    wanted_KF = np.zeros((len(signal_KT), ticks // 2 + 1), dtype=spectrum_KF.dtype)
    wanted_KF[:, :kept] = spectrum_KF[:, :kept] * gains
    start = round(padding * TICKS_HZ / rate_hz)
    inside = int(samples * TICKS_HZ / rate_hz)
    return np.ascontiguousarray(irfft(wanted_KF, ticks, axis=1)[:, start : start + inside], dtype=np.float32)


def _whole_ticks(samples: int, rate_hz: float) -> int:
    """The next number of samples that is a whole number of ticks, so that the clock of the ticks runs true."""
    rate = Fraction(rate_hz).limit_denominator(100)
    step = (Fraction(rate) / TICKS_HZ).numerator
    return -(-samples // step) * step if step <= rate_hz else samples


def _mirrored(signal_KT: NDArray[np.float32], before: int, after: int) -> NDArray[np.float32]:
    """The leads continued at both ends by their image through the end point, so that the ends do not ring."""
    samples = signal_KT.shape[1]
    back = np.clip(np.arange(before, 0, -1), 0, samples - 1)
    on = np.clip(np.arange(samples - 2, samples - 2 - after, -1), 0, samples - 1)
    head_KT = 2 * signal_KT[:, :1] - signal_KT[:, back]
    tail_KT = 2 * signal_KT[:, -1:] - signal_KT[:, on]
    return np.concatenate([head_KT, signal_KT, tail_KT], axis=1)


@lru_cache(maxsize=256)
def _gains(count: int, step_hz: float) -> NDArray[np.float32]:
    """What the band leaves of each frequency, `count` of them in steps of `step_hz`."""
    hz = np.arange(count) * step_hz
    low_from, low_to, high_from, high_to = _BAND_HZ
    rise = np.clip((hz - low_from) / (low_to - low_from), 0, 1)
    fall = np.clip((high_to - hz) / (high_to - high_from), 0, 1)
    return np.asarray(np.sin(rise * np.pi / 2) ** 2 * np.sin(fall * np.pi / 2) ** 2, dtype=np.float32)


def _landmarks(band_KT: NDArray[np.float32], swing_K: NDArray[np.float32]) -> NDArray[np.float64]:
    """Ticks (with fractions) at which all leads together swing most, as far inside as their windows need."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d  # not above: every command reads this file, few use it

    energy_T = uniform_filter1d(np.square(band_KT / swing_K[:, None]).sum(axis=0), 9)
    peaks = np.flatnonzero(energy_T == maximum_filter1d(energy_T, 2 * _APART + 1))
    first, last = EDGE - _WINDOW[0] + 1, len(energy_T) - EDGE - _WINDOW[-1] - 3
    peaks = peaks[(peaks > first) & (peaks < last)]
    before, at, after = energy_T[peaks - 1], energy_T[peaks], energy_T[peaks + 1]
    bend = before - 2 * at + after
    bent = bend < 0
    ticks = peaks + np.where(bent, 0.5 * (before - after) / np.where(bent, bend, 1), 0)
    return np.asarray(ticks[bent], dtype=np.float64)


def _codes(band_KT: NDArray[np.float32], ticks_A: NDArray[np.float64]) -> NDArray[np.uint64]:
    """64 bits for the shape of the leads around each landmark."""
    places_AW = ticks_A[:, None] + _WINDOW
    whole_AW = np.floor(places_AW).astype(np.intp)
    rest_AW = (places_AW - whole_AW).astype(np.float32)
    shape_KAW = band_KT[:, whole_AW] * (1 - rest_AW) + band_KT[:, whole_AW + 1] * rest_AW
    shape_KAW -= shape_KAW.mean(axis=2, keepdims=True)
    size_KA1 = np.sqrt(np.mean(np.square(shape_KAW), axis=2, keepdims=True))
    shape_KAW = np.tanh(_STEEPNESS * shape_KAW / np.where(size_KA1 > 0, size_KA1, 1))
    shape_AD = shape_KAW.transpose(1, 0, 2).reshape(len(ticks_A), shape_KAW.shape[0] * shape_KAW.shape[2])
    bits_AB = shape_AD @ _directions() > _MEDIANS
    return np.packbits(bits_AB, axis=1, bitorder="little").view("<u8")[:, 0].astype(np.uint64)


@cache
def _directions() -> NDArray[np.float32]:
    """[8 * W, 64] of plus and minus one: drawn from SHAKE-256, so that they are the same everywhere and for ever.

    The 16 bits of a word see the four leads of its group only.
    """
    size = len(COMPARED) * len(_WINDOW) * 64
    drawn = np.frombuffer(hashlib.shake_256(b"isoline landmark directions 1").digest(size // 8), dtype=np.uint8)
    directions_KWB = np.unpackbits(drawn).reshape(len(COMPARED), len(_WINDOW), 64) * 2.0 - 1.0
    for word, group in enumerate(_GROUPS):
        blind = [k for k, lead in enumerate(COMPARED) if lead not in group]
        directions_KWB[blind, :, 16 * word : 16 * word + 16] = 0
    return np.asarray(directions_KWB.reshape(size // 64, 64), dtype=np.float32)
