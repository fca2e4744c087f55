"""What a file says about how an ECG was made, beside its samples: device, filters, the cart's own opinion, extra leads.

All of it is as the file has it; what the file does not say is empty or None, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Acquisition:
    """The device and its settings.

    Attributes:
        maker: "GE", "Philips"; as the file writes it.
        model: name of the device or of its software.
        firmware: version of the device's software.
        serial: serial number. It identifies the device: hashed before it goes anywhere.
        high_pass_hz: corner of the acquisition's high-pass filter.
        low_pass_hz: corner of the low-pass filter.
        notch_hz: frequency of the mains filter; 0 when the file says that there was none.
        paced: whether the file flags a pacemaker; None when it does not say.
        setting: where it was made, in general words of the file ("emergency", "ward"), never a name of a place.
    """

    maker: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = field(default="", repr=False)
    high_pass_hz: float | None = None
    low_pass_hz: float | None = None
    notch_hz: float | None = None
    paced: bool | None = None
    setting: str = ""


@dataclass(frozen=True)
class Statement:
    """One statement on the ECG that came with the file.

    Attributes:
        text: in words; free text may identify and is dropped unless it is allowed.
        code: in the system's code, where there is one.
        system: "SCP-ECG", "SNOMED CT", "ICD-10", "MUSE", "Philips", ...
        source: who says it.
        confirmed: whether a person confirmed it; None when the file does not say.
    """

    text: str = field(default="", repr=False)
    code: str = ""
    system: str = ""
    source: str = "device"
    confirmed: bool | None = None


@dataclass(frozen=True, eq=False)
class ExtraLeads:
    """Leads beyond the twelve: V7-V9, V3R-V6R, Frank X, Y, Z. Kept aside at import; models get the twelve.

    Attributes:
        leads: their names.
        signal_XT: [X, T] float32 millivolts, at the recording's rate, NaN where missing.
    """

    leads: tuple[str, ...]
    signal_XT: NDArray[np.float32] = field(repr=False)


MEASUREMENTS = (
    "heart_rate_bpm",
    "rr_ms",
    "p_ms",
    "pr_ms",
    "qrs_ms",
    "qt_ms",
    "qtc_ms",
    "p_axis_deg",
    "qrs_axis_deg",
    "t_axis_deg",
)
"""Names of the cart's global measurements in `Recording.measurements`; each with its unit."""

IDENTIFIER_KINDS = (
    "patient id",
    "patient name",
    "birth date",
    "acquisition date",
    "study id",
    "person",
    "institution",
    "place",
    "device serial",
    "contact",
    "free text",
)
"""Kinds of `Recording.identifiers`: "person" is staff, "place" a ward, room or bed, "contact" an address or number."""
