"""Windows given one by one, and their answers as one batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Arrays = dict[str, np.ndarray]


class Mismatch(ValueError):
    """Windows that do not make a batch; the text says of what, and `fault` for programs."""

    def __init__(self, fault: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


def one_by_one(run: Callable[[Arrays], Arrays], inputs: Mapping[str, np.ndarray]) -> Arrays:
    """Give a model a batch in pieces of one window; along the first axis its answers become a batch again.

    An answer whose first axis has length 1 is taken to be of a batch of one, any other to be of the window alone.

    Raises:
        Mismatch: inputs of different numbers of windows, or answers of different shapes.
    """
    counts = {len(array) for array in inputs.values() if array.ndim}
    if len(counts) != 1 or not counts.copy().pop() or any(not array.ndim for array in inputs.values()):
        raise Mismatch("model_input", "inputs of one request have different numbers of windows, or none")
    answers = [run({name: array[i : i + 1] for name, array in inputs.items()}) for i in range(counts.pop())]
    return {name: _joined([answer.get(name) for answer in answers]) for name in answers[0]}


def nonfinite(answer: Mapping[str, np.ndarray]) -> dict[str, int]:
    """How many values of each answer are no number or infinite; answers without any are left out."""
    floats = {name: array for name, array in answer.items() if array.dtype.kind == "f"}
    counts = {name: array.size - int(np.isfinite(array).sum()) for name, array in floats.items()}
    return {name: count for name, count in counts.items() if count}


def _joined(parts: list[np.ndarray | None]) -> np.ndarray:
    whole = [part for part in parts if part is not None]
    if len(whole) != len(parts) or len({(part.shape, part.dtype) for part in whole}) != 1:
        raise Mismatch("model_output", "windows of one request get answers of different shapes")
    return np.concatenate(whole) if whole[0].ndim and whole[0].shape[0] == 1 else np.stack(whole)
