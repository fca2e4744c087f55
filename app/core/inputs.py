"""Which files an import reads: folders searched, names that cannot be written down set aside with a reason."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.contract.errors import WorldError
from engine.contract.mapping import SignalTable
from engine.signal.readers import find_sources, is_table
from engine.signal.sources import Source


@dataclass(frozen=True)
class Gathered:
    """What an import is to read, with absolute paths, and (name, reason) of files that cannot be asked for."""

    sources: tuple[Source, ...]
    refused: tuple[tuple[str, WorldError], ...] = ()


def gathered(paths: Sequence[Path], mapping: SignalTable | None = None) -> Gathered:
    """Search files and folders for what is to be read.

    Args:
        paths: files, and folders that are searched.
        mapping: what tables and arrays do not say themselves.

    Raises:
        WorldError: there is nothing to read.
    """
    found = find_sources([Path(os.path.abspath(Path(path).expanduser())) for path in paths], mapping)
    sources = tuple(source for source in found if _is_text(str(source)))
    fault = WorldError("file", "its name is not valid UTF-8", "Rename the file")
    refused = tuple((_shown(source.path), fault) for source in found if not _is_text(str(source)))
    if not sources:
        raise WorldError("import", "there is nothing to read", "Name recordings, or a folder that holds some")
    return Gathered(sources, refused)


TABLE_ENDINGS = (".csv", ".tsv", ".xlsx", ".xls", ".ods")
ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")


@dataclass(frozen=True)
class Dropped:
    """What files and folders that were dropped or chosen are: to be read, tables of labels, or packed archives."""

    recordings: tuple[Path, ...] = ()
    tables: tuple[Path, ...] = ()
    archives: tuple[Path, ...] = ()


def dropped(paths: Sequence[Path]) -> Dropped:
    """Sort files and folders by what can be done with them; only what may be a table is looked into."""
    tables = [p for p in paths if p.suffix.lower() in TABLE_ENDINGS and not p.is_dir() and not is_recording(p)]
    archives = [p for p in paths if p.suffix.lower() in ARCHIVE_ENDINGS and not p.is_dir() and not is_recording(p)]
    sorted_out = {*tables, *archives}
    rest = [path for path in paths if path not in sorted_out]
    return Dropped(tuple(rest), tuple(tables), tuple(archives))


def is_recording(path: Path) -> bool:
    """Whether a table is the samples of an ECG and not labels, by its own look."""
    try:
        return is_table(path)
    except WorldError:
        return False


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: Path) -> str:
    return path.name.encode(errors="backslashreplace").decode()
