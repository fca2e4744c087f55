"""GE MUSE XML (RestingECG): eight stored leads as base64 integers, the other four are derived."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.signal.assemble import assemble, refusal
from engine.signal.formats import kit
from engine.signal.formats.content import numeric, sha256
from engine.signal.formats.xml_guard import read_xml, starts_with_root
from engine.signal.recording import Recording

NAME = "GE MUSE XML"


def sniff(head: bytes, path: Path) -> bool:
    """An element RestingECG (that of Philips is called restingecgdata)."""
    return starts_with_root(head, "RestingECG", "MuseInfo")


def read(path: Path, digest: bool = True) -> Recording:
    """Read the rhythm waveform, never the median. Raises WorldError with the reason when that cannot be."""
    content = read_xml(path)
    record, told = kit.parse("ge_muse_xml", "GEMuseXMLParser", path)
    if any("Additional rhythm waveform" in text for text in told):
        raise refusal("it holds several rhythm recordings", "Export one recording a file")
    for tag in ("FirstSampleBaseline", "LeadOffsetFirstSample"):
        if any("(rhythm)" in lead for lead in record.raw_metadata.get(tag, ())):
            # The schema does not say how to apply it, and programs differ: a guess would shift the baseline.
            raise refusal(f"its leads have a baseline field ({tag}) whose meaning is not known", "Export it again")
    about = kit.about(record, name=NAME, path=path, sha256=sha256(content, digest), system="MUSE")
    return assemble(kit.channels_of(record), _rate(record, content), about)


def _rate(record: Any, content: bytes) -> float:
    """SampleBase x 10 ^ SampleExponent, exact where the library rounds to whole hertz."""
    from engine.signal.formats.xml_guard import tree

    for waveform in tree(content).iter("Waveform"):
        kind = (waveform.findtext("WaveformType") or "rhythm").strip().lower()
        base = numeric(waveform.findtext("SampleBase"))
        power = numeric(waveform.findtext("SampleExponent")) or 0.0
        if kind == "rhythm" and base is not None and abs(power) < 12:
            return float(base * 10**power)
    return float(record.leads[0].sampling_rate)
