"""The verdict on a recording: is it complete, alive, readable, plausible, and were the electrodes in their places?

`assess` is the one door. What each check measures, and how often it is right, stands in docs/quality.md.

Shapes: C leads (12), T samples, W seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.signal.condition import fill_missing
from engine.signal.leads import CANONICAL
from engine.signal.quality_beats import Beats, find_beats, wide
from engine.signal.quality_electrodes import check_electrodes, check_legs
from engine.signal.quality_finding import REASONS, Finding
from engine.signal.quality_gain import PLAUSIBLE_MV, POSSIBLE_MV, check_gain, swing_mv
from engine.signal.quality_leads import FLAT_MV, Leads, Marks, measure
from engine.signal.quality_limbs import check_limbs
from engine.signal.recording import Recording

__all__ = ["PLAUSIBLE_MV", "POSSIBLE_MV", "REASONS", "Finding", "Quality", "assess", "impossible_amplitude", "swing_mv"]

MISSING_SHARE = 0.05
CLIPPED_SHARE = 0.01
NOISE_MV = 0.08
"""Roughness of the median second: most that is let pass. 356 PTB-XL records: 99 of 100 leads are below."""
MAINS_MV = 0.05
"""Amplitude of the hum: half a millimetre on paper."""
WANDER_MV = 2.0
"""Range of the means of seconds: two centimetres on paper."""
OFF_SHARE = 0.3
"""A lead is off when a larger share of its seconds holds no ECG."""
SHORT_S, SHORTEST_S = 5.0, 1.0
ALIVE_LEADS = 6
"""With fewer leads that can be read, a recording is unusable."""
UNREADABLE = (4.97, 2.22, -3.53)
"""Log odds that people reject a recording: constant, log10 of 0.01 + share of lead-seconds that cannot be read, and
agreement of the beats of the worst lead. Fitted to 250 recordings of the CinC Challenge 2011 (docs/quality.md)."""
SLOWEST_HZ = 40.0
"""Below this rate waves cannot be told; only samples are checked."""


@dataclass(frozen=True)
class Quality:
    """The verdict and what speaks against the recording.

    Attributes:
        verdict: "unusable" when fewer than half of the leads can be read, "limited" when anything speaks against the
            recording, else "good".
        reasons: the findings in plain words.
        findings: the findings, each with its short name, leads and numbers.
        numbers: measures of the recording and of its leads, by name; fits JSON.
    """

    verdict: Literal["good", "limited", "unusable"]
    reasons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    numbers: tuple[tuple[str, Any], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Short names of the findings, each once, in the order of `REASONS`."""
        found = {finding.name for finding in self.findings}
        return tuple(name for name in REASONS if name in found)

    @property
    def leads(self) -> dict[str, tuple[str, ...]]:
        """Short names of the findings of every lead that has any."""
        return {
            lead: names
            for lead in CANONICAL
            if (names := tuple(finding.name for finding in self.findings if lead in finding.leads))
        }

    @property
    def suspicions(self) -> tuple[Finding, ...]:
        """Findings that say how electrodes may have been placed."""
        return tuple(one for one in self.findings if one.name in ("limb_swap", "precordial_order", "polarity"))

    @property
    def evidence(self) -> dict[str, Any]:
        """All numbers behind the verdict; fits JSON and one event."""
        told = [
            {"name": one.name, "leads": list(one.leads), "values": list(one.values), "text": one.text}
            for one in self.findings
        ]
        return {"names": list(self.names), "findings": told, **dict(self.numbers)}


def assess(recording: Recording) -> Quality:
    """Judge a recording.

    Args:
        recording: millivolts, any rate and length.

    Returns:
        The verdict with its evidence. Whatever exchanges of electrodes are told are suspicions.
    """
    signal_CT, rate_hz = recording.signal_CT, recording.rate_hz
    if recording.seconds < SHORTEST_S or rate_hz < SLOWEST_HZ:
        return _too_short(recording)
    absent_C = ~np.array(recording.present)
    filled_CT = fill_missing(signal_CT)
    beats = find_beats(filled_CT, rate_hz)
    leads = measure(signal_CT, filled_CT, rate_hz, beats)
    flat_C = ~absent_C & ~(leads.span_C >= FLAT_MV) & (leads.missing_C < 1)
    dead_C = absent_C | flat_C | (leads.missing_C == 1)
    findings = _duration(recording) + _dead(absent_C, flat_C, leads)
    gain = check_gain(signal_CT, rate_hz, leads.span_C, ~dead_C)
    huge_C = np.array([any(lead in finding.leads for finding in gain) for lead in CANONICAL])
    wrong = any(not finding.leads for finding in gain)
    off_C = (leads.off_CW.mean(axis=1) > OFF_SHARE) & (not wrong)
    readable_C = ~dead_C & ~huge_C & ~off_C
    findings += _disturbances(leads, ~dead_C & ~huge_C & (not wrong), off_C)
    odds = _odds(leads, beats)
    if odds > 0 and not wrong and not huge_C.any():
        findings.append(_unreadable(leads, odds))
    findings += gain
    findings += _placement(recording, beats, ~dead_C & ~huge_C, readable_C)
    return _verdict(findings, readable_C, _numbers(leads, beats, odds))


