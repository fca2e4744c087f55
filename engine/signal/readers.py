"""From files to recordings: what a file is, is asked of its content and never of its suffix.

`READERS` are asked in turn; the first that knows the content reads it. WFDB comes last, because its header is plain
text without a mark of its own. `TABLES` hold numbers that a mapping explains, and may hold many recordings.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from engine.contract.errors import WorldError
from engine.contract.mapping import SignalTable
from engine.signal.formats import (
    delimited_text,
    dicom,
    edf,
    ge_cardiology,
    ge_muse,
    hdf5_file,
    hl7_aecg,
    ishne,
    matlab_file,
    numpy_array,
    parquet_table,
    philips_sierra,
    scp_ecg,
)
from engine.signal.formats.tabular import TableReader
from engine.signal.recording import Recording
from engine.signal.sources import Source
from engine.signal.wfdb_format import read_wfdb
from engine.signal.wfdb_header import refusal

HEAD_BYTES = 4096
"""How much of a file's start the readers see when they are asked whether it is theirs."""

_WFDB_SIGNALS = (".dat", ".mat")
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf\x27\x1c", b"Rar!")
_FORMATS = (
    "Import WFDB (.hea), DICOM, HL7 aECG, GE or Philips XML, SCP-ECG, ISHNE, EDF, BDF, CSV, NumPy, HDF5, MATLAB or "
    "Parquet files"
)


class Reader(Protocol):
    """What a module of `engine.signal.formats` offers."""

    NAME: str

    def sniff(self, head: bytes, path: Path) -> bool:
        """Whether a file that begins with `head` is of this format."""

    def read(self, path: Path, digest: bool = True) -> Recording:
        """Read it. Raises WorldError with the reason when that cannot be."""


READERS: tuple[Reader, ...] = (
    dicom,
    scp_ecg,
    ishne,
    edf,
    hl7_aecg,
    philips_sierra,
    ge_cardiology,
    ge_muse,
)


TABLES: tuple[TableReader, ...] = (numpy_array, hdf5_file, matlab_file, parquet_table, delimited_text)
NOTHING_MAPPED = SignalTable()


def read_recording(source: Source | Path | str, digest: bool = True, mapping: SignalTable | None = None) -> Recording:
    """Read one ECG, whatever its format.

    Args:
        source: the file, or one recording of a file that holds many; of WFDB the header, or the signal file beside one.
        digest: whether to hash the files (`file_sha256` stays empty without).
        mapping: what a table or an array does not say itself.

    Returns:
        The recording in millivolts, in canonical lead order.

    Raises:
        WorldError: with the reason and the next step; the text names no file.
    """
    source = Source.parse(source)
    path = source.path
    if path.suffix.lower() == ".hea":
        return read_wfdb(path, digest)
    if path.is_dir():
        raise _refuse_folder(path)
    header = _header_beside(path)
    if header != path:
        return read_wfdb(header, digest)
    head = _head(path)
    reader = next((reader for reader in READERS if reader.sniff(head, path)), None)
    if reader is not None:
        return reader.read(path, digest)
    table = _table_reader(head, path, mapping)
    if table is None:
        raise _refuse_file(path)
    if not source.member and len(table.members(path, mapping or NOTHING_MAPPED)) > 0:
        raise refusal("it holds many recordings", "Import it: each of them becomes a recording of its own")
    return table.read(source, digest, mapping or NOTHING_MAPPED)


def find_table(path: Path, mapping: SignalTable | None = None) -> TableReader | None:
    """Who reads this file as a table or an array; None when nobody does, or another reader knows it.

    Raises:
        WorldError: it cannot be opened.
    """
    head = _head(path)
    known = any(reader.sniff(head, path) for reader in READERS)
    return None if known else _table_reader(head, path, mapping)


def is_table(path: Path) -> bool:
    """Whether a file is surely one of `TABLES`, by its own look. Raises WorldError when it cannot be opened."""
    head = _head(path)
    return any(table.sniff(head, path) for table in TABLES) and _header_beside(path) == path


def _table_reader(head: bytes, path: Path, mapping: SignalTable | None) -> TableReader | None:
    for table in TABLES:
        if table.sniff(head, path):
            return table
    # A table without the names of leads: whoever names it, or gives a mapping, means it.
    return delimited_text if delimited_text.is_numbers(head, mapping) or (mapping and mapping.header_lines) else None


