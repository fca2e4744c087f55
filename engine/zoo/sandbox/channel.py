"""The host's end of the two pipes: every wait has an end, and every size is looked at before anything is allocated."""

from __future__ import annotations

import fcntl
import os
import select
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from engine.zoo.sandbox.wire import LINE_BYTES, TooLarge, Unreadable, opened, packed, planned, raw

CHUNK = 2**20
PIPE_BYTES = 2**20
"""Asked of the kernel for each pipe: a batch goes through in few turns."""


class Hung(Exception):
    """The other side said nothing for too long."""


class Ended(Exception):
    """The other side is gone."""


class Channel:
    """Messages to and from a worker.

    Args:
        to: file descriptor of the pipe that the worker reads; becomes non-blocking.
        back: file descriptor of the pipe that the worker writes; becomes non-blocking.
    """

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back, self._rest = to, back, b""
        for descriptor in (to, back):
            os.set_blocking(descriptor, False)
            with suppress(OSError, AttributeError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def send(self, head: Mapping[str, Any], arrays: Mapping[str, np.ndarray], deadline: float) -> None:
        """Write a message.

        Raises:
            Hung: it is not taken before `deadline` (of `time.monotonic`).
            Ended: the worker is gone.
            Unreadable: the worker speaks before it was asked to the end, or an array cannot be sent.
        """
        for piece in packed(head, arrays):
            self.write(piece, deadline)

    def write(self, piece: memoryview, deadline: float) -> None:
        """Write bytes; raises as `send` does."""
        waiting = select.poll()
        waiting.register(self._to, select.POLLOUT)
        waiting.register(self._back, select.POLLIN)
        while piece:
            ready = dict(self._wait(waiting, deadline))
            if ready.get(self._back, 0) & select.POLLIN:
                raise Unreadable("it answered before the request was read to its end")
            try:
                piece = piece[os.write(self._to, piece[:CHUNK]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Ended from None

    def receive(self, deadline: float, limit: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Read a message.

        Raises:
            Hung: it is not whole before `deadline`.
            Ended: the worker is gone.
            Unreadable: it breaks the protocol; `TooLarge` where it would take more than `limit` bytes.
        """
        head = opened(self.line(deadline))
        arrays: dict[str, np.ndarray] = {}
        for plan in planned(head, limit):
            array = np.empty(plan.shape, plan.dtype)
            if plan.nbytes:
                self.fill(raw(array), deadline)
            arrays[plan.name] = array
        if self._rest:
            raise Unreadable("there is more than one answer")
        return head, arrays

    def line(self, deadline: float) -> bytes:
        """Read up to a newline; raises as `receive` does."""
        line = self._rest
        while b"\n" not in line:
            if len(line) > LINE_BYTES:
                raise TooLarge("its line is longer than a line may be")
            line += self._some(deadline)
        line, _, self._rest = line.partition(b"\n")
        return line

    def fill(self, target: memoryview, deadline: float) -> None:
        """Read exactly as many bytes as `target` has; raises as `receive` does."""
        have = min(len(self._rest), len(target))
        target[:have], self._rest = self._rest[:have], self._rest[have:]
        while have < len(target):
            try:
                count = os.readv(self._back, [target[have : have + CHUNK]])
            except BlockingIOError:
                self._readable(deadline)
                continue
            if not count:
                raise Ended
            have += count

    def _some(self, deadline: float) -> bytes:
        while True:
            try:
                found = os.read(self._back, 2**16)
            except BlockingIOError:
                self._readable(deadline)
                continue
            if not found:
                raise Ended
            return found

    def _readable(self, deadline: float) -> None:
        waiting = select.poll()
        waiting.register(self._back, select.POLLIN)
        self._wait(waiting, deadline)

    @staticmethod
    def _wait(waiting: select.poll, deadline: float) -> list[tuple[int, int]]:
        ready = waiting.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if not ready:
            raise Hung
        return ready
