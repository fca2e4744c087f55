"""Philips Sierra XML 1.03 to 1.04.02 (PageWriter, IntelliSpace ECG, HeartStart), plain or XLI-compressed.

XLI is LZW over second differences (decoded by ecgdatakit). LZW can make six hundred bytes of one: how much each chunk
holds is counted over its codes before it is decoded.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from engine.signal.assemble import assemble, check_decoded, refusal
from engine.signal.formats import kit
from engine.signal.formats.calibration import cut_pulse
from engine.signal.formats.content import numeric, sha256
from engine.signal.formats.xml_guard import read_xml, starts_with_root, tree
from engine.signal.recording import Recording

NAME = "Philips Sierra XML"

MAX_XLI_SAMPLES = 3 * 2**18
"""Of all leads together: twelve leads of two minutes at 500 Hz. The decoder is plain Python."""

_CODE_BITS, _LITERALS, _LAST_CODE = 10, 256, 2**10 - 2
_VERSIONS = ("1.03", "1.04", "1.04.01", "1.04.02")


def sniff(head: bytes, path: Path) -> bool:
    """An element restingecgdata near the start."""
    return starts_with_root(head, "restingecgdata")


def read(path: Path, digest: bool = True) -> Recording:
    """Read the rhythm, never the representative beats. Raises WorldError with the reason when that cannot be."""
    content = read_xml(path)
    root = tree(content)
    _check_version(root)
    told_hz = _weigh(root)
    del root
    record, warned = kit.parse("sierra_xml", "SierraXMLParser", path)
    if any("no signal resolution" in text for text in warned):
        raise refusal("it gives no resolution, so its millivolts are unknown")
    rate_hz = told_hz or float(record.leads[0].sampling_rate)
    channels, done = cut_pulse(kit.channels_of(record), rate_hz)
    told = kit.about(record, name=NAME, path=path, sha256=sha256(content, digest), system="Philips", done=done)
    return assemble(channels, rate_hz, told)


def _check_version(root: Element) -> None:
    version = (root.findtext(".//documentinfo/documentversion") or "").strip()
    if version not in _VERSIONS:
        shown = version if re.fullmatch(r"[\d.]{1,12}", version) else "unknown"
        raise refusal(f"its document version is {shown}; read are {', '.join(_VERSIONS)}")


def _weigh(root: Element) -> float | None:
    """Compare what the waveform element claims with the limits. Gives the rate in Hz where it says one."""
    parsed = next(root.iter("parsedwaveforms"), None)
    if parsed is None:
        raise refusal("it has no rhythm recording")
    rate = numeric(parsed.get("samplespersecond")) or numeric(root.findtext(".//signalcharacteristics/samplingrate"))
    milliseconds = numeric(parsed.get("durationperchannel")) or 0.0
    check_decoded(int(min(milliseconds * (rate or 0.0) / 1000, 1e15)), 12)
    if "XLI" in (parsed.get("compression"), parsed.get("compressmethod")):
        try:
            payload = base64.b64decode("".join((parsed.text or "").split()), validate=True)
        except (binascii.Error, ValueError):
            raise refusal("its samples are no numbers") from None
        if xli_bytes(payload) // 2 > MAX_XLI_SAMPLES:
            raise refusal("its compressed samples unfold to far more than an ECG has")
    return rate


def xli_bytes(payload: bytes) -> int:
    """How many bytes an XLI payload unfolds to, counted without unfolding it.

    LZW: every code stands for a string, and every code makes one new string, one longer than that of the code before.
    """
    total, at = 0, 0
    while at + 8 <= len(payload):
        size = struct.unpack_from("<i", payload, at)[0]
        if size <= 0:
            break
        total += _chunk_bytes(payload[at + 8 : at + 8 + size])
        if total // 2 > MAX_XLI_SAMPLES:
            break
        at += 8 + size
    return total


def _chunk_bytes(chunk: bytes) -> int:
    bits = np.unpackbits(np.frombuffer(chunk, dtype=np.uint8))
    whole = bits[: len(bits) // _CODE_BITS * _CODE_BITS].reshape(-1, _CODE_BITS)
    codes = (whole.astype(np.int32) @ (1 << np.arange(_CODE_BITS)[::-1])).tolist()
    lengths = [1] * _LITERALS
    total, before = 0, 0
    for code in codes:
        if code > _LAST_CODE:
            break
        if code > len(lengths) or (code == len(lengths) and not before):
            raise refusal("its compressed samples are damaged")
        length = lengths[code] if code < len(lengths) else before + 1
        if before and len(lengths) <= _LAST_CODE:
            lengths.append(before + 1)
        before = length
        total += length
    return total
