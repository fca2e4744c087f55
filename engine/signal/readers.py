"""From files to recordings. WFDB is the one format so far; another reader is another branch of `read_recording`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from engine.contract.errors import WorldError
from engine.signal.recording import Recording
from engine.signal.wfdb_format import read_wfdb
from engine.signal.wfdb_header import refusal

_WFDB_SIGNALS = (".dat", ".mat")


def read_recording(path: Path | str, digest: bool = True) -> Recording:
    """Read one ECG, whatever its format.

    Args:
        path: a WFDB header, or the signal file beside one.
        digest: whether to hash the files (`file_sha256` stays empty without).

    Returns:
        The recording in millivolts, in canonical lead order.

    Raises:
        WorldError: with the reason and the next step; the text names no file.
    """
    path = Path(path)
    if path.suffix.lower() == ".hea":
        return read_wfdb(path, digest)
    if path.is_dir():
        raise _refuse_folder(path)
    header = _header_beside(path)
    if header != path:
        return read_wfdb(header, digest)
    raise _refuse_file(path)


def find_files(paths: Iterable[Path | str]) -> list[Path]:
    """The recordings below the given files and folders, sorted within each folder, none twice.

    A folder that cannot be opened, or holds no recording, stays in the list as itself: reading it then tells why, so
    that every item asked for gets its line. Segments of a multi-segment record stand for their master alone.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        for file in _below(path) if path.is_dir() else [_header_beside(path)]:
            found.setdefault(file)
    return list(found)


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
    return refusal("its format is not known", "Import WFDB records (.hea with .dat or .mat)")


def _refuse_folder(path: Path) -> WorldError:
    try:
        os.scandir(path).close()
    except OSError as error:
        return refusal(f"the folder cannot be opened ({type(error).__name__})", "Ask for permission to read it")
    return refusal("the folder holds no recording", "Name a folder with WFDB records (.hea)")


def _below(folder: Path) -> list[Path]:
    files: list[Path] = []
    closed: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        folders.sort()
        headers = sorted(name for name in names if name.lower().endswith(".hea"))
        segments = {name for header in headers for name in _segments(Path(place) / header)}
        files += [Path(place) / name for name in headers if name[:-4] not in segments]
    return (files + sorted(closed)) or [folder]


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
