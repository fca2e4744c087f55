"""ISHNE Holter files (.ecg): a fixed header of 522 bytes, then multiplexed 16-bit samples in nanovolts per step.

Source: Badilini F. The ISHNE Holter Standard Output File Format. Ann Noninvasive Electrocardiol 1998;3(3):263-266.
Writers differ in what they put into the field for the number of samples (per lead, of all leads, or a constant), so
the samples are counted in the file; a file that holds fewer than the field announces per lead is refused.

Shapes: C channels of the file, T samples.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np

from engine.signal.acquisition import Acquisition
from engine.signal.assemble import About, Channel, assemble, check_decoded, refusal
from engine.signal.formats.content import read_content, sha256
from engine.signal.formats.kit import said, says_something
from engine.signal.formats.persons import Sex, age_between, moment
from engine.signal.own_reader import own_reader
from engine.signal.recording import Recording

NAME = "ISHNE Holter"

MAX_BYTES = 256 * 2**20
HEADER = 522
MAX_CHANNELS = 12
LEAD_FAULT = -32768
"""The sample that marks a lead fault."""

_MAGIC = b"ISHNE1.0"
_LEADS = (
    "unknown", "generic bipolar", "X", "Y", "Z", "I", "II", "III", "aVR", "aVL", "aVF",
    "V1", "V2", "V3", "V4", "V5", "V6", "ES", "AS", "AI",
)  # fmt: skip
_SEXES: dict[int, Sex] = {1: "male", 2: "female"}


def sniff(head: bytes, path: Path) -> bool:
    """The letters ISHNE1.0."""
    return head[:8] == _MAGIC


def read(path: Path, digest: bool = True) -> Recording:
    """Read the leads. Raises WorldError with the reason when that cannot be."""
    content = read_content(path, MAX_BYTES)
    if len(content) < HEADER:
        raise refusal("it is cut short", "Copy the file again")
    variable, announced = struct.unpack_from("<ii", content, 10)
    count, rate_hz = _short(content, 156), float(_short(content, 272))
    start = HEADER + variable
    if variable < 0 or start > len(content):
        raise refusal("its header announces a text block that the file does not hold")
    if not 1 <= count <= MAX_CHANNELS:
        raise refusal(f"its header announces {count} leads")
    _check_sum(content, start)
    samples = (len(content) - start) // (2 * count)
    if (len(content) - start) % (2 * count):
        raise refusal("its last sample is cut short", "Copy the file again")
    if announced > samples and announced != samples * count and announced < 2**31 - 1:
        raise refusal(
            f"it holds {samples} samples a lead, its header announces {announced}", "Copy the signal file again"
        )
    check_decoded(samples, max(count, 12))
    samples_TC = np.frombuffer(content, "<i2", samples * count, start).reshape(samples, count)
    channels = [_channel(content, i, samples_TC[:, i]) for i in range(count)]
    return assemble(channels, rate_hz, _about(content, path, sha256(content, digest), start))


def _channel(content: bytes, i: int, steps_T: np.ndarray[tuple[int], np.dtype[np.int16]]) -> Channel:
    code, nanovolts = _short(content, 158 + 2 * i), _short(content, 206 + 2 * i)
    name = _LEADS[code] if 0 <= code < len(_LEADS) else "unknown"
    if nanovolts <= 0 and code > 4:
        raise refusal(f"its header gives lead {name} a resolution of {nanovolts} nV, so its millivolts are unknown")
    return Channel(name, steps_T, nanovolts * 1e-6, missing=LEAD_FAULT)


def _check_sum(content: bytes, start: int) -> None:
    stored = struct.unpack_from("<H", content, 8)[0]
    found = binascii.crc_hqx(content[10:start], 0xFFFF)
    # The standard leaves the byte order of the sum open; 0 stands for "not computed".
    if stored and stored not in (found, (found & 0xFF) << 8 | found >> 8):
        raise refusal("its header does not match the checksum in it", "Copy or export the file again")


def _about(content: bytes, path: Path, digest: str, start: int) -> About:
    day, born = _day(content, 138), _day(content, 132)
    clock = [_short(content, 150 + 2 * i) for i in range(3)]
    acquired = (moment(day.year, day.month, day.day, *clock) or day) if day else None
    pacemaker = _short(content, 230)
    recorder = _text(content, 232, 40)
    return About(
        format=NAME,
        reader=own_reader("ishne"),
        source_name=path.stem,
        file_sha256=digest,
        age=age_between(born, day),
        sex=_SEXES.get(_short(content, 128), "unknown"),
        patient=said(_text(content, 108, 20)) or None,
        acquired=acquired.isoformat() if acquired else None,
        acquisition=Acquisition(
            model="" if recorder.lower() in ("analog", "digital") else recorder,
            paced=None if not 0 <= pacemaker <= 5 else pacemaker > 0,
        ),
        identifiers=tuple(_identifiers(content, start, born, acquired)),
    )


def _identifiers(
    content: bytes, start: int, born: datetime | None, acquired: datetime | None
) -> Iterator[tuple[str, str]]:
    told = (
        ("patient name", _text(content, 28, 40)),
        ("patient name", _text(content, 68, 40)),
        ("patient id", _text(content, 108, 20)),
        ("birth date", born.date().isoformat() if born else ""),
        ("acquisition date", acquired.isoformat() if acquired else ""),
        ("free text", content[HEADER : min(start, HEADER + 2**16)].decode("latin-1").strip("\0 \r\n")),
    )
    yield from ((kind, text) for kind, text in told if says_something(text))


def _day(content: bytes, at: int) -> datetime | None:
    day, month, year = struct.unpack_from("<3h", content, at)
    return moment(year, month, day)


def _short(content: bytes, at: int) -> int:
    return int(struct.unpack_from("<h", content, at)[0])


def _text(content: bytes, at: int, size: int) -> str:
    return content[at : at + size].split(b"\0")[0].decode("latin-1").strip()
