"""What a kill, a torn write or a full disk leaves of a store, and how it is told and cut away."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np

from engine.contract.errors import WorldError
from engine.data import layout
from engine.data.layout import ROW


def check_layout(path: Path) -> None:
    """Make sure that a store of a known layout stands there. Raises WorldError otherwise."""
    try:
        version = json.loads((path / "store.json").read_text(encoding="utf-8"))["version"]
    except FileNotFoundError:
        raise WorldError("store", "there is none", "Import recordings first") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise WorldError("store", "its description cannot be read", "Restore store.json from a backup") from None
    if version != layout.VERSION:
        raise WorldError("store", f"it has layout {version}, this program knows {layout.VERSION}", "Update Isoline")


def committed(index: Path) -> int:
    """Rows that were written whole.

    Rows torn by a power cut can only be among those of the last commit: they were written together, and the disk may
    have taken a later one before an earlier one. A row that is wrong but not torn was whole once: the disk is failing,
    and the row stays where verification finds it.
    """
    count = index.stat().st_size // ROW.itemsize if index.exists() else 0
    rows = np.asarray(np.memmap(index, dtype=ROW, mode="r", shape=(count,))) if count else np.empty(0, dtype=ROW)
    while count and _torn(rows[count - 1]):
        count -= 1
    together = min(int(rows[count - 1]["place"]), count - 1) if count else 0
    return next((row for row in range(count - 1 - together, count - 1) if _torn(rows[row])), count)


def _torn(row: np.void) -> bool:
    """Whether a part of the row never reached the disk: sectors begin at multiples of 8 bytes, as rows do."""
    block = row.tobytes()
    return not (any(block[:8]) and any(block[-8:])) and not layout.stands(row)


def cut(path: Path, size: int) -> None:
    """Shorten a file that a killed writer left longer than what was committed.

    Raises:
        WorldError: it is shorter than what was committed, or cannot be cut.
    """
    held = path.stat().st_size
    if held < size:
        raise WorldError("store", "a shard is shorter than its index says", "Restore the store from a backup")
    if held > size:
        try:
            with path.open("r+b") as file:
                file.truncate(size)
        except OSError as error:  # Windows cuts no file that another process has mapped
            raise WorldError(
                "store",
                f"remnants of a killed import cannot be cut away ({type(error).__name__})",
                "Close other programs that read this workspace and try again",
            ) from None


def disk_fault(error: OSError) -> WorldError:
    """A failed write of the store, in the words of the user."""
    reason = "the disk is full" if error.errno == errno.ENOSPC else f"it cannot be written ({type(error).__name__})"
    return WorldError("store", reason, "Free some space, then resume the import")


def sync_folder(path: Path) -> None:
    """Make the names of new files in a folder last through a power cut; Windows does so by itself."""
    if os.name == "posix":
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
