"""From a recording to what a model is fed: fill, resample, clip, normalise, cut into windows.

Shapes: C leads, T samples, N windows, L samples of a window.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.signal.leads import CANONICAL
from engine.signal.normalise import TEXTS, normalise
from engine.signal.resampling import resample

Signal = NDArray[np.float32]

SUPPORTED = {
    "units": ("mV",),
    "filters": ("none",),
    "normalisation": tuple(TEXTS.values()),
    "missing": ("linear interpolation per lead, an absent lead is zero",),
    "aggregation": ("mean over non-overlapping windows",),
}
"""What a card may ask for today; anything else is refused rather than passed over."""


def fill_missing(signal_CT: Signal) -> Signal:
    """Interpolate missing samples (NaN) linearly within each lead; ends are held, an absent lead becomes zero."""
    missing_CT = np.isnan(signal_CT)
    if not missing_CT.any():
        return signal_CT
    filled_CT = signal_CT.copy()
    times = np.arange(signal_CT.shape[1])
    for lead, missing in zip(filled_CT, missing_CT, strict=True):
        if missing.all():
            lead[:] = 0
        elif missing.any():
            lead[missing] = np.interp(times[missing], times[~missing], lead[~missing])
    return filled_CT


def clip(signal_CT: Signal, limit_mv: float | None) -> Signal:
    """Limit to plus or minus `limit_mv` millivolts; None leaves the signal as it is."""
    return signal_CT if limit_mv is None else np.clip(signal_CT, -np.float32(limit_mv), np.float32(limit_mv))


def windows(signal_CT: Signal, rate_hz: float, window_s: float) -> Signal:
    """Consecutive windows without overlap, [N, C, L]; what does not fill a window is dropped.

    Raises:
        WorldError: the recording is shorter than one window.
    """
    length = round(window_s * rate_hz)
    count = signal_CT.shape[1] // length
    if count == 0:
        raise WorldError(
            "recording",
            f"it lasts {signal_CT.shape[1] / rate_hz:.2f} s, the model needs {window_s:g} s",
            "Leave it out of the cohort",
        )
    parts_CNL = signal_CT[:, : count * length].reshape(signal_CT.shape[0], count, length)
    return np.ascontiguousarray(parts_CNL.transpose(1, 0, 2))


def model_input(signal_CT: Signal, rate_hz: float, card: Preprocessing) -> Signal:
    """What a model with this card is fed: x_NCT float32, [windows, leads of the card, samples].

    Args:
        signal_CT: [12, T] millivolts in canonical order, NaN where missing.
        rate_hz: rate of the signal.
        card: the model's preprocessing contract.

    Raises:
        WorldError: the recording is too short, or the card asks for what this program cannot do.
    """
    check_card(card)
    rows = [CANONICAL.index(lead) for lead in card.leads]
    chosen_CT = signal_CT if card.leads == CANONICAL else signal_CT[rows]
    ready_CT = clip(resample(fill_missing(chosen_CT), rate_hz, card.rate_hz), card.clip_mv)
    return windows(normalise(ready_CT, card.normalisation, card.leads), card.rate_hz, card.window_s)


def check_card(card: Preprocessing) -> None:
    """Make sure that this program can do what a card asks for. Raises WorldError otherwise."""
    foreign = [lead for lead in card.leads if lead not in CANONICAL]
    if foreign:
        raise WorldError("model card", f"it asks for the leads {', '.join(foreign)}", "Use a model for standard leads")
    for name, able in SUPPORTED.items():
        asked = getattr(card, name)
        if asked not in able:
            raise WorldError("model card", f"it asks for {name} = {asked}", f"Only {_either(able)} can be done")


def _either(texts: tuple[str, ...]) -> str:
    return " or ".join(f"'{text}'" for text in texts)
