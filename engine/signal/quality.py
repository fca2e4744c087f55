"""A first verdict on a recording: is it complete, alive, plausible?

Simple and honest: it finds missing, flat and clipped leads, impossible amplitudes and limb leads that contradict each
other. It does not judge noise.

Shapes: C leads (12), T samples, W seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.signal.leads import CANONICAL
from engine.signal.recording import Recording

FLAT_MV = 0.01
"""A lead that moves less than this over the whole recording holds no ECG."""
PLAUSIBLE_MV = (0.25, 3.5)
"""Median swing within a second over the leads; outside, the gain is suspect. 356 PTB-XL records lie in 0.35 to 3.44."""
POSSIBLE_MV = (0.005, 50.0)
"""Outside, it is no ECG in millivolts at all, and is refused at import."""
MISSING_SHARE = 0.05
CLIPPED_SHARE = 0.01
LIMB_SHARE = 0.1
"""Allowed residual of II = I + III, as a share of the swing of lead II."""


@dataclass(frozen=True)
class Quality:
    """The verdict and what speaks against the recording, in plain words."""

    verdict: Literal["good", "limited", "unusable"]
    reasons: tuple[str, ...] = ()


def assess(recording: Recording) -> Quality:
    """Judge a recording.

    Returns:
        "unusable" when fewer than half of the leads are alive, "limited" when anything speaks against it, else "good".
    """
    signal_CT = recording.signal_CT
    absent = ~np.array(recording.present)
    flat = ~absent & (_ptp(signal_CT) < FLAT_MV)
    missing = ~absent & (_missing_share(signal_CT) > MISSING_SHARE)
    clipped = ~absent & ~flat & (_clipped_share(signal_CT) > CLIPPED_SHARE)
    reasons = [
        f"{word} {_names(marks)}"
        for word, marks in (
            ("no samples in", absent),
            ("flat line in", flat),
            ("samples missing in", missing),
            ("stuck at its extreme:", clipped),
        )
        if marks.any()
    ]
    alive = 12 - int((absent | flat).sum())
    reasons += _amplitude(signal_CT, recording.rate_hz) if alive else []
    reasons += _normalised(signal_CT) + _einthoven(recording) if alive == 12 else []
    if alive < 6:
        return Quality("unusable", tuple(reasons))
    return Quality("limited" if reasons else "good", tuple(reasons))


def swing_mv(signal_CT: NDArray[np.float32], rate_hz: float) -> float:
    """Median over leads and seconds of the largest minus the smallest value within a second, millivolts.

    Robust against drift and against single spikes; NaN when no lead has samples. Leads without movement do not count.
    """
    swings_CW = _swings(signal_CT, rate_hz)
    moving = swings_CW[swings_CW > 0]
    return float(np.median(moving)) if moving.size else float("nan")


def impossible_amplitude(recording: Recording) -> float | None:
    """The swing in millivolts when no ECG can have it, else None: the gain in the file must be wrong."""
    swing = swing_mv(recording.signal_CT, recording.rate_hz)
    return swing if swing < POSSIBLE_MV[0] or swing > POSSIBLE_MV[1] else None


def _swings(signal_CT: NDArray[np.float32], rate_hz: float) -> NDArray[np.float32]:
    """Largest minus smallest value of every lead in every whole second, [C, W]; NaN where samples are missing."""
    second = max(1, min(round(rate_hz), signal_CT.shape[1]))
    whole = signal_CT.shape[1] // second
    parts_CWS = signal_CT[:, : whole * second].reshape(len(signal_CT), whole, second)
    return np.asarray(parts_CWS.max(axis=2) - parts_CWS.min(axis=2), dtype=np.float32)


def _amplitude(signal_CT: NDArray[np.float32], rate_hz: float) -> list[str]:
    swing = swing_mv(signal_CT, rate_hz)
    reasons = []
    if not np.isnan(swing) and not PLAUSIBLE_MV[0] <= swing <= PLAUSIBLE_MV[1]:
        reasons.append(f"gain suspect: the leads swing by {swing:.2g} mV a second")
    huge = np.fmin.reduce(_swings(signal_CT, rate_hz), axis=1) > POSSIBLE_MV[1]
    if huge.any():
        reasons.append(f"impossible amplitude in {_names(huge)}")
    return reasons


def _normalised(signal_CT: NDArray[np.float32]) -> list[str]:
    spans = _ptp(signal_CT)
    if np.ptp(spans) > 1e-3 * spans.max():
        return []
    return [f"every lead spans the same {spans.max():.3g}: each was normalised, these are no millivolts"]


def _einthoven(recording: Recording) -> list[str]:
    if set(recording.derived) & {"I", "II", "III"}:
        return []
    one, two, three = recording.signal_CT[:3]
    residual = two - one
    residual -= three
    if np.isnan(residual).all():
        return []
    spread, scale = float(np.nanstd(residual)), float(np.nanstd(two))
    if not spread > LIMB_SHARE * scale:
        return []
    return ["limb leads contradict each other (II is not I + III)"]


def _ptp(signal_CT: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest minus smallest value of each lead; NaN for a lead without samples."""
    return np.asarray(np.fmax.reduce(signal_CT, axis=1) - np.fmin.reduce(signal_CT, axis=1), dtype=np.float32)


def _missing_share(signal_CT: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.count_nonzero(np.isnan(signal_CT), axis=1) / signal_CT.shape[1])


def _clipped_share(signal_CT: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of samples that sit at the lead's extreme in runs, as a saturated amplifier leaves them."""
    top = np.fmax.reduce(signal_CT, axis=1, keepdims=True)
    bottom = np.fmin.reduce(signal_CT, axis=1, keepdims=True)
    at_rail = (signal_CT == top) | (signal_CT == bottom)
    in_run = at_rail[:, 1:] & at_rail[:, :-1]
    return np.asarray(np.count_nonzero(in_run, axis=1) / signal_CT.shape[1])


def _names(marks: NDArray[np.bool_]) -> str:
    return ", ".join(lead for lead, mark in zip(CANONICAL, marks, strict=True) if mark)
