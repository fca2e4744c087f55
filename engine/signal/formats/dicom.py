"""DICOM waveforms (12-lead, general and ambulatory ECG) by pydicom: the rhythm group, never median beats.

Millivolts are (sample - padding aside) x sensitivity x correction factor + baseline, in the channel's own unit
(PS3.3 C.10.9). The claims of the header (channels, samples, bits) are compared with the bytes that are there before
anything is decoded.

Shapes: C channels of the group, T samples.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.signal.acquisition import Acquisition, Statement
from engine.signal.assemble import About, Channel, assemble, check_decoded, lead_name, millivolts_in, refusal
from engine.signal.formats.content import numeric, read_content, sha256
from engine.signal.formats.kit import plausible, said, says_something
from engine.signal.formats.persons import age_between, age_in_years, moment, sex_of
from engine.signal.recording import Recording

NAME = "DICOM"

MAX_BYTES = 256 * 2**20
MAX_ITEMS = 20_000
MAX_CHANNELS = 64

SHORT_PAD_S = 0.2
"""A padding value of 0 is also a voltage that every ECG passes through (ECGToolkit writes such files): it counts as
missing only where it lasts longer than this."""

_TYPES = {("SB", 8): "i1", ("UB", 8): "u1", ("SS", 16): "i2", ("US", 16): "u2", ("SL", 32): "i4", ("UL", 32): "u4"}
_KINDS = {kind for kind, _ in _TYPES} | {"MB", "AB"}
_LEADS_MDC = {1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF", 66: "V8", 67: "V9", 9: "V7", 65: "-aVR"} | {
    2 + n: f"V{n}" for n in range(1, 7)
}
_RIGHT = {11: "V3R", 12: "V4R", 13: "V5R", 14: "V6R", 15: "V7R", 16: "X", 17: "Y", 18: "Z", 10: "V2R"}
_SCP_CODE = re.compile(r"^5\.6\.3-9-(\d{1,3})$")
_MDC_CODE = re.compile(r"^2:(\d{1,3})$")

_MEANINGS = (
    (r"^(?:ventricular|heart) rate$|^vent.* rate$", "heart_rate_bpm"),
    (r"^rr interval|^r-r interval", "rr_ms"),
    (r"^pr interval|^pq interval", "pr_ms"),
    (r"^p duration|^p wave duration", "p_ms"),
    (r"^qrs duration", "qrs_ms"),
    (r"^qt interval(?: global)?$", "qt_ms"),
    (r"^qtc|^corrected qt", "qtc_ms"),
    (r"^p axis|^p wave axis|^p frontal axis", "p_axis_deg"),
    (r"^qrs axis|^r axis|^qrs frontal axis", "qrs_axis_deg"),
    (r"^t axis|^t wave axis|^t frontal axis", "t_axis_deg"),
)
_IDENTIFYING = (
    ("patient id", ("PatientID", "OtherPatientIDs", "IssuerOfPatientID")),
    ("patient name", ("PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName")),
    ("birth date", ("PatientBirthDate",)),
    ("acquisition date", ("StudyDate", "SeriesDate", "ContentDate", "AcquisitionDate", "AcquisitionDateTime")),
    ("study id", ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "StudyID", "AccessionNumber",
                  "AdmissionID", "FillerOrderNumberImagingServiceRequest", "PlacerOrderNumberImagingServiceRequest",
                  "RequestedProcedureID", "ScheduledProcedureStepID", "PerformedProcedureStepID", "ServiceEpisodeID")),
    ("person", ("ReferringPhysicianName", "PerformingPhysicianName", "NameOfPhysiciansReadingStudy", "OperatorsName",
                "PhysiciansOfRecord", "RequestingPhysician", "ResponsiblePerson", "ConsultingPhysicianName",
                "ScheduledPerformingPhysicianName", "VerifyingObserverName", "ContentCreatorName")),
    ("institution", ("InstitutionName",)),
    ("place", ("InstitutionalDepartmentName", "CurrentPatientLocation", "PatientInstitutionResidence", "StationName",
               "CountryOfResidence", "RegionOfResidence")),
    ("device serial", ("DeviceSerialNumber", "DeviceUID")),
    ("contact", ("InstitutionAddress", "PatientAddress", "PatientTelephoneNumbers")),
    ("free text", ("VisitComments", "ImageComments", "PatientComments", "AdditionalPatientHistory",
                   "ReasonForTheRequestedProcedure", "StudyDescription", "MedicalAlerts", "Allergies", "Occupation")),
)  # fmt: skip
_IDENTIFYING_INSIDE = ("OtherPatientIDsSequence", "RequestAttributesSequence", "ReferencedRequestSequence",
                       "VerifyingObserverSequence")  # fmt: skip
"""Sequences whose items name the patient, a person or a request once more."""
MAX_NAMED = 64
"""Items of such a sequence that are looked at."""


def sniff(head: bytes, path: Path) -> bool:
    """The letters DICM after the preamble."""
    return head[128:132] == b"DICM"


def read(path: Path, digest: bool = True) -> Recording:
    """Read the rhythm of the file. Raises WorldError with the reason when that cannot be."""
    content = read_content(path, MAX_BYTES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = _dataset(content)
            group = _rhythm(dataset)
            channels, rate_hz, notes = _channels(group, ">" if dataset.original_encoding[1] is False else "<")
            told = _about(dataset, group, path, sha256(content, digest), notes)
        except WorldError:
            raise
        # pydicom converts values when they are asked for: hostile ones fail here, in any way, and may be quoted.
        except Exception as error:
            raise refusal(f"its DICOM structure is damaged ({type(error).__name__})") from None
    return assemble(channels, rate_hz, told)


def _dataset(content: bytes) -> Any:
    from pydicom import dcmread

    dataset = dcmread(io.BytesIO(content))
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    if syntax.startswith("1.2.840.10008.1.2.1.99"):
        # pydicom unpacks the whole file at once; nobody stores ECGs so, and an attack would.
        raise refusal("it is a deflated DICOM file", "Export it uncompressed")
    return dataset


def _rhythm(dataset: Any) -> Any:
    """The group that holds the rhythm: original before derived, never a median, the longest of those."""
    groups = list(dataset.get("WaveformSequence") or ())
    if not groups:
        raise refusal("it is a DICOM file without a waveform", "Name the ECG, not a picture or report of it")
    rhythms = [group for group in groups if not _is_median(group)]
    if not rhythms:
        raise refusal("it holds median beats only", "Export the rhythm")
    complete = [group for group in rhythms if _leads(group) >= {"I", "II", "V1", "V6"}] or rhythms
    return max(complete, key=lambda group: int(group.get("NumberOfWaveformSamples") or 0))


def _is_median(group: Any) -> bool:
    label = str(group.get("MultiplexGroupLabel") or "").upper()
    originality = str(group.get("WaveformOriginality") or "").upper()
    return any(word in label for word in ("MEDIAN", "AVERAGE", "REPRESENT", "BEAT")) or (
        originality == "DERIVED" and "RHYTHM" not in label
    )


def _leads(group: Any) -> set[str | None]:
    return {lead_name(_channel_name(definition)) for definition in group.get("ChannelDefinitionSequence") or ()}


def _channel_name(definition: Any) -> str:
    """Name of the lead by its code (SCP-ECG or MDC), else by the words of the file."""
    source = next(iter(definition.get("ChannelSourceSequence") or ()), None)
    if source is not None:
        code = str(source.get("CodeValue") or "")
        number = _SCP_CODE.match(code) or _MDC_CODE.match(code)
        if number and int(number[1]) in _LEADS_MDC | _RIGHT:
            return (_LEADS_MDC | _RIGHT)[int(number[1])]
        words = str(source.get("CodeMeaning") or "")
    else:
        words = str(definition.get("ChannelLabel") or "")
    return re.sub(r"\(.*\)|,.*", "", words).strip()


def _channels(group: Any, order: str) -> tuple[list[Channel], float, tuple[str, ...]]:
    definitions = list(group.get("ChannelDefinitionSequence") or ())
    count, samples = int(group.get("NumberOfWaveformChannels") or 0), int(group.get("NumberOfWaveformSamples") or 0)
    rate_hz = float(group.get("SamplingFrequency") or 0.0)
    if not 1 <= count <= MAX_CHANNELS or count != len(definitions):
        raise refusal(f"it announces {count} channels and describes {len(definitions)}")
    samples_TC = _samples(group, count, samples, order)
    padding = _padding(group, samples_TC.dtype)
    channels, kept = [], 0
    for column, definition in enumerate(definitions):
        steps_T = samples_TC[:, column]
        if lead_name(_channel_name(definition).removeprefix("-")) is None:
            channels.append(Channel(_channel_name(definition), steps_T, 1.0))
            continue
        if int(definition.get("ChannelSampleSkew") or 0) or float(definition.get("ChannelTimeSkew") or 0.0):
            raise refusal("its leads are skewed in time", "Export leads that were sampled together")
        gain, zero = _gain(definition)
        missing = padding
        if padding == 0:
            steps_T, missing, spared = _spare_zeros(steps_T, rate_hz)
            kept += spared
        channels.append(Channel(_channel_name(definition), steps_T, gain, zero, missing))
    notes = (f"{kept} samples of 0 kept that equal the padding value but stand in a running signal",) if kept else ()
    return channels, rate_hz, notes


def _samples(group: Any, count: int, samples: int, order: str) -> NDArray[Any]:
    kind, bits = str(group.get("WaveformSampleInterpretation") or ""), int(group.get("WaveformBitsAllocated") or 0)
    if (kind, bits) not in _TYPES:
        raise refusal(f"its samples are {kind if kind in _KINDS else 'of a kind'} with {bits} bits, which is not read")
    if samples < 1:
        raise refusal("it holds no samples")
    check_decoded(samples, count)
    content = group.get("WaveformData")
    if not isinstance(content, bytes) or len(content) < samples * count * bits // 8:
        raise refusal("it holds fewer or other samples than it announces", "Copy the file again")
    typed = np.frombuffer(content, dtype=order + _TYPES[kind, bits], count=samples * count)
    return typed.reshape(samples, count)


def _padding(group: Any, dtype: np.dtype[Any]) -> int | None:
    value = group.get("WaveformPaddingValue")
    if value is None or value == b"":
        return None
    if isinstance(value, bytes):
        return int(np.frombuffer(value[: dtype.itemsize], dtype=dtype)[0]) if len(value) >= dtype.itemsize else None
    return int(value)


def _spare_zeros(steps_T: NDArray[Any], rate_hz: float) -> tuple[NDArray[Any], int | None, int]:
    """Zeros of a running signal stay, long rests of zeros become missing: (samples, code of missing, zeros kept)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (steps_T == 0).astype(np.int8), [0]))))
    starts, ends = edges[::2], edges[1::2]
    long = (ends - starts) > SHORT_PAD_S * rate_hz
    kept = int((ends - starts)[~long].sum())
    if not long.any():
        return steps_T, None, kept
    marked_T = steps_T.astype(np.int64)
    code = -(2**40)
    for start, end in zip(starts[long], ends[long], strict=True):
        marked_T[start:end] = code
    return marked_T, code, kept


