"""The worker inside: loads one model, answers one request after another, ends when the host lets go of the pipe."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO, Protocol

import numpy as np

from engine.zoo.sandbox import seccomp
from engine.zoo.sandbox.batching import Arrays, Mismatch, one_by_one
from engine.zoo.sandbox.graph import Graph, as_told
from engine.zoo.sandbox.wire import LINE_BYTES, Unreadable, opened, packed, planned, raw

REQUEST_BYTES = 2**34
"""The host is trusted: its requests are as long as its memory allows."""

RUNTIMES = {
    "onnx": "engine.zoo.sandbox.onnx_runtime:OnnxModel",
    "torchscript": "engine.zoo.sandbox.torch_runtime:ScriptModel",
    "pt2": "engine.zoo.sandbox.torch_runtime:ExportedModel",
    "pickle": "engine.zoo.sandbox.pickled:Checkpoint",
}
"""What loads each kind; imported only when it is asked for."""

OUT_OF_MEMORY = ("can't allocate memory", "Failed to allocate", "bad_alloc", "bad allocation", "Cannot allocate memory")


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
    """A loaded model, made from its path, its folder and the number of threads."""

    graph: Graph

    def __init__(self, path: str, folder: str, threads: int) -> None: ...

    def run(self, inputs: Mapping[str, np.ndarray], outputs: list[str] | None) -> Arrays:
        """What it makes of one batch."""


def serve(runtime: str, folder: str, threads: int, *, filtered: bool) -> int:
    """Answer the host until it closes the pipe.

    Args:
        runtime: one of `RUNTIMES`.
        folder: the model's.
        threads: of the model's arithmetic.
        filtered: whether system calls are filtered; the filter is then narrowed once the runtime is loaded.
    """
    requests, answers = _pipes()
    worker = _Worker(runtime, folder, threads, filtered=filtered)
    while line := requests.readline(LINE_BYTES + 1):
        head = opened(line)
        arrays = _read(requests, head)
        try:
            pieces = worker.answered(head, arrays)
        except Exception as error:
            pieces = packed({"fault": _fault(error), "detail": worker.cleared(_detail(error))})
        for piece in pieces:
            while piece:
                piece = piece[answers.write(piece) :]
    return 0


class _Worker:
    """One model and what is asked of it."""

    def __init__(self, runtime: str, folder: str, threads: int, *, filtered: bool) -> None:
        self._runtime, self._folder, self._threads, self._filtered = runtime, folder, threads, filtered
        self._model: Runtime | None = None
        self._entry = ""

    def answered(self, head: Mapping[str, Any], arrays: Arrays) -> list[memoryview]:
        if head["verb"] == "load":
            self._entry = head["entry"]
            self._model = self._loaded()
            return packed({"graph": as_told(self._model.graph)})
        if self._model is None:
            raise Refused("sandbox_closed")
        model, outputs = self._model, head.get("outputs")
        if head.get("singly"):
            found = one_by_one(lambda window: model.run(window, outputs), arrays)
        else:
            found = model.run(arrays, outputs)
        if sum(array.nbytes for array in found.values()) > int(head["limit"]):
            raise Refused("sandbox_output")
        return packed({}, found)

    def cleared(self, text: str) -> str:
        """The text without the model's place and file name."""
        for name in (os.path.join(self._folder, self._entry), self._folder, self._entry):
            text = text.replace(name, "the model") if name else text
        return text

    def _loaded(self) -> Runtime:
        module, _, name = RUNTIMES[self._runtime].partition(":")
        kind: type[Runtime] = getattr(importlib.import_module(module), name)
        if self._filtered:
            # The libraries are there: from here on no process is started any more, threads are.
            seccomp.install(marking_files=True, forks=False, programs=False)
        return kind(os.path.join(self._folder, self._entry), self._folder, self._threads)


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
        if plan.nbytes and requests.readinto(raw(array)) != plan.nbytes:  # type: ignore[attr-defined]
            raise SystemExit(1)  # the host is gone
        arrays[plan.name] = array
    return arrays


def _fault(error: Exception) -> str:
    if isinstance(error, Refused | Mismatch):
        return error.fault
    if isinstance(error, Unreadable):
        return "model_output"
    if isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY):
        return "sandbox_memory"
    return "model_failed"


def _detail(error: Exception) -> str:
    """What the runtime says; for people, never for a log."""
    if isinstance(error, Refused):
        return error.detail
    return str(error) if isinstance(error, Mismatch | Unreadable) else f"{type(error).__name__}: {error}"[:500]
