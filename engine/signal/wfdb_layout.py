"""What a WFDB header says of every file of a kind: which channels become which leads, and by which gains.

The headers of a corpus differ in names, first samples and sums; all else is the same, and is worked out once.

Shapes: C channels of a file, 12 canonical leads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.signal.assemble import EXTRA, lead_name
from engine.signal.leads import CANONICAL, Recipe, derivations, lacking
from engine.signal.wfdb_header import GAINS, Described, SignalLine, refusal
from engine.signal.wfdb_samples import MISSING, OWN

PLACE = 4
"""How many fields of a described channel say how its samples lie: format, samples a frame, skew, offset."""
MOST_REMEMBERED = 64
"""Channels of a header that is remembered; a longer one is worked out anew each time."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Some channels of a file, and how their integers become millivolts: (step - baseline) / gain.

    Attributes:
        columns: of the file; None for all of them in order.
        gain_C: float32 steps per millivolt.
        baseline_C: float32 steps of 0 mV; None where all are 0.
        missing: the step that stands for "no sample".
    """

    columns: tuple[int, ...] | None
    gain_C: NDArray[np.float32]
    baseline_C: NDArray[np.float32] | None
    missing: int


@dataclass(frozen=True, eq=False)
class FilePlan:
    """What is made of one signal file.

    Attributes:
        channels: of the header that lie in it, in order.
        leads: those that are leads of the twelve; None when there is none.
        rows: where they go.
        aside: leads beyond the twelve.
    """

    channels: tuple[int, ...]
    leads: Scale | None
    rows: list[int]
    aside: tuple[tuple[str, Scale], ...]


@dataclass(frozen=True, eq=False)
class Layout:
    """What is made of a record.

    Attributes:
        plain: whether its samples can be decoded here: one segment, formats of ours, one sample a frame, no skew.
        files: in the order of the header; empty unless it is plain.
        steps_per_mv: [12] float64, NaN for leads that are not in it.
        measured: the leads that are in it.
        format: for people.
    """

    plain: bool
    files: tuple[FilePlan, ...] = ()
    steps_per_mv: NDArray[np.float64] = field(default_factory=lambda: np.full(len(CANONICAL), np.nan))
    measured: frozenset[str] = frozenset()
    format: str = ""


NOT_PLAIN = Layout(plain=False)


def layout_of(signals: tuple[SignalLine, ...]) -> Layout:
    """The layout of a header's channels. Raises WorldError where a lead is missing, stands twice or has no gain."""
    described = tuple([line[1:8] for line in signals])
    first = signals[0].file if signals else ""
    files = [line.file for line in signals]
    # Most records have one file; names differ from record to record and must not be part of what is remembered.
    numbers = None if files.count(first) == len(files) else tuple([files.index(file) for file in files])
    if len(described) > MOST_REMEMBERED:
        return _layout.__wrapped__(described, numbers)
    return _layout(described, numbers)


@lru_cache(maxsize=64)
def _layout(described: tuple[Described, ...], numbers: tuple[int, ...] | None) -> Layout:
    files = dict.fromkeys(numbers or (0,))
    places = {(number, *one[:PLACE]) for number, one in zip(numbers or (0,) * len(described), described, strict=True)}
    if not described or len(places) != len(files):
        return NOT_PLAIN
    if not all(code in OWN and per_frame == 1 and not skew for _, code, per_frame, skew, _ in places):
        return NOT_PLAIN
    lines = tuple([SignalLine("", *one, None, None) for one in described])
    rows, beyond = rows_of(lines), beyond_of(lines)
    plans = [_plan([i for i in range(len(lines)) if not numbers or numbers[i] == file], lines, rows, beyond)
             for file in files]  # fmt: skip
    steps_per_mv = np.full(len(CANONICAL), np.nan)
    for channel, row in rows.items():
        steps_per_mv[row] = lines[channel].steps_per_mv
    codes = dict.fromkeys(lines[channel].format for channel in rows)
    leads = frozenset(CANONICAL[row] for row in rows.values())
    used = tuple(plan for plan in plans if plan.leads is not None or plan.aside)
    return Layout(True, used, steps_per_mv, leads, f"WFDB format {', '.join(codes)}")