def _gain(definition: Any) -> tuple[float, float]:
    """Millivolts per step and the step of 0 mV. Raises WorldError when the file does not say them."""
    units = next(iter(definition.get("ChannelSensitivityUnitsSequence") or ()), None)
    unit = millivolts_in(str(units.get("CodeValue") or "")) if units is not None else None
    sensitivity = definition.get("ChannelSensitivity")
    if unit is None or sensitivity is None:
        raise refusal("it gives no sensitivity in volts, so its millivolts are unknown", "Export it with sensitivities")
    factor = definition.get("ChannelSensitivityCorrectionFactor")
    per_step = float(sensitivity) * (1.0 if factor is None else float(factor))
    if not per_step:
        raise refusal("it gives a sensitivity of 0, so its millivolts are unknown", "Correct it at its source")
    # Written so that a baseline of 0, the common case, leaves the steps untouched.
    return per_step * unit, -float(definition.get("ChannelBaseline") or 0.0) / per_step


def _about(dataset: Any, group: Any, path: Path, digest: str, notes: tuple[str, ...]) -> About:
    import pydicom

    born, day = _moment(_text(dataset, "PatientBirthDate")), _acquired(dataset)
    age = _text(dataset, "PatientAge")
    years = age_in_years(numeric(age[:-1]), age[-1:]) if re.fullmatch(r"\d{3}[DWMY]", age) else None
    return About(
        format=NAME,
        reader=f"pydicom {pydicom.__version__}",
        source_name=path.stem,
        file_sha256=digest,
        age=years if years is not None else age_between(born, day),
        sex=sex_of(_text(dataset, "PatientSex")),
        patient=said(_text(dataset, "PatientID")) or None,
        acquired=day.isoformat() if day else None,
        transformations=notes,
        acquisition=_acquisition(dataset, group),
        statements=tuple(_statements(dataset)),
        measurements=_measurements(dataset),
        identifiers=tuple(dict.fromkeys(_identifiers(dataset))),
    )


