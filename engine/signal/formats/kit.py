"""What ecgdatakit hands over, as a `Recording`; what it gets wrong or would let pass is put right here.

Corrected or refused (each has a test in tests/engine/test_formats_kit.py):

- It rounds sampling rates to whole hertz; the caller hands the exact one.
- It renames a lead that stands twice (II, II_2): here that is a refusal.
- A wrong checksum is a warning there, a refusal here.
- It takes 1 for a scale that is missing or no number, 0 for such an origin (HL7 aECG): here that is a refusal.
- A unit that is missing or no voltage leaves raw counts there: here that is a refusal.
- Its messages quote file names and content: here each is put into words of our own.
"""

from __future__ import annotations

import importlib
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from engine.contract.errors import WorldError
from engine.signal.acquisition import Acquisition, Statement
from engine.signal.assemble import About, Channel, millivolts_in, refusal
from engine.signal.formats.content import numeric
from engine.signal.formats.persons import age_in_years, sex_of

LARGEST_MEASUREMENT = 20_000.0

_REASONS = (
    (r"samples?, \d+ expected|holds \d+ (?:bytes|samples)|Huffman data ends|bytes decoded|samples decoded",
     "it holds fewer or other samples than it announces"),
    (r"declares \d+ bytes but|outside the|truncated|too short|too small|shorter than", "it is cut short"),
    (r"sampling rate|sample interval|time increment|SampleBase|Hz", "it gives no usable sampling rate"),
    (r"[Bb]ase64|digits|plain sample", "its samples are no numbers"),
    (r"Huffman|difference encoding|XLI|LZW", "its compressed samples are damaged"),
    (r"unsupported|not supported", "it is of a version or compression that no reader knows"),
    (r"Malformed XML|entity", "its XML is damaged"),
    (r"[Mm]issing|No rhythm|no WaveFormData|no leads|without LeadID|No ECG lead", "it has no rhythm recording"),
)  # fmt: skip

_MEASURED = (
    ("heart_rate", "heart_rate_bpm"),
    ("rr_interval", "rr_ms"),
    ("pr_interval", "pr_ms"),
    ("qrs_duration", "qrs_ms"),
    ("qt_interval", "qt_ms"),
    ("qtc_bazett", "qtc_ms"),
    ("p_axis", "p_axis_deg"),
    ("qrs_axis", "qrs_axis_deg"),
    ("t_axis", "t_axis_deg"),
)
_QTC_WORDS = ("qtc", "QTCorrected", "MDC_ECG_TIME_PD_QTc")
_P_WORDS = ("MDC_ECG_TIME_PD_P", "pdur", "PDuration")


