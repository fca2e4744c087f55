"""Parquet tables: one recording a file (a column a lead) or one a row (a list of samples a lead).

Needs `pyarrow`, which comes with `pip install 'isoline[parquet]'`. Row groups are read one at a time.

Shapes: K columns, T samples.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.contract.errors import WorldError
from engine.contract.mapping import SignalTable
from engine.signal.assemble import check_decoded, refusal
from engine.signal.formats import arrays
from engine.signal.formats.table import Told
from engine.signal.formats.tabular import Looked, looked_recording, stamp
from engine.signal.own_reader import own_reader
from engine.signal.recording import Recording
from engine.signal.sources import Source

NAME = "Parquet"

MAX_COLUMNS = 512


def sniff(head: bytes, path: Path) -> bool:
    """Known by its first four bytes."""
    return head.startswith(b"PAR1")


def members(path: Path, mapping: SignalTable) -> tuple[str, ...]:
    """Names of the recordings where each row is one; empty where the file is one. Raises WorldError."""
    return tuple(_found(*stamp(path), mapping)[2])


def read(source: Source, digest: bool, mapping: SignalTable) -> Recording:
    """Read one recording. Raises WorldError with the reason when that cannot be."""
    return looked_recording(look(source, mapping), NAME, own_reader("parquet"), source, mapping, digest)


def look(source: Source, mapping: SignalTable) -> Looked:
    """The numbers of one recording and what is told of them. Raises WorldError."""
    columns, told, rows = _found(*stamp(source.path), mapping)
    if rows and source.member not in rows:
        raise refusal("it has no recording of this name", "See isoline import --preview")
    with _open(source.path) as file:
        try:
            if not rows:
                check_decoded(file.metadata.num_rows, len(columns))
                table = file.read(columns=list(columns))
                return Looked(np.stack([_numbers(table[name]) for name in columns]), told)
            group, row = _place(file.metadata, rows[source.member], columns)
            table = file.read_row_group(group, columns=list(columns)).slice(row, 1)
            lists = [_numbers(table[name].chunk(0).flatten()) for name in columns]
        except WorldError:
            raise
        except Exception as error:  # whatever a damaged file makes a foreign parser do
            raise _damaged(error) from None
    if len({len(values_T) for values_T in lists}) != 1:
        raise refusal("its leads differ in length")
    return Looked(np.stack(lists), told)


@lru_cache(maxsize=4)
def _found(path: Path, _seen: int, mapping: SignalTable) -> tuple[tuple[str, ...], Told, dict[str, int]]:
    """Columns of samples, what is told, and the row of each recording."""
    with _open(path) as file:
        try:
            schema, metadata = file.schema_arrow, file.metadata
            numeric = {f.name: _is_list(f.type) for f in schema if _is_number(f.type) or _is_list(f.type)}
            columns = _columns(numeric, mapping)
            notes = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items() if len(value) < 100}
            told = arrays.told_by({key: _number_or_text(value) for key, value in notes.items()}, "the file")
            told = Told(columns, told.rate_hz, told.unit, told.source)
            if not numeric[columns[0]]:
                return columns, told, {}
            names = {f.name for f in schema}
            wanted = mapping.ids or next((name for name in arrays.ID_NAMES if name in names), "")
            arrays.check_recordings(metadata.num_rows)
            ids = file.read(columns=[wanted]).column(0).to_pylist() if wanted in names else None
            return columns, told, arrays.member_rows(metadata.num_rows, ids)
        except WorldError:
            raise
        except Exception as error:  # whatever a damaged file makes a foreign parser do
            raise _damaged(error) from None


def _columns(numeric: dict[str, bool], mapping: SignalTable) -> tuple[str, ...]:
    """Columns of samples: lists where there are any, else numbers."""
    lists = tuple(name for name, is_list in numeric.items() if is_list)
    columns = lists or tuple(name for name in numeric if name not in arrays.ID_NAMES)
    if not columns or len(columns) > MAX_COLUMNS:
        raise refusal("it has no columns of numbers, or too many", "Save one column a lead")
    if mapping.leads and len(mapping.leads) != len(columns):
        raise refusal(
            f"the mapping names {len(mapping.leads)} columns, the table has {len(columns)}",
            "Name one lead a column, - where it is none",
        )
    return columns


def _open(path: Path) -> Any:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise refusal("Parquet needs pyarrow, which is not installed", "Run: pip install 'isoline[parquet]'") from None
    try:
        return ParquetFile(path, thrift_string_size_limit=10**7, thrift_container_size_limit=10**6)
    except OSError as error:
        raise _damaged(error) from None
    except Exception as error:  # pyarrow's own errors
        raise _damaged(error) from None


def _damaged(error: Exception) -> WorldError:
    return refusal(f"it is no whole Parquet file ({type(error).__name__})", "Copy the file again")


def _place(metadata: Any, row: int, columns: tuple[str, ...]) -> tuple[int, int]:
    """Row group of a row, and its place there. Raises WorldError when the group holds too much."""
    for group in range(metadata.num_row_groups):
        size = metadata.row_group(group).num_rows
        if row < size:
            # Not the bytes: a page can repeat one value as often as it likes.
            held = metadata.row_group(group)
            parts = [held.column(n) for n in range(held.num_columns)]
            check_decoded(sum(one.num_values for one in parts if one.path_in_schema.split(".")[0] in columns), 1)
            return group, row
        row -= size
    raise refusal("it has no recording of this name", "See isoline import --preview")


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind))


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    listed = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(listed and _is_number(kind.value_type))


def _numbers(column: Any) -> Any:
    """Values of a column; nulls are NaN."""
    values_T = column.to_numpy(zero_copy_only=False)
    return values_T.astype(np.float64) if values_T.dtype.kind not in "iuf" or values_T.itemsize == 2 else values_T


def _number_or_text(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