def _text(dataset: Any, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def _moment(text: str) -> Any:
    """Date and time of a DICOM text (YYYYMMDD, then HHMMSS); None when it is none."""
    parts = re.match(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?", text)
    return moment(*(int(part) for part in parts.groups() if part)) if parts else None


def _acquired(dataset: Any) -> Any:
    whole = _moment(_text(dataset, "AcquisitionDateTime"))
    for day, time in (
        ("AcquisitionDate", "AcquisitionTime"),
        ("ContentDate", "ContentTime"),
        ("StudyDate", "StudyTime"),
    ):
        whole = whole or _moment(_text(dataset, day) + _text(dataset, time)) or _moment(_text(dataset, day))
    return whole


def _acquisition(dataset: Any, group: Any) -> Acquisition:
    first: Any = next(iter(group.get("ChannelDefinitionSequence") or ()), {})
    notch = first.get("NotchFilterFrequency")
    versions = dataset.get("SoftwareVersions")
    many = versions if versions is not None and not isinstance(versions, str) else [versions or ""]
    context = [_named(item) for item in dataset.get("AcquisitionContextSequence") or ()]
    return Acquisition(
        maker=said(_text(dataset, "Manufacturer")),
        model=said(_text(dataset, "ManufacturerModelName")),
        firmware=", ".join(told for version in many if (told := said(str(version)))),
        serial=said(_text(dataset, "DeviceSerialNumber")),
        high_pass_hz=_positive(first.get("FilterLowFrequency")),
        low_pass_hz=_positive(first.get("FilterHighFrequency")),
        notch_hz=None if notch is None else float(notch),
        paced=_paced(dataset, context),
    )


def _positive(value: Any) -> float | None:
    return float(value) if value is not None and float(value) > 0 else None


def _named(item: Any) -> tuple[str, str]:
    """(name, value) of a coded item, in words."""
    name = next(iter(item.get("ConceptNameCodeSequence") or ()), None)
    value = next(iter(item.get("ConceptCodeSequence") or ()), None)
    meaning = _text(value, "CodeMeaning") if value is not None else _text(item, "TextValue")
    return (_text(name, "CodeMeaning") if name is not None else ""), meaning


def _paced(dataset: Any, context: list[tuple[str, str]]) -> bool | None:
    for name, value in context:
        if "pace" in name.lower():
            return {"yes": True, "no": False}.get(value.lower()[:3].strip())
    special = _text(dataset, "SpecialNeeds").lower() + _text(dataset, "MedicalAlerts").lower()
    return True if "pacemaker" in special else None


def _annotations(dataset: Any) -> Iterator[Any]:
    for count, item in enumerate(dataset.get("WaveformAnnotationSequence") or ()):
        if count >= MAX_ITEMS:
            raise refusal("it has far more annotations than an ECG has")
        yield item


def _statements(dataset: Any) -> Iterator[Statement]:
    confirmed = {"VERIFIED": True, "UNVERIFIED": False}.get(_text(dataset, "VerificationFlag"))
    for item in _annotations(dataset):
        text = _text(item, "UnformattedTextValue")
        if text:
            yield Statement(text, confirmed=confirmed)
        concept = next(iter(item.get("ConceptCodeSequence") or ()), None)
        if concept is not None:
            system = {"SCT": "SNOMED CT", "SRT": "SNOMED CT", "I10": "ICD-10", "SCPECG": "SCP-ECG"}
            scheme = _text(concept, "CodingSchemeDesignator")
            code = _text(concept, "CodeValue")
            yield Statement(_text(concept, "CodeMeaning"), code, system.get(scheme, scheme), confirmed=confirmed)


def _measurements(dataset: Any) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in _annotations(dataset):
        value = item.get("NumericValue")
        name = next(iter(item.get("ConceptNameCodeSequence") or ()), None)
        if value is None or name is None:
            continue
        ours = _measured(_text(name, "CodeMeaning"))
        number = numeric(str(value))
        if ours and number is not None and ours not in found and plausible(ours, number):
            found[ours] = number
    return found


def _measured(meaning: str) -> str | None:
    """Our name of a measurement by the words of its code; makers use the same codes for different things."""
    words = meaning.strip().lower()
    return next((ours for pattern, ours in _MEANINGS if re.match(pattern, words)), None)


def _identifiers(dataset: Any) -> Iterator[tuple[str, str]]:
    inside = [item for sequence in _IDENTIFYING_INSIDE for item in list(dataset.get(sequence) or ())[:MAX_NAMED]]
    for part in (dataset, *inside):
        for kind, keywords in _IDENTIFYING:
            for keyword in keywords:
                yield from ((kind, text) for text in _texts(part.get(keyword)))


def _texts(value: Any) -> Iterator[str]:
    """The texts of a value, which may be one, several or none; names without the carets between their parts."""
    several = value is not None and not isinstance(value, str) and hasattr(value, "__len__")
    for one in value if several and not hasattr(value, "family_name") else [value]:
        text = str(one if one is not None else "").replace("^", " ").strip()
        if says_something(text):
            yield text
