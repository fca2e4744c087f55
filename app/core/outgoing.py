"""Files that a person asked for, in a folder of theirs."""

from __future__ import annotations

import os
from pathlib import Path

from engine.contract.errors import WorldError


def write_out(path: Path, content: bytes, thing: str) -> Path:
    """Write a file whole or not at all, in place of one that is there.

    Args:
        path: where it goes; given back.
        content: all of it.
        thing: what it is, for who must be told that it cannot be written.

    Raises:
        WorldError: the file cannot be written.
    """
    draft = path.with_name(path.name + ".tmp")
    try:
        draft.write_bytes(content)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        reason = f"it cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError(thing, reason, "Choose a folder that you may write") from None
    return path
