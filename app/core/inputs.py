"""Which files an import reads: folders searched, names that cannot be written down set aside with a reason."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engine.contract.errors import WorldError
from engine.signal.readers import find_files


def gathered(paths: Sequence[Path]) -> tuple[list[Path], list[tuple[str, WorldError]]]:
    """Absolute paths of the files to read, and (name, reason) of those that cannot be asked for.

    Raises:
        WorldError: there is nothing to read.
    """
    found = find_files([Path(os.path.abspath(Path(path).expanduser())) for path in paths])
    files = [path for path in found if _is_text(str(path))]
    fault = WorldError("file", "its name is not valid UTF-8", "Rename the file")
    refused = [(_shown(path), fault) for path in found if not _is_text(str(path))]
    if not files:
        raise WorldError("import", "there is nothing to read", "Name recordings, or a folder that holds some")
    return files, refused


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: Path) -> str:
    return path.name.encode(errors="backslashreplace").decode()
