"""Tables and arrays whose numbers do not say what they are: lead of each column, unit and rate, each with its reason.

A mapping fills in what the file does not say; where the two contradict each other, the file is refused. The order of
twelve nameless columns is taken as the standard one only where the numbers themselves bear it out (III = II - I and
Goldberger's equations). Unit and rate are never guessed: without them a recording is refused.

Shapes: K columns (leads and others), T samples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.contract.mapping import NOT_A_LEAD, SignalTable
from engine.signal.assemble import About, Channel, assemble, lead_name, millivolts_in, refusal
from engine.signal.leads import CANONICAL, lacking
from engine.signal.recording import Recording

FITS = 0.1
"""Limb leads are in standard order when what is left of the four equations is below this share of their swing."""
LARGEST = 1e12
"""Numbers above are no voltages in any unit; left out, they cannot overflow."""
LOOKED_AT = 20_000
"""Samples on which the order is judged."""

_NEEDED = {"leads": "which column is which lead", "unit": "the unit of its numbers", "rate_hz": "its sampling rate"}
_UNIT_IN_NAME = re.compile(r"^(?P<name>.*?)[\s_]*[(\[/_ ]\s*(?P<unit>[munµμ]?v)\s*[)\]]?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Told:
    """What a file says of its numbers.

    Attributes:
        names: of its columns; empty where it gives none.
        rate_hz: samples a second.
        unit: of all columns; a column's own unit may stand in its name ("II (uV)").
        source: where it says so, for people: "its header line", "the layout of CODE-15 %".
        assumed_unit: whether the unit follows from a layout and not from the file, so that a mapping may correct it.
    """

    names: tuple[str, ...] = field(default=(), repr=False)
    rate_hz: float | None = None
    unit: str = ""
    source: str = "the file"
    assumed_unit: bool = False


@dataclass(frozen=True)
class Layout:
    """What the columns are, each with the reason; `missing` names the fields of the mapping that are still needed.

    Attributes:
        names: of the columns as the file has them, or "column 1".
        leads: one a column; `-` for a column that is no lead.
        mv_per_step: millivolts in one unit of each column; empty where that is unknown.
        rate_hz: samples a second; None where that is unknown.
        reasons: by field of the mapping ("leads", "unit", "rate_hz").
        missing: what nobody told.
    """

    names: tuple[str, ...] = field(repr=False)
    leads: tuple[str, ...]
    mv_per_step: tuple[float, ...]
    rate_hz: float | None
    reasons: dict[str, str]
    missing: tuple[str, ...]


def layout_of(values_KT: NDArray[Any], told: Told, mapping: SignalTable) -> Layout:
    """Find out what the columns are.

    Raises:
        WorldError: the mapping contradicts the table.
    """
    names = tuple(told.names) or tuple(f"column {n + 1}" for n in range(len(values_KT)))
    reasons: dict[str, str] = {}
    leads = _leads(values_KT, told, mapping, reasons)
    gains = _gains(leads, told, mapping, reasons)
    rate_hz = told.rate_hz or mapping.rate_hz
    if rate_hz is not None:
        reasons["rate_hz"] = told.source if told.rate_hz else "the mapping"
        if mapping.rate_hz not in (None, rate_hz):
            raise _contradiction(f"{rate_hz:g} Hz", f"{mapping.rate_hz:g} Hz")
    missing = tuple(name for name in _NEEDED if name not in reasons)
    return Layout(names, leads or (NOT_A_LEAD,) * len(names), gains, rate_hz, reasons, missing)


def table_recording(values_KT: NDArray[Any], told: Told, mapping: SignalTable, about: About) -> Recording:
    """The recording in a table of numbers, floats or integer steps, one row a column of the file.

    Raises:
        WorldError: leads, unit or rate are told by nobody, or the samples cannot be an ECG.
    """
    layout = layout_of(values_KT, told, mapping)
    if layout.missing or layout.rate_hz is None:
        raise lack(layout.missing)
    channels = [
        Channel(lead, values_T, gain)
        for lead, values_T, gain in zip(layout.leads, values_KT, layout.mv_per_step, strict=True)
        if lead != NOT_A_LEAD
    ]
    return assemble(channels, layout.rate_hz, replace(about, transformations=(*about.transformations, *_done(layout))))


def lack(missing: tuple[str, ...]) -> WorldError:
    """The refusal of a table of which something is not known."""
    words = [_NEEDED[name] for name in missing]
    listed = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    example = {"leads": "leads=I,II,...", "unit": "unit=mV", "rate_hz": "rate_hz=500"}
    return refusal(
        f"nothing tells {listed}", f"Tell it in the mapping, such as {', '.join(example[name] for name in missing)}"
    )


def whole(values_KT: NDArray[np.float64]) -> NDArray[Any]:
    """Integers where all numbers are whole and of a converter's range, so that the resolution is known."""
    if values_KT.size and bool((np.abs(values_KT) < 2**31).all()) and bool((values_KT == np.rint(values_KT)).all()):
        return values_KT.astype(np.int32)
    return values_KT


