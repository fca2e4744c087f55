"""From a recording to what a model is fed: fill, resample, filter, clip, scale, normalise, cut into windows.

Shapes: C leads, T samples, N windows, L samples of a window.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.signal.filtering import NONE, check_filters, filtered
from engine.signal.leads import CANONICAL
from engine.signal.normalise import CONSTANTS, TEXTS, normalise, normalise_by
from engine.signal.resampling import resample
from engine.signal.window_normalise import OF_WINDOWS, RECORDING, normalise_windows, z_score

Signal = NDArray[np.float32]

UNITS = {"mV": 1.0, "uV": 1000.0}
"""Of one millivolt."""

CONSECUTIVE = "mean over non-overlapping windows"
AGGREGATIONS = (CONSECUTIVE, "mean over windows", "maximum over windows", "first window")

SUPPORTED = {
    "units": tuple(UNITS),
    "normalisation": (*TEXTS.values(), CONSTANTS, RECORDING, *OF_WINDOWS),
    "missing": ("linear interpolation per lead, an absent lead is zero",),
    "aggregation": AGGREGATIONS,
}
"""What a card may ask for today, beside filters; anything else is refused rather than passed over."""


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


def windows(signal_CT: Signal, rate_hz: float, window_s: float, stride_s: float | None = None) -> Signal:
    """Windows of a recording, [N, C, L], one after the other or a stride apart; what does not fill one is dropped.

    Raises:
        WorldError: the recording is shorter than one window.
    """
    length = round(window_s * rate_hz)
    stride = length if stride_s is None else max(round(stride_s * rate_hz), 1)
    if signal_CT.shape[1] < length:
        raise WorldError(
            "recording",
            f"it lasts {signal_CT.shape[1] / rate_hz:.2f} s, the model needs {window_s:g} s",
            "Leave it out of the cohort",
        )
    parts_CNL = np.lib.stride_tricks.sliding_window_view(signal_CT, length, axis=1)[:, ::stride]
    return np.ascontiguousarray(parts_CNL.transpose(1, 0, 2))


def model_input(signal_CT: Signal, rate_hz: float, card: Preprocessing, derived: tuple[str, ...] = ()) -> Signal:
    """What a model with this card is fed: x_NCT float32, [windows, leads of the card, samples].

    Args:
        signal_CT: [12, T] millivolts in canonical order, NaN where missing.
        rate_hz: rate of the signal.
        card: the model's preprocessing contract.
        derived: leads of the recording that were computed from others.

    Raises:
        WorldError: the recording is too short, lacks measured leads that the card insists on, or the card asks for
            what this program cannot do.
    """
    check_card(card)
    _refuse_derived(card, derived)
    rows = [CANONICAL.index(lead) for lead in card.leads]
    chosen_CT = signal_CT if card.leads == CANONICAL else signal_CT[rows]
    filled_CT = fill_missing(chosen_CT)
    turned_CT = -filled_CT if card.polarity == "inverted" else filled_CT
    smooth_CT = filtered(resample(turned_CT, rate_hz, card.rate_hz), card.rate_hz, card.filters)
    scaled_CT = _normalised(_in_units(clip(smooth_CT, card.clip_mv), card.units), card)
    x_NCT = windows(_padded(scaled_CT, card), card.rate_hz, card.window_s, card.stride_s)
    chosen_NCT = x_NCT[:1] if card.aggregation == "first window" else x_NCT
    return normalise_windows(chosen_NCT, card.normalisation)


def check_card(card: Preprocessing) -> None:
    """Make sure that this program can do what a card asks for. Raises WorldError otherwise."""
    foreign = [lead for lead in card.leads if lead not in CANONICAL]
    if foreign:
        raise WorldError("model card", f"it asks for the leads {', '.join(foreign)}", "Use a model for standard leads")
    for name, able in SUPPORTED.items():
        asked = getattr(card, name)
        if asked not in able:
            raise WorldError("model card", f"it asks for {name} = {asked}", f"Only {_either(able)} can be done")
    check_filters(card.filters, card.rate_hz)
    if card.normalisation == CONSTANTS and not (card.means and card.deviations):
        reason = "it asks for a z-score by constants and gives no means and deviations"
        raise WorldError("model card", reason, "Ask the maker for them, or say that they were declined and assume some")
    if card.stride_s is not None and card.aggregation == CONSECUTIVE:
        raise WorldError("model card", "it has a stride and windows that do not overlap", "Say: mean over windows")


def is_plain(card: Preprocessing) -> bool:
    """Whether crops cut anywhere can be fed: resampled, clipped and normalised by fixed statistics, nothing else."""
    later = (card.stride_s, card.filters != NONE, card.polarity != "as recorded", card.padding != "refused")
    usual = card.units == "mV" and card.normalisation in TEXTS.values() and card.aggregation == CONSECUTIVE
    return usual and card.derived_leads == "allowed" and not any(later)


def _refuse_derived(card: Preprocessing, derived: tuple[str, ...]) -> None:
    used = [lead for lead in derived if lead in card.leads]
    if card.derived_leads == "refused" and used:
        reason = f"its {', '.join(used)} were computed from other leads, and the model wants measured ones"
        raise WorldError("recording", reason, "Leave it out of the cohort")


def _in_units(signal_CT: Signal, units: str) -> Signal:
    return signal_CT if UNITS[units] == 1 else signal_CT * np.float32(UNITS[units])


def _normalised(signal_CT: Signal, card: Preprocessing) -> Signal:
    """What is done to the whole recording; windows come later."""
    if card.normalisation in OF_WINDOWS:
        return signal_CT
    if card.normalisation == CONSTANTS:
        return normalise_by(signal_CT, card.means, card.deviations)
    if card.normalisation == RECORDING:
        return z_score(signal_CT, (1,))
    return normalise(signal_CT, card.normalisation, card.leads)


def _padded(signal_CT: Signal, card: Preprocessing) -> Signal:
    """Brought to the length of a window where the card says how."""
    lacking = card.samples - signal_CT.shape[1]
    if lacking <= 0 or card.padding == "refused" or not signal_CT.shape[1]:
        return signal_CT
    if card.padding == "zeros at the end":
        return np.pad(signal_CT, ((0, 0), (0, lacking)))
    return np.pad(signal_CT, ((0, 0), (0, lacking)), mode="wrap")


def _either(texts: tuple[str, ...]) -> str:
    return " or ".join(f"'{text}'" for text in texts)
