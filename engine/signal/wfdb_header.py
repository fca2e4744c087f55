"""WFDB headers (.hea): what they say, read strictly where a lie would change the signal.

Source: PhysioNet, WFDB header(5). Comments may be in any encoding, so bytes are read as Latin-1, which cannot fail.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from engine.contract.errors import WorldError

MAX_SIGNALS = 256
RATES_HZ = (1.0, 100_000.0)
MAX_PER_FRAME = 1000
MAX_OFFSET = 2**31
GAINS = (1e-3, 1e8)
"""Steps per millivolt between which a gain is worth reading; what is merely wrong is told by the amplitude."""
MAX_SAMPLES = 2**31 - 1
MAX_WHOLE = 2**40
MOST_REMEMBERED = 200
"""Letters of a signal line whose parts are remembered; a hostile header must not fill the memory."""

_FORMAT = re.compile(r"(?P<code>\d+)(?:x(?P<per_frame>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?$")
_GAIN = re.compile(r"(?P<gain>[^(/]+)(?:\((?P<baseline>-?\d+)\))?(?:/(?P<units>\S+))?$")
_MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "v": 1e3}


Described = tuple[str, int, int, int, float | None, int, str]
"""The fields of `SignalLine` from `format` to `name`: what is the same in millions of headers."""


class SignalLine(NamedTuple):
    """One channel: where its samples stand and how they become physical values.

    `steps_per_mv` is the gain in integer steps per millivolt, None when the unit is no voltage.
    """

    file: str
    format: str
    per_frame: int
    skew: int
    offset: int
    steps_per_mv: float | None
    baseline: int
    name: str
    initial: int | None
    checksum: int | None


@dataclass(frozen=True)
class Header:
    """A whole header."""

    rate_hz: float
    length: int | None
    signals: tuple[SignalLine, ...]
    segments: tuple[str, ...]
    comments: tuple[str, ...]
    acquired: str | None


def refusal(reason: str, next_step: str = "Export it again from its source") -> WorldError:
    """A reason why a file is not taken. Names no file: the caller knows which one it asked for."""
    return WorldError("recording", reason, next_step)


def parse_header(block: bytes) -> Header:
    """Parse the bytes of a .hea file.

    Raises:
        WorldError: it is no WFDB header, or it says something impossible.
    """
    text = block.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    lines, comments = [], []
    for number, raw in enumerate(text.replace("\r", "\n").split("\n"), start=1):
        line = raw.strip()
        if line.startswith("#"):
            comments.append(line[1:].strip())
        elif line:
            lines.append((number, line))
    if not lines:
        raise refusal("the header is empty")
    segments, count, rate_hz, length, acquired = _record_line(lines[0][1])
    body = lines[1:]
    if segments:
        return Header(rate_hz, length, (), _segment_names(body, segments), tuple(comments), acquired)
    if len(body) != count:
        raise refusal(f"the header announces {count} signals and describes {len(body)}")
    signals = tuple([_signal_line(line, number) for number, line in body])
    for name in {signal.file for signal in signals}:
        safe_name(name)
    return Header(rate_hz, length, signals, (), tuple(comments), acquired)


def safe_name(name: str) -> str:
    """A file name that stays in the header's folder. Raises WorldError for paths, drives, pipes and addresses."""
    if name in ("-", "", ".", "..") or any(sign in name for sign in "/\\:\0"):
        raise refusal("its header points outside its own folder", "Put header and signal file into one folder")
    return name


