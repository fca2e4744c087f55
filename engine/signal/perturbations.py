"""What goes wrong with ECGs in a hospital, as changes of a recording: the stress bench's list.

A perturbation takes twelve leads in millivolts and gives them back as they would have been recorded under a fault of
one severity. Those with several severities are sweeps, mildest first; the chance behind one sweep of one recording is
the same at every severity, so that only the severity differs.

Shapes: C leads (12, canonical order), T samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import UsageError
from engine.signal.condition import fill_missing
from engine.signal.disturbances import Floats, mains, motion, muscle, wander
from engine.signal.electrodes import exchanged, leads_of
from engine.signal.leads import CANONICAL
from engine.signal.resampling import resample

Signal = NDArray[np.float32]
Change = Callable[[Signal, float, float, np.random.Generator], tuple[Signal, float]]
Noise = Callable[[int, float, np.random.Generator], Floats]


@dataclass(frozen=True)
class Perturbation:
    """One kind of fault.

    Attributes:
        name: short and stable: "low_pass".
        group: "leads", "electrodes", "filters", "noise", "amplitude", "recording" or "sanity".
        title: for people: "Low-pass filter".
        unit: of the severities: "Hz", "mV", "times", "s"; empty where there is one severity only.
        severities: mildest first.
        change: (signal, rate in Hz, severity, chance) to (signal, rate in Hz).
        note: what a reader must know of how it is made.
    """

    name: str
    group: str
    title: str
    unit: str
    severities: tuple[float, ...]
    change: Change
    note: str = ""

    @property
    def graded(self) -> bool:
        """Whether it has more than one severity, so that a breaking point can be asked for."""
        return len(self.severities) > 1


def perturbed(
    signal_CT: Signal, rate_hz: float, perturbation: Perturbation, severity: float, key: str, seed: int = 0
) -> tuple[Signal, float]:
    """One recording under one fault.

    Args:
        signal_CT: twelve leads in millivolts; missing samples (NaN) are filled in first, as before every model.
        rate_hz: their rate.
        perturbation: the fault.
        severity: one of its severities, or any number of its unit.
        key: what the chance follows from beside the seed: the recording's id.
        seed: of the chance.

    Returns:
        The changed leads (never the given array itself), and their rate.
    """
    rng = np.random.default_rng([seed, crc32(perturbation.name.encode()), crc32(key.encode())])
    filled_CT = np.array(fill_missing(signal_CT), dtype=np.float32)
    return perturbation.change(filled_CT, rate_hz, severity, rng)


def _leads_off(*leads: str) -> Change:
    rows = [CANONICAL.index(lead) for lead in leads]

    def change(signal_CT: Signal, rate_hz: float, _: float, __: np.random.Generator) -> tuple[Signal, float]:
        signal_CT[rows] = 0
        return signal_CT, rate_hz

    return change


def _exchange(one: str, other: str) -> Change:
    def change(signal_CT: Signal, rate_hz: float, _: float, __: np.random.Generator) -> tuple[Signal, float]:
        return exchanged(signal_CT, one, other), rate_hz

    return change


def _noisy(noise: Noise) -> Change:
    def change(signal_CT: Signal, rate_hz: float, severity: float, rng: np.random.Generator) -> tuple[Signal, float]:
        noise_CT = leads_of(noise(signal_CT.shape[1], rate_hz, rng))
        return signal_CT + np.float32(severity) * noise_CT, rate_hz

    return change


def _low_pass(signal_CT: Signal, rate_hz: float, cut_hz: float, _: np.random.Generator) -> tuple[Signal, float]:
    """Fourth-order Butterworth, both ways (no shift in time); nothing where the rate holds no more than the cut."""
    from scipy.signal import butter, sosfiltfilt  # not above: it takes a second to load

    if cut_hz >= 0.49 * rate_hz:
        return signal_CT, rate_hz
    sections = butter(4, cut_hz, "low", fs=rate_hz, output="sos")
    return np.asarray(sosfiltfilt(sections, signal_CT, axis=1), dtype=np.float32), rate_hz


def _high_pass(signal_CT: Signal, rate_hz: float, cut_hz: float, _: np.random.Generator) -> tuple[Signal, float]:
    """First-order, one way, as the analogue stage of a cart: it shifts phases, and with them the ST segment."""
    from scipy.signal import butter, sosfilt, sosfilt_zi  # not above: it takes a second to load

    sections = butter(1, cut_hz, "high", fs=rate_hz, output="sos")
    # A cart has been on for a while: it begins as if each lead's median had been there for ever. Its first sample in
    # that place would shift whole recordings by a wave that happens to stand there (measured: -0.08 AUROC at 0.05 Hz).
    level_C1 = np.median(signal_CT, axis=1, keepdims=True).astype(np.float64)
    start_SC2 = sosfilt_zi(sections)[:, None, :] * level_C1[None]
    passed_CT, _state = sosfilt(sections, signal_CT, axis=1, zi=start_SC2)
    return np.asarray(passed_CT, dtype=np.float32), rate_hz


def _clipped(signal_CT: Signal, rate_hz: float, limit_mv: float, _: np.random.Generator) -> tuple[Signal, float]:
    return np.clip(signal_CT, -np.float32(limit_mv), np.float32(limit_mv)), rate_hz


def _scaled(signal_CT: Signal, rate_hz: float, factor: float, _: np.random.Generator) -> tuple[Signal, float]:
    return signal_CT * np.float32(factor), rate_hz


def _sampled(signal_CT: Signal, rate_hz: float, to_hz: float, _: np.random.Generator) -> tuple[Signal, float]:
    return resample(signal_CT, rate_hz, to_hz), to_hz


def _shortened(signal_CT: Signal, rate_hz: float, seconds: float, _: np.random.Generator) -> tuple[Signal, float]:
    return np.ascontiguousarray(signal_CT[:, : round(seconds * rate_hz)]), rate_hz


def _reversed(signal_CT: Signal, rate_hz: float, _: float, __: np.random.Generator) -> tuple[Signal, float]:
    return np.ascontiguousarray(signal_CT[:, ::-1]), rate_hz


_ONCE = (1.0,)
_LIMB_LEADS, _CHEST_LEADS = CANONICAL[:6], CANONICAL[6:]
_FLAT = "The leads are flat at zero, as carts write them when an electrode is off"

_LEADS_OFF = tuple(
    Perturbation(f"off_{lead}", "leads", f"Lead {lead} off", "", _ONCE, _leads_off(lead), _FLAT) for lead in CANONICAL
)
_GROUPS_OFF = tuple(
    Perturbation(f"off_{name}", "leads", title, "", _ONCE, _leads_off(*leads), _FLAT)
    for name, title, leads in (
        ("V1_V3", "V1 to V3 off", _CHEST_LEADS[:3]),
        ("V4_V6", "V4 to V6 off", _CHEST_LEADS[3:]),
        ("chest", "All chest leads off", _CHEST_LEADS),
        ("limb", "All limb leads off", _LIMB_LEADS),
        ("all_but_I", "All leads but I off", CANONICAL[1:]),
        ("all_but_II", "All leads but II off", ("I", *CANONICAL[2:])),
    )
)
_EXCHANGES = tuple(
    Perturbation(f"swap_{one}_{other}", "electrodes", title, "", _ONCE, _exchange(one, other))
    for one, other, title in (
        ("RA", "LA", "RA and LA exchanged"),
        ("RA", "LL", "RA and LL exchanged"),
        ("LA", "LL", "LA and LL exchanged"),
        ("C1", "C2", "V1 and V2 exchanged"),
    )
)
_MADE = "Made at the electrodes, so that the leads still obey Einthoven's law; real noise is less regular"

PERTURBATIONS: tuple[Perturbation, ...] = (
    *_LEADS_OFF,
    *_GROUPS_OFF,
    *_EXCHANGES,
    Perturbation(
        "low_pass", "filters", "Low-pass filter", "Hz", (150, 100, 75, 40, 25, 15, 10), _low_pass,
        "Fourth-order Butterworth without shift in time",
    ),
    Perturbation(
        "high_pass", "filters", "High-pass filter", "Hz", (0.05, 0.15, 0.5, 1, 2, 5), _high_pass,
        "First order, one way: it shifts phases and bends the ST segment, as a cart's own stage does",
    ),
    Perturbation(
        "mains_50", "noise", "Mains hum, 50 Hz", "mV", (0.02, 0.05, 0.1, 0.2, 0.5, 1), _noisy(mains), _MADE
    ),
    Perturbation(
        "mains_60", "noise", "Mains hum, 60 Hz", "mV", (0.02, 0.05, 0.1, 0.2, 0.5, 1),
        _noisy(partial(mains, mains_hz=60.0)), _MADE,
    ),
    Perturbation("emg", "noise", "Muscle noise (RMS)", "mV", (0.01, 0.02, 0.05, 0.1, 0.2, 0.5), _noisy(muscle), _MADE),
    Perturbation(
        "wander", "noise", "Baseline wander", "mV", (0.1, 0.2, 0.5, 1, 2, 5), _noisy(wander), _MADE
    ),
    Perturbation(
        "motion", "noise", "Electrode motion", "mV", (0.1, 0.2, 0.5, 1, 2, 5), _noisy(motion), _MADE
    ),
    Perturbation("clip", "amplitude", "Clipping", "mV", (3, 2, 1, 0.5, 0.25, 0.1), _clipped),
    Perturbation("gain_down", "amplitude", "Amplitude too small", "times", (0.9, 0.75, 0.5, 0.25, 0.1), _scaled),
    Perturbation("gain_up", "amplitude", "Amplitude too large", "times", (1.1, 1.5, 2, 4, 10), _scaled),
    Perturbation(
        "rate_up", "recording", "Recorded at a higher rate", "Hz", (1000,), _sampled,
        "Interpolated: no finer detail than the recording has",
    ),
    Perturbation(
        "rate_down", "recording", "Recorded at a lower rate", "Hz", (250, 200, 150, 125, 100, 75, 50), _sampled,
        "Filtered and resampled, as a cart of that rate would have kept it",
    ),
    Perturbation(
        "duration", "recording", "Shorter recording", "s", (10, 7.5, 5, 2.5), _shortened, "The first seconds are kept"
    ),
    Perturbation(
        "time_reversed", "sanity", "Played backwards", "", _ONCE, _reversed,
        "A model that ranks as well backwards does not look at the order of the waves",
    ),
)  # fmt: skip
"""Every fault that the stress bench knows, in the order of its tables."""

BY_NAME = {perturbation.name: perturbation for perturbation in PERTURBATIONS}
GROUPS = tuple(dict.fromkeys(perturbation.group for perturbation in PERTURBATIONS))


def chosen(names: Sequence[str]) -> list[Perturbation]:
    """The perturbations of these names and groups, each once, in the order of `PERTURBATIONS`; all for no name.

    A name may say which of its severities: "low_pass=40,25". One that is left with a single severity tells it in its
    title and is no sweep. A fault that is named more than once has all severities that are asked for.

    Raises:
        UsageError: a name that is neither a perturbation's nor a group's, or a severity that it is not made at.
    """
    asked = [_asked(name) for name in names]
    whole = {name for name, levels in asked if not levels}
    made = []
    for one in PERTURBATIONS:
        levels = {level for name, levels in asked if name == one.name for level in levels}
        if not names or one.name in whole or one.group in whole:
            made.append(one)
        elif levels:
            made.append(_narrowed(one, levels))
    return made


def _asked(text: str) -> tuple[str, tuple[float, ...]]:
    """A fault or group, and the severities that it is narrowed to; none for all."""
    name, narrowed, levels = text.partition("=")
    if name not in BY_NAME and (narrowed or name not in GROUPS):
        told = f"groups are {', '.join(GROUPS)}; single faults: {', '.join(BY_NAME)}"
        raise UsageError(f"fault {name}", "there is none of this name", f"Choose another ({told})")
    if not narrowed:
        return name, ()
    known = {f"{level:g}": level for level in BY_NAME[name].severities}
    given = [part.strip() for part in levels.split(",")]
    if any(level not in known for level in given):
        raise UsageError(f"fault {name}", "it is not made at that severity", f"Choose among {', '.join(known)}")
    return name, tuple(known[level] for level in given)


def _narrowed(fault: Perturbation, levels: set[float]) -> Perturbation:
    kept = tuple(level for level in fault.severities if level in levels)
    if len(kept) > 1 or kept == fault.severities:
        return replace(fault, severities=kept)
    return replace(fault, severities=kept, title=f"{fault.title}, {kept[0]:g} {fault.unit}")
