"""What a hospital gets wrong when it feeds a model: one item of the preprocessing contract at a time.

A fault changes what the contract is shown (samples, their rate) or the contract itself; then the recording goes the
usual way. Shapes: C leads (12, canonical order), T samples, N windows, L samples of a window.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.signal.condition import fill_missing, model_input
from engine.signal.electrodes import exchanged
from engine.signal.filtering import NONE
from engine.signal.leads import CANONICAL
from engine.signal.normalise import CONSTANTS
from engine.signal.window_normalise import WINDOW

Signal = NDArray[np.float32]

CABRERA = ("aVL", "I", "aVR", "II", "aVF", "III")
"""The other usual order of the limb leads; aVR without its sign turned, as a mere exchange of order leaves it."""

LIMB, CHEST = CANONICAL[:6], CANONICAL[6:]
BAND_PASS = "band-pass 0.5-40 Hz, Butterworth order 4, forward-backward"


@dataclass(frozen=True)
class Shown:
    """A recording on its way into a model: [12, T] millivolts, their rate as it is believed, the contract."""

    signal_CT: Signal
    rate_hz: float
    feed: Preprocessing


@dataclass(frozen=True)
class Usual:
    """What the recordings are like, for telling which faults can be tried.

    Attributes:
        rates_hz: all that there are.
        seconds: of the recordings, their median.
    """

    rates_hz: frozenset[float]
    seconds: float


@dataclass(frozen=True)
class ContractFault:
    """One item made wrong.

    Attributes:
        name: short and stable.
        field: of the contract.
        title: for people.
        change: makes it wrong.
        idle: why it cannot be tried on a contract and such recordings; empty when it can.
    """

    name: str
    field: str
    title: str
    change: Callable[[Shown], Shown]
    idle: Callable[[Preprocessing, Usual], str] = lambda feed, usual: ""


def fed_wrong(
    fault: ContractFault | None, signal_CT: Signal, rate_hz: float, feed: Preprocessing, derived: tuple[str, ...] = ()
) -> Signal:
    """Windows x_NCL of a recording with one item wrong, as many as there are with it right at the most.

    Raises:
        WorldError: the contract cannot take the recording.
    """
    if fault is None:
        return model_input(signal_CT, rate_hz, feed, derived)
    shown = fault.change(Shown(fill_missing(signal_CT), rate_hz, feed))
    x_NCL = model_input(shown.signal_CT, shown.rate_hz, shown.feed, derived)
    seconds = signal_CT.shape[1] / rate_hz
    most = math.floor(max(seconds - feed.window_s, 0) / (feed.stride_s or feed.window_s) + 1e-6) + 1
    return x_NCL[:most]


def _contract(**update: object) -> Callable[[Shown], Shown]:
    return lambda shown: replace(shown, feed=shown.feed.model_copy(update=update))


def _times(factor: float) -> Callable[[Shown], Shown]:
    return lambda shown: replace(shown, signal_CT=shown.signal_CT * np.float32(factor))


def _other_unit(shown: Shown) -> Shown:
    return _contract(units="uV" if shown.feed.units == "mV" else "mV")(shown)


def _arms(shown: Shown) -> Shown:
    return replace(shown, signal_CT=exchanged(shown.signal_CT, "RA", "LA"))


def _in_order(order: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Callable[[Shown], Shown]:
    return lambda shown: _contract(leads=order(shown.feed.leads))(shown)


def _limbs_as_cabrera(leads: tuple[str, ...]) -> tuple[str, ...]:
    found = iter(lead for lead in CABRERA if lead in leads)
    return tuple(next(found) if lead in CABRERA else lead for lead in leads)


def _chest_backwards(leads: tuple[str, ...]) -> tuple[str, ...]:
    found = iter([lead for lead in leads if lead in CHEST][::-1])
    return tuple(next(found) if lead in CHEST else lead for lead in leads)


def _chest_first(leads: tuple[str, ...]) -> tuple[str, ...]:
    return (*(lead for lead in leads if lead in CHEST), *(lead for lead in leads if lead in LIMB))


def _another_lead(leads: tuple[str, ...]) -> tuple[str, ...]:
    return ("I",) if leads[0] != "I" else ("II",)


def _rate(factor: float) -> Callable[[Shown], Shown]:
    return lambda shown: replace(shown, rate_hz=shown.rate_hz * factor)


def _unsampled(shown: Shown) -> Shown:
    return replace(shown, rate_hz=shown.feed.rate_hz)


def _one_constant(shown: Shown) -> Shown:
    means, deviations = shown.feed.means, shown.feed.deviations
    told = {
        "means": (float(np.mean(means)),) * len(means),
        "deviations": (float(np.mean(deviations)),) * len(deviations),
    }
    return _contract(**told)(shown)


def _later(shown: Shown) -> Shown:
    half = round(shown.feed.window_s / 2 * shown.rate_hz)
    return replace(shown, signal_CT=shown.signal_CT[:, half:])


def _half_empty(shown: Shown) -> Shown:
    half = max(round(shown.feed.window_s / 2 * shown.rate_hz), 1)
    short = replace(shown, signal_CT=np.ascontiguousarray(shown.signal_CT[:, :half]))
    return _contract(padding="zeros at the end")(short)


def _needs_leads(*groups: tuple[str, ...]) -> Callable[[Preprocessing, Usual], str]:
    """At least two leads of each group."""

    def idle(feed: Preprocessing, usual: Usual) -> str:
        lacks = any(sum(lead in group for lead in feed.leads) < 2 for group in groups)
        return "the contract has too few leads for it" if lacks else ""

    return idle


def _unclipped(feed: Preprocessing, usual: Usual) -> str:
    return "the contract clips nothing" if feed.clip_mv is None else ""


def _same_rate(feed: Preprocessing, usual: Usual) -> str:
    return "all recordings have the contract's rate" if usual.rates_hz == {feed.rate_hz} else ""


def _other_than_unsampled(factor: float) -> Callable[[Preprocessing, Usual], str]:
    def idle(feed: Preprocessing, usual: Usual) -> str:
        same = {rate * factor for rate in usual.rates_hz} == {feed.rate_hz}
        return "it is what recordings are that are not resampled" if same else ""

    return idle


def _short_for(windows: float) -> Callable[[Preprocessing, Usual], str]:
    def idle(feed: Preprocessing, usual: Usual) -> str:
        lacks = usual.seconds < windows * feed.window_s - 1e-6
        return f"recordings are shorter than {windows:g} windows" if lacks else ""

    return idle


def _one_window(feed: Preprocessing, usual: Usual) -> str:
    stride = feed.stride_s or feed.window_s
    if feed.aggregation == "first window" or usual.seconds < feed.window_s + stride - 1e-6:
        return "one window of each recording is fed anyhow"
    return ""


def _when(test: Callable[[Preprocessing], bool], otherwise: str) -> Callable[[Preprocessing, Usual], str]:
    return lambda feed, usual: "" if test(feed) else otherwise


FAULTS: tuple[ContractFault, ...] = (
    ContractFault("gain_up", "units", "Microvolts read as millivolts (1,000 times too large)", _times(1000.0)),
    ContractFault("gain_down", "units", "Millivolts read as microvolts (a thousandth)", _times(0.001)),
    ContractFault("other_unit", "units", "Fed in the other unit, clipped as it should be", _other_unit, _unclipped),
    ContractFault("arms", "leads", "Cables of both arms exchanged (RA and LA)", _arms),
    ContractFault(
        "other_lead",
        "leads",
        "Another lead is fed (I, or II in place of I)",
        _in_order(_another_lead),
        _when(lambda feed: len(feed.leads) == 1, "the contract has several leads"),
    ),
    ContractFault(
        "backwards",
        "leads",
        "All leads in reverse order",
        _in_order(lambda leads: leads[::-1]),
        _needs_leads(CANONICAL),
    ),
    ContractFault(
        "cabrera", "leads", "Limb leads in Cabrera's order", _in_order(_limbs_as_cabrera), _needs_leads(LIMB)
    ),
    ContractFault(
        "chest_backwards", "leads", "Chest leads from V6 to V1", _in_order(_chest_backwards), _needs_leads(CHEST)
    ),
    ContractFault(
        "chest_first", "leads", "Chest leads before limb leads", _in_order(_chest_first), _needs_leads(LIMB, CHEST)
    ),
    ContractFault("unsampled", "rate_hz", "Not resampled to the contract's rate", _unsampled, _same_rate),
    ContractFault(
        "rate_half", "rate_hz", "Read at half the rate (500 Hz as 250 Hz)", _rate(0.5), _other_than_unsampled(0.5)
    ),
    ContractFault(
        "rate_fifth",
        "rate_hz",
        "Read at a fifth of the rate (500 Hz as 100 Hz)",
        _rate(0.2),
        _other_than_unsampled(0.2),
    ),
    ContractFault("rate_double", "rate_hz", "Read at twice the rate (250 Hz as 500 Hz)", _rate(2.0), _short_for(2)),
    ContractFault(
        "no_normalisation",
        "normalisation",
        "Not normalised",
        _contract(normalisation="none"),
        _when(lambda feed: feed.normalisation != "none", "the contract normalises nothing"),
    ),
    ContractFault(
        "normalised",
        "normalisation",
        "Normalised where nothing should be (z-score of each lead)",
        _contract(normalisation=WINDOW),
        _when(lambda feed: feed.normalisation == "none", "the contract normalises"),
    ),
    ContractFault(
        "one_constant",
        "deviations",
        "One mean and deviation for all leads",
        _one_constant,
        _when(
            lambda feed: feed.normalisation == CONSTANTS and len(feed.leads) > 1,
            "the contract has no constants by lead",
        ),
    ),
    ContractFault(
        "no_filter",
        "filters",
        "Not filtered",
        _contract(filters=NONE),
        _when(lambda feed: feed.filters != NONE, "the contract filters nothing"),
    ),
    ContractFault(
        "filtered",
        "filters",
        "Filtered where nothing should be (0.5-40 Hz)",
        _contract(filters=BAND_PASS),
        _when(
            lambda feed: feed.filters == NONE and feed.rate_hz > 80,
            "the contract filters, or its rate holds no more than 40 Hz",
        ),
    ),
    ContractFault("inverted", "polarity", "Polarity inverted", _times(-1.0)),
    ContractFault("later", "window_s", "Windows begin half a window later", _later, _short_for(1.5)),
    ContractFault(
        "first_window", "aggregation", "The first window alone", _contract(aggregation="first window"), _one_window
    ),
    ContractFault("half_empty", "padding", "A short recording, the second half of its window zeros", _half_empty),
    ContractFault("no_clipping", "clip_mv", "Not clipped", _contract(clip_mv=None), _unclipped),
)
"""Every fault that is tried, in the order of the page."""
