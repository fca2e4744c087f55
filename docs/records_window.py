"""How the Records page serves a large workspace: time until the rows are painted, and the longest stall of the window.

`docs/records_speed.py` calls this. The window is the real one, off the screen, with its heartbeat; only the samples of
the trace are made up. A stall is the longest time in which the window's thread did not come back to its event loop, by
a timer that rings every two milliseconds. On a machine that is busy with other things a stall is mostly waiting for a
core. The last columns say how much processor time this process took meanwhile in all its threads, which is what one
idle core needs for it, and how much the window's thread itself took between two rings.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.core.changes import Changes
from app.core.record_query import SORTABLE, RecordQuery
from app.core.rows import SignalView
from app.ui.records_page import RecordsPage
from app.ui.smooth import STARTED_MS, keep_smooth
from app.ui.window import MainWindow
from app.workspace import Workspace
from engine.signal.leads import CANONICAL

TICK_MS = 2
LIMIT_S = 60


class Sampled(Workspace):
    """A workspace whose recordings have ten made-up seconds instead of samples in a store."""

    def signal(self, record_id: str) -> SignalView:
        """Twelve leads of waves."""
        seconds = np.arange(5000, dtype=np.float32) / 500
        wave = (np.sin(2 * np.pi * 1.2 * seconds) ** 15).astype(np.float32)
        return SignalView(record_id, np.tile(wave, (12, 1)), 500.0, CANONICAL, ())


class Watch(QObject):
    """Rings every two milliseconds and remembers the longest silence."""

    def __init__(self) -> None:
        super().__init__()
        self.restart()
        timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(self._ring)
        timer.start()

    def restart(self) -> None:
        """Forget what was before."""
        self.stall_s = self.busy_s = self.own_s = 0.0
        self._wall, self._busy, self._own = time.perf_counter(), time.process_time(), time.thread_time()

    def told(self) -> str:
        """The three figures in milliseconds, as columns."""
        return "".join(f"{1e3 * seconds:>10.0f}" for seconds in (self.stall_s, self.busy_s, self.own_s))

    def _ring(self) -> None:
        wall, busy, own = time.perf_counter(), time.process_time(), time.thread_time()
        self.stall_s = max(self.stall_s, wall - self._wall)
        self.busy_s = max(self.busy_s, min(busy - self._busy, wall - self._wall))
        self.own_s = max(self.own_s, own - self._own)
        self._wall, self._busy, self._own = wall, busy, own


def measure(path: Path) -> None:
    """Open the window on a workspace, do what a user does, print a line for each."""
    app = QApplication.instance() or QApplication([])
    window = MainWindow(Sampled.open(path))
    window.resize(1280, 800)
    keep_smooth(window)
    watch = Watch()
    print(f"\n{'in the window':<38} {'painted ms':>10}{'stall ms':>10}{'busy ms':>10}{'own ms':>10}")

    def step(name: str, act: Callable[[], object]) -> None:
        watch.restart()
        began = time.perf_counter()
        act()
        painted = _until_painted(window, page)
        print(f"{name:<38} {1e3 * (painted - began):>10.0f}{watch.told()}")

    page = window.page("Records")
    assert isinstance(page, RecordsPage)
    table, bar = page.table, page.table.view.verticalScrollBar()
    step("open, first page", window.show)
    _rest(STARTED_MS / 1000)
    watch.restart()
    _rest(3)
    print(f"{'nothing, 3 s':<38} {'':>10}{watch.told()}")
    for key in SORTABLE:
        step(f"sort by {key}", lambda key=key: table.view.sort_by(key, False))  # type: ignore[misc]
        step(f"sort by {key}, from the end", lambda key=key: table.view.sort_by(key, True))  # type: ignore[misc]
    for share in (0.5, 1.0, 0.25):
        step(f"jump to {share:.0%} of the rows", lambda share=share: bar.setValue(int(bar.maximum() * share)))  # type: ignore[misc]
    step("drag through all rows, 100 places", lambda: _drag(bar.setValue, bar.maximum()))
    step("walk down 50 rows", lambda: _walk(table.view.selectRow, table.view.rowAt(0)))
    queries = {
        "filter: label": RecordQuery(label="AF"),
        "filter: label unknown": RecordQuery(label="AF", label_is="unknown"),
        "filter: finding, by age": RecordQuery(finding="flat", sort="age"),
        "filter: women of 40 to 60, one device": RecordQuery(device="GE MAC 800", age_from=40, age_to=60, sex="female"),
        "filter: text": RecordQuery(text="0001f"),
        "filter: text, by patient, from the end": RecordQuery(text="1", sort="patient", descending=True),
    }
    for name, query in queries.items():
        step(name, lambda query=query: table.narrow(query))  # type: ignore[misc]
    step("all filters away", lambda: table.narrow(replace(table.query(), text="")))
    table.view.selectRow(50_000 % max(table.model.rowCount(), 1))
    step("an import adds rows, by patient", lambda: window.background.changed.emit(Changes.RECORDS))
    window.close()
    app.processEvents()


def _drag(go: Callable[[int], None], last: int) -> None:
    for place in range(100):
        go(last * place // 99)
        QApplication.processEvents()


def _walk(select: Callable[[int], None], first: int) -> None:
    for row in range(first, first + 50):
        select(row)
        QApplication.processEvents()


def _until_painted(window: MainWindow, page: RecordsPage) -> float:
    """Wait until everything in view is held and painted; the time of it."""
    table, limit = page.table, time.perf_counter() + LIMIT_S
    while time.perf_counter() < limit:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        first = max(table.view.rowAt(0), 0)
        last = table.view.rowAt(table.view.viewport().height() - 1)
        held = table.model.row(first) is not None and (last < 0 or table.model.row(last) is not None)
        if not window.background.busy and not table.bar.pause.isActive() and (held or not table.model.rowCount()):
            break
    table.view.viewport().repaint()
    return time.perf_counter()


def _rest(seconds: float) -> None:
    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()
