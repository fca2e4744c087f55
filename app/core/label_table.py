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

from app.core.label_sheet import decoded
from engine.contract.errors import WorldError

LARGEST, LARGEST_UNPACKED = 500 * 2**20, 2 * 2**30


@dataclass(frozen=True)
class Table:
    """A table as read: every row is (line, cell by column), cells without spaces at their ends."""

    name: str
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...] = field(repr=False)

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
    lines = _workbook(content) if content.startswith(b"PK") else _text(content)
    numbered = [(n, row) for n, row in enumerate(lines, start=1) if any(row)]
    if len(numbered) < 2:
        raise _refusal("it holds no row below its header", "Save it with one header line and its rows")
    header = [name or f"column {n}" for n, name in enumerate(numbered[0][1], start=1)]
    if len(set(header)) != len(header) or not all(name.isprintable() for name in header):
        raise _refusal("two columns have the same name, or one cannot be shown", "Give every column its own name")
    rows = tuple((line, dict(zip(header, [*row, *[""] * len(header)], strict=False))) for line, row in numbered[1:])
    return Table(path.name, hashlib.sha256(content).hexdigest(), tuple(header), rows)


def _text(content: bytes) -> list[list[str]]:
    text = decoded(content)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        return [
            [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        ]
    except csv.Error:
        raise _refusal("it is no table with commas, semicolons or tabs", "Save it as CSV") from None


def _workbook(content: bytes) -> list[list[str]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST_UNPACKED:
                raise _refusal("it unpacks to more than 2 GiB", "Save it as CSV")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            return [_cells(row) for row in book.worksheets[0].iter_rows(values_only=True)]
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
