"""Messages between host and a confined process; every size is looked at before anything is allocated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.zoo.sandbox.pipes import Early, Pipes
from engine.zoo.sandbox.wire import LINE_BYTES, TooLarge, Unreadable, opened, packed, planned, raw


class Channel:
    """Messages to and from a worker or a vendor's program.

    All methods raise `Hung` when the deadline (of `time.monotonic`) passes, `Ended` when the process is gone, and
    `Unreadable` when it breaks the protocol (`TooLarge` by length).
    """

    def __init__(self, pipes: Pipes) -> None:
        self._pipes, self._rest = pipes, b""

    def send(self, head: Mapping[str, Any], arrays: Mapping[str, np.ndarray], deadline: float) -> None:
        """Write a message of the worker's protocol."""
        for piece in packed(head, arrays):
            self.write(piece, deadline)

    def receive(self, deadline: float, limit: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Read a message of the worker's protocol whose arrays take no more than `limit` bytes."""
        head = opened(self.line(deadline))
        arrays: dict[str, np.ndarray] = {}
        for plan in planned(head, limit):
            array = np.empty(plan.shape, plan.dtype)
            if plan.nbytes:
                self.fill(raw(array), deadline)
            arrays[plan.name] = array
        self.quiet()
        return head, arrays

    def write(self, piece: memoryview, deadline: float) -> None:
        """Write bytes."""
        while piece:
            try:
                piece = piece[self._pipes.write(piece, deadline) :]
            except Early:
                raise Unreadable("it speaks before it was asked to the end") from None

    def line(self, deadline: float) -> bytes:
        """Read up to a newline, which is taken off."""
        line, chunk = self._rest, bytearray(2**16)
        while b"\n" not in line:
            if len(line) > LINE_BYTES:
                raise TooLarge("its line is longer than a line may be")
            line += chunk[: self._pipes.read(memoryview(chunk), deadline)]
        line, _, self._rest = line.partition(b"\n")
        return line

    def fill(self, target: memoryview, deadline: float) -> None:
        """Read exactly as many bytes as `target` has."""
        have = min(len(self._rest), len(target))
        target[:have], self._rest = self._rest[:have], self._rest[have:]
        while have < len(target):
            have += self._pipes.read(target[have:], deadline)

    def quiet(self) -> None:
        """Check that nothing stands behind the message that was read."""
        if self._rest:
            raise Unreadable("it says more than its answer")
