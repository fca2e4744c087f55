"""NumPy arrays (.npy, .npz) of one ECG or of many; pickled objects are never opened.

Sources: NumPy Enhancement Proposal 1 for .npy; .npz is a ZIP of such files. Arrays of many recordings are mapped, never
loaded; that needs .npy, or .npz without compression.

Shapes: N recordings, K leads, T samples.
"""

from __future__ import annotations

import io
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from engine.contract.mapping import SignalTable
from engine.signal.assemble import decoded_limit, refusal
from engine.signal.formats import arrays
from engine.signal.formats.table import Told
from engine.signal.formats.tabular import Looked, looked_recording, stamp
from engine.signal.own_reader import own_reader
from engine.signal.recording import Recording
from engine.signal.sources import Source

NAME = "NumPy"

_NPY, _ZIP = b"\x93NUMPY", b"PK\x03\x04"
_LOCAL_HEADER = 30
MAX_ARRAYS = 1000
MAX_HEADER = 2**16

_DAMAGED = (
    ValueError, OSError, EOFError, SyntaxError, TypeError, OverflowError, RuntimeError, struct.error, zlib.error,
    tokenize.TokenError, zipfile.BadZipFile, NotImplementedError, MemoryError,
)  # fmt: skip
"""What zipfile and numpy.lib.format raise on hostile bytes (found by the fuzzer)."""


def sniff(head: bytes, path: Path) -> bool:
    """A .npy file, or a ZIP whose first file is one."""
    if head.startswith(_NPY):
        return True
    length = int.from_bytes(head[26:28], "little")
    return head.startswith(_ZIP) and head[_LOCAL_HEADER : _LOCAL_HEADER + length].endswith(b".npy")


def members(path: Path, mapping: SignalTable) -> tuple[str, ...]:
    """Names of the recordings of a file that holds many; empty where it is one. Raises WorldError."""
    return tuple(_opened(*stamp(path), mapping)[3])


def read(source: Source, digest: bool, mapping: SignalTable) -> Recording:
    """Read one recording. Raises WorldError with the reason when that cannot be."""
    return looked_recording(look(source, mapping), NAME, own_reader("numpy"), source, mapping, digest)


def look(source: Source, mapping: SignalTable) -> Looked:
    """The numbers of one recording and what is told of them. Raises WorldError."""
    array, axes, told, rows = _opened(*stamp(source.path), mapping)
    return Looked(arrays.cut(array, axes, rows.get(source.member)), told)


@lru_cache(maxsize=2)
def _opened(path: Path, _seen: int, mapping: SignalTable) -> tuple[Any, str, Told, dict[str, int]]:
    """Array, axes, what is told, and the row of each recording; kept: the next recording is of the same file."""
    try:
        found = _arrays(path)
        told = arrays.told_by({name: value for name, value in found.items() if arrays.is_small(value)}, "the file")
        leads = arrays.expected_leads(mapping, told)
        only = next(iter(found.values())) if len(found) == 1 and not mapping.dataset else None
        array = found[arrays.choose(found, mapping, leads)] if only is None else only
        array = without_lone_axis(array)
    except _DAMAGED as error:
        raise refusal(f"it is no whole NumPy file ({type(error).__name__})", "Save it again with numpy.save") from None
    axes = arrays.axes_of(array.shape, mapping, leads)
    rows: dict[str, int] = {}
    if axes.startswith("record,"):
        wanted = [mapping.ids] if mapping.ids else [name for name in arrays.ID_NAMES if name in found]
        rows = arrays.member_rows(array.shape[0], found.get(wanted[0]) if wanted else None)
    return array, axes, told, rows


def without_lone_axis(array: Any) -> Any:
    """Four axes of which an inner one has one entry are three: EchoNext stores [N, 1, T, 12]. A view, not a copy."""
    shape = array.shape
    lone = [axis for axis in range(1, len(shape)) if shape[axis] == 1]
    return np.squeeze(array, axis=lone[0]) if len(shape) == 4 and lone else array


def _arrays(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        if file.read(len(_NPY)) == _NPY:
            file.seek(0)
            return {"": _mapped(path, file, 0, path.stat().st_size)}
        with zipfile.ZipFile(file) as packed:
            entries = [entry for entry in packed.infolist() if entry.filename.endswith(".npy")]
            if not 0 < len(entries) <= MAX_ARRAYS:
                raise refusal("it holds no array, or too many of them")
            unfolded = sum(entry.file_size for entry in entries if entry.compress_type != zipfile.ZIP_STORED)
            if unfolded > decoded_limit():
                raise refusal(
                    f"its compressed arrays take {unfolded / 1e6:,.0f} MB", "Save them with numpy.savez or numpy.save"
                )
            return {entry.filename.removesuffix(".npy"): _entry(path, file, packed, entry) for entry in entries}


def _entry(path: Path, file: IO[bytes], packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Any:
    if entry.compress_type == zipfile.ZIP_STORED:
        file.seek(entry.header_offset)
        local = file.read(_LOCAL_HEADER)
        start = entry.header_offset + _LOCAL_HEADER
        start += int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        file.seek(start)
        return _mapped(path, file, start, entry.file_size)
    with packed.open(entry) as stream:
        shape, order, dtype, _ = _header(stream, entry.file_size)
        count = int(np.prod(shape, dtype=np.int64))
        flat = np.frombuffer(stream.read(count * dtype.itemsize), dtype=dtype, count=count)
        return flat.reshape(shape, order=order)


def _mapped(path: Path, file: IO[bytes], start: int, size: int) -> Any:
    shape, order, dtype, header = _header(file, size)
    if not np.prod(shape, dtype=np.int64):
        return np.empty(shape, dtype)
    return np.memmap(path, dtype=dtype, mode="r", offset=start + header, shape=shape, order=order)


def _header(file: IO[bytes], size: int) -> tuple[tuple[int, ...], Any, np.dtype[Any], int]:
    """Shape, order, type and length of the header. Raises WorldError when the file cannot hold what it announces."""
    start = file.tell()
    version = npy.read_magic(file)
    field = file.read(2 if version == (1, 0) else 4)
    if int.from_bytes(field, "little") > MAX_HEADER:  # numpy would make room for all that the field claims
        raise refusal("it is no whole NumPy file (header)", "Save it again with numpy.save")
    file.seek(-len(field), io.SEEK_CUR)
    reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = reader(file)
    length = file.tell() - start
    if dtype.hasobject:
        raise refusal("it holds Python objects, which are never opened", "Save plain numbers with numpy.save")
    if any(n < 0 for n in shape) or dtype.itemsize * _product(shape) > size - length:
        raise refusal("it announces more samples than it holds", "Copy the file again")
    return shape, "F" if fortran else "C", dtype, length


def _product(shape: tuple[int, ...]) -> int:
    """As a Python integer, which cannot overflow."""
    total = 1
    for n in shape:
        total *= n
    return total
