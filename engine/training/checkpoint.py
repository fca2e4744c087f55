"""Checkpoints: folders that stand whole or not at all.

`step-000500.tmp/` is filled, every file is forced to disk, then the folder gets its name. `checksums.json` lists the
SHA-256 of every file, so that damage is seen before a weight is used. Only bytes here; what they mean is the caller's.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from engine.contract.errors import WorldError

CHECKSUMS = "checksums.json"
_NAME = re.compile(r"step-(\d{6,})")


class Found(NamedTuple):
    """The newest whole checkpoint, if any, and the names of newer ones that are damaged."""

    path: Path | None
    damaged: list[str]


def checkpoint_name(step: int) -> str:
    """`step-000500`."""
    return f"step-{step:06d}"


def write_checkpoint(
    folder: Path, step: int, files: Mapping[str, bytes | memoryview], keep: int, spare: str = ""
) -> Path:
    """Write a checkpoint, whole or not at all, then drop all but the newest `keep` and the one named `spare`.

    Raises:
        WorldError: the disk is full or refuses; earlier checkpoints are as they were.
    """
    path = folder / checkpoint_name(step)
    draft = path.with_name(path.name + ".tmp")
    try:
        _fill(draft, files)
        if path.exists():  # a damaged one of the same step, made again
            shutil.rmtree(path)
        draft.replace(path)
        _sync_folder(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise _disk_error(path.name, error) from None
    for old in [path for path in _complete(folder) if path.name != spare][keep:]:
        shutil.rmtree(old, ignore_errors=True)
    return path


def newest_checkpoint(folder: Path) -> Found:
    """The newest checkpoint whose files all match their checksums; leftovers of a cut write are removed."""
    for leftover in folder.glob("step-*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    damaged: list[str] = []
    for path in _complete(folder):
        if is_whole(path):
            return Found(path, damaged)
        damaged.append(path.name)
    return Found(None, damaged)


def is_whole(path: Path) -> bool:
    """Whether every file of a checkpoint is there and matches its checksum."""
    try:
        sums = json.loads((path / CHECKSUMS).read_text(encoding="utf-8"))
        return bool(sums) and all(sha256(path / name) == told for name, told in sums.items())
    except (OSError, ValueError, AttributeError):
        return False


def sha256(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(content: bytes | memoryview) -> str:
    """SHA-256 of bytes, hex."""
    return hashlib.sha256(content).hexdigest()


def _complete(folder: Path) -> list[Path]:
    """Checkpoint folders by step, newest first."""
    found = [(int(match[1]), path) for path in folder.glob("step-*") if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found, reverse=True)]


def _fill(draft: Path, files: Mapping[str, bytes | memoryview]) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    sums = {name: sha256_of(content) for name, content in files.items()}
    for name, content in {**files, CHECKSUMS: json.dumps(sums, indent=1).encode()}.items():
        _write_synced(draft / name, content)
    _sync_folder(draft)


def _write_synced(path: Path, content: bytes | memoryview) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Force a folder's entries to disk; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk_error(name: str, error: OSError) -> WorldError:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        reason = f"it is full, so {name} could not be written; the checkpoint before it is whole"
        return WorldError("disk", reason, "Free some space, then resume the run", fault="disk_full")
    reason = f"{name} could not be written ({error.strerror}); the checkpoint before it is whole"
    return WorldError("disk", reason, "Check the disk, then resume the run")
