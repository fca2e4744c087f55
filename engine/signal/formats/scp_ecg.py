"""SCP-ECG (EN 1064, ISO 11073-91064): the sections are weighed first, then decoded by ecgdatakit.

A few bytes of section 3 can claim four thousand million samples, and the Huffman decoder is plain Python: what the
sections claim is held against what they can hold before anything is decoded.
"""

from __future__ import annotations

import struct
from pathlib import Path

from engine.signal.assemble import assemble, check_decoded, refusal
from engine.signal.formats import kit
from engine.signal.formats.content import read_content, sha256
from engine.signal.recording import Recording

NAME = "SCP-ECG"

MAX_BYTES = 16 * 2**20
MAX_CODED_BYTES = 512 * 2**10
"""Of Huffman-coded samples: a 10 s record has 30 KiB, and decoding more would take longer than two seconds."""

_HEADER = 16
_HUFFMAN, _LEADS, _RHYTHM, _BEAT, _ZONES = 2, 3, 6, 5, 4
MAX_ZONES = 4096


def sniff(head: bytes, path: Path) -> bool:
    """Section 0 stands first and its first pointer describes itself."""
    if len(head) < 32 or head[8:10] != b"\0\0" or head[22:24] != b"\0\0":
        return False
    length = struct.unpack_from("<I", head, 10)[0]
    return bool(length >= 26 and (length - _HEADER) % 10 == 0 and struct.unpack_from("<I", head, 28)[0] == 7)


def read(path: Path, digest: bool = True) -> Recording:
    """Read the file. Raises WorldError with the reason when that cannot be."""
    content = read_content(path, MAX_BYTES)
    _weigh(content)
    record, told = kit.parse("scp_ecg", "SCPECGParser", path)
    if any("amplitude multiplier is 0" in text for text in told):
        raise refusal("it gives an amplitude multiplier of 0, so its millivolts are unknown")
    interval_us = record.raw_metadata.get("rhythm_sample_interval_us") or 0
    if not interval_us:
        raise refusal("it gives no usable sampling rate")
    if len({lead.annotations.get("start_sample", "1") for lead in record.leads}) > 1:
        raise refusal("its leads do not begin at the same time", "Export leads that were recorded together")
    about = kit.about(record, name=NAME, path=path, sha256=sha256(content, digest), system=NAME)
    return assemble(kit.channels_of(record), 1e6 / interval_us, about)


def _weigh(content: bytes) -> None:
    """Compare what the sections claim with what they hold. Raises WorldError when they claim more."""
    try:
        bodies = _bodies(content)
        leads, rhythm = bodies.get(_LEADS, b""), bodies.get(_RHYTHM, b"")
        count = leads[0] if leads else 0
        ranges = [struct.unpack_from("<II", leads, 2 + 9 * i) for i in range(count)]
    except struct.error:
        raise refusal("it is cut short", "Copy the file again") from None
    samples = sum(max(end - start + 1, 0) for start, end in ranges)
    if not samples:
        raise refusal("it has no rhythm recording")
    check_decoded(samples, 1)
    coded = _HUFFMAN in bodies
    held = len(rhythm) * 8 if coded else len(rhythm) // 2
    if samples > held:
        raise refusal("it holds fewer or other samples than it announces", "Copy the file again")
    beat = bodies.get(_BEAT, b"")
    if coded and len(rhythm) + len(beat) > MAX_CODED_BYTES:
        raise refusal(
            f"it has more than {MAX_CODED_BYTES // 2**10} KiB of compressed samples", "Cut it into shorter recordings"
        )
    zones = bodies.get(_ZONES, b"")
    if len(zones) >= 6 and struct.unpack_from("<H", zones, 4)[0] > MAX_ZONES:
        raise refusal("it announces more heart beats than a recording has")


def _bodies(content: bytes) -> dict[int, bytes]:
    """Sections by number, as section 0 lists them."""
    length = struct.unpack_from("<I", content, 10)[0]
    bodies: dict[int, bytes] = {}
    for at in range(6 + _HEADER, min(6 + length, len(content)) - 9, 10):
        number, size, index = struct.unpack_from("<HII", content, at)
        if number and size and index:
            bodies[number] = content[index - 1 + _HEADER : index - 1 + size]
    return bodies