def impossible_amplitude(recording: Recording) -> float | None:
    """The swing in millivolts when no ECG can have it, else None: the gain in the file must be wrong."""
    swing = swing_mv(recording.signal_CT, recording.rate_hz)
    return swing if swing < POSSIBLE_MV[0] or swing > POSSIBLE_MV[1] else None


def _verdict(findings: list[Finding], readable_C: Marks, numbers: dict[str, Any]) -> Quality:
    verdict: Literal["good", "limited", "unusable"] = "limited" if findings else "good"
    if readable_C.sum() < ALIVE_LEADS:
        verdict = "unusable"
    return Quality(verdict, tuple(one.text for one in findings), tuple(findings), tuple(numbers.items()))


def _too_short(recording: Recording) -> Quality:
    """A recording of less than a second, or slower than waves: nothing can be measured."""
    text = f"it lasts {recording.seconds:.2g} s at {recording.rate_hz:g} samples a second: nothing can be judged"
    return _verdict([Finding("short", text, (), (round(recording.seconds, 3),))], np.zeros(12, bool), {})


def _duration(recording: Recording) -> list[Finding]:
    if recording.seconds >= SHORT_S:
        return []
    return [Finding("short", f"it lasts only {recording.seconds:.2g} s", (), (round(recording.seconds, 3),))]


def _dead(absent_C: Marks, flat_C: Marks, leads: Leads) -> list[Finding]:
    return [
        *_found("missing", "no samples in", absent_C, leads.missing_C),
        *_found("flat", "flat line in", flat_C, np.nan_to_num(leads.span_C)),
        *_found("missing", "samples missing in", ~absent_C & (leads.missing_C > MISSING_SHARE), leads.missing_C),
    ]


def _disturbances(leads: Leads, alive_C: Marks, off_C: Marks) -> list[Finding]:
    """Findings of leads that are alive; one that is off is not told to be noisy too."""
    on_C = alive_C & ~off_C
    return [
        *_found("clipped", "stuck at its extreme:", alive_C & (leads.clipped_C > CLIPPED_SHARE), leads.clipped_C),
        *_found("lead_off", "contact lost for seconds in", alive_C & off_C, leads.off_CW.mean(axis=1)),
        *_found("noise", "noise in", on_C & (leads.noise_C > NOISE_MV), leads.noise_C),
        *_found("mains", "mains hum in", on_C & (leads.mains_C > MAINS_MV), leads.mains_C),
        *_found("wander", "baseline wanders in", on_C & (leads.wander_C > WANDER_MV), leads.wander_C),
    ]


def _placement(recording: Recording, beats: Beats, alive_C: Marks, readable_C: Marks) -> list[Finding]:
    """Laws of the limb leads, and electrodes: asked of leads that can be read, exchanges only where the laws hold."""
    if not beats.agreement_C.any():
        return []
    legs = check_legs(beats) if readable_C[:3].sum() >= 2 else []
    laws = check_limbs(beats.slow_Ct[:6], frozenset(recording.derived)) if alive_C[:6].all() else []
    if legs or laws or not readable_C[:2].all():
        return legs + laws
    return check_electrodes(beats, bool(readable_C[6:].all()))


def _odds(leads: Leads, beats: Beats) -> float:
    constant, share, agreement = UNREADABLE
    unread = float(np.log10(leads.unreadable_CW.mean() + 0.01))
    return constant + share * unread + agreement * float(beats.agreement_C.min())


def _unreadable(leads: Leads, odds: float) -> Finding:
    share = leads.unreadable_CW.mean()
    text = f"hard to read: {share:.0%} of the leads' seconds cannot be read; people would record it again"
    return Finding("unreadable", text, (), (round(odds, 2),))


def _found(name: str, words: str, marks_C: Marks, values_C: NDArray[Any]) -> Iterable[Finding]:
    """One finding for all leads that have it; none when no lead has."""
    if marks_C.any():
        leads = tuple(lead for lead, mark in zip(CANONICAL, marks_C, strict=True) if mark)
        values = tuple(round(float(value), 4) for value in values_C[marks_C])
        yield Finding(name, f"{words} {', '.join(leads)}", leads, values)


def _numbers(leads: Leads, beats: Beats, odds: float) -> dict[str, Any]:
    """Measures that are kept for every recording: small enough for one event, enough to filter by."""
    per_lead = {
        "noise_mv": leads.noise_C,
        "mains_mv": leads.mains_C,
        "wander_mv": leads.wander_C,
        "unreadable_share": leads.unreadable_CW.mean(axis=1),
        "agreement": beats.agreement_C,
    }
    told: dict[str, Any] = {name: np.round(values.astype(float), 3).tolist() for name, values in per_lead.items()}
    whole = {"beats": len(beats.places_B), "wide_complexes": wide(beats), "rejection_log_odds": round(odds, 2)}
    return {**whole, **told}
