"""Tables of predictions as they come: CSV or Parquet, one row an answer or one column a label.

    record,label,probability          one row an answer; the third column may also be score, flag or category
    record,AF,LBBB,...                one column a label

Legend: N rows, L columns.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from app.core.label_columns import UNKNOWN, YES_NO
from app.core.label_sheet import OTHER_COLUMNS, decoded, read_table, separator_of
from engine.contract.errors import WorldError

ValueKind = Literal["probability", "score", "flag", "category"]
KINDS: tuple[ValueKind, ...] = get_args(ValueKind)

NO_OUTPUT = frozenset((*UNKNOWN, "no output"))
"""What a cell may say, whatever its case, where a model gave no answer."""

FLAGS = {**YES_NO, "positive": 1.0, "negative": 0.0}
FAULT = np.inf
"""Stands in a matrix where a cell is no number; a cell that says infinity is none either."""

Floats = NDArray[np.float64]
_THING = "predictions"
_PARQUET = b"PAR1"


@dataclass(frozen=True)
class PredictionTable:
    """A table of predictions, its cells not yet read.

    Attributes:
        sha256: of the file.
        columns: as named in it, without that of the record.
        value: of one row an answer: the column that holds it; empty for one column a label.
        kind: what that column says the answers are; None where its name says nothing.
        labels: columns that are labels; empty for one row an answer.
        left: columns that are no labels and are not read.
    """

    sha256: str
    columns: tuple[str, ...]
    value: str
    kind: ValueKind | None
    labels: tuple[str, ...]
    left: tuple[str, ...]
    source: _Csv | _Parquet

    @property
    def label(self) -> str:
        """Of one row an answer: the column that names the label; empty where all answers are categories of one."""
        return next((name for name in self.columns if name.casefold() == "label"), "")

    def answers(self, columns: Sequence[str]) -> Iterator[tuple[str, ...] | None]:
        """Record and cells of some columns, row by row; None for a row with more cells than columns."""
        return self.source.texts(columns)

    def matrix(self, columns: Sequence[str], no_output: frozenset[str], flags: bool) -> tuple[list[str], Floats, int]:
        """Records and numbers [N, L] of some columns, and how many rows were left out for having too many cells.

        NaN stands where there is no output, infinity where a cell is no finite number, or no flag.
        """
        return self.source.matrix(columns, no_output, flags)


def is_table(path: Path) -> bool:
    """Whether a file is a table: CSV by its ending, Parquet by its content."""
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) == _PARQUET
    except OSError:
        return False


def open_predictions(path: Path) -> PredictionTable:
    """Look at a table of predictions.

    Raises:
        WorldError: it cannot be read, names no recordings, or holds nothing that could be an answer.
    """
    source = _Parquet.open(path) if _is_parquet(path) else _Csv.open(path)
    columns = tuple(name for name in source.columns if name != source.record)
    named = {name.casefold(): name for name in columns}
    left = tuple(name for name in columns if name.casefold() in OTHER_COLUMNS or not name)
    if "label" in named or {*named} - set(OTHER_COLUMNS) == {"category"}:
        value = _value_column(named)
        kind = next((kind for kind in KINDS if kind == value.casefold()), None)
        others = tuple(name for name in columns if name not in (value, named.get("label")))
        return PredictionTable(source.sha256, columns, value, kind, (), others, source)
    labels = tuple(name for name in columns if name not in left)
    if not labels:
        reason = "it has no column with answers"
        raise WorldError(_THING, reason, "Write record,label,score, or one column a label")
    return PredictionTable(source.sha256, columns, "", None, labels, left, source)


def _value_column(named: dict[str, str]) -> str:
    there = [named[name] for name in (*KINDS, "value") if name in named]
    if not there:
        raise WorldError(_THING, "the column 'score' is missing", "Add a column probability, score, flag or category")
    if len(there) > 1:
        reason = f"it has several columns of answers: {', '.join(there)}"
        raise WorldError(_THING, reason, "Keep one of them, and add the others under names of their own")
    return there[0]


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == _PARQUET
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or type(error).__name__})"
        raise WorldError(_THING, reason, "Check the path and your rights") from None


def _record_column(columns: Sequence[str]) -> str:
    found = next((name for name in columns if name.casefold() in ("record", "record_id", "record id")), None)
    if found is None:
        raise WorldError(_THING, "the column 'record' is missing", "Add a column that names the recordings")
    return found


def _numbers(cells: list[str], no_output: frozenset[str], flags: bool) -> Floats:
    """One row's cells as numbers, the quick way where all of them are plain."""
    if not flags:
        try:
            return np.array([float(cell or "nan") for cell in cells], dtype=np.float64)
        except ValueError:  # a word for "no output" among them, or a fault
            pass
    return np.array([_number(cell, no_output, flags) for cell in cells], dtype=np.float64)


