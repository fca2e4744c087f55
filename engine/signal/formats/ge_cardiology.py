"""GE CardiologyXML (CASE, CardioSoft): the strip of every lead as text, in microvolts per step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from engine.signal.acquisition import Acquisition, Statement
from engine.signal.assemble import About, Channel, assemble, check_decoded, refusal
from engine.signal.formats.content import numeric, sha256
from engine.signal.formats.kit import plausible, said, says_something
from engine.signal.formats.persons import age_between, age_in_years, moment, sex_of
from engine.signal.formats.xml_guard import read_xml, starts_with_root, tree
from engine.signal.own_reader import own_reader
from engine.signal.recording import Recording

NAME = "GE CardiologyXML"

_PER_STEP = {"uvperlsb": 1e-3, "mvperlsb": 1.0, "nvperlsb": 1e-6}
_MEASURED = {
    "VentricularRate": "heart_rate_bpm", "RRInterval": "rr_ms", "PDuration": "p_ms", "PQInterval": "pr_ms",
    "PRInterval": "pr_ms", "QRSDuration": "qrs_ms", "QTInterval": "qt_ms", "QTCInterval": "qtc_ms",
    "PAxis": "p_axis_deg", "RAxis": "qrs_axis_deg", "TAxis": "t_axis_deg",
}  # fmt: skip
_CLASSES = {"o": "outpatient", "i": "inpatient", "e": "emergency", "p": "preadmission"}
_IDENTIFYING = (
    ("patient id", ("PatientInfo/PID",)),
    ("patient name", ("PatientInfo/Name/FamilyName", "PatientInfo/Name/GivenName")),
    ("study id", ("UID/DICOMStudyUID", "PatientVisit/OrderNumber")),
    ("person", tuple(
        f"{who}/{part}"
        for who in ("ClinicalInfo/Technician", "PatientVisit/OrderingProvider", "PatientVisit/AttendingDoctor",
                    "PatientVisit/ReferringDoctor")
        for part in ("FamilyName", "GivenName", "PersonID")
    )),
    ("institution", ("PatientVisit/ServicingFacility/Name", "PatientVisit/AssignedPatientLocation/Facility")),
    ("place", ("PatientVisit/AssignedPatientLocation/LocationName", "PatientVisit/PatientRoom")),
    ("contact", ("PatientVisit/ServicingFacility/Address/Street1", "PatientVisit/ServicingFacility/Address/City")),
    ("free text", ("ClinicalInfo/ReasonForStudy", "ClinicalInfo/ObservationComment",
                   "PatientVisit/MedicalHistory/MedicalHistoryText")),
)  # fmt: skip


def sniff(head: bytes, path: Path) -> bool:
    """An element CardiologyXML near the start."""
    return starts_with_root(head, "CardiologyXML")


def read(path: Path, digest: bool = True) -> Recording:
    """Read the rhythm strip, never the median. Raises WorldError with the reason when that cannot be."""
    content = read_xml(path)
    root = tree(content)
    strips = root.findall("StripData")
    if len(strips) != 1:
        raise refusal("it has no rhythm recording" if not strips else "it holds several rhythm recordings")
    rate_hz, channels = _channels(strips[0])
    return assemble(channels, rate_hz, _about(root, path, sha256(content, digest)))


def _channels(strip: Element) -> tuple[float, list[Channel]]:
    rate_hz = numeric(strip.findtext("SampleRate")) or 0.0
    announced = numeric(strip.findtext("ChannelSampleCountTotal"))
    resolution = strip.find("Resolution")
    unit = _PER_STEP.get((resolution.get("units") or "").lower()) if resolution is not None else None
    per_step = numeric(resolution.text) if resolution is not None else None
    if unit is None or not per_step:
        raise refusal("it gives no resolution in volts, so its millivolts are unknown")
    channels = []
    for wave in strip.findall("WaveformData"):
        text = wave.text or ""
        check_decoded(text.count(",") + 1, 12)
        steps_T = integers(text)
        if announced is not None and len(steps_T) != announced:
            raise refusal("it holds fewer or other samples than it announces", "Export it again")
        channels.append(Channel(wave.get("lead") or "", steps_T, per_step * unit))
    return rate_hz, channels


def integers(text: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Integers that commas part, [T]. Raises WorldError when something else stands there.

    >>> integers(" 1, -2,3 ").tolist()
    [1, -2, 3]
    """
    if re.search(r"[^\d,\s+-]", text):
        raise refusal("its samples are no numbers")
    parts = text.strip().strip(",").encode("ascii", "replace")
    try:
        values_T = np.array(parts.split(b","), dtype="S12").astype(np.int64) if parts else np.zeros(0, np.int64)
    except ValueError:
        raise refusal("its samples are no numbers") from None
    if values_T.size and np.abs(values_T).max() >= 2**31:
        raise refusal("its samples are larger than any converter's")
    return values_T.astype(np.int32)


