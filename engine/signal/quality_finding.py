"""One thing that speaks against a recording: its short name, the leads, the number behind it, and plain words."""

from __future__ import annotations

from dataclasses import dataclass

REASONS = {
    "missing": "samples are missing, or a whole lead is",
    "flat": "a lead holds no signal",
    "clipped": "a lead is stuck at its extreme values, as a saturated amplifier leaves it",
    "lead_off": "an electrode lost contact: a lead stands still, jumps or leaves the range for seconds",
    "noise": "fast noise, mostly from muscles",
    "mains": "a hum of 50 or 60 Hz",
    "wander": "the baseline wanders",
    "unreadable": "so much of it cannot be read that people would record it again",
    "einthoven": "leads I, II and III contradict each other",
    "goldberger": "aVR, aVL or aVF contradict leads I and II",
    "polarity": "a lead, or the whole recording, may be upside down",
    "limb_swap": "limb electrodes may be exchanged",
    "precordial_order": "chest electrodes may be exchanged",
    "gain": "the amplitude is not one of an ECG in millivolts",
    "short": "it is short",
}
"""Short names of all findings, for filters and badges, with what each of them says."""


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        name: one of `REASONS`.
        text: for people, with the leads.
        leads: the leads that it concerns; empty when it concerns the recording.
        values: the number behind it of every lead in `leads`, or one for the recording; what it counts stands in
            docs/quality.md.
    """

    name: str
    text: str
    leads: tuple[str, ...] = ()
    values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in REASONS:
            raise ValueError(f"no finding is called {self.name}")