def _number(cell: str, no_output: frozenset[str], flags: bool) -> float:
    said = cell.strip().casefold()
    if said in no_output:
        return float("nan")
    if flags:
        return FLAGS.get(said, FAULT)
    try:
        return float(said)
    except ValueError:
        return FAULT


@dataclass(frozen=True)
class _Csv:
    """A text table."""

    path: Path
    sha256: str
    columns: tuple[str, ...]
    record: str

    @classmethod
    def open(cls, path: Path) -> _Csv:
        content, header, _ = read_table(path, _THING, ())
        return cls(path, hashlib.sha256(content).hexdigest(), tuple(header), _record_column(header))

    def texts(self, columns: Sequence[str]) -> Iterator[tuple[str, ...] | None]:
        places = [self.columns.index(name) for name in (self.record, *columns)]
        for row in self._rows():
            yield None if row is None else tuple([row[place].strip() for place in places])

    def matrix(self, columns: Sequence[str], no_output: frozenset[str], flags: bool) -> tuple[list[str], Floats, int]:
        places, record = [self.columns.index(name) for name in columns], self.columns.index(self.record)
        records: list[str] = []
        rows: list[Floats] = []
        spoilt = 0
        for row in self._rows():
            if row is None:
                spoilt += 1
                continue
            records.append(row[record].strip())
            rows.append(_numbers([row[place] for place in places], no_output, flags))
        return records, np.array(rows).reshape(len(rows), len(columns)), spoilt

    def _rows(self) -> Iterator[list[str] | None]:
        """Rows as lists as long as the header; None where one has more cells. A wide table has millions of cells."""
        text = decoded(self.path.read_bytes())
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text))
        next(reader)
        width = len(self.columns)
        try:
            for row in reader:
                if len(row) < width:
                    row += [""] * (width - len(row))
                if any(row) and any(map(str.strip, row)):
                    yield None if len(row) > width and any(map(str.strip, row[width:])) else row
        except csv.Error:
            raise WorldError(_THING, f"it cannot be read after row {reader.line_num}", "Save it again as CSV") from None


@dataclass(frozen=True)
class _Parquet:
    """A Parquet file; its columns are read when they are asked for."""

    file: Any
    sha256: str
    columns: tuple[str, ...]
    record: str

    @classmethod
    def open(cls, path: Path) -> _Parquet:
        try:
            from pyarrow.parquet import ParquetFile
        except ImportError:
            reason = "Parquet needs pyarrow, which is not installed"
            raise WorldError(_THING, reason, "Run: pip install 'isoline[parquet]', or save it as CSV") from None
        try:
            content = path.read_bytes()
            file = ParquetFile(path)
            names = tuple(file.schema_arrow.names)
        except Exception as error:  # pyarrow's own errors
            reason = f"it cannot be read as Parquet ({type(error).__name__})"
            raise WorldError(_THING, reason, "Take an undamaged copy, or save it as CSV") from None
        if len(set(names)) != len(names):
            raise WorldError(_THING, "two columns have the same name", "Give every column its own name")
        return cls(file, hashlib.sha256(content).hexdigest(), names, _record_column(names))

    def texts(self, columns: Sequence[str]) -> Iterator[tuple[str, ...] | None]:
        for part in self._parts([self.record, *columns]):
            cells = [[_text(value) for value in part.column(name).to_pylist()] for name in (self.record, *columns)]
            yield from zip(*cells, strict=True)

    def matrix(self, columns: Sequence[str], no_output: frozenset[str], flags: bool) -> tuple[list[str], Floats, int]:
        records: list[str] = []
        blocks: list[Floats] = []
        for part in self._parts([self.record, *columns]):
            records += [_text(value) for value in part.column(self.record).to_pylist()]
            told = [_column(part.column(name), no_output, flags) for name in columns]
            blocks.append(np.stack(told, axis=1) if told else np.empty((part.num_rows, 0)))
        return records, np.concatenate(blocks) if blocks else np.empty((0, len(columns))), 0

    def _parts(self, columns: list[str]) -> Iterator[Any]:
        try:
            yield from self.file.iter_batches(columns=columns)
        except Exception as error:  # pyarrow's own errors
            if isinstance(error, WorldError):
                raise
            reason = f"it cannot be read to its end ({type(error).__name__})"
            raise WorldError(_THING, reason, "Take an undamaged copy, or save it as CSV") from None


def _column(column: Any, no_output: frozenset[str], flags: bool) -> Floats:
    """A column's numbers: as they stand where it is of numbers, else read as text."""
    from pyarrow import types

    if not flags and (types.is_floating(column.type) or types.is_integer(column.type)):
        return np.asarray(column.cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64)
    return np.array([_number(_text(value), no_output, flags) for value in column.to_pylist()], dtype=np.float64)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value).strip()