def _about(root: Element, path: Path, digest: str) -> About:
    acquired = _moment(root.find("ObservationDateTime"))
    born = _moment(root.find("PatientInfo/BirthDateTime"))
    age = root.find("PatientInfo/Age")
    years = age_in_years(numeric(age.text), age.get("units") or "") if age is not None else None
    return About(
        format=NAME,
        reader=own_reader("cardiologyxml"),
        source_name=path.stem,
        file_sha256=digest,
        age=years if years is not None else age_between(born, acquired),
        sex=sex_of(root.findtext("PatientInfo/Gender")),
        patient=said(_text(root, "PatientInfo/PID")) or None,
        acquired=acquired.isoformat() if acquired else None,
        transformations=("full disclosure left aside",) if root.find("FullDisclosure") is not None else (),
        acquisition=_acquisition(root),
        statements=tuple(_statements(root)),
        measurements=_measurements(root),
        identifiers=tuple(dict.fromkeys(_identifiers(root, born, acquired))),
    )


def _text(root: Element, where: str) -> str:
    return (root.findtext(where) or "").strip()


def _moment(node: Element | None) -> datetime | None:
    if node is None:
        return None
    parts = [numeric(node.findtext(tag)) for tag in ("Year", "Month", "Day", "Hour", "Minute", "Second")]
    known = parts[: parts.index(None)] if None in parts else parts
    return moment(*(int(part) for part in known if part is not None)) if len(known) >= 3 else None


def _acquisition(root: Element) -> Acquisition:
    mains = {hz: _text(root, f"FilterSetting/Filter{hz}Hz").lower() for hz in (50, 60)}
    notch = next((float(hz) for hz, told in mains.items() if told == "yes"), None)
    if notch is None and set(mains.values()) == {"no"}:
        notch = 0.0
    return Acquisition(
        maker="GE",
        model=_text(root, "ClinicalInfo/DeviceInfo/Desc"),
        firmware=_text(root, "ClinicalInfo/DeviceInfo/SoftwareVer"),
        high_pass_hz=numeric(_text(root, "FilterSetting/HighPass")),
        low_pass_hz=numeric(_text(root, "FilterSetting/LowPass")),
        notch_hz=notch,
        paced={"yes": True, "no": False}.get(_text(root, "PatientInfo/PaceMaker").lower()),
        setting=_CLASSES.get(_text(root, "PatientVisit/PatientClass").lower(), ""),
    )


def _statements(root: Element) -> Iterator[Statement]:
    for node in root.findall("Interpretation/Diagnosis/DiagnosisText"):
        if says_something(node.text or ""):
            yield Statement((node.text or "").strip())


def _measurements(root: Element) -> dict[str, float]:
    found: dict[str, float] = {}
    for theirs, ours in _MEASURED.items():
        value = numeric(root.findtext(f"RestingECGMeasurements/{theirs}"))
        if value is not None and plausible(ours, value):
            found[ours] = value
    return found


def _identifiers(root: Element, born: datetime | None, acquired: datetime | None) -> Iterator[tuple[str, str]]:
    for kind, places in _IDENTIFYING:
        for where in places:
            if says_something(_text(root, where)):
                yield kind, _text(root, where)
    if born:
        yield "birth date", born.date().isoformat()
    if acquired:
        yield "acquisition date", acquired.isoformat()
