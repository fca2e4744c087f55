"""What keeps Python from holding up the window."""

import gc
import sys

from PySide6.QtCore import QObject

from app.ui import smooth


def test_threads_take_turns_and_what_is_there_for_good_is_put_aside_once(qtbot, monkeypatch):
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    monkeypatch.setattr(smooth, "STARTED_MS", 1)
    before, window = sys.getswitchinterval(), QObject()
    try:
        smooth.keep_smooth(window)
        assert sys.getswitchinterval() <= 0.001
        qtbot.waitUntil(lambda: frozen == [True])
    finally:
        sys.setswitchinterval(before)
