"""How a recording was made, in words that command line and window share."""

from __future__ import annotations

from app.core.record_query import device_name
from app.core.rows import RecordRow


def filters_text(row: RecordRow) -> str:
    """The filters of the acquisition as the file tells them: "high-pass 0.05 Hz, low-pass 150 Hz, no notch"."""
    told = [
        f"{name} {value:g} Hz"
        for name, value in (("high-pass", row.high_pass_hz), ("low-pass", row.low_pass_hz), ("notch", row.notch_hz))
        if value
    ]
    return ", ".join(told + (["no notch"] if row.notch_hz == 0 else []))


def paced_text(row: RecordRow) -> str:
    """Whether the file flags a pacemaker: "yes", "no", or nothing when it does not say."""
    return {True: "yes", False: "no", None: ""}[row.paced]


def acquisition_facts(row: RecordRow) -> list[tuple[str, str]]:
    """Device, firmware, serial, filters, pacing, setting: what the file tells of each; empty where it tells nothing."""
    return [
        ("Device", device_name(row.maker, row.model)),
        ("Firmware", row.firmware),
        ("Serial", f"{row.device} (keyed hash)" if row.device else ""),
        ("Filters", filters_text(row)),
        ("Pacemaker", paced_text(row)),
        ("Setting", row.setting),
    ]