def _plan(channels: list[int], lines: tuple[SignalLine, ...], rows: dict[int, int], beyond: dict[int, str]) -> FilePlan:
    columns = [column for column, channel in enumerate(channels) if channel in rows]
    own = [lines[channel] for channel in channels]
    aside = tuple([(beyond[channel], _scale([column], own)) for column, channel in enumerate(channels)
                   if channel in beyond])  # fmt: skip
    leads = _scale(columns, own) if columns else None
    return FilePlan(tuple(channels), leads, [rows[channels[column]] for column in columns], aside)


def _scale(columns: list[int], lines: list[SignalLine]) -> Scale:
    chosen = [lines[column] for column in columns]
    baselines = [line.baseline for line in chosen]
    return Scale(
        None if columns == list(range(len(lines))) else tuple(columns),
        np.array([line.steps_per_mv for line in chosen], dtype=np.float32),
        np.array(baselines, dtype=np.float32) if any(baselines) else None,
        MISSING[chosen[0].format],
    )


def rows_of(signals: tuple[SignalLine, ...]) -> dict[int, int]:
    """Which channel becomes which canonical lead: {channel: row}. Raises WorldError on doubt."""
    leads = {channel: lead for channel, line in enumerate(signals) if (lead := one_of_twelve(line.name)) is not None}
    for lead, count in Counter(leads.values()).items():
        if count > 1:
            raise refusal(f"lead {lead} stands in its header twice", "Keep one of the two")
    missing = lacking(set(leads.values()))
    if missing:
        raise refusal(f"it has no lead {', '.join(missing)}", "Import 12-lead recordings (or I, II and V1-V6)")
    for channel, lead in leads.items():
        check_gain(signals[channel], lead)
    return {channel: CANONICAL.index(lead) for channel, lead in leads.items()}


def one_of_twelve(name: str) -> str | None:
    """The lead of the twelve that a channel's name means, as all readers understand names ("Lead II", "MDC_...").

    >>> one_of_twelve("ECG Lead AVR"), one_of_twelve("V7"), one_of_twelve("MLII")
    ('aVR', None, None)
    """
    lead = lead_name(name)
    return lead if lead in CANONICAL else None


def check_gain(line: SignalLine, lead: str) -> None:
    """Make sure that a lead's samples can become millivolts. Raises WorldError otherwise."""
    if not has_gain(line):
        raise _refuse_gain(line.steps_per_mv, lead)


def has_gain(line: SignalLine) -> bool:
    """Whether a channel's samples can become millivolts."""
    return line.steps_per_mv is not None and GAINS[0] <= line.steps_per_mv <= GAINS[1]


def _refuse_gain(steps_per_mv: float | None, lead: str) -> WorldError:
    if steps_per_mv is None:
        return refusal(f"lead {lead} is not in volts", "Export it in millivolts")
    if steps_per_mv == 0:
        return refusal(
            f"its header gives no gain for lead {lead}, so its millivolts are unknown", "Put the gain into the header"
        )
    return refusal(f"its header gives lead {lead} a gain of {steps_per_mv:g} per mV", "Correct the gain in the header")


def beyond_of(signals: tuple[SignalLine, ...]) -> dict[int, str]:
    """Channels that are leads beyond the twelve and have a gain, each once."""
    leads = {channel: lead_name(line.name) for channel, line in enumerate(signals)}
    once = {lead for lead, count in Counter(leads.values()).items() if lead in EXTRA and count == 1}
    return {channel: lead for channel, lead in leads.items() if lead in once and has_gain(signals[channel])}


@lru_cache(maxsize=64)
def recipes_of(measured: frozenset[str]) -> tuple[tuple[str, Recipe], ...]:
    """How the limb leads that were not measured follow from the others."""
    return tuple(derivations(set(measured)))
