"""Small synthetic recordings in the binary clinical formats, written here from the formats' own descriptions.

None of them is a patient: every lead is a short wave with its own amplitude. SECRET stands wherever a file names
someone, so that a test can prove that no refusal quotes it.
"""

from __future__ import annotations

import binascii
import io
import struct

import numpy as np

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
SECRET = "ZZSECRETZZ"


def steps(leads=LEADS, samples=120):
    """[C, T] int16: limb leads that obey Einthoven to the step, chest leads of different size."""
    time = np.arange(samples)
    i = np.round(200 * np.sin(time / 7.0) + 40 * np.sin(time / 2.0)).astype(int) * 2
    ii = np.round(300 * np.sin(time / 9.0 + 1)).astype(int) * 2
    known = {"I": i, "II": ii, "III": ii - i, "aVR": -(i + ii) // 2, "aVL": i - ii // 2, "aVF": ii - i // 2}
    for number in range(1, 10):
        known[f"V{number}"] = np.round((50 + 60 * number) * np.cos(time / (4.0 + number)))
        known[f"V{number}R"] = np.round((35 + 20 * number) * np.cos(time / (5.0 + number)))
    return np.array([known[lead] for lead in leads], dtype=np.int16)


# DICOM ---------------------------------------------------------------------------------------------------------------

SCP_CODES = {lead: f"5.6.3-9-{code}" for lead, code in zip(
    (*LEADS, "V7", "V8", "V9", "V3R", "V4R"), (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8, 9, 66, 67, 11, 12), strict=True,
)}  # fmt: skip


def dicom_group(leads=LEADS, samples_CT=None, *, label="RHYTHM", rate=500, sensitivity="2.5", unit="uV", **extra):
    """One multiplex group; `extra` are attributes of the group, `channel` attributes of every channel."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    samples_CT = steps(leads) if samples_CT is None else samples_CT
    channel_extra = extra.pop("channel", {})
    group, channels = Dataset(), []
    for lead in leads:
        channel, source, units = Dataset(), Dataset(), Dataset()
        source.CodeValue, source.CodingSchemeDesignator = SCP_CODES.get(lead, "x"), "SCPECG"
        source.CodeMeaning = f"Lead {lead}"
        channel.ChannelSourceSequence = Sequence([source])
        if unit:
            units.CodeValue, units.CodingSchemeDesignator, units.CodeMeaning = unit, "UCUM", unit
            channel.ChannelSensitivityUnitsSequence = Sequence([units])
            channel.ChannelSensitivity = sensitivity
            channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = "1", "0"
        channel.FilterLowFrequency, channel.FilterHighFrequency, channel.NotchFilterFrequency = "0.05", "150", "50"
        for name, value in channel_extra.items():
            setattr(channel, name, value)
        channels.append(channel)
    group.ChannelDefinitionSequence = Sequence(channels)
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = len(leads), samples_CT.shape[1]
    group.SamplingFrequency, group.MultiplexGroupLabel = str(rate), label
    group.WaveformOriginality = "DERIVED" if "MEDIAN" in label else "ORIGINAL"
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = np.ascontiguousarray(samples_CT.T.astype("<i2")).tobytes()
    for name, value in extra.items():
        setattr(group, name, value)
    return group


def dicom(*groups, **attributes):
    """A 12-lead ECG object as bytes; `attributes` go to its top level."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence
    from pydicom.uid import ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = TwelveLeadECGWaveformStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3.4"
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.PatientName, data.PatientID, data.PatientSex, data.PatientAge = f"{SECRET}^A", SECRET, "F", "061Y"
    data.AcquisitionDateTime, data.Modality, data.Manufacturer = "20200102030405", "ECG", "Synthetic Carts"
    data.WaveformSequence = Sequence(list(groups) or [dicom_group(), dicom_group(label="MEDIAN BEAT")])
    for name, value in attributes.items():
        setattr(data, name, value)
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


# EDF and BDF ---------------------------------------------------------------------------------------------------------


def edf(leads=LEADS, samples_CT=None, *, bits=16, rate=500, seconds=0.04, unit="uV", physical=(-8192.0, 8191.75),
        digital=None, kind="EDF+C", stamps=None, patient=f"{SECRET} F 02-AUG-1951 {SECRET}", count=None):  # fmt: skip
    """EDF or BDF by its description, with an annotation signal when `stamps` (onset of every record) is given."""
    samples_CT = steps(leads) if samples_CT is None else samples_CT
    digital = digital or ((-32768, 32767) if bits == 16 else (-(2**23), 2**23 - 1))
    per = round(rate * seconds)
    records = samples_CT.shape[1] // per
    names = list(leads) + (["EDF Annotations"] if stamps is not None else [])
    widths = [per] * len(leads) + ([30] if stamps is not None else [])
    head = b"0       " if bits == 16 else b"\xffBIOSEMI"
    recording = f"Startdate 02-JAN-2020 {SECRET} X Cart"
    head += patient.ljust(80).encode() + recording.ljust(80).encode() + b"02.01.2003.04.05"
    head += str(256 * (len(names) + 1)).ljust(8).encode() + kind.ljust(44).encode()
    head += str(records if count is None else count).ljust(8).encode() + f"{seconds:g}".ljust(8).encode()
    head += str(len(names)).ljust(4).encode()
    columns = (
        (16, names), (80, [""] * len(names)), (8, [unit] * len(names)),
        (8, [f"{physical[0]:g}"] * len(names)), (8, [f"{physical[1]:g}"] * len(names)),
        (8, [str(digital[0])] * len(names)), (8, [str(digital[1])] * len(names)),
        (80, ["HP:0.05Hz LP:150Hz N:50Hz"] * len(names)), (8, [str(width) for width in widths]),
        (32, [""] * len(names)),
    )  # fmt: skip
    for width, values in columns:
        head += b"".join(value.ljust(width)[:width].encode() for value in values)
    body = b""
    for record in range(records):
        for lead_T in samples_CT:
            part = lead_T[record * per : (record + 1) * per]
            body += part.astype("<i2").tobytes() if bits == 16 else _three_bytes(part)
        if stamps is not None:
            body += f"+{stamps[record]:g}\x14\x14\0".encode().ljust(30 * bits // 8, b"\0")
    return head + body


def _three_bytes(values):
    return np.ascontiguousarray(values.astype("<i4")).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


# ISHNE ---------------------------------------------------------------------------------------------------------------

ISHNE_CODES = {"X": 2, "Y": 3, "Z": 4, "I": 5, "II": 6, "III": 7, "aVR": 8, "aVL": 9, "aVF": 10} | {
    f"V{n}": 10 + n for n in range(1, 7)
}


def ishne(leads=LEADS, samples_CT=None, *, rate=500, nanovolts=2500, announced=None, text=b"", pacemaker=0, crc=True):
    """An ISHNE Holter file by Badilini 1998."""
    samples_CT = steps(leads) if samples_CT is None else samples_CT
    count = len(leads)
    codes = [ISHNE_CODES[lead] for lead in leads] + [-9] * (12 - count)
    body = struct.pack(
        "<iiii", len(text), samples_CT.shape[1] if announced is None else announced, 522, 522 + len(text)
    )
    body += struct.pack("<h", 1) + SECRET.encode().ljust(40, b"\0") * 2 + SECRET.encode().ljust(20, b"\0")
    body += struct.pack("<hh3h3h3h3h", 2, 0, 2, 8, 1951, 2, 1, 2020, 2, 1, 2020, 3, 4, 5)
    body += struct.pack("<h12h12h12h", count, *codes, *([0] * 12), *([nanovolts] * count + [-9] * (12 - count)))
    body += struct.pack("<h", pacemaker) + b"SynthRec".ljust(40, b"\0") + struct.pack("<h", rate)
    body += bytes(80) + bytes(80) + bytes(88)
    assert len(body) == 512
    body += text
    checksum = struct.pack("<H", binascii.crc_hqx(body, 0xFFFF) if crc else 0)
    return b"ISHNE1.0" + checksum + body + np.ascontiguousarray(samples_CT.T.astype("<i2")).tobytes()


# SCP-ECG -------------------------------------------------------------------------------------------------------------

SCP_LEADS = {"I": 1, "II": 2, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64, "V7": 9, "V3R": 11, "V4R": 12} | {
    f"V{n}": n + 2 for n in range(1, 7)
}


def scp(leads=LEADS, samples_CT=None, *, huffman=False, difference=0, avm=2500, interval=2000, ends=None, crc=True):
    """An SCP-ECG record with sections 0, 1, 3, 6 and, for Huffman's default table, 2."""
    samples_CT = steps(leads) if samples_CT is None else samples_CT
    length = samples_CT.shape[1]
    tags = _tag(0, SECRET) + _tag(2, SECRET) + _tag(25, struct.pack("<HBB", 2020, 1, 2)) + _tag(26, bytes((3, 4, 5)))
    tags += _tag(4, struct.pack("<HB", 61, 1)) + _tag(8, b"\2") + _tag(27, struct.pack("<H", 5))
    tags += _tag(28, struct.pack("<H", 150)) + _tag(29, b"\2") + bytes((255, 0, 0))
    defined = bytes((len(leads), 0x04 | len(leads) << 3 & 0xFF))
    for lead in leads:
        defined += struct.pack("<IIB", 1, length if ends is None else ends, SCP_LEADS[lead])
    coded = [_scp_lead(lead_T, huffman, difference) for lead_T in samples_CT]
    rhythm = struct.pack("<HHBB", avm, interval, difference, 0) + b"".join(struct.pack("<H", len(c)) for c in coded)
    bodies = {1: tags, 3: defined, 6: rhythm + b"".join(coded)}
    if huffman:
        bodies[2] = struct.pack("<H", 19999)
    return _scp_file(bodies, crc)


def _tag(number, value):
    value = value.encode() + b"\0" if isinstance(value, str) else value
    return struct.pack("<BH", number, len(value)) + value


def _scp_lead(lead_T, huffman, difference):
    values = lead_T.astype(int).tolist()
    for order in range(difference):
        values = values[: order + 1] + [b - a for a, b in zip(values[order:], values[order + 1 :], strict=False)]
    if difference == 2:  # the first two stand as they are
        whole = lead_T.astype(int)
        values = whole[:2].tolist() + np.diff(whole, 2).tolist()
    if not huffman:
        return b"".join(struct.pack("<h", value) for value in values)
    bits = "".join(_huffman(value) for value in values)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def _huffman(value):
    """The default table of EN 1064."""
    if value == 0:
        return "0"
    if abs(value) <= 8:
        return "1" * abs(value) + "0" + ("1" if value < 0 else "0")
    if -128 <= value <= 127:
        return "1111111110" + format(value & 0xFF, "08b")
    return "1111111111" + format(value & 0xFFFF, "016b")


def _scp_file(bodies, crc):
    def section(number, body):
        body += b"\0" * (len(body) % 2)
        content = struct.pack("<HIBB6s", number, 16 + len(body), 20, 20, b"SCPECG" if number == 0 else b"") + body
        return struct.pack("<H", binascii.crc_hqx(content, 0xFFFF) if crc else 0x1234) + content

    sections = {number: section(number, body) for number, body in sorted(bodies.items())}
    at = 6 + 16 + 10 * 12
    pointers = struct.pack("<HII", 0, 16 + 10 * 12, 7)
    for number in range(1, 12):
        size = len(sections.get(number, b""))
        pointers += struct.pack("<HII", number, size, at + 1 if size else 0)
        at += size
    record = section(0, pointers) + b"".join(sections.values())
    record = struct.pack("<I", 6 + len(record)) + record
    return struct.pack("<H", binascii.crc_hqx(record, 0xFFFF) if crc else 0x1234) + record


def scp_repaired(content):
    """The same bytes with every checksum made right, as far as its pointers lead anywhere."""
    fixed = bytearray(content)
    if len(fixed) < 32:
        return content
    spans = [(6, struct.unpack_from("<I", fixed, 10)[0])]
    for at in range(22, min(6 + spans[0][1], len(fixed)) - 9, 10):
        _, size, index = struct.unpack_from("<HII", fixed, at)
        spans.append((index - 1, size))
    for start, size in spans[1:] + spans[:1]:
        if start >= 6 and size >= 16 and start + size <= len(fixed):
            fixed[start : start + 2] = struct.pack(
                "<H", binascii.crc_hqx(bytes(fixed[start + 2 : start + size]), 0xFFFF)
            )
    size = min(struct.unpack_from("<I", fixed, 2)[0], len(fixed))
    fixed[:2] = struct.pack("<H", binascii.crc_hqx(bytes(fixed[2:size]), 0xFFFF))
    return bytes(fixed)


def ishne_repaired(content):
    """The same bytes without a checksum, which the format allows."""
    return content[:8] + b"\0\0" + content[10:]
