"""CSV and text: one recording a file, a column a lead (or a line a lead), with or without lines before the samples.

The text export of GE carts is known by its line "Rhythm signal: 5000 X 12"; the median beat behind it is left out.
What a heading says in words is taken ("sampling rate: 500 Hz", "unit: uV", a column "time (s)"); the rest is told by
a mapping.

Shapes: K columns, T samples.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.mapping import SignalTable
from engine.signal.assemble import About, check_decoded, lead_name, refusal
from engine.signal.formats.content import numeric, read_content, sha256
from engine.signal.formats.table import Told, table_recording, unit_of, whole
from engine.signal.formats.tabular import Looked
from engine.signal.leads import CANONICAL
from engine.signal.own_reader import own_reader
from engine.signal.recording import Recording
from engine.signal.sources import Source

NAME = "text"

MAX_BYTES = 64 * 2**20
LEAST_COLUMNS = 8
HEADING_LINES = 200
"""In which the first sample must stand, unless the mapping says how many lines come before."""
AGREEING = 3
"""So many lines with the same number of numbers are taken for samples."""

_DELIMITERS = {",": ",", ";": ";", "tab": "\t", "|": "|", "space": None}
_MISSING = ("", "nan", "na", "n/a", "null", "none", "-")
_GE = re.compile(r"^\s*rhythm signal:\s*(\d{1,9})\s*x\s*(\d{1,4})\s*$", re.IGNORECASE)
_RATE = re.compile(
    r"\b(?:sampl\w*[ _-]*(?:rate|freq\w*)|rate_hz|fs)(?:[ _]*[(\[]?(k?)hz[)\]]?)?[ \t]*[:=,; \t][ \t]*"
    r"(\d+(?:[.,']\d+)*)[ \t]*(k(?=hz))?",
    re.IGNORECASE,
)
"""A rate that is called the sampling's: a heart rate or the corner of a filter must not pass for it."""
SLOWEST_TOLD_HZ = 20.0
"""No ECG is slower: "1.000 Hz" in a heading is a thousand with its mark, and the rate has to be told."""
_UNIT = re.compile(r"\bunits?\b\s*[:=,;\t ]\s*\"?([munµμ]?v)\b", re.IGNORECASE)
_TIME = re.compile(r"^\s*(?:time|t|seconds?|zeit|temps|tempo)[\s_]*[(\[_ ]?\s*(ms|s|sec|seconds)?\s*[)\]]?\s*$", re.I)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+")
"""What could be an English whole number with its thousands marked, and is then no decimal comma for sure."""
_SECONDS = re.compile(r"^\s*(?:seconds?|ms)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class _Table:
    """Where the samples stand: delimiter, first line of them, columns, their names, announced length, decimal mark."""

    delimiter: str
    start: int
    columns: int
    names: tuple[str, ...] = field(repr=False)
    announced: int | None = None
    decimal: str = "."


def sniff(head: bytes, path: Path) -> bool:
    """Lines of numbers, eight or more, under the names of leads, or without any names."""
    text = _text(head)
    lines = None if text is None else text.splitlines()[: -1 if len(head) >= 4096 else None]
    if not lines:
        return text is not None and len(head) >= 4096 and _is_wide(text)
    table = find_table(lines, SignalTable())
    if table is None or table.columns < LEAST_COLUMNS:
        return False
    named = {lead_name(unit_of(name)[0]) for name in table.names} - {None}
    return not table.names or len(named) >= LEAST_COLUMNS or table.announced is not None


def is_numbers(head: bytes, mapping: SignalTable | None = None) -> bool:
    """Whether a file could be a table of samples once a mapping says what its columns are."""
    text = _text(head)
    return text is not None and find_table(text.splitlines(), mapping or SignalTable()) is not None


def members(path: Path, mapping: SignalTable) -> tuple[str, ...]:
    """A text is one recording."""
    return ()


def read(source: Source, digest: bool, mapping: SignalTable) -> Recording:
    """Read the recording. Raises WorldError with the reason when that cannot be."""
    content = read_content(source.path, MAX_BYTES)
    looked = _look(content, mapping)
    about = About(
        format=NAME,
        reader=own_reader("text"),
        source_name=source.name,
        file_sha256=sha256(content, digest),
    )
    return table_recording(looked.values_KT, looked.told, mapping, about)


def look(source: Source, mapping: SignalTable) -> Looked:
    """The numbers and what the heading says of them. Raises WorldError."""
    return _look(read_content(source.path, MAX_BYTES), mapping)


def find_table(lines: Sequence[str], mapping: SignalTable) -> _Table | None:
    """Where the samples stand; None where no line of numbers is found.

    Args:
        lines: of the text, from its start.
        mapping: its delimiter, decimal mark and header lines are obeyed.
    """
    for number, line in enumerate(lines[:HEADING_LINES]):
        announced = _GE.match(line)
        if announced:
            start = next((n for n in range(number + 1, len(lines)) if lines[n].strip()), len(lines))
            return _Table("space", start, int(announced[2]), (), int(announced[1]))
    return _widest(lines, mapping, mapping.decimal) or (
        None if mapping.decimal == "," else _widest(lines, mapping, ",")
    )


def _widest(lines: Sequence[str], mapping: SignalTable, decimal: str) -> _Table | None:
    """The table with the most columns, by the delimiters that may be, with this decimal mark."""
    wanted = [mapping.delimiter] if mapping.delimiter else list(_DELIMITERS)
    if decimal == ",":
        wanted = [delimiter for delimiter in wanted if delimiter != ","]
    tables = [table for table in (_with(lines, delimiter, mapping, decimal) for delimiter in wanted) if table]
    return max(tables, key=lambda table: table.columns, default=None)


def _look(content: bytes, mapping: SignalTable) -> Looked:
    text = _text(content, whole=True)
    if text is None:
        raise refusal("it is no text", "Save it as UTF-8")
    lines = text.splitlines()
    table = find_table(lines, mapping)
    if table is None:
        raise refusal("no lines of numbers stand in it", "Tell delimiter and header lines in the mapping")
    body = [line for line in lines[table.start :] if line.strip()]
    if table.announced is not None:
        if len(body) < table.announced:
            raise refusal(f"it ends after {len(body)} of {table.announced} samples", "Copy the file again")
        body = body[: table.announced]
    check_decoded(len(body), table.columns)
    values_TK = _numbers(body, table)
    return _told(values_TK, table, lines[: table.start])


def _told(values_TK: NDArray[np.float64], table: _Table, heading: Sequence[str]) -> Looked:
    """Take the column of the time out of the samples, and find what the heading says."""
    words = "\n".join(heading)[:20_000]
    units = {unit.casefold(): unit for unit in _UNIT.findall(words)}
    rates = {_hertz(number, bool(before or behind)) for before, number, behind in _RATE.findall(words)}
    rate_hz = rates.pop() if len(rates) == 1 else None  # two that differ tell nothing
    keep = list(range(values_TK.shape[1]))
    for column, name in enumerate(table.names):
        if _TIME.match(name) or _SECONDS.match(name):
            keep.remove(column)
            rate_hz = _rate_of(values_TK[:, column], name) or rate_hz
    names = tuple(table.names[column] for column in keep) if table.names else ()
    values_KT = np.ascontiguousarray(values_TK[:, keep].T)
    # Few long lines: each is a lead, not a sample.
    if not names and len(values_TK) <= len(CANONICAL) < values_TK.shape[1]:
        values_KT = np.ascontiguousarray(values_TK)
    told = Told(names, rate_hz, next(iter(units.values())) if len(units) == 1 else "", "its heading")
    return Looked(whole(values_KT), told)


def _hertz(number: str, kilo: bool) -> float | None:
    """A rate of the heading; None where its mark could be one of thousands as well as a decimal one."""
    if _THOUSANDS.fullmatch(number.replace("'", ",")):
        return None
    value = numeric(number.replace(",", "."))
    rate_hz = None if value is None else value * (1000 if kilo else 1)
    return rate_hz if rate_hz is not None and rate_hz >= SLOWEST_TOLD_HZ else None


def _rate_of(time_T: NDArray[np.float64], name: str) -> float | None:
    """The rate that an even column of times tells, when its name tells the unit; whole where it nearly is."""
    unit = _TIME.match(name)
    told = (unit[1] if unit else "") or ""
    is_ms = told.casefold() == "ms" or name.strip().casefold() == "ms"
    if not is_ms and not told and not name.strip().casefold().startswith("second"):
        return None
    seconds_T = time_T / 1000 if is_ms else time_T
    steps = len(seconds_T) - 1
    if steps < 1 or not np.isfinite(seconds_T).all() or seconds_T[-1] <= seconds_T[0]:
        return None
    step = (seconds_T[-1] - seconds_T[0]) / steps
    even = np.abs(seconds_T - seconds_T[0] - step * np.arange(steps + 1)).max() < step / 2
    if not even:
        raise refusal("its samples do not follow each other evenly in time", "Export it without gaps")
    rate_hz = float(1 / step)
    return float(round(rate_hz)) if abs(rate_hz - round(rate_hz)) < 1e-3 * rate_hz else rate_hz


def _with(lines: Sequence[str], delimiter: str, mapping: SignalTable, decimal: str) -> _Table | None:
    """The table when columns are separated so; None where the lines do not agree."""
    asked = mapping.header_lines
    starts = range(min(len(lines), HEADING_LINES)) if asked is None else [asked]
    for start in starts:
        rows = [cells(line, delimiter) for line in lines[start : start + 2 * AGREEING] if line.strip()][:AGREEING]
        width = len(rows[0]) if rows else 0
        if width > 1 and all(len(row) == width and _is_row(row, decimal) for row in rows):
            if decimal != mapping.decimal and not any(_is_decimal(part) for row in rows for part in row):
                return None
            above = [line for line in lines[:start] if line.strip()]
            names = [name.strip().strip("\"'#").strip() for name in cells(above[-1], delimiter)] if above else []
            fits = len(names) == width and not all(numeric(name) is not None for name in names)
            return _Table(delimiter, start, width, tuple(names) if fits else (), decimal=decimal)
    return None


def cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line; runs of blanks are one delimiter, a delimiter at the end of a line is none."""
    mark = _DELIMITERS[delimiter]
    parts = [part.strip().strip('"') for part in line.split(mark)]
    return parts[:-1] if mark is not None and len(parts) > 2 and parts[-1] == "" else parts


def _is_row(row: Sequence[str], decimal: str) -> bool:
    values = [part for part in row if part.casefold() not in _MISSING]
    return bool(values) and all(numeric(part.replace(decimal, ".")) is not None for part in values)


def _is_decimal(part: str) -> bool:
    """Whether the comma of a number can be nothing but its decimal mark: "0,123" can, "1,234" may mark thousands."""
    return "," in part and not _THOUSANDS.fullmatch(part)


def _numbers(body: Sequence[str], table: _Table) -> NDArray[np.float64]:
    """Samples [T, K]: by NumPy's own parser where the text is plain, else cell by cell. Raises WorldError."""
    mark = _DELIMITERS[table.delimiter]
    if table.decimal == ".":
        try:
            plain = io.StringIO("\n".join(body))
            values_TK = np.loadtxt(plain, dtype=np.float64, delimiter=mark, comments=None, ndmin=2)
            if values_TK.shape == (len(body), table.columns):
                return values_TK
        except (ValueError, OverflowError):
            pass  # missing values, quotes, a foot: told below, line by line
    values_TK = np.empty((len(body), table.columns))
    for number, line in enumerate(body):
        row = cells(line, table.delimiter)
        if len(row) != table.columns:
            raise refusal(f"line {number + 1} of its samples has {len(row)} columns, the first has {table.columns}")
        values_TK[number] = [_value(cell, table.decimal, number) for cell in row]
    return values_TK


def _value(cell: str, decimal: str, number: int) -> float:
    if cell.casefold() in _MISSING:
        return np.nan
    value = numeric(cell.replace(decimal, "."))
    if value is None:
        raise refusal(f"line {number + 1} of its samples holds something that is no number")
    return value


def _text(content: bytes, whole: bool = False) -> str | None:
    """The content as text; None when it is none. Headings in old encodings are read as Latin-1."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content[: len(content) // 2 * 2].decode("utf-16")
        except UnicodeError:
            return None
    if b"\0" in content or not content:
        return None
    sample = content if whole else content[:4096]
    return sample.removeprefix(b"\xef\xbb\xbf").decode("latin-1" if not _is_utf8(sample) else "utf-8", "ignore")


def _is_utf8(content: bytes) -> bool:
    try:
        content[: max(len(content) - 4, 0)].decode("utf-8")
    except UnicodeError as error:
        return isinstance(error, UnicodeDecodeError) and error.start >= len(content) - 8
    return True


def _is_wide(text: str) -> bool:
    """Whether a start without an end of line is numbers in many columns."""
    for delimiter in _DELIMITERS:
        row: Any = cells(text, delimiter)[:-1]
        if len(row) > 2 * LEAST_COLUMNS and _is_row(row, "."):
            return True
    return False
