"""What ails single leads: missing, flat, clipped, off, noisy, humming, wandering; second by second where it may pass.

Shapes: C leads (12), T samples, t samples at about 125 Hz, W whole seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.signal.quality_beats import FEWEST_BEATS, Beats, Signal

Marks = NDArray[np.bool_]

FLAT_MV = 0.01
"""A lead that moves less than this over the whole recording holds no ECG."""
STILL_S = 0.2
"""A lead that does not change at all for so long stands still."""
SWING_MV = (0.03, 5.0)
"""Largest minus smallest value of a second that can be read, without the baseline."""
JUMP_MV = 1.5
"""Most that the mean of a second may differ from that of the next."""
OFFSET_MV = 2.5
"""Most that the mean of a second may differ from the lead's median second."""
CALM_JUMP_MV, CALM_OFFSET_MV = 0.7, 1.0
"""The same for a second that can be read well."""
ROUGH_MV = 0.25
"""Most roughness (see `Leads.rough_CW`) of a second that can be read."""
HELD_S = 0.3
"""Seconds at either end that may hold one value."""
ALIKE = 0.9
"""Least correlation with the lead's median beat of a beat that vouches for its second."""
PAUSE_S = 1.5
"""A second without a beat is a pause when one lies so near to its middle; else no lead has an ECG there."""
NEIGHBOURS_HZ = (-7.0, -4.0, 4.0, 7.0)
"""Distances from 50 and 60 Hz where there is no mains."""


@dataclass(frozen=True, eq=False)
class Leads:
    """Measures of every lead; millivolts where nothing else is said.

    Attributes:
        missing_C: share of samples that are missing.
        span_C: largest minus smallest sample; NaN for a lead without samples.
        clipped_C: share of samples that sit at the lead's extreme in runs.
        swing_CW: largest minus smallest value of each second, without the baseline.
        still_CW: whether the lead stands still for 0.2 s or longer within the second.
        rough_CW: mean absolute second difference over 4 ms: fast noise and little else. Zero below 200 Hz.
        level_CW: mean of each second, less the median of the seconds.
        mains_C: amplitude of 50 or 60 Hz, whichever is more, above that of its neighbours. Zero below 150 Hz.
        off_CW: whether a second holds no ECG: missing, still, out of range, or jumping. Seconds with beats like the
            lead's others may be as large and as still between them as they are; pauses may be still.
    """

    missing_C: NDArray[np.float64]
    span_C: Signal
    clipped_C: NDArray[np.float64]
    swing_CW: Signal
    still_CW: Marks
    rough_CW: Signal
    level_CW: Signal
    mains_C: Signal
    off_CW: Marks

    @cached_property
    def unreadable_CW(self) -> Marks:
        """Whether a second cannot be read well: it holds no ECG, or too much noise, or its baseline runs away."""
        restless_CW = (self.rough_CW > ROUGH_MV) | (np.abs(self.level_CW) > CALM_OFFSET_MV)
        return np.asarray(self.off_CW | restless_CW | _jumps(self.level_CW, CALM_JUMP_MV))

    @cached_property
    def noise_C(self) -> Signal:
        """Roughness of the median second."""
        return np.asarray(np.median(self.rough_CW, axis=1))

    @cached_property
    def wander_C(self) -> Signal:
        """Highest minus lowest mean of a second."""
        return np.asarray(np.ptp(self.level_CW, axis=1))


def measure(signal_CT: Signal, filled_CT: Signal, rate_hz: float, beats: Beats) -> Leads:
    """Measure every lead of a recording of a second or more.

    Args:
        signal_CT: the recording, NaN where samples are missing.
        filled_CT: the same with the gaps filled.
        rate_hz: its rate.
        beats: its beats.
    """
    missing_CT = np.isnan(signal_CT)
    gaps_CW = seconds(missing_CT, rate_hz).mean(axis=2) > 0.5
    slow_CWs = seconds(beats.level_Ct, beats.rate_hz)
    swing_CW = slow_CWs.max(axis=2) - slow_CWs.min(axis=2)
    means_CW = seconds(beats.slow_Ct, beats.rate_hz).mean(axis=2)
    level_CW = means_CW - np.median(means_CW, axis=1, keepdims=True)
    still_CW, rough_CW = _still(filled_CT, rate_hz), _rough(filled_CT, rate_hz)
    count = min(part.shape[1] for part in (gaps_CW, swing_CW, still_CW, rough_CW, level_CW))
    gaps_CW, swing_CW, still_CW = gaps_CW[:, :count], swing_CW[:, :count], still_CW[:, :count]
    rough_CW, level_CW = rough_CW[:, :count], level_CW[:, :count]
    vouched_CW, pause_W = _vouched(beats, count)
    off_CW = gaps_CW | (np.abs(level_CW) > OFFSET_MV) | _jumps(level_CW, JUMP_MV)
    off_CW |= (still_CW | (swing_CW < SWING_MV[0])) & ~vouched_CW & ~pause_W
    off_CW |= (swing_CW > SWING_MV[1]) & ~vouched_CW
    return Leads(
        missing_C=missing_CT.mean(axis=1),
        span_C=np.fmax.reduce(signal_CT, axis=1) - np.fmin.reduce(signal_CT, axis=1),
        clipped_C=_clipped(signal_CT, rate_hz),
        swing_CW=swing_CW,
        still_CW=still_CW,
        rough_CW=rough_CW,
        level_CW=level_CW,
        mains_C=_mains(filled_CT, rate_hz),
        off_CW=off_CW,
    )


