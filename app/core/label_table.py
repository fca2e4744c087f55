"""Tables of labels as text: CSV with comma, semicolon or tab, or the first sheet of an Excel workbook."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from app.core.label_sheet import TOO_MANY
from engine.contract.errors import WorldError

LARGEST, LARGEST_UNPACKED = 500 * 2**20, 2 * 2**30
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Table:
    """A table as read: every row is (line, cell by column), cells without spaces at their ends.

    A row with more cells than the header keeps them under `TOO_MANY`: its cells stand under other columns than they
    seem. `notes` tell what had to be assumed to read it.
    """

    name: str
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...] = field(repr=False)
    notes: tuple[str, ...] = ()

    def cells(self, column: str) -> Iterator[str]:
        """All cells of a column."""
        return (cells[column] for _, cells in self.rows)


def read_label_table(path: Path) -> Table:
    """Read a table with one header line.

    Raises:
        WorldError: it cannot be read, has no header, two columns of one name, or no rows.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise _refusal("it is larger than 500 MiB", "Split it")
        content = path.read_bytes()
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or type(error).__name__})"
        raise _refusal(reason, "Check the path and your rights") from None
    if content.startswith(_OLD_OFFICE):
        raise _refusal("it is an old Excel file (.xls), or one with a password", "Save it as .xlsx, or as CSV")
    lines, notes = _workbook(content) if content.startswith(b"PK") else _text(content)
    numbered = [(n, row) for n, row in enumerate(lines, start=1) if any(row)]
    header = _header(numbered)
    rows = tuple((line, _row(header, row)) for line, row in numbered[1:])
    return Table(path.name, hashlib.sha256(content).hexdigest(), header, rows, notes)


def _header(numbered: list[tuple[int, list[str]]]) -> tuple[str, ...]:
    if not numbered:
        raise _refusal("it is empty", "Save it with one header line and its rows")
    if len(numbered) < 2:
        raise _refusal("it holds no row below its header", "Save it with one header line and its rows")
    header = [name or f"column {n}" for n, name in enumerate(numbered[0][1], start=1)]
    if not all(name.isprintable() for name in header):
        raise _refusal("a column has a name that cannot be shown", "Correct the header line, and save it as UTF-8")
    if len(set(header)) != len(header):
        twice = next(n for n, name in enumerate(header, start=1) if name in header[: n - 1])
        raise _refusal(f"column {twice} has the same name as one before it", "Give every column its own name")
    return tuple(header)


def _row(header: tuple[str, ...], row: list[str]) -> dict[str, str]:
    cells = dict(zip(header, [*row, *[""] * (len(header) - len(row))], strict=False))
    beyond = "".join(row[len(header) :])
    return cells | ({TOO_MANY: beyond} if beyond else {})


def _text(content: bytes) -> tuple[list[list[str]], tuple[str, ...]]:
    text, notes = _decoded(content)
    first, _, rest = text.partition("\n")
    # Excel writes the separator into a line of its own before the header when it is asked to.
    told = first.strip().casefold()
    separator = told[4] if told.startswith("sep=") and len(told) == 5 else max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(rest if told.startswith("sep=") else text, newline=""), delimiter=separator)
    try:
        read = [[cell.strip() for cell in row] for row in lines]
    except csv.Error:
        raise _refusal("it is no table with commas, semicolons or tabs", "Save it as CSV") from None
    return [[], *read] if told.startswith("sep=") else read, notes


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    """Text and what had to be assumed: UTF-8, UTF-16 as Excel writes it, else Western European."""
    try:
        if content.startswith(_UTF16):
            return content.decode("utf-16"), ()
        if b"\0" in content:
            raise _refusal("it is no text", "Choose a CSV or an Excel workbook (.xlsx)")
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        if content.startswith(_UTF16):
            raise _refusal("it is cut short, or no text", "Save it again as CSV in UTF-8") from None
    note = "Its letters are not UTF-8 and were read as Western European: look at the names of its columns."
    return content.decode("latin-1"), (note,)


def _workbook(content: bytes) -> tuple[list[list[str]], tuple[str, ...]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST_UNPACKED:
                raise _refusal("it unpacks to more than 2 GiB", "Save it as CSV")
            if "[Content_Types].xml" not in packed.namelist():
                raise _refusal("it is a packed archive, not a table", "Unpack it and choose the table in it")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            more = len(book.worksheets) - 1
            notes = (f"Only the first sheet of the workbook is read, {more:,} more are not.",) * bool(more)
            return [_cells(row) for row in book.worksheets[0].iter_rows(values_only=True)], notes
        finally:
            book.close()
    except WorldError:
        raise
    except Exception as error:  # openpyxl raises whatever its XML parser and its own slips do
        reason = f"it is no Excel workbook that can be read ({type(error).__name__})"
        raise _refusal(reason, "Save it again, or as CSV") from None


def _cells(row: Iterable[Any]) -> list[str]:
    return [_as_text(value) for value in row]


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value).strip()


def _refusal(reason: str, next_step: str) -> WorldError:
    return WorldError("label table", reason, next_step)
