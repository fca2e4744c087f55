"""Files that the user asked for, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from engine.contract.errors import WorldError


def write_file(what: str, path: Path, content: bytes) -> Path:
    """Write a file so that a reader, or a power cut, sees the old or the new one, never half.

    Args:
        what: what it holds, for the error.
        path: where it goes; a file that stands there is replaced.
        content: all of it.

    Raises:
        WorldError: it cannot be written there.
    """
    draft = path.with_name(f"{path.name}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        reason = f"it cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError(what, reason, "Choose another place") from None
    return path
