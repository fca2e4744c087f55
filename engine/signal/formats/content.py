"""Whole files, read once, with a limit on their size before a byte is taken, and hashed."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from engine.signal.assemble import refusal


def read_content(path: Path, limit: int) -> bytes:
    """All bytes of a regular file of at most `limit` bytes. Raises WorldError otherwise."""
    try:
        told = path.stat()
        if not stat.S_ISREG(told.st_mode):
            raise refusal("it is no regular file", "Name a file")
        if told.st_size > limit:
            raise refusal(
                f"it has {told.st_size / 2**20:,.0f} MiB, more than the {limit / 2**20:,.0f} MiB that a file of its "
                "format may have",
                "Cut it into shorter recordings",
            )
        with path.open("rb", buffering=0) as file:
            return file.read(min(told.st_size, limit))
    except FileNotFoundError:
        raise refusal("there is no such file", "Check the path") from None
    except OSError as error:
        raise refusal(f"it cannot be opened ({type(error).__name__})", "Check the permissions and the disk") from None


def sha256(content: bytes, wanted: bool) -> str:
    """Hash of the bytes in hex; empty when it is not wanted."""
    return hashlib.sha256(content).hexdigest() if wanted else ""


def numeric(text: str | None) -> float | None:
    """The finite number that a text is; None when it is none.

    >>> numeric(" 12.5 "), numeric("nan"), numeric("twelve"), numeric(None)
    (12.5, None, None, None)
    """
    try:
        value = float(text) if text is not None and len(text) < 64 else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < 1e300 else None
