"""The host's side of the two protocols: that of our own worker, and that of a vendor's program.

Both raise `Failed` when the model says that it cannot, and what `Channel` raises when it does not say anything sound.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from engine.zoo.sandbox import npz
from engine.zoo.sandbox.batching import Arrays, Mismatch, one_by_one
from engine.zoo.sandbox.channel import Channel
from engine.zoo.sandbox.graph import Graph, from_told
from engine.zoo.sandbox.wire import TooLarge, Unreadable, opened

PROTOCOL = 1
"""Version of the vendor's protocol, docs/vendor_protocol.md."""


class Failed(Exception):
    """The model says that it cannot; `fault` is for programs, `detail` for people."""

    def __init__(self, fault: str, detail: str = "") -> None:
        super().__init__(fault, detail)
        self.fault, self.detail = fault, detail


class Speaker(Protocol):
    """Someone who runs a model."""

    def graph(self, deadline: float) -> Graph:
        """What the model says of itself, once it is loaded."""

    def run(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] | None, deadline: float, *, singly: bool
    ) -> Arrays:
        """What the model makes of a batch."""


class Worker:
    """Our own worker, which has loaded a vendor's file."""

    def __init__(self, channel: Channel, entry: str, limit: int) -> None:
        self._channel, self._entry, self._limit = channel, entry, limit

    def graph(self, deadline: float) -> Graph:
        """What the model says of itself."""
        head, _ = self._ask({"verb": "load", "entry": self._entry}, {}, deadline)
        return from_told(head.get("graph"))

    def run(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] | None, deadline: float, *, singly: bool
    ) -> Arrays:
        """What the model makes of a batch."""
        head: dict[str, Any] = {"verb": "run", "singly": singly, "limit": self._limit}
        if outputs is not None:
            head["outputs"] = list(outputs)
        return chosen(self._ask(head, inputs, deadline)[1], outputs)

    def _ask(
        self, head: Mapping[str, Any], arrays: Mapping[str, np.ndarray], deadline: float
    ) -> tuple[dict[str, Any], Arrays]:
        self._channel.send(head, arrays, deadline)
        answer, found = self._channel.receive(deadline, self._limit)
        if answer.get("fault"):
            raise Failed(str(answer["fault"]), str(answer.get("detail", "")))
        return answer, found


class Program:
    """A vendor's program: a line of JSON, then an .npz file, in both directions."""

    def __init__(self, channel: Channel, limit: int) -> None:
        self._channel, self._limit = channel, limit

    def graph(self, deadline: float) -> Graph:
        """What the program says of itself; it may leave out what it does not want to tell."""
        return described(self._ask({"verb": "describe"}, b"", deadline)[0])

    def run(
        self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] | None, deadline: float, *, singly: bool
    ) -> Arrays:
        """What the program makes of a batch."""

        def once(batch: Mapping[str, np.ndarray]) -> Arrays:
            return npz.read(self._ask({"verb": "run"}, npz.written(batch), deadline)[1], self._limit)

        try:
            return chosen(one_by_one(once, inputs) if singly else once(inputs), outputs)
        except Mismatch as error:
            raise Failed(error.fault, str(error)) from None

    def _ask(self, head: Mapping[str, Any], body: bytes, deadline: float) -> tuple[dict[str, Any], bytes]:
        line = json.dumps({"isoline": PROTOCOL, **head, "bytes": len(body)}).encode() + b"\n"
        self._channel.write(memoryview(line), deadline)
        self._channel.write(memoryview(body), deadline)
        answer = opened(self._channel.line(deadline))
        length = answer.get("bytes", 0)
        if type(length) is not int or length < 0:
            raise Unreadable("it does not say how long its answer is")
        # An .npz file of an answer that fits has its own names and headers beside the numbers.
        if length > self._limit + 2**20:
            raise TooLarge("its answer is longer than an answer may be")
        found = bytearray(length)
        self._channel.fill(memoryview(found), deadline)
        self._channel.quiet()
        if "error" in answer:
            raise Failed("model_failed", str(answer["error"]))
        return answer, bytes(found)


def described(told: Mapping[str, Any]) -> Graph:
    """A vendor's own description: lists of name, dtype and shape, each of which may be left out.

    Raises:
        Unreadable: it is none.
    """
    sides = []
    for side in ("inputs", "outputs"):
        listed = told.get(side, [])
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise Unreadable("its description of the model is none")
        sides.append([[one.get("name", ""), one.get("dtype", ""), one.get("shape")] for one in listed])
    facts: dict[str, Any] = {"parameters": told.get("parameters"), "opset": {}, "operators": {}}
    return from_told({"inputs": sides[0], "outputs": sides[1], **facts})


def chosen(answer: Arrays, outputs: Sequence[str] | None) -> Arrays:
    """The outputs that were asked for, in that order.

    Raises:
        Failed: one is not there.
    """
    if outputs is None:
        return answer
    if not set(outputs) <= set(answer):
        raise Failed("model_output", f"it gives {', '.join(answer) or 'nothing'}")
    return {name: answer[name] for name in outputs}
