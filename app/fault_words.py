"""What each fault of a stress bench does to a recording, in a plain line, and what its groups are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.signal.perturbations import Perturbation

GROUP_NAMES = {
    "leads": "Leads off",
    "electrodes": "Cables exchanged",
    "filters": "Filters",
    "noise": "Noise",
    "amplitude": "Amplitude",
    "recording": "Recording",
    "sanity": "Sanity check",
}
GROUP_LINES = {
    "leads": "An electrode has come off: its leads are flat",
    "electrodes": "Two cables stand in each other's place",
    "filters": "The cart filters more strongly than usual",
    "noise": "Mains, muscles, breathing and movement, larger at each step",
    "amplitude": "The signal is cut off at a limit, or too small or large",
    "recording": "Another sampling rate, or fewer seconds",
    "sanity": "What should destroy the answer",
}
_LINES = {
    "off_all_but_I": "Only lead I is left, as from a watch",
    "off_all_but_II": "Only lead II is left, as from a monitor",
    "off_chest": "All six chest leads are flat",
    "off_limb": "All six limb leads are flat",
    "swap_RA_LA": "Right and left arm: lead I upside down",
    "swap_RA_LL": "Right arm and left leg: lead II upside down",
    "swap_LA_LL": "Left arm and left leg: easily overlooked",
    "swap_C1_C2": "V1 and V2 change places",
    "low_pass": "Takes away what is fast: sharp edges of the QRS",
    "high_pass": "Takes away what is slow, and bends the ST segment",
    "mains_50": "Hum of the mains where it has 50 Hz",
    "mains_60": "Hum of the mains where it has 60 Hz",
    "emg": "Trembling or tense muscles",
    "wander": "The baseline goes up and down with breathing",
    "motion": "Jumps of the baseline when an electrode moves",
    "clip": "The amplifier reaches its limit: peaks are cut off flat",
    "gain_down": "Every wave is smaller, as with a wrong gain",
    "gain_up": "Every wave is larger, as with a wrong gain",
    "rate_up": "As a cart with a higher sampling rate would keep it",
    "rate_down": "As a cart with a lower sampling rate would keep it",
    "duration": "Only the first seconds are kept",
    "time_reversed": "Backwards: who answers as well ignores the order of waves",
}


def does(fault: Perturbation) -> str:
    """What a fault does, in a plain line."""
    if fault.name in _LINES:
        return _LINES[fault.name]
    return f"{fault.title.removesuffix(' off').removeprefix('Lead ')} flat at zero"


def level(fault: Perturbation, severity: float) -> str:
    """A severity with its unit: "40 Hz", "0.5 times the amplitude"."""
    return f"{severity:g} times the amplitude" if fault.unit == "times" else f"{severity:g} {fault.unit}"
