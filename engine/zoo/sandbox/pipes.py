"""The host's ends of the two pipes to a worker, with an end to every wait."""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from contextlib import suppress
from typing import Any, Protocol

CHUNK = 2**20
PIPE_BYTES = 2**20
"""Asked of the kernel for each pipe: a batch goes through in few turns."""


class Hung(Exception):
    """The other side said nothing for too long."""


class Ended(Exception):
    """The other side is gone."""


class Early(Exception):
    """The other side speaks while it is still being asked."""


class Pipes(Protocol):
    """Reads and writes that end at a deadline, a time of `time.monotonic`."""

    def write(self, piece: memoryview, deadline: float) -> int:
        """Write some of it; how much. Raises Hung, Ended, or Early where there is something to read already."""

    def read(self, target: memoryview, deadline: float) -> int:
        """Read some into `target`; how much. Raises Hung or Ended."""


def pipes(to: int, back: int) -> Pipes:
    """For this system. `to` is the descriptor that the worker reads from, `back` the one it writes to."""
    return PolledPipes(to, back) if hasattr(select, "poll") else ThreadedPipes(to, back)


class PolledPipes:
    """Where the system can wait for a pipe; both become non-blocking."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._writable, self._readable = select.poll(), select.poll()
        self._writable.register(to, select.POLLOUT)
        for waiting in (self._writable, self._readable):
            waiting.register(back, select.POLLIN)
        for descriptor in (to, back):
            os.set_blocking(descriptor, False)
            with suppress(OSError, ImportError, AttributeError):
                import fcntl

                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def write(self, piece: memoryview, deadline: float) -> int:
        """Write some of it."""
        while True:
            if self._wait(self._writable, deadline).get(self._back, 0) & select.POLLIN:
                raise Early
            try:
                return os.write(self._to, piece[:CHUNK])
            except BlockingIOError:
                continue
            except OSError:
                raise Ended from None

    def read(self, target: memoryview, deadline: float) -> int:
        """Read some into `target`."""
        while True:
            try:
                count = os.readv(self._back, [target[:CHUNK]])
            except BlockingIOError:
                self._wait(self._readable, deadline)
                continue
            if not count:
                raise Ended
            return count

    @staticmethod
    def _wait(waiting: select.poll, deadline: float) -> dict[int, int]:
        ready = waiting.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not ready:
            raise Hung
        return dict(ready)


class ThreadedPipes:
    """Where the system cannot wait for a pipe: a thread waits for each."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back, self._rest = to, back, memoryview(b"")
        self._found: queue.Queue[bytes] = queue.Queue(maxsize=4)
        self._asked: queue.Queue[bytes] = queue.Queue(maxsize=1)
        self._written: queue.Queue[int] = queue.Queue()
        for work in (self._reading, self._writing):
            threading.Thread(target=work, daemon=True, name="sandbox pipe").start()

    def write(self, piece: memoryview, deadline: float) -> int:
        """Write some of it."""
        if not self._rest and not self._found.empty():
            self._take(deadline)
        if self._rest:
            raise Early
        self._asked.put(bytes(piece[:CHUNK]))
        count: int = self._got(self._written, deadline)
        if not count:
            raise Ended
        return count

    def read(self, target: memoryview, deadline: float) -> int:
        """Read some into `target`."""
        if not self._rest:
            self._take(deadline)
        count = min(len(target), len(self._rest))
        target[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def _take(self, deadline: float) -> None:
        self._rest = memoryview(self._got(self._found, deadline))
        if not self._rest:
            self._found.put(b"")  # it stays ended
            raise Ended

    @staticmethod
    def _got(waiting: queue.Queue[Any], deadline: float) -> Any:
        try:
            return waiting.get(timeout=max(0.001, deadline - time.monotonic()))
        except queue.Empty:
            raise Hung from None

    def _reading(self) -> None:
        found = b"-"
        while found:
            try:
                found = os.read(self._back, 2**16)
            except OSError:
                found = b""
            self._found.put(found)

    def _writing(self) -> None:
        count = 1
        while count:
            piece = self._asked.get()
            try:
                count = os.write(self._to, piece)
            except OSError:
                count = 0
            self._written.put(count)
