"""From channels in file units to a `Recording`: the one place where names, units, gains and sizes are judged.

Every reader hands its channels over as they stand in the file (mostly integer steps); what comes out is canonical:
twelve leads in order, millivolts, limb leads that the file leaves out derived and marked, further leads aside.

Shapes: C canonical leads (12), X further leads, T samples.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.signal.acquisition import Acquisition, ExtraLeads, Statement
from engine.signal.leads import CANONICAL, canonical_name, derivations, lacking
from engine.signal.recording import Recording

RATES_HZ = (1.0, 100_000.0)
MILLIVOLTS_PER_STEP = (1e-8, 1e3)
"""Between which a gain is worth reading; what is merely wrong is told by the amplitude. Same bounds as for WFDB."""

DECODED_LIMIT_MB = 512
"""Largest recording, as decoded float64, that is read unless `ISOLINE_DECODED_LIMIT_MB` says otherwise."""

EXTRA = ("V7", "V8", "V9", *(f"V{n}R" for n in range(1, 10)), "X", "Y", "Z")
"""Leads beyond the twelve that are kept aside."""

_EXTRA_BY_FOLDED = {name.casefold(): name for name in EXTRA} | {f"v{axis}": axis.upper() for axis in "xyz"}
_PREFIX = re.compile(r"^(?:mdc_ecg_lead_|(?:ecg|ekg)[\s_:-]*(?:lead[\s_:-]*)?|lead[\s_:-]*)", re.IGNORECASE)
_VOLTS = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6}
_WORDS = {"volt": 1e3, "millivolt": 1.0, "microvolt": 1e-3, "nanovolt": 1e-6}


def refusal(reason: str, next_step: str = "Export it again from its source") -> WorldError:
    """A reason why a file is not taken. Names no file: the caller knows which one it asked for."""
    return WorldError("recording", reason, next_step)


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel as it stands in the file.

    Attributes:
        name: as in the file; `lead_name` tells which lead it is.
        samples_T: [T] integers where the file has steps, else floats; NaN is missing in floats.
        mv_per_step: millivolts of one step (or of one unit of a float).
        zero: the step that means 0 mV.
        missing: the step that means "no sample", if the format has one.
    """

    name: str
    samples_T: NDArray[Any] = field(repr=False)
    mv_per_step: float
    zero: float = 0.0
    missing: int | None = None


@dataclass(frozen=True, kw_only=True)
class About:
    """All that a `Recording` says beside its samples; the fields are those of `Recording`."""

    format: str
    reader: str
    source_name: str = field(default="", repr=False)
    file_sha256: str = ""
    age: float | None = None
    sex: Literal["female", "male", "unknown"] = "unknown"
    patient: str | None = field(default=None, repr=False)
    acquired: str | None = field(default=None, repr=False)
    transformations: tuple[str, ...] = ()
    acquisition: Acquisition = field(default_factory=Acquisition)
    statements: tuple[Statement, ...] = field(default=(), repr=False)
    measurements: dict[str, float] = field(default_factory=dict, repr=False)
    identifiers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def lead_name(raw: str) -> str | None:
    """The lead that a channel's name means, among the twelve and `EXTRA`; None when it is no such lead.

    >>> lead_name("MDC_ECG_LEAD_AVR"), lead_name("ECG Lead V4R"), lead_name("MLII"), lead_name("Resp")
    ('aVR', 'V4R', None, None)
    """
    bare = _PREFIX.sub("", raw.strip()).strip()
    return canonical_name(bare) or _EXTRA_BY_FOLDED.get(bare.casefold())


def millivolts_in(unit: str) -> float | None:
    """Millivolts in one unit of the given name; None when it is no voltage that is known.

    >>> millivolts_in("uV"), millivolts_in("MICROVOLTS"), millivolts_in("mmHg")
    (0.001, 0.001, None)
    """
    folded = unit.strip().casefold()
    return _VOLTS.get(folded, _WORDS.get(folded.removesuffix("s")))


def decoded_limit() -> int:
    """Bytes of decoded float64 samples that one recording may have."""
    told = os.environ.get("ISOLINE_DECODED_LIMIT_MB", "")
    return (int(told) if told.isdecimal() else DECODED_LIMIT_MB) * 10**6


def check_decoded(samples: int, channels: int) -> None:
    """Call with what a header claims, before anything is allocated. Raises WorldError when it is too much."""
    claimed, limit = samples * channels * 8, decoded_limit()
    if claimed > limit:
        raise refusal(
            f"it announces {claimed / 1e6:,.0f} MB of samples, more than the {limit / 1e6:,.0f} MB that are read",
            "Cut it into shorter recordings, or set ISOLINE_DECODED_LIMIT_MB",
        )


def check_rate(rate_hz: float) -> float:
    """The rate, when a recording can have it. Raises WorldError otherwise."""
    if not (math.isfinite(rate_hz) and RATES_HZ[0] <= rate_hz <= RATES_HZ[1]):
        raise refusal(f"it gives a sampling rate of {rate_hz:g} Hz", "Export it again with the true rate")
    return float(rate_hz)