def standard_order(values_KT: NDArray[Any]) -> bool:
    """Whether twelve nameless rows obey Einthoven's and Goldberger's equations as I, II, III, aVR, aVL, aVF."""
    if len(values_KT) != len(CANONICAL):
        return False
    with np.errstate(all="ignore"):  # a signalling NaN of the file warns when it is widened
        limb_LT = np.array(values_KT[:6, :LOOKED_AT], dtype=np.float64)
    limb_LT = limb_LT[:, (np.abs(limb_LT) < LARGEST).all(axis=0)]  # NaN and infinities, too
    if limb_LT.shape[1] < 2:
        return False
    limb_LT -= limb_LT.mean(axis=1, keepdims=True)
    i_T, ii_T, iii_T, avr_T, avl_T, avf_T = limb_LT
    left = (iii_T - ii_T + i_T, avr_T + (i_T + ii_T) / 2, avl_T - i_T + ii_T / 2, avf_T - ii_T + i_T / 2)
    swing = np.abs(limb_LT).mean()
    return bool(swing > 0 and max(np.abs(part_T).mean() for part_T in left) < FITS * swing)


def unit_of(name: str) -> tuple[str, str]:
    """The name of a column without its unit, and the unit.

    >>> unit_of("II (uV)"), unit_of("V1_mV"), unit_of("aVL")
    (('II', 'uV'), ('V1', 'mV'), ('aVL', ''))
    """
    parts = _UNIT_IN_NAME.match(name)
    return (parts["name"].strip(), parts["unit"]) if parts and parts["name"].strip() else (name.strip(), "")


def _leads(values_KT: NDArray[Any], told: Told, mapping: SignalTable, reasons: dict[str, str]) -> tuple[str, ...]:
    named = tuple(lead_name(unit_of(name)[0]) or NOT_A_LEAD for name in told.names)
    if named and len(named) != len(values_KT):
        raise refusal(f"it names {len(named)} columns and has {len(values_KT)}")
    if named and not lacking(set(named)):
        reasons["leads"] = told.source
        if mapping.leads and _mapped(len(values_KT), mapping) != named:
            raise _contradiction("other leads", "these")
        return named
    if mapping.leads:
        reasons["leads"] = "the mapping"
        return _mapped(len(values_KT), mapping)
    if standard_order(values_KT):
        reasons["leads"] = "twelve columns whose first six obey III = II - I and Goldberger's equations"
        return CANONICAL
    return named


def _mapped(columns: int, mapping: SignalTable) -> tuple[str, ...]:
    if len(mapping.leads) != columns:
        raise refusal(
            f"the mapping names {len(mapping.leads)} columns, the table has {columns}",
            "Name one lead a column, - where it is none",
        )
    leads = tuple(NOT_A_LEAD if name == NOT_A_LEAD else lead_name(name) for name in mapping.leads)
    unknown = [n + 1 for n, lead in enumerate(leads) if lead is None]
    if unknown:
        raise refusal(f"the mapping names no known lead for column {unknown[0]}", "Name it I ... V6, or - for none")
    return tuple(lead or NOT_A_LEAD for lead in leads)


def _gains(leads: tuple[str, ...], told: Told, mapping: SignalTable, reasons: dict[str, str]) -> tuple[float, ...]:
    mapped = mapping.mv_per_step or millivolts_in(mapping.unit)
    own = [unit_of(name)[1] or told.unit for name in told.names] or [told.unit] * len(leads)
    scales = [millivolts_in(unit) for unit in own]
    wanted = [gain for gain, lead in zip(scales, leads, strict=False) if lead != NOT_A_LEAD]
    if leads and wanted and None not in wanted and not (mapped and told.assumed_unit):
        if mapped is not None and any(gain != mapped for gain in wanted):
            raise _contradiction("another unit", f"{mapped:g} mV a step")
        reasons["unit"] = told.source
        return tuple(gain or 1.0 for gain in scales)
    if mapped is None:
        return ()
    reasons["unit"] = "the mapping"
    return (mapped,) * (len(leads) or len(told.names))


def _contradiction(own: str, mapped: str) -> WorldError:
    return refusal(f"it says {own} of itself, the mapping says {mapped}", "Correct the mapping, or import it without")


def _done(layout: Layout) -> tuple[str, ...]:
    return tuple(
        f"{what} from {layout.reasons[name]}"
        for name, what in (("leads", "leads"), ("unit", "unit"), ("rate_hz", "sampling rate"))
    )
