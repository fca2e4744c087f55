"""What keeps Python itself from holding up the window's thread while a worker reads from the database."""

from __future__ import annotations

import gc
import sys

from PySide6.QtCore import QObject, QTimer

SWITCH_S = 0.0005
"""A thread that wants to run waits at most this long for one that computes. Python's default of 5 ms is paid again at
every cell that is painted while the reading worker makes rows."""

STARTED_MS = 4000


def keep_smooth(window: QObject) -> None:
    """Let threads take turns quickly, and keep the search for garbage away from what is there for good.

    The objects of all imported modules (120,000 of them) cost the search 60 ms, in whichever thread it falls. They are
    put aside once the window has come to rest (figures: docs/records_speed.md).
    """
    sys.setswitchinterval(SWITCH_S)
    QTimer.singleShot(STARTED_MS, window, gc.freeze)