def assemble(channels: Sequence[Channel], rate_hz: float, about: About) -> Recording:
    """Build the recording.

    Args:
        channels: in any order; those that are no known lead are left out and counted in the transformations.
        rate_hz: samples a second of all of them.
        about: what else the file says.

    Raises:
        WorldError: rate, gain or size cannot be; a lead stands twice; leads differ in length; a lead is missing
            that cannot be derived; there is no sample.
    """
    rate_hz = check_rate(rate_hz)
    named, other, turned = _by_lead(channels)
    lacks = lacking({lead for lead in named if lead in CANONICAL})
    if lacks:
        raise refusal(f"it has no lead {', '.join(lacks)}", "Import 12-lead recordings (or I, II and V1-V6)")
    length = _length(named)
    check_decoded(length, max(len(CANONICAL), len(named)))
    done = list(about.transformations)
    if turned:
        done.append(f"{', '.join(turned)} turned upright")
    signal_CT = np.full((len(CANONICAL), length), np.nan, dtype=np.float32)
    resolution_mv = np.full(len(CANONICAL), np.nan)
    for row, lead in enumerate(CANONICAL):
        if lead in named:
            signal_CT[row] = millivolts(named[lead], lead)
            resolution_mv[row] = _resolution(named[lead])
    recipes = derivations({lead for lead in named if lead in CANONICAL})
    for lead, recipe in recipes:
        _derive(lead, recipe, signal_CT, resolution_mv)
    if recipes:
        done.append(f"{', '.join(lead for lead, _ in recipes)} derived from the other limb leads")
    if other:
        done.append(f"{other} channel{'s' if other > 1 else ''} left out that are no known lead")
    told = {f.name: getattr(about, f.name) for f in fields(about)} | {"transformations": tuple(done)}
    return Recording(
        signal_CT=signal_CT,
        rate_hz=rate_hz,
        present=tuple(not bool(np.isnan(lead_T).all()) for lead_T in signal_CT),
        derived=tuple(lead for lead, _ in recipes),
        resolution_mv=None if np.isnan(resolution_mv).any() else resolution_mv,
        extra=_extra(named),
        **told,
    )


def millivolts(channel: Channel, lead: str) -> NDArray[np.float32]:
    """The channel in millivolts [T]: computed in float64, rounded once. Raises WorldError for a gain that cannot be."""
    gain = channel.mv_per_step
    if not (math.isfinite(gain) and MILLIVOLTS_PER_STEP[0] <= abs(gain) <= MILLIVOLTS_PER_STEP[1]):
        raise refusal(f"it gives lead {lead} a gain of {gain:g} mV per step", "Correct the gain at its source")
    if not math.isfinite(channel.zero):
        raise refusal(f"it gives lead {lead} no zero line that is a number", "Correct the offset at its source")
    with np.errstate(over="ignore", invalid="ignore"):  # judged below; a signalling NaN would warn when it is widened
        values_T = channel.samples_T.astype(np.float64)
        if channel.missing is not None:
            values_T[channel.samples_T == channel.missing] = np.nan
        if channel.zero:
            values_T -= channel.zero
        values_T *= gain
    largest = np.finfo(np.float32).max
    if channel.samples_T.dtype.kind == "f" and (np.abs(values_T) > largest).any():  # infinities, too
        raise refusal(f"lead {lead} holds values that no voltage can have", "Export it again from its source")
    return values_T.astype(np.float32)


def _by_lead(channels: Sequence[Channel]) -> tuple[dict[str, Channel], int, list[str]]:
    """Channels by lead, how many are none, and the leads that stood upside down (-aVR of the Cabrera order)."""
    named: dict[str, Channel] = {}
    turned: list[str] = []
    names = [lead_name(channel.name.strip().removeprefix("-")) for channel in channels]
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise refusal(f"lead {twice[0]} stands in it twice", "Keep one of the two")
    for channel, lead in zip(channels, names, strict=True):
        if lead is None:
            continue
        if channel.name.strip().startswith("-"):
            turned.append(lead)
            channel = Channel(channel.name, channel.samples_T, -channel.mv_per_step, channel.zero, channel.missing)
        named[lead] = channel
    return named, len(channels) - len(named), turned


def _length(named: dict[str, Channel]) -> int:
    lengths = {len(channel.samples_T) for channel in named.values()}
    if len(lengths) != 1:
        raise refusal("its leads differ in length")
    length = lengths.pop()
    if not length:
        raise refusal("it holds no samples")
    return length


def _resolution(channel: Channel) -> float:
    whole = channel.samples_T.dtype.kind in "iu" and float(channel.zero).is_integer()
    return abs(channel.mv_per_step) if whole else math.nan


def _derive(
    lead: str,
    recipe: tuple[tuple[str, float], ...],
    signal_CT: NDArray[np.float32],
    resolution_mv: NDArray[np.float64],
) -> None:
    rows = [CANONICAL.index(source) for source, _ in recipe]
    target = CANONICAL.index(lead)
    signal_CT[target] = sum(np.float32(w) * signal_CT[row] for row, (_, w) in zip(rows, recipe, strict=True))
    resolution_mv[target] = resolution_mv[rows].min() / (2 if lead.startswith("a") else 1)


def _extra(named: dict[str, Channel]) -> ExtraLeads | None:
    leads = tuple(lead for lead in EXTRA if lead in named)
    if not leads:
        return None
    return ExtraLeads(leads, np.stack([millivolts(named[lead], lead) for lead in leads]))