def parse(module: str, name: str, path: Path) -> tuple[Any, list[str]]:
    """Let a parser of ecgdatakit read the file.

    Args:
        module: module of `ecgdatakit.parsing.parsers`.
        name: its class.
        path: the file.

    Returns:
        The `ECGRecord` with samples as stored, and the parser's warnings.

    Raises:
        WorldError: it cannot be read, in words that quote nothing of the file.
    """
    parsers = importlib.import_module(f"ecgdatakit.parsing.parsers.{module}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            record = getattr(parsers, name)().parse(path)
        except WorldError:
            raise
        # The library meets hostile bytes here: what it stumbles over is the file's fault, and its text may quote it.
        except Exception as error:
            raise refusal(_reason(error)) from None
    told = [str(warning.message) for warning in caught]
    if any(warning.category.__name__ == "ChecksumWarning" for warning in caught):
        raise refusal("its bytes do not match the checksum in it", "Copy or export the file again")
    return record, told


def reader_name() -> str:
    """Name and version for `Recording.reader`."""
    return f"ecgdatakit {version('ecgdatakit')}"


def channels_of(record: Any) -> list[Channel]:
    """The rhythm leads as channels. Raises WorldError for a lead whose unit is missing or no voltage."""
    channels = []
    for lead in record.leads:
        unit = millivolts_in(lead.resolution_unit or lead.units)
        label = re.sub(r"_\d+$", "", lead.label)
        if unit is None:
            raise refusal("its samples have no voltage unit, so their millivolts are unknown", "Export it with units")
        gain = float(lead.resolution) * unit
        if not gain or not np.isfinite(gain):
            raise refusal(f"it gives a gain of {lead.resolution:g}", "Correct the gain at its source")
        zero = -float(lead.offset) / float(lead.resolution) if lead.offset else 0.0
        channels.append(Channel(label, whole_steps(lead.samples), gain, zero))
    return channels


def whole_steps(samples_T: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Samples as int32 where every one is a whole number that fits, else as they are."""
    if samples_T.size and np.isfinite(samples_T).all() and np.abs(samples_T).max() < 2**31:
        steps_T = samples_T.astype(np.int32)
        if (steps_T == samples_T).all():
            return steps_T
    return samples_T


def about(record: Any, *, name: str, path: Path, sha256: str, system: str, done: tuple[str, ...] = ()) -> About:
    """All that the file says beside its samples."""
    patient, recording = record.patient, record.recording
    return About(
        format=name,
        reader=reader_name(),
        source_name=path.stem,
        file_sha256=sha256,
        age=age_in_years(float(patient.age)) if patient.age is not None else None,
        sex=sex_of(patient.sex),
        patient=said(patient.patient_id) or None,
        acquired=recording.date.isoformat() if recording.date else None,
        transformations=done,
        acquisition=_acquisition(record),
        statements=tuple(_statements(record, system)),
        measurements=_measurements(record),
        identifiers=tuple(dict.fromkeys(_identifiers(record))),
    )


def leaves(node: object, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of every text in nested dictionaries and lists, each with the key it stands under."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from leaves(value, key if str(name).startswith("#") else str(name).lstrip("@"))
    elif isinstance(node, list | tuple):
        for value in node:
            yield from leaves(value, key)
    elif isinstance(node, str) and node.strip(" -"):
        yield key, node.strip()


def _reason(error: Exception) -> str:
    text = str(error)
    for pattern, reason in _REASONS:
        if re.search(pattern, text):
            return reason
    return f"it cannot be decoded ({type(error).__name__})"


def _acquisition(record: Any) -> Acquisition:
    device, filters = record.recording.device, record.recording.acquisition.filters
    notch = filters.notch if filters.notch else (0.0 if filters.notch_active is False else None)
    return Acquisition(
        maker=said(device.manufacturer),
        model=said(device.model),
        firmware=said(device.software_version),
        serial=said(device.serial_number) or said(device.name),
        high_pass_hz=filters.highpass,
        low_pass_hz=filters.lowpass,
        notch_hz=notch,
        paced=record.patient.has_pacemaker,
    )


def _statements(record: Any, system: str) -> Iterator[Statement]:
    told = record.interpretation
    source = "person" if told.source in ("overread", "confirmed") else "device"
    confirmed = {"confirmed": True, "overread": False}.get(told.source)
    coded = record.raw_metadata.get("statements") or [
        {"code": "", "left": left, "right": right} for left, right in told.statements
    ]
    for item in coded:
        text = ", ".join(part for part in (item["left"], item["right"]) if part)
        yield Statement(text, item["code"], system if item["code"] else "", source, confirmed)
    if told.severity:
        yield Statement(told.severity, told.severity, f"{system} severity", source, confirmed)
    for line in record.annotations.get("machine_interpretation", "").splitlines():
        yield Statement(line.replace(" | ", ", "), source="device")


def _measurements(record: Any) -> dict[str, float]:
    found = {ours: getattr(record.measurements, theirs) for theirs, ours in _MEASURED}
    for ours, words in (("qtc_ms", _QTC_WORDS), ("p_ms", _P_WORDS)):
        stated = [first_number(record.annotations.get(word)) for word in words]
        # The cart's own corrected QT comes first, whatever its formula.
        found[ours] = next((value for value in stated if value is not None), found.get(ours))
    if found["qtc_ms"] is None:
        found["qtc_ms"] = record.measurements.qtc_fridericia
    return {name: float(value) for name, value in found.items() if plausible(name, value)}


def plausible(name: str, value: float | None) -> bool:
    """Whether a measurement is one: finite, positive unless it is an axis, and no placeholder."""
    if value is None or math.isnan(value):
        return False
    return abs(value) <= 360 if name.endswith("_deg") else 0 < value < LARGEST_MEASUREMENT


def first_number(text: str | None) -> float | None:
    """The number that a text begins with ("443 ms"), or None."""
    words = (text or "").split(maxsplit=1)
    return numeric(words[0]) if words else None


def _identifiers(record: Any) -> Iterator[tuple[str, str]]:
    patient, recording, device = record.patient, record.recording, record.recording.device
    told = (
        ("patient id", patient.patient_id),
        ("patient name", patient.first_name),
        ("patient name", patient.last_name),
        ("birth date", _day(patient.birth_date)),
        ("acquisition date", recording.date.isoformat() if recording.date else ""),
        ("person", recording.technician),
        ("person", recording.referring_physician),
        ("person", record.interpretation.interpreter),
        ("place", recording.room),
        ("place", recording.location),
        ("institution", device.institution),
        ("place", device.department),
        ("device serial", device.serial_number),
        ("device serial", device.name),
        ("free text", patient.clinical_history),
    )
    for kind, text in told:
        if text and says_something(text):
            yield kind, text.strip()
    for key, text in leaves({k: v for k, v in record.raw_metadata.items() if k not in _TECHNICAL}):
        named = kind_of_key(key)
        if named is not None and len(text) >= SHORTEST_IDENTIFIER and says_something(text):
            yield named, text
    for key in ("comments", "interpretation_comment", "reason_for_test"):
        if record.annotations.get(key):
            yield "free text", record.annotations[key]


SHORTEST_IDENTIFIER = 3
"""Shorter texts under a key of unknown meaning ("1", "No") identify no one and would be found everywhere."""

_BLANK = {
    "",
    "dd-mmm-yyyy",
    "unknown",
    "unk",
    "none",
    "n/a",
    "na",
    "null",
    "false",
    "true",
    "yes",
    "no",
    "0",
    "0.000",
    "?",
    "anonymous",
    "anonymised",
    "anonymized",
}

_TECHNICAL = {
    "lead_measurements", "group_measurements", "cross_lead_measurements", "config_settings", "signal_characteristics",
    "parsed_waveforms", "report_info", "qrs_times", "beat_measurements", "MeasurementMatrix", "statements",
    "original_measurements", "measurement_blocks", "fiducials_ms", "filepath", "pace_status", "stat_flag",
}  # fmt: skip

_KEYS = (
    (r"serial|cartid|machineid", "device serial"),
    (r"^(?:mrn|uniquepatientid|secondaryid|patientid|second_last_name)$", "patient id"),
    (r"^(?:document_?name|file_?name)$", "study id"),
    (r"phone|fax|address|city|street|zip|mail", "contact"),
    (r"institution|facility|site|sponsor|hospital", "institution"),
    (r"department|location|room|bed", "place"),
    (r"date|time$", "acquisition date"),
    (r"name$|physician|clinician|investigator|performer|operator|editor|ordering|referring|overread", "person"),
    (r"comment|question|remark|reason|history|medical|indication|signature|title|answer|diagnos", "free text"),
    (r"(?:^|_)id$|uid$|number$|[a-z]ID$|ecgid|order|encounter|visit", "study id"),
)
_KEYS_OF_NO_ONE = re.compile(
    r"^(?:head_unit|increment_unit|number|device_product_number|head|effective_time|document_?type|confidentiality)$",
    re.IGNORECASE,
)


def kind_of_key(key: str) -> str | None:
    """Which kind of identifier stands under a key of the raw metadata; None when it identifies no one.

    Generous on purpose: a word too many is searched for in what leaves the workspace, a word too few could leak.
    """
    if _KEYS_OF_NO_ONE.match(key):
        return "acquisition date" if key in ("head", "effective_time") else None
    return next((kind for pattern, kind in _KEYS if re.search(pattern, key, re.IGNORECASE)), None)


def says_something(text: str) -> bool:
    """Whether a text is more than a placeholder.

    >>> says_something("Clark"), says_something("---"), says_something("unknown")
    (True, False, False)
    """
    return text.strip(" -*").casefold() not in _BLANK


def said(text: str | None) -> str:
    """A text, or nothing where it is a placeholder: "Unknown" is no maker, and no serial number of many devices.

    >>> said("ELI250"), said("Unknown")
    ('ELI250', '')
    """
    return text.strip() if text and says_something(text) else ""


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else ""
