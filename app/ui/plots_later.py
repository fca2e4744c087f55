"""Modules of plots are imported after their page stands on the screen, on the window's own thread.

pyqtgraph takes some 0.3 s to load, which a page that opens should not wait for. It makes Qt's classes its own while it
loads, so no other thread may do that: the window's event loop works on the same classes, and the program once ended
with a fault of memory in a test that loaded it beside.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from PySide6.QtCore import QObject, QTimer

AFTER_MS = 30
"""Enough for a page to be laid out and painted once."""


WAITING = "waits for a module"
"""Name of the timer while a module is not there yet."""


def import_later(owner: QObject, module: str, then: Callable[[ModuleType], object]) -> None:
    """Import a module soon and hand it on; not at all when its owner is gone by then."""
    timer = QTimer(owner)
    timer.setObjectName(WAITING)
    timer.setSingleShot(True)

    def load() -> None:
        timer.setObjectName("")
        timer.deleteLater()
        then(import_module(module))

    timer.timeout.connect(load)
    timer.start(AFTER_MS)