def _vouched(beats: Beats, count: int) -> tuple[Marks, Marks]:
    """Seconds of every lead whose beats are all like its others, [C, W]; and pauses, [W]."""
    marks_CW, pause_W = np.zeros((len(beats.alike_CB), count), bool), np.zeros(count, bool)
    if len(beats.places_B) < FEWEST_BEATS:
        return marks_CW, pause_W
    times_B = beats.places_B / beats.rate_hz
    inside_WB = np.floor(times_B) == np.arange(count)[:, None]
    held_W = inside_WB.any(axis=1)
    unlike_CW = (beats.alike_CB < ALIKE).astype(np.float32) @ inside_WB.T.astype(np.float32) > 0
    nearest_W = np.abs(times_B - (np.arange(count)[:, None] + 0.5)).min(axis=1)
    return held_W & ~unlike_CW, ~held_W & (nearest_W < PAUSE_S)


def seconds(values_CT: NDArray[Any], rate_hz: float) -> NDArray[Any]:
    """Whole seconds, [C, W, samples of a second]; what does not fill one is dropped."""
    second = max(1, round(rate_hz))
    count = max(1, values_CT.shape[1] // second)
    return values_CT[:, : count * second].reshape(len(values_CT), count, -1)


def _jumps(level_CW: Signal, most_mv: float) -> Marks:
    """Seconds on either side of a jump."""
    marks_CW = np.zeros(level_CW.shape, bool)
    jumps_CW = np.abs(np.diff(level_CW, axis=1)) > most_mv
    marks_CW[:, 1:] = jumps_CW
    marks_CW[:, :-1] |= jumps_CW
    return marks_CW


def _still(filled_CT: Signal, rate_hz: float) -> Marks:
    """Seconds with a stretch in which no sample differs from the next."""
    same_CT = np.zeros(filled_CT.shape, bool)
    np.equal(filled_CT[:, 1:], filled_CT[:, :-1], out=same_CT[:, 1:])
    same_CT[:, 0] = same_CT[:, 1]
    blocks = seconds(same_CT, rate_hz)
    length = max(2, round(STILL_S * rate_hz))
    count = max(1, blocks.shape[2] // length)
    parts = blocks[:, :, : count * length].reshape(*blocks.shape[:2], count, -1)
    return np.asarray(np.logical_or.reduce(np.logical_and.reduce(parts, axis=3), axis=2))


def _rough(filled_CT: Signal, rate_hz: float) -> Signal:
    step = round(rate_hz / 250)
    rough_CT = np.zeros(filled_CT.shape, np.float32)
    if step >= 1:
        inner = rough_CT[:, step:-step]
        np.add(filled_CT[:, 2 * step :], filled_CT[:, : -2 * step], out=inner)
        inner -= 2 * filled_CT[:, step:-step]
        np.abs(inner, out=inner)
    return np.asarray(seconds(rough_CT, rate_hz).mean(axis=2))


def _clipped(signal_CT: Signal, rate_hz: float) -> NDArray[np.float64]:
    """Share of samples that sit at the lead's extreme in runs, as a saturated amplifier leaves them.

    Ends do not count: carts hold the last value there to fill ten seconds (six of 356 PTB-XL records looked clipped).
    """
    held = round(HELD_S * rate_hz)
    if signal_CT.shape[1] <= 2 * held + 1:
        return np.zeros(len(signal_CT))
    at_rail = signal_CT == np.fmax.reduce(signal_CT, axis=1, keepdims=True)
    at_rail |= signal_CT == np.fmin.reduce(signal_CT, axis=1, keepdims=True)
    in_run = at_rail[:, held + 1 : -held] & at_rail[:, held : -held - 1]
    return np.asarray(np.count_nonzero(in_run, axis=1) / in_run.shape[1])


def _mains(filled_CT: Signal, rate_hz: float) -> Signal:
    """Amplitude at 50 or 60 Hz above that of the neighbours, in the median second."""
    if rate_hz < 150:
        return np.zeros(len(filled_CT), np.float32)
    blocks_CWs = seconds(filled_CT, rate_hz)
    parts = blocks_CWs.reshape(-1, blocks_CWs.shape[2]) @ _mains_waves(blocks_CWs.shape[2], rate_hz)
    heights = np.hypot(parts[:, :10], parts[:, 10:]).reshape(*blocks_CWs.shape[:2], 2, 5)
    above = heights[..., 0] - heights[..., 1:].mean(axis=-1)
    return np.asarray(np.maximum(np.median(above, axis=1).max(axis=1), 0), dtype=np.float32)


@lru_cache(maxsize=16)
def _mains_waves(length: int, rate_hz: float) -> Signal:
    """Cosines, then sines, of 50 and 60 Hz and of their neighbours, under a window, [length, 20]."""
    window = np.hanning(length)
    hertz = np.array([mains + off for mains in (50.0, 60.0) for off in (0.0, *NEIGHBOURS_HZ)])
    waves = np.exp(-2j * np.pi * hertz * np.arange(length)[:, None] / rate_hz) * window[:, None]
    return np.concatenate([waves.real, waves.imag], axis=1).astype(np.float32) * np.float32(2 / window.sum())