def find_reader(path: Path) -> Reader | None:
    """Who reads this file; None when nobody knows its content. Raises WorldError when it cannot be opened."""
    head = _head(path)
    return next((reader for reader in READERS if reader.sniff(head, path)), None)


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise _refuse_file(path)
        with path.open("rb", buffering=0) as file:
            return file.read(HEAD_BYTES)
    except OSError:
        raise _refuse_file(path) from None


def find_sources(paths: Iterable[Path | str], mapping: SignalTable | None = None) -> list[Source]:
    """The recordings of the given files and folders: each file, and each recording of a file that holds many."""
    return [source for path in find_files(paths, mapping) for source in _sources(path, mapping or NOTHING_MAPPED)]


def find_files(paths: Iterable[Path | str], mapping: SignalTable | None = None) -> list[Path]:
    """The files of recordings below the given files and folders, sorted within each folder, none twice.

    A folder that cannot be opened, or holds no recording, stays in the list as itself: reading it then tells why, so
    that every item asked for gets its line. Segments of a multi-segment record stand for their master alone.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        for file in _below(path, mapping) if path.is_dir() else [_header_beside(path)]:
            found.setdefault(file)
    return list(found)


def _sources(path: Path, mapping: SignalTable) -> list[Source]:
    """One, or those that a file holds; a file that cannot be looked into stands for itself, reading it tells why."""
    if path.suffix.lower() == ".hea":
        return [Source(path)]
    try:
        table = find_table(path, mapping)
        members = table.members(path, mapping) if table is not None else ()
    except WorldError:
        members = ()
    return [Source(path, member) for member in members] or [Source.parse(str(path))]


def _refuse_file(path: Path) -> WorldError:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return refusal("there is no such file", "Check the path")
    except OSError as error:
        return refusal(f"it cannot be opened ({type(error).__name__})", "Check the permissions and the disk")
    if size == 0:
        return refusal("the file is empty")
    if path.suffix.lower() in _WFDB_SIGNALS:
        return refusal("its WFDB header is missing", "Put the .hea file beside it")
    if _is_packed(path):
        return refusal("it is a packed archive", "Unpack it, then import the folder")
    return refusal("its format is not known", _FORMATS)


def _is_packed(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(_ARCHIVES)
    except OSError:
        return False


def _refuse_folder(path: Path) -> WorldError:
    try:
        os.scandir(path).close()
    except OSError as error:
        return refusal(f"the folder cannot be opened ({type(error).__name__})", "Ask for permission to read it")
    return refusal("the folder holds no recording", _FORMATS)


def _below(folder: Path, mapping: SignalTable | None = None) -> list[Path]:
    files: list[Path] = []
    closed: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        folders.sort()
        headers = sorted(name for name in names if name.lower().endswith(".hea"))
        segments = {name for header in headers for name in _segments(Path(place) / header)}
        found = [Path(place) / name for name in headers if name[:-4] not in segments]
        found += [path for name in names if _is_known(path := Path(place) / name, mapping)]
        files += sorted(found)
    return (files + sorted(closed)) or [folder]


def _is_known(path: Path, mapping: SignalTable | None) -> bool:
    """Whether a reader other than WFDB's knows the content; signal files that stand beside a header are not asked.

    In a folder a text counts as a recording when it names its leads or is nothing but columns of numbers: tables of
    labels stand beside recordings.
    """
    if path.suffix.lower() == ".hea" or _header_beside(path) != path:
        return False
    try:
        head = _head(path)
    except WorldError:
        return False
    if any(reader.sniff(head, path) for reader in READERS) or any(table.sniff(head, path) for table in TABLES):
        return True
    return bool(mapping and mapping.leads) and delimited_text.is_numbers(head, mapping)


def _segments(header: Path) -> list[str]:
    """Names of the segments when `header` is the master of a multi-segment record."""
    try:
        with header.open("rb") as file:
            start = file.read(4096).decode("latin-1")
    except OSError:
        return []
    lines = [line.split() for line in start.splitlines() if line.strip() and not line.startswith("#")]
    if not lines or "/" not in lines[0][0]:
        return []
    return [line[0] for line in lines[1:]]


def _header_beside(path: Path) -> Path:
    header = path.with_suffix(".hea")
    return header if path.suffix.lower() in _WFDB_SIGNALS and header.exists() else path
