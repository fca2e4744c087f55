"""Filters that a model card asks for, written as its maker says them.

    band-pass 0.5-40 Hz, Butterworth order 4, forward-backward
    high-pass 0.5 Hz, Butterworth order 2, forward; notch 50 Hz, quality 30, forward-backward
    running median of 0.4 s taken off

"order" is what scipy.signal.butter takes: a band-pass of order 4 has eight poles. "forward-backward" runs a filter over
the signal both ways, without delay and with its attenuation squared. A running median stands for the baseline; it is
over the odd number of samples next above its length, and beyond the ends the signal counts as zero.

Shapes: C leads, T samples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError

Signal = NDArray[np.float32]
Kind = Literal["band-pass", "high-pass", "low-pass", "notch"]

NONE = "none"
HOW = "Write it like: band-pass 0.5-40 Hz, Butterworth order 4, forward-backward; or: notch 50 Hz, quality 30, forward"

_PASS = re.compile(
    r"(?P<kind>band-pass|high-pass|low-pass) (?P<cuts>[\d.]+(?:-[\d.]+)?) Hz, Butterworth order (?P<order>\d+),"
    r" (?P<way>forward|forward-backward)"
)
_NOTCH = re.compile(
    r"(?P<kind>notch) (?P<cuts>[\d.]+) Hz, quality (?P<order>[\d.]+), (?P<way>forward|forward-backward)"
)
_MEDIAN = re.compile(r"running median of (?P<seconds>\d+(?:\.\d+)?) s taken off")


@dataclass(frozen=True)
class Filter:
    """One filter; `order` is the quality factor of a notch."""

    kind: Kind
    cuts_hz: tuple[float, ...]
    order: float
    both_ways: bool


@dataclass(frozen=True)
class MedianBaseline:
    """A baseline that is the median of so many seconds around each sample; it is taken off."""

    seconds: float


@lru_cache(maxsize=64)
def parse_filters(text: str) -> tuple[Filter | MedianBaseline, ...]:
    """The filters of a card, in the order in which they are applied. Raises WorldError for words that are none."""
    if text == NONE:
        return ()
    return tuple(_parsed(part.strip()) for part in text.split(";"))


def filtered(signal_CT: Signal, rate_hz: float, text: str) -> Signal:
    """A signal without missing samples, filtered as a card says.

    Raises:
        WorldError: no filter, or one that passes beyond half of the rate.
    """
    for one in parse_filters(text):
        if isinstance(one, Filter):
            signal_CT = _applied(signal_CT, rate_hz, one)
        else:
            signal_CT = _baseline_off(signal_CT, rate_hz, one.seconds)
    return signal_CT


def check_filters(text: str, rate_hz: float) -> None:
    """Make sure that the filters of a card can be made at its rate. Raises WorldError otherwise."""
    for one in parse_filters(text):
        if isinstance(one, Filter):
            _sections(one, rate_hz)


def _parsed(text: str) -> Filter | MedianBaseline:
    baseline = _MEDIAN.fullmatch(text)
    if baseline is not None and float(baseline["seconds"]) > 0:
        return MedianBaseline(float(baseline["seconds"]))
    found = _PASS.fullmatch(text) or _NOTCH.fullmatch(text)
    if found is None:
        raise WorldError("model card", f"its filter '{text}' is not understood", HOW)
    try:
        cuts = tuple(float(cut) for cut in found["cuts"].split("-"))
        order = float(found["order"])
    except ValueError:
        raise WorldError("model card", f"its filter '{text}' has no numbers for cuts and order", HOW) from None
    kind: Kind = found["kind"]  # type: ignore[assignment]  # the pattern knows these words alone
    if len(cuts) != (2 if kind == "band-pass" else 1) or sorted(cuts) != list(cuts) or min(cuts) <= 0 or order <= 0:
        raise WorldError("model card", f"its filter '{text}' has cuts or an order that no filter can have", HOW)
    return Filter(kind, cuts, order, found["way"] == "forward-backward")


@lru_cache(maxsize=64)
def _sections(one: Filter, rate_hz: float) -> NDArray[np.float64]:
    """Second-order sections, [S, 6]."""
    from scipy.signal import butter, iirnotch, tf2sos  # not above: it takes a second to load

    if max(one.cuts_hz) >= rate_hz / 2:
        reason = f"its {one.kind} at {max(one.cuts_hz):g} Hz cannot be made at a rate of {rate_hz:g} Hz"
        raise WorldError("model card", reason, "Correct the filter or the rate")
    if one.kind == "notch":
        return np.asarray(tf2sos(*iirnotch(one.cuts_hz[0], one.order, fs=rate_hz)))
    cuts = one.cuts_hz if one.kind == "band-pass" else one.cuts_hz[0]
    return np.asarray(butter(int(one.order), cuts, one.kind.replace("-", ""), fs=rate_hz, output="sos"))


def _applied(signal_CT: Signal, rate_hz: float, one: Filter) -> Signal:
    from scipy.signal import sosfilt, sosfiltfilt

    sections = _sections(one, rate_hz)
    if not one.both_ways:
        return np.asarray(sosfilt(sections, signal_CT, axis=1), dtype=np.float32)
    # As scipy pads, less where the recording is too short for it.
    pad = min(3 * (2 * len(sections) + 1), signal_CT.shape[1] - 1)
    return np.asarray(sosfiltfilt(sections, signal_CT, axis=1, padlen=max(pad, 0)), dtype=np.float32)


def _baseline_off(signal_CT: Signal, rate_hz: float, seconds: float) -> Signal:
    from scipy.signal import medfilt  # lead by lead: of 12 x 5,000 samples, 30 times as fast as ndimage's of two axes

    half = (int(seconds * rate_hz) + 1) // 2
    padded_CT = np.pad(signal_CT, ((0, 0), (half, half)))  # medfilt pads too, but warns where a recording is shorter
    baseline_CT = np.stack([medfilt(lead_T, 2 * half + 1) for lead_T in padded_CT])[:, half : half + signal_CT.shape[1]]
    return np.asarray(signal_CT - baseline_CT, dtype=np.float32)
