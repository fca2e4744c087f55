"""Figures as pictures on the command line: drawn by the window's library, without a window."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engine.contract.errors import WorldError


def as_png(files: Sequence[Path]) -> list[Path]:
    """Write each SVG figure as a PNG beside it; gives back the new files.

    The figures were searched for identifiers when they were written; a picture shows nothing that they do not.

    Args:
        files: SVG figures of this program.

    Raises:
        WorldError: the window's libraries are not installed, or a picture cannot be written.
    """
    try:
        from PySide6.QtGui import QGuiApplication

        from app.ui.figure_files import png
        from app.ui.theme import load_fonts
    except ImportError:
        raise WorldError(
            "PNG figures",
            "the libraries of the window are not installed",
            "Install isoline[gui], or take the SVG files",
        ) from None
    from app.core.whole_file import write_file

    if QGuiApplication.instance() is None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # a server has no screen, and none is needed
        _kept.append(QGuiApplication([]))
    load_fonts()
    return [write_file("the figure", file.with_suffix(".png"), png(file.read_text(encoding="utf-8"))) for file in files]


_kept: list[object] = []
"""Qt ends with its application object: it is held until the program ends."""
