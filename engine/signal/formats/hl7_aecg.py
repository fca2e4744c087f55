"""HL7 annotated ECG (aECG, ANSI/HL7 V3 ECG R1): XML, samples as text, value = origin + scale x digit."""

from __future__ import annotations

from pathlib import Path

from engine.signal.assemble import assemble, check_rate, millivolts_in, refusal
from engine.signal.formats import kit
from engine.signal.formats.calibration import cut_pulse
from engine.signal.formats.content import numeric, sha256
from engine.signal.formats.xml_guard import read_xml, starts_with_root, tree
from engine.signal.recording import Recording

NAME = "HL7 aECG"


def sniff(head: bytes, path: Path) -> bool:
    """An element AnnotatedECG near the start."""
    return starts_with_root(head, "AnnotatedECG")


def read(path: Path, digest: bool = True) -> Recording:
    """Read the first rhythm series; representative beats are never taken. Raises WorldError with the reason."""
    content = read_xml(path)
    _check_scales(content)
    record, told = kit.parse("hl7_aecg", "HL7aECGParser", path)
    if any("rhythm series" in text and "sequence sets" in text for text in told):
        raise refusal("its rhythm stands in several pieces", "Export one continuous recording")
    rate_hz = check_rate(_whole_if_close(record.raw_metadata["rhythm_time"].get("sampling_rate_exact") or 0.0))
    channels, done = cut_pulse(kit.channels_of(record), rate_hz)
    about = kit.about(record, name=NAME, path=path, sha256=sha256(content, digest), system=NAME, done=done)
    return assemble(channels, rate_hz, about)


def _check_scales(content: bytes) -> None:
    """Every scale and origin must be a number of volts; the library would go on with 1 and 0."""
    root = tree(content)
    for tag, what in (("scale", "scale"), ("origin", "zero line")):
        for node in root.iter(tag):
            value, unit = numeric(node.get("value")), millivolts_in(node.get("unit") or "")
            if value is None or (unit is None and (tag == "scale" or value)):
                raise refusal(f"it gives a {what} that is no number of volts", "Export it again with units")
    if any(digits.find("scale") is None for digits in root.iter("value") if digits.find("digits") is not None):
        raise refusal("it gives no scale, so its millivolts are unknown", "Export it again with units")


def _whole_if_close(rate_hz: float) -> float:
    """1 / 0.002 s is 500 Hz, not 500.0000000001."""
    return float(round(rate_hz)) if abs(rate_hz - round(rate_hz)) < 1e-6 * rate_hz else rate_hz
