"""Is the amplitude that of an ECG in millivolts?

Shapes: C leads (12), T samples, W windows of 1.5 s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.signal.leads import CANONICAL
from engine.signal.quality_finding import Finding

PLAUSIBLE_MV = (0.4, 3.2)
"""Swing (see `swing_mv`) outside which the gain is suspect. Of 356 PTB-XL records one, with a pacemaker, is outside;
what other limits would find, and what they would cost, stands in docs/quality.md."""
WINDOW_S = 1.5
"""Long enough to hold a beat of a heart that beats 40 times a minute: within a second, a slow one looks small."""
POSSIBLE_MV = (0.005, 50.0)
"""Outside, it is no ECG in millivolts at all, and is refused at import."""
ALIKE = 1e-3
"""Leads whose spans, or standard deviations, differ by no more than this share were scaled one by one."""


def swing_mv(signal_CT: NDArray[np.float32], rate_hz: float) -> float:
    """Median over leads and windows of 1.5 s of the largest minus the smallest value within one, millivolts.

    Robust against drift and against single spikes; NaN when no lead has samples. Leads without movement do not count.
    """
    return _middle(swings(signal_CT, rate_hz))


def swings(signal_CT: NDArray[np.float32], rate_hz: float) -> NDArray[np.float32]:
    """Largest minus smallest value of every lead in every whole window, [C, W]; NaN where samples are missing."""
    window = max(1, min(round(WINDOW_S * rate_hz), signal_CT.shape[1]))
    whole = signal_CT.shape[1] // window
    parts_CWS = signal_CT[:, : whole * window].reshape(len(signal_CT), whole, window)
    return np.asarray(parts_CWS.max(axis=2) - parts_CWS.min(axis=2), dtype=np.float32)


def check_gain(
    signal_CT: NDArray[np.float32], rate_hz: float, spans_C: NDArray[np.float32], alive_C: NDArray[np.bool_]
) -> list[Finding]:
    """What speaks against the gain: of the recording, of single leads, or that leads were normalised one by one."""
    swings_CW = swings(signal_CT, rate_hz)
    swing = _middle(swings_CW)
    findings = []
    if not np.isnan(swing) and not PLAUSIBLE_MV[0] <= swing <= PLAUSIBLE_MV[1]:
        text = f"gain suspect: the leads swing by {swing:.2g} mV from beat to beat"
        findings.append(Finding("gain", text, (), (round(swing, 5),)))
    least_C = np.fmin.reduce(swings_CW, axis=1)
    huge = tuple(lead for lead, low in zip(CANONICAL, least_C, strict=True) if low > POSSIBLE_MV[1])
    if huge:
        values = tuple(round(float(low), 1) for low in least_C[least_C > POSSIBLE_MV[1]])
        findings.append(Finding("gain", f"impossible amplitude in {', '.join(huge)}", huge, values))
    if alive_C.all():
        findings += _normalised(signal_CT, spans_C)
    return findings


def _normalised(signal_CT: NDArray[np.float32], spans_C: NDArray[np.float32]) -> list[Finding]:
    if np.ptp(spans_C) <= ALIKE * spans_C.max():
        text = f"every lead spans the same {spans_C.max():.3g}: each was normalised, these are no millivolts"
        return [Finding("gain", text, (), (round(float(spans_C.max()), 4),))]
    deviations_C = np.sqrt(
        np.einsum("ct,ct->c", signal_CT, signal_CT) / signal_CT.shape[1] - signal_CT.mean(axis=1) ** 2
    )
    if np.ptp(deviations_C) <= ALIKE * deviations_C.max():
        text = f"every lead deviates by the same {deviations_C.max():.3g}: each was normalised, these are no millivolts"
        return [Finding("gain", text, (), (round(float(deviations_C.max()), 4),))]
    return []


def _middle(swings_CW: NDArray[np.float32]) -> float:
    moving = swings_CW[swings_CW > 0]
    return float(np.median(moving)) if moving.size else float("nan")
