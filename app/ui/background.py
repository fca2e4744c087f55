"""Work off the window's thread: `read(fn, then)` and `write(fn, then)`, each on one worker.

One worker for reads keeps answers in order; one for writes makes the window a single writer. Results and errors come
back on the window's thread through Qt's event queue, so `then` may touch widgets.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Signal, Slot

from app.core.changes import Changes

T = TypeVar("T")
Then = Callable[[Any], object]


@dataclass
class _Task:
    """One piece of work on its way; `forgotten` when a newer one with the same key took its place."""

    fn: Callable[[], Any]
    then: Then | None
    failed: Callable[[Exception], object] | None
    touches: Changes
    key: str
    value: Any = None
    error: Exception | None = None
    forgotten: bool = False


class Background(QObject):
    """Runs callables on two single-worker executors and brings their results back to the window's thread."""

    changed = Signal(Changes)
    """What a write has touched; pages refresh by it."""
    failed = Signal(object)
    """An exception that no one else took: shown by the message service."""
    idle = Signal()
    """Nothing is under way any more."""
    _returned = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._readers = ThreadPoolExecutor(1, "isoline-read")
        self._writers = ThreadPoolExecutor(1, "isoline-write")
        self._slow_readers = ThreadPoolExecutor(1, "isoline-slow-read")
        self._latest: dict[str, _Task] = {}
        self._pending = 0
        self._closed = False
        self._returned.connect(self._deliver)

    @property
    def busy(self) -> bool:
        """Whether any read or write is still under way."""
        return self._pending > 0

    def read(
        self,
        fn: Callable[[], T],
        then: Callable[[T], object] | None = None,
        *,
        key: str = "",
        failed: Callable[[Exception], object] | None = None,
        slow: bool = False,
    ) -> None:
        """Call `fn` on the reading worker, then `then(result)` on the window's thread.

        Args:
            fn: what to ask; must not touch widgets.
            then: takes the answer. Not called when its object (a widget, say) is gone by then.
            key: a newer read with the same key makes an older one be forgotten: only the newest answer arrives.
            failed: takes the exception; without it the `failed` signal tells the message service.
            slow: it takes seconds (typesetting, verifying): done on a third worker, so that no table waits for it.
        """
        self._submit(self._slow_readers if slow else self._readers, _Task(fn, then, failed, Changes.NOTHING, key))

    def write(
        self,
        fn: Callable[[], T],
        then: Callable[[T], object] | None = None,
        *,
        touches: Changes = Changes.NOTHING,
        failed: Callable[[Exception], object] | None = None,
    ) -> None:
        """Call `fn` on the writing worker; afterwards `changed` tells what it touched, then `then(result)` is called.

        Args:
            fn: what to do. When it gives back `Changes` these are told, else `touches`.
            then: takes the result.
            touches: what the write changes, for those that give back something else (a job id).
            failed: takes the exception; without it the `failed` signal tells the message service.
        """
        self._submit(self._writers, _Task(fn, then, failed, touches, ""))

    def close(self) -> None:
        """Drop what has not begun, wait for what has. Nothing is delivered afterwards."""
        self._closed = True
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._slow_readers.shutdown(wait=True, cancel_futures=True)
        self._writers.shutdown(wait=True, cancel_futures=True)

    def _submit(self, executor: ThreadPoolExecutor, task: _Task) -> None:
        if self._closed:
            return
        if task.key:
            if (older := self._latest.get(task.key)) is not None:
                older.forgotten = True
            self._latest[task.key] = task
        self._pending += 1
        future = executor.submit(self._work, task)
        future.add_done_callback(lambda done: self._hand_over(done, task))

    @staticmethod
    def _work(task: _Task) -> None:
        if task.forgotten:
            return
        try:
            task.value = task.fn()
        except Exception as error:
            task.error = error

    def _hand_over(self, done: Future[None], task: _Task) -> None:
        if not done.cancelled() and not self._closed and shiboken6.isValid(self):
            self._returned.emit(task)

    @Slot(object)
    def _deliver(self, task: _Task) -> None:
        self._pending -= 1
        if self._latest.get(task.key) is task:
            del self._latest[task.key]
        try:
            if not self._closed and not task.forgotten:
                self._tell(task)
        finally:
            if not self._pending:
                self.idle.emit()

    def _tell(self, task: _Task) -> None:
        if task.error is not None:
            if task.failed is not None:
                _call(task.failed, task.error)
            else:
                self.failed.emit(task.error)
            return
        touched = task.value if isinstance(task.value, Changes) else task.touches
        if touched:
            self.changed.emit(touched)
        if task.then is not None:
            _call(task.then, task.value)


def _call(function: Callable[[Any], object], value: Any) -> None:
    """Call back unless the widget that waits is gone; `function` is one of its methods, or a partial of one."""
    owner = getattr(getattr(function, "func", function), "__self__", None)
    if not isinstance(owner, QObject) or shiboken6.isValid(owner):
        function(value)