def _record_line(line: str) -> tuple[int, int, float, int | None, str | None]:
    fields = line.split()
    if len(fields) < 2:
        raise refusal("it is not a WFDB header", "Name a .hea file")
    segments = _whole(fields[0].partition("/")[2], "number of segments") if "/" in fields[0] else 0
    count = _whole(fields[1], "number of signals")
    if not 1 <= count <= MAX_SIGNALS:
        raise refusal(f"the header announces {count} signals")
    if len(fields) < 3:
        raise refusal("the header gives no sampling rate", "Add the rate to the header's first line")
    rate_hz = _number(re.split(r"[/(]", fields[2])[0], "sampling rate")
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise refusal(f"the header gives a sampling rate of {rate_hz:g} Hz", "Correct the rate in the header")
    length = _whole(fields[3], "length") if len(fields) > 3 else None
    if length is not None and not 0 <= length <= MAX_SAMPLES:
        raise refusal(f"the header announces {length} samples a lead")
    return segments, count, rate_hz, length or None, " ".join(fields[4:6]) or None


def _segment_names(body: list[tuple[int, str]], announced: int) -> tuple[str, ...]:
    if len(body) != announced:
        raise refusal(f"the header announces {announced} segments and lists {len(body)}")
    return tuple(name if name == "~" else safe_name(name) for name in (line.split()[0] for _, line in body))


def _signal_line(line: str, number: int) -> SignalLine:
    fields = line.split(None, 8)
    if len(fields) < 9:
        fields += [""] * (9 - len(fields))
    file, form, gain, _, zero, first, total, _, name = fields
    remembered = _described if len(line) <= MOST_REMEMBERED else _described.__wrapped__
    described = remembered(form, gain, zero, name)
    if described is None:
        raise refusal(f"line {number} of its header describes no signal")
    initial = _whole(first, "initial value") if first else None
    checksum = _whole(total, "checksum") if total else None
    # Past the generated constructor, whose call costs as much as the rest of a line.
    return tuple.__new__(SignalLine, (file, *described, initial, checksum))


# The same few formats, gains and names stand in millions of lines.
@lru_cache(maxsize=1024)
def _described(form: str, gain: str, zero: str, name: str) -> Described | None:
    """Format, gain and name of a channel; None when the first is no format."""
    told = _format(form)
    return None if told is None else (*told, *_scale(gain, zero), name)


def _format(field: str) -> tuple[str, int, int, int] | None:
    """Code, samples per frame, skew and byte offset; None when it is no format."""
    form = _FORMAT.match(field)
    if form is None or len(field) > 40:
        return None
    per_frame, skew, offset = int(form["per_frame"] or 1), int(form["skew"] or 0), int(form["offset"] or 0)
    sound = 1 <= per_frame <= MAX_PER_FRAME and skew <= MAX_OFFSET and offset <= MAX_OFFSET
    return (form["code"], per_frame, skew, offset) if sound else None


def _scale(gain: str, adc_zero: str) -> tuple[float | None, int]:
    """Steps per millivolt and the step that means 0 mV: the baseline, or the ADC zero where none is given."""
    steps_per_mv, baseline = _gain(gain) if gain else (0.0, None)
    zero = _whole(adc_zero, "ADC zero") if adc_zero else 0
    return steps_per_mv, zero if baseline is None else baseline


def _gain(field: str) -> tuple[float | None, int | None]:
    """Steps per millivolt (None when the unit is no voltage) and baseline (None when it is the ADC zero)."""
    parts = _GAIN.match(field)
    if parts is None or len(field) > 80:
        raise refusal("the gain in its header is no number", "Correct the gain")
    baseline = parts["baseline"]
    gain, factor = _number(parts["gain"], "gain"), millivolts_in(parts["units"] or "mV")
    return None if factor is None else gain / factor, None if baseline is None else _whole(baseline, "baseline")


def millivolts_in(unit: str) -> float | None:
    """Millivolts in one unit; None when it is no voltage."""
    return _MILLIVOLTS.get(unit.casefold())


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise refusal(f"the {what} in its header is no number", f"Correct the {what}")
    return value


def _whole(text: str, what: str) -> int:
    try:
        value = int(text)
        if -MAX_WHOLE <= value <= MAX_WHOLE:
            return value
    except ValueError:
        pass
    raise refusal(f"the {what} in its header is no whole number that can be", f"Correct the {what}")
