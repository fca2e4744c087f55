"""EDF, EDF+ and BDF (16 or 24 bits in data records); the format is plain enough to be read here.

Sources: Kemp et al., Electroenceph clin Neurophysiol 82 (1992); Kemp and Olivan, Clin Neurophysiol 114 (2003) for
EDF+; BioSemi's description of BDF. Physical value = (digital - digital minimum) x gain + physical minimum.

Shapes: R data records, T samples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.signal.acquisition import Acquisition
from engine.signal.assemble import (
    About,
    Channel,
    assemble,
    check_decoded,
    check_rate,
    lead_name,
    millivolts_in,
    refusal,
)
from engine.signal.formats.content import numeric, read_content, sha256
from engine.signal.formats.kit import says_something
from engine.signal.formats.persons import age_between, moment, sex_of
from engine.signal.own_reader import own_reader
from engine.signal.recording import Recording

NAME = "EDF"

MAX_BYTES = 256 * 2**20
MAX_SIGNALS = 512
_EDF, _BDF = b"0       ", b"\xffBIOSEMI"
_FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FILTER = r"{}\s*[:=]?\s*(DC|\d+(?:\.\d+)?)\s*(k?)(?:Hz)?"


@dataclass(frozen=True)
class _Signal:
    """One signal of the header, and where its samples stand in a data record."""

    label: str
    unit: str
    physical: tuple[float, float]
    digital: tuple[float, float]
    filters: str
    per_record: int
    offset: int


@dataclass(frozen=True)
class _Header:
    """What the fixed header says; `bits` is 16 or 24."""

    bits: int
    patient: str
    recording: str
    started: datetime | None
    kind: str
    records: int
    seconds: float
    size: int
    signals: tuple[_Signal, ...]

    @property
    def record_bytes(self) -> int:
        """Bytes of one data record."""
        return sum(signal.per_record for signal in self.signals) * self.bits // 8


def sniff(head: bytes, path: Path) -> bool:
    """EDF begins with a 0 and seven blanks, BDF with a byte 255 and BIOSEMI; the number of signals must be one."""
    return head[:8] in (_EDF, _BDF) and len(head) >= 256 and head[252:256].strip().isdigit()


def read(path: Path, digest: bool = True) -> Recording:
    """Read the leads. Raises WorldError with the reason when that cannot be."""
    content = read_content(path, MAX_BYTES)
    header = _header(content)
    chosen = [signal for signal in header.signals if lead_name(signal.label.removeprefix("-")) is not None]
    other = len(header.signals) - len(chosen) - sum("Annotations" in signal.label for signal in header.signals)
    records = _records(header, len(content))
    check_decoded(records * max((signal.per_record for signal in chosen), default=0), max(len(chosen), 12))
    if header.kind.startswith(("EDF+D", "BDF+D")):
        _check_gaps(header, content, records)
    rates = {signal.per_record / header.seconds for signal in chosen}
    if len(rates) > 1:
        raise refusal("its leads have different sampling rates", "Export leads that were sampled together")
    rate_hz = check_rate(_whole_if_close(rates.pop())) if rates else 1.0
    channels = [_channel(signal, _steps(content, header, signal, records)) for signal in chosen]
    channels += [Channel("", np.zeros(0, np.int16), 1.0)] * other
    return assemble(channels, rate_hz, _about(header, path, sha256(content, digest), chosen))


def _header(content: bytes) -> _Header:
    if len(content) < 256:
        raise refusal("it is cut short", "Copy the file again")
    bits = 16 if content[:8] == _EDF else 24
    count = int(_number(content[252:256], "number of signals"))
    size = int(_number(content[184:192], "header size"))
    if not 1 <= count <= MAX_SIGNALS or size != 256 * (count + 1):
        raise refusal(f"its header announces {count} signals and contradicts itself about its own size")
    if len(content) < size:
        raise refusal("it is cut short", "Copy the file again")
    seconds = _number(content[244:252], "length of a data record")
    if not seconds > 0:
        raise refusal("its data records have no length", "Export it again with a length of the data records")
    return _Header(
        bits=bits,
        patient=_ascii(content[8:88]),
        recording=_ascii(content[88:168]),
        started=_started(_ascii(content[168:176]), _ascii(content[176:184]), _ascii(content[88:168])),
        kind=_ascii(content[192:236]),
        records=int(_number(content[236:244], "number of data records")),
        seconds=seconds,
        size=size,
        signals=tuple(_signals(content, count, bits)),
    )


def _signals(content: bytes, count: int, bits: int) -> Iterator[_Signal]:
    columns: list[list[bytes]] = []
    at = 256
    for width in _FIELDS:
        columns.append([content[at + i * width : at + (i + 1) * width] for i in range(count)])
        at += width * count
    offset = 0
    for label, _, unit, p_min, p_max, d_min, d_max, filters, samples, _ in zip(*columns, strict=True):
        per_record = int(_number(samples, "number of samples"))
        if not 0 <= per_record <= 2**24:
            raise refusal("its header announces an impossible number of samples")
        name = _ascii(label)
        known = lead_name(name.removeprefix("-")) is not None
        ends = [_number(value, "range") if known else 0.0 for value in (p_min, p_max, d_min, d_max)]
        yield _Signal(name, _ascii(unit), (ends[0], ends[1]), (ends[2], ends[3]), _ascii(filters), per_record, offset)
        offset += per_record * bits // 8


def _records(header: _Header, size: int) -> int:
    """How many data records there are. Raises WorldError when header and file size contradict each other."""
    each = header.record_bytes
    if not each:
        raise refusal("it holds no samples")
    held = (size - header.size) // each
    if header.records == -1:  # "unknown": the recorder lost power
        return held
    if held < header.records:
        raise refusal(
            f"it ends after {held * header.seconds:.1f} s, its header announces "
            f"{header.records * header.seconds:.1f} s",
            "Copy the file again",
        )
    if held > header.records or header.records < 1:
        raise refusal("it holds more data records than its header announces", "Export it again from its source")
    return header.records


def _steps(content: bytes, header: _Header, signal: _Signal, records: int) -> NDArray[Any]:
    """The digital samples of one signal, [T]."""
    width = header.bits // 8
    block = np.frombuffer(content, np.uint8, records * header.record_bytes, header.size).reshape(records, -1)
    part = np.ascontiguousarray(block[:, signal.offset : signal.offset + signal.per_record * width])
    if width == 2:
        return part.view("<i2").reshape(-1)
    three = part.reshape(-1, 3)
    steps_T = np.zeros((len(three), 4), np.uint8)
    steps_T[:, 1:] = three
    return steps_T.view("<i4").reshape(-1) >> 8


def _channel(signal: _Signal, steps_T: NDArray[Any]) -> Channel:
    lead = lead_name(signal.label.removeprefix("-"))
    unit = millivolts_in(signal.unit)
    if unit is None:
        raise refusal(f"lead {lead} is not in volts", "Export it in millivolts")
    (p_min, p_max), (d_min, d_max) = signal.physical, signal.digital
    if d_max <= d_min or p_max == p_min:
        raise refusal(f"its header gives lead {lead} an empty range, so its millivolts are unknown")
    gain = (p_max - p_min) / (d_max - d_min)
    zero = d_min - p_min / gain
    whole = round(zero)
    return Channel(signal.label, steps_T, gain * unit, float(whole) if abs(zero - whole) < 1e-6 else zero)


def _check_gaps(header: _Header, content: bytes, records: int) -> None:
    """EDF+D may stop and go on: every data record tells its own start, which must follow from the one before."""
    stamps = next((signal for signal in header.signals if "Annotations" in signal.label), None)
    if stamps is None:
        raise refusal("it says that it has gaps and does not tell where")
    width = stamps.per_record * header.bits // 8
    onsets = []
    for record in range(records):
        at = header.size + record * header.record_bytes + stamps.offset
        told = re.match(rb"([+-]\d+(?:\.\d+)?)\x14", content[at : at + min(width, 64)])
        if told is None:
            raise refusal("it says that it has gaps and does not tell where")
        onsets.append(float(told[1]))
    if len(onsets) > 1 and np.abs(np.diff(onsets) - header.seconds).max() > 1e-3 * header.seconds:
        raise refusal("it has gaps between its data records", "Export the continuous parts one by one")


def _about(header: _Header, path: Path, digest: str, chosen: list[_Signal]) -> About:
    words, told = header.patient.split(), header.recording.split()
    plus = header.kind.startswith(("EDF+", "BDF+")) and len(words) >= 4
    code = words[0] if plus else header.patient
    born = _day(words[2]) if plus else None
    person = [("patient id", code if code != "X" else "")]
    person += [("patient name", word.replace("_", " ")) for word in words[3:] if plus and word != "X"]
    if plus and words[2] != "X":
        person.append(("birth date", words[2]))
    if told[:1] == ["Startdate"]:
        kinds = ("study id", "person", "device serial")
        person += [(kind, word) for kind, word in zip(kinds, told[2:], strict=False) if word != "X"]
    elif header.recording:
        person.append(("free text", header.recording))
    if header.started:
        person.append(("acquisition date", header.started.isoformat()))
    return About(
        format=("BDF" if header.bits == 24 else "EDF") + ("+" if header.kind[3:4] == "+" else ""),
        reader=own_reader("edf"),
        source_name=path.stem,
        file_sha256=digest,
        age=age_between(born, header.started),
        sex=sex_of(words[1]) if plus else "unknown",
        patient=code if says_something(code) and code != "X" else None,
        acquired=header.started.isoformat() if header.started else None,
        acquisition=_acquisition(chosen, told),
        identifiers=tuple(dict.fromkeys((kind, text) for kind, text in person if says_something(text))),
    )


def _acquisition(chosen: list[_Signal], told: list[str]) -> Acquisition:
    filters = chosen[0].filters if chosen else ""
    return Acquisition(
        model=told[4].replace("_", " ") if len(told) > 4 and told[0] == "Startdate" and told[4] != "X" else "",
        high_pass_hz=_corner("HP", filters),
        low_pass_hz=_corner("LP", filters),
        notch_hz=_corner(r"\bN(?:otch)?", filters),
    )


def _corner(name: str, filters: str) -> float | None:
    told = re.search(_FILTER.format(name), filters, re.IGNORECASE)
    if told is None:
        return None
    return 0.0 if told[1].upper() == "DC" else float(told[1]) * (1000.0 if told[2] else 1.0)


def _started(day: str, time: str, recording: str) -> datetime | None:
    parts = re.fullmatch(r"(\d\d)\.(\d\d)\.(\d\d)", day)
    clock = re.fullmatch(r"(\d\d)\.(\d\d)\.(\d\d)", time)
    if parts is None or clock is None:
        return None
    year = int(parts[3])
    told = re.match(r"Startdate (\d\d-[A-Z]{3}-\d{4})", recording)
    plain = _day(told[1]) if told else None
    century = plain.year if plain else (1900 + year if year >= 85 else 2000 + year)
    return moment(century, int(parts[2]), int(parts[1]), *(int(part) for part in clock.groups()))


def _day(text: str) -> datetime | None:
    parts = re.fullmatch(r"(\d\d)-([A-Z]{3})-(\d{4})", text.upper())
    if parts is None or parts[2] not in _MONTHS:
        return None
    return moment(int(parts[3]), _MONTHS.index(parts[2]) + 1, int(parts[1]))


def _ascii(field: bytes) -> str:
    return field.decode("latin-1").split("\0")[0].strip()


def _number(field: bytes, what: str) -> float:
    value = numeric(_ascii(field).replace(",", "."))
    if value is None or abs(value) > 2**53:
        raise refusal(f"the {what} in its header is no number")
    return value


def _whole_if_close(rate_hz: float) -> float:
    """1 / 0.00125 s is 800 Hz, whatever the last bit of the division says."""
    return float(round(rate_hz)) if abs(rate_hz - round(rate_hz)) < 1e-9 * rate_hz else rate_hz
