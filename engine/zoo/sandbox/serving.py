"""The worker inside: loads one model, answers one request after another, ends when the host lets go of the pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Protocol

import numpy as np

from engine.zoo.sandbox.graph import Graph, as_told
from engine.zoo.sandbox.wire import LINE_BYTES, TooLarge, opened, packed, planned, raw

Arrays = dict[str, np.ndarray]
REQUEST_BYTES = 2**34
"""The host is trusted: its requests are as long as its memory allows."""


class Refused(Exception):
    """A model that is not loaded, or an input that it does not take; `fault` is for programs, the text for people.

    Args:
        fault: a short name; the host knows each and what to do about it.
        detail: what exactly, in words.
    """

    def __init__(self, fault: str, detail: str = "") -> None:
        super().__init__(fault, detail)
        self.fault, self.detail = fault, detail


class Runtime(Protocol):
    """A loaded model."""

    graph: Graph

    def run(self, inputs: Mapping[str, np.ndarray], outputs: list[str] | None) -> Arrays:
        """What it makes of one batch."""


def onnx(path: str, folder: str, threads: int) -> Runtime:
    """An ONNX graph under onnxruntime."""
    from engine.zoo.sandbox.onnx_runtime import OnnxModel

    return OnnxModel(path, folder, threads)


RUNTIMES: dict[str, Callable[[str, str, int], Runtime]] = {"onnx": onnx}


def serve(runtime: str, folder: str, threads: int, *, filtered: bool) -> int:
    """Answer the host until it closes the pipe."""
    requests, answers = _pipes()
    model: Runtime | None = None
    while line := requests.readline(LINE_BYTES + 1):
        head = opened(line)
        arrays = _read(requests, head)
        try:
            if head["verb"] == "load":
                model = RUNTIMES[runtime](os.path.join(folder, head["entry"]), folder, threads)
                _write(answers, packed({"graph": as_told(model.graph)}))
            elif model is not None:
                found = _run(model, arrays, head)
                room = int(head["limit"])
                if sum(array.nbytes for array in found.values()) > room:
                    raise Refused("sandbox_output", "the answer is longer than it may be")
                _write(answers, packed({"nonfinite": _nonfinite(found)}, found))
        except Exception as error:
            _write(answers, packed({"fault": _fault(error), "detail": _detail(error)}))
    return 0


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the host, under numbers that no library prints to: what a model prints goes to the error stream."""
    requests, answers = os.fdopen(os.dup(0), "rb", buffering=2**16), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, answers


def _read(requests: BinaryIO, head: Mapping[str, Any]) -> Arrays:
    arrays: Arrays = {}
    for plan in planned(head, REQUEST_BYTES):
        array = np.empty(plan.shape, plan.dtype)
        if plan.nbytes:
            requests.readinto(raw(array))  # type: ignore[attr-defined]
        arrays[plan.name] = array
    return arrays


def _write(answers: BinaryIO, pieces: list[memoryview]) -> None:
    for piece in pieces:
        while piece:
            piece = piece[answers.write(piece) :]


def _run(model: Runtime, arrays: Arrays, head: Mapping[str, Any]) -> Arrays:
    outputs = head.get("outputs")
    if not head.get("singly"):
        return model.run(arrays, outputs)
    count = {len(array) for array in arrays.values()}
    if len(count) != 1:
        raise Refused("model_input", "inputs of one request have different numbers of windows")
    rows = [model.run({n: a[i : i + 1] for n, a in arrays.items()}, outputs) for i in range(count.pop())]
    if not rows:
        raise Refused("model_input", "there is no window")
    return {name: _joined([row[name] for row in rows]) for name in rows[0]}


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Answers to single windows as one: along the first axis where it has length 1, else along a new one."""
    if len({part.shape for part in parts}) != 1:
        raise Refused("model_output", "windows of one request give answers of different shapes")
    return np.concatenate(parts) if parts[0].ndim and parts[0].shape[0] == 1 else np.stack(parts)


def _nonfinite(arrays: Arrays) -> dict[str, int]:
    """How many values of each answer are no number or infinite."""
    counts = {n: int(a.size - np.isfinite(a).sum()) for n, a in arrays.items() if a.dtype.kind == "f"}
    return {name: count for name, count in counts.items() if count}


def _fault(error: Exception) -> str:
    if isinstance(error, Refused):
        return error.fault
    if isinstance(error, TooLarge):
        return "sandbox_output"
    if isinstance(error, MemoryError) or "alloc" in str(error).lower():
        return "sandbox_memory"
    return "model_failed"


def _detail(error: Exception) -> str:
    """Type and first words; the host shows it to people and lets it into no log."""
    return error.detail if isinstance(error, Refused) else f"{type(error).__name__}: {error}"[:500]
