"""Files of an export, written into a folder of the user's choice once nothing in them names somebody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from app.core import leaving
from app.core.home import Home
from engine.contract.errors import WorldError
from engine.contract.run import write_whole

SHOWN = {".csv": leaving.cells_of_csv, ".svg": leaving.shown_of_svg}
"""What files show in words, by their ending."""


def write_texts(home: Home, what: str, folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write CSV and SVG files, each whole; gives them back.

    Args:
        home: the workspace that they come from.
        what: what is written, for the error.
        folder: made where it is not there.
        texts: by file name.

    Raises:
        WorldError: the folder cannot be written, or a file would hold an identifier seen at import.
    """
    folder = Path(os.path.abspath(folder.expanduser()))
    shown = {name: f"{name}\n{SHOWN[Path(name).suffix](text)}" for name, text in texts.items()}
    leaving.refuse_file(home, what, folder, shown)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / name, text)
    except OSError as error:
        reason = f"it cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError(f"folder {folder.name}", reason, "Choose a folder that you may write") from None
    return [folder / name for name in texts]
