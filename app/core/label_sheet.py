"""Labels from a table: a column `record`, optionally `patient_id`, `age`, `sex`, and one column a label.

A cell is 1/0/true/false/yes/no, or empty for unknown. A fault costs its row, not the file; a file without the column
`record` is refused before anything starts.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.core.pseudonyms import pseudonym
from app.core.records import coarse_age
from engine.contract.errors import WorldError
from engine.signal.identifiers import marks_of
from engine.signal.sources import MARK

OTHER_COLUMNS = ("record", "patient_id", "age", "sex")
_VALUES = {"1": 1.0, "1.0": 1.0, "true": 1.0, "yes": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0, "no": 0.0}
_UNKNOWN = ("", "nan", "na", "none", "null", "unknown", "?")
_SEXES = {"female": "female", "f": "female", "w": "female", "male": "male", "m": "male"}
TOO_MANY = "\0"
"""Under this name a row keeps what stands beyond the last column: its cells belong to other columns than they seem."""
_OF_CARTS = ("hea", "dat", "mat", "xml", "dcm", "scp", "ecg", "edf", "bdf")
_ENDINGS = frozenset((*_OF_CARTS, "csv", "tsv", "txt", "asc", "npy", "npz", "h5", "hdf5", "parquet"))


@dataclass(frozen=True)
class SheetRow:
    """One row: the recording it names, what it says, or the fault that costs it. The patient is a pseudonym."""

    line: int
    record: str
    patient: str | None = None
    age: float | None = None
    sex: str | None = None
    fold: int | None = None
    part: str = ""
    values: Mapping[str, float] | None = None
    fault: str = ""
    next_step: str = ""


@dataclass(frozen=True)
class Sheet:
    """A labels file as read."""

    name: str
    sha256: str
    labels: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    marks: dict[int, str] = field(default_factory=dict)
    """Keyed hashes of its patient ids, for the search of exports."""


class RowFault(Exception):
    """What is wrong with one row, and what to do."""


def read_sheet(path: Path, key: bytes) -> Sheet:
    """Read a labels file.

    Raises:
        WorldError: it cannot be read, has no column `record`, no label column, or two columns of one name.
    """
    content, header, rows = read_table(path, "labels file", ("record",))
    labels = tuple(name for name in header if name.casefold() not in OTHER_COLUMNS and name)
    if not labels and not {"patient_id", "age", "sex"} & {name.casefold() for name in header}:
        raise WorldError("labels file", "it has no label column", "Add one column per label with 1, 0 or nothing")
    seen: dict[str, int] = {}
    marks: dict[int, str] = {}
    read = []
    for line, cells in rows:
        read.append(_row(line, cells, labels, key, seen))
        if patient := cells.get("patient_id"):
            marks |= dict.fromkeys(marks_of(key, "patient id", patient), "patient id")
    return Sheet(path.name, hashlib.sha256(content).hexdigest(), labels, tuple(read), marks)


def read_table(
    path: Path, thing: str, required: tuple[str, ...]
) -> tuple[bytes, list[str], Iterator[tuple[int, dict[str, str]]]]:
    """A CSV file: its bytes, its header, and its rows as (line, cells). Separator comma, semicolon or tab.

    A row with fewer cells than the header has empty ones at its end; one with more has them under `TOO_MANY`.

    Raises:
        WorldError: it cannot be read, is empty, or lacks a required column.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or type(error).__name__})"
        raise WorldError(thing, reason, "Check the path and your rights") from None
    text = decoded(content)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text))
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error:
        raise WorldError(thing, "its first line is no header", "Save it as CSV with one header line") from None
    header = [name.casefold() if name.casefold() in (*OTHER_COLUMNS, *required) else name for name in header]
    _check_header(thing, header, required)
    return content, header, _cells(thing, reader, header)


