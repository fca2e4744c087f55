"""What the verdict on a recording's quality and each finding say to people, with the numbers behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from app.core.findings import finding_of
from app.core.rows import RecordRow
from engine.signal.leads import CANONICAL
from engine.signal.quality_finding import REASONS

VERDICTS = {
    "good": ("done", "good", "Good signal", "nothing speaks against it"),
    "limited": ("warning", "warn", "Limited signal", "something speaks against it: see the findings"),
    "unusable": ("failed", "bad", "Unusable signal", "fewer than six leads can be read"),
    "unknown": ("queued", "muted", "Signal not judged", "its quality was never checked"),
}
"""Of every verdict: sign, colour, words, and what they mean. A shape stands beside every colour."""

_WORDS = {
    "missing": "Samples missing",
    "flat": "Flat line",
    "clipped": "Clipped",
    "lead_off": "Electrode off",
    "noise": "Noise",
    "mains": "Mains hum",
    "wander": "Baseline wanders",
    "unreadable": "Hard to read",
    "einthoven": "I, II and III disagree",
    "goldberger": "aVR, aVL or aVF disagree",
    "polarity": "Perhaps upside down",
    "limb_swap": "Limb electrodes perhaps swapped",
    "precordial_order": "Chest electrodes perhaps swapped",
    "gain": "Amplitude implausible",
    "short": "Short",
    "other": "Other finding",
}

SUSPICIONS = ("polarity", "limb_swap", "precordial_order")
"""Findings about how electrodes may have been placed: an unusual heart can look the same."""

WIDE_COMPLEXES = (
    "Wide QRS complexes (paced, or a blocked bundle branch): whether the chest electrodes or LA and LL are exchanged, "
    "or a lead stands upside down, was not judged."
)
"""What a verdict does not cover where `wide_complexes` stands in its evidence (docs/quality.md)."""

_SELF_TOLD = ("einthoven", "goldberger")
"""Findings whose words name the leads already."""


def _percent(value: float) -> str:
    return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"


def _millivolts(value: float) -> str:
    return f"{value:.3g} mV"


_MEASURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "missing": ("Share of its samples that are missing", _percent),
    "flat": ("Movement in all", _millivolts),
    "clipped": ("Share of its samples at the extreme", _percent),
    "lead_off": ("Share of its seconds without contact", _percent),
    "noise": ("Roughness of the median second", _millivolts),
    "mains": ("Amplitude of the hum", _millivolts),
    "wander": ("Range of the baseline", _millivolts),
    "unreadable": ("Log odds that people would record it again", lambda value: f"{value:.2f}"),
    "einthoven": ("Off by this share of the largest movement", _percent),
    "goldberger": ("Off by this share of the largest movement", _percent),
    "gain": ("Measured", _millivolts),
    "short": ("Length", lambda value: f"{value:.3g} s"),
}
"""What the numbers behind a finding count (docs/quality.md), and how they are written."""

_PER_LEAD: tuple[tuple[str, str], ...] = (
    ("noise_mv", "Noise, mV"),
    ("mains_mv", "Hum, mV"),
    ("wander_mv", "Baseline, mV"),
    ("unreadable_share", "Unreadable"),
    ("agreement", "Beats alike"),
)


@dataclass(frozen=True)
class FindingView:
    """One finding as it is shown.

    Attributes:
        name: short name, to filter by.
        words: a few words with the leads it concerns.
        tip: what it means and the numbers behind it, as HTML.
        suspicion: whether it is about electrodes that may be exchanged.
    """

    name: str
    words: str
    tip: str
    suspicion: bool


def finding_words(name: str) -> str:
    """A finding's short name in plain words.

    >>> finding_words("flat"), finding_words("something_new")
    ('Flat line', 'Something new')
    """
    return _WORDS.get(name, name.replace("_", " ").capitalize())


def findings_of(row: RecordRow) -> list[FindingView]:
    """The findings of a recording; of one that was judged before findings had names, its reasons."""
    told: Sequence[Mapping[str, Any]] = row.quality_evidence.get("findings", ())
    if told:
        return [_view(one["name"], one["text"], one.get("leads", ()), one.get("values", ())) for one in told]
    return [replace(_view(finding_of(r), r, (), ()), words=_sentence(r)) for r in row.quality_reasons]


def _view(name: str, text: str, leads: Sequence[str], values: Sequence[float]) -> FindingView:
    words = finding_words(name)
    if name in SUSPICIONS:
        # Its text begins with what may be exchanged: "RA and LA may be swapped: ...".
        words = _sentence(text.partition(":")[0])
    elif leads and name not in _SELF_TOLD:
        words += f": {_listed(leads)}"
    return FindingView(name, words, _finding_tip(name, text, leads, values), name in SUSPICIONS)


def _listed(leads: Sequence[str]) -> str:
    """Leads, V1 to V6 as a range when they follow each other.

    >>> _listed(["I", "V1", "V2", "V3"]), _listed(["V1", "V3"])
    ('I, V1 to V3', 'V1, V3')
    """
    if len(leads) == len(CANONICAL):
        return "all leads"
    chest = [lead for lead in leads if lead.startswith("V")]
    first = CANONICAL.index(chest[0]) if chest and chest[0] in CANONICAL else 0
    if len(chest) > 2 and tuple(chest) == CANONICAL[first : first + len(chest)]:
        chest = [f"{chest[0]} to {chest[-1]}"]
    return ", ".join([*(lead for lead in leads if not lead.startswith("V")), *chest])


def _finding_tip(name: str, text: str, leads: Sequence[str], values: Sequence[float]) -> str:
    parts = [f"<b>{escape(finding_words(name))}</b>", escape(_sentence(text))]
    if name in REASONS and name not in SUSPICIONS:
        parts.append(escape(_sentence(REASONS[name])))
    if name in SUSPICIONS:
        parts.append("Only a suspicion: an unusual heart can look the same.")
    elif name in _MEASURES and values:
        what, write = _MEASURES[name]
        numbers = [write(value) for value in values]
        pairs = [f"{lead} {number}" for lead, number in zip(leads, numbers, strict=True)] if leads else numbers
        parts.append(f"{what}: {escape(', '.join(pairs))}.")
    return "<br>".join(dict.fromkeys(parts))


def verdict_tip(row: RecordRow) -> str:
    """The verdict, its reasons, and the measures of every lead, as HTML."""
    _, _, words, meaning = VERDICTS[row.quality]
    lines = [f"<b>{words}</b>: {meaning}", *(escape(_sentence(reason)) for reason in row.quality_reasons)]
    if row.quality_evidence.get("wide_complexes"):
        lines.append(WIDE_COMPLEXES)
    return "<br>".join(lines) + _numbers(row.quality_evidence)


def plain_tip(row: RecordRow) -> str:
    """The verdict and its reasons, a line each."""
    return "\n".join((VERDICTS[row.quality][2], *map(_sentence, row.quality_reasons)))


def _numbers(evidence: Mapping[str, Any]) -> str:
    """A table of what was measured in each lead, when it was."""
    columns = [(title, evidence[name]) for name, title in _PER_LEAD if len(evidence.get(name, ())) == len(CANONICAL)]
    if not columns:
        return ""
    head = "".join(f"<th align='right'>&nbsp;&nbsp;{title}</th>" for title, _ in columns)
    body = "".join(
        f"<tr><td>{lead}</td>"
        + "".join(f"<td align='right'>{'' if v[place] is None else format(v[place], '.3f')}</td>" for _, v in columns)
        + "</tr>"
        for place, lead in enumerate(CANONICAL)
    )
    beats = f"<br>{evidence['beats']} beats found" if "beats" in evidence else ""
    return f"<table><tr><th></th>{head}</tr>{body}</table>{beats}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] if text else text
