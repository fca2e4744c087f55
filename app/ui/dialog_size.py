"""A dialog's size when it opens: as wished, but never larger than its screen."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog

FRAME_PX = 60
"""What the desktop's own bars and the dialog's frame take."""


def open_at(dialog: QDialog, width: int, height: int) -> None:
    """Give a dialog this size, in pixels, or what the screen has room for."""
    room = dialog.screen().availableSize()
    dialog.resize(min(width, room.width() - FRAME_PX), min(height, room.height() - FRAME_PX))