def decoded(content: bytes) -> str:
    """Text of a table: UTF-8 (with or without byte-order mark), else Latin-1, which reads any byte."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def separator_of(text: str) -> str:
    """What parts the columns: the one of comma, semicolon and tab that the first line has most of."""
    return max(",;\t", key=text.partition("\n")[0].count)


def record_name(cell: str) -> str:
    """The name by which a cell means a recording: no folder, no file ending."""
    # Plain text work: a table of a million rows asks this two million times.
    path, mark, member = cell.strip().replace("\\", "/").rstrip("/").partition(MARK)
    name = path.rpartition("/")[2]
    stem, _, ending = name.rpartition(".")
    return (stem if stem and ending.lower() in _ENDINGS else name) + mark + member


def _check_header(thing: str, header: list[str], required: tuple[str, ...]) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        columns = " and ".join(f"'{name}'" for name in missing)
        needed = ", ".join(required)
        told = f"the columns {columns} are missing" if len(missing) > 1 else f"the column {columns} is missing"
        raise WorldError(thing, told, f"Add a header line that has: {needed}")
    named = [name for name in header if name]
    if len(set(named)) != len(named):
        raise WorldError(thing, "two columns have the same name", "Give every column its own name")
    if not all(name.isprintable() for name in named):
        raise WorldError(thing, "a column's name holds characters that cannot be shown", "Correct the header line")


def _cells(thing: str, reader: Iterator[list[str]], header: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    line = 1
    try:
        for line, fields in enumerate(reader, start=2):
            if any(field.strip() for field in fields):
                padded = [*fields, *[""] * (len(header) - len(fields))]
                cells = {name: cell.strip() for name, cell in zip(header, padded, strict=False)}
                beyond = "".join(padded[len(header) :]).strip()
                yield line, cells | ({TOO_MANY: beyond} if beyond else {})
    except csv.Error:
        raise WorldError(thing, f"it cannot be read after row {line}", "Save it again as CSV") from None


def _row(line: int, cells: dict[str, str], labels: tuple[str, ...], key: bytes, seen: dict[str, int]) -> SheetRow:
    from engine.signal.formats.kit import said  # not above: every command reads this file

    record = record_name(cells["record"])
    try:
        if not record:
            raise RowFault("the cell 'record' is empty", "Name the recording by file name or record id")
        if record in seen:
            raise RowFault(f"the recording stands in line {seen[record]} already", "Keep one row per recording")
        seen[record] = line
        if TOO_MANY in cells:
            raise RowFault("it has more cells than the header has columns", "Quote cells that hold a separator")
        patient = said(cells.get("patient_id")) or None
        return SheetRow(
            line=line,
            record=record,
            patient=pseudonym(key, patient) if patient else None,
            age=age_of(cells.get("age", "")),
            sex=sex_of(cells.get("sex", "")),
            values=_values(cells, labels),
        )
    except RowFault as fault:
        return SheetRow(line, record, fault=fault.args[0], next_step=fault.args[1])


def _values(cells: dict[str, str], labels: tuple[str, ...]) -> dict[str, float]:
    values = {}
    for label in labels:
        cell = cells[label].casefold()
        if cell in _VALUES:
            values[label] = _VALUES[cell]
        elif cell not in _UNKNOWN:
            raise RowFault(f"the value of '{label}' is neither 1 nor 0", "Use 1, 0, or nothing when it is unknown")
    return values


def age_of(cell: str) -> float | None:
    """Years, 90 for all above 89; None when unknown. Raises RowFault when it is no age."""
    if cell.casefold() in _UNKNOWN:
        return None
    if cell.replace(" ", "") in ("90+", ">89", ">=90", "300", "300.0"):  # PTB-XL writes 300 for all above 89
        return 90.0
    try:
        age = float(cell.replace(",", "."))
    except ValueError:
        age = math.nan
    if not 0 <= age <= 150:
        raise RowFault("the age is no number of years between 0 and 150", "Correct it, or leave it empty")
    return coarse_age(age)[0]


def sex_of(cell: str) -> str | None:
    """Female or male; None when unknown. Raises RowFault for anything else."""
    if cell.casefold() in _UNKNOWN:
        return None
    if cell.casefold() not in _SEXES:
        raise RowFault("the sex is neither female nor male", "Use female, male, or nothing when it is unknown")
    return _SEXES[cell.casefold()]
