"""An ONNX graph under onnxruntime's CPU provider, looked at before it is loaded."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping

import numpy as np

from engine.contract.onnx_operators import custom
from engine.zoo.sandbox.batching import Arrays
from engine.zoo.sandbox.graph import Graph, Tensor
from engine.zoo.sandbox.onnx_file import Told, read
from engine.zoo.sandbox.serving import Refused

NUMPY = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    **{f"tensor({kind}{bits})": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
}


class OnnxModel:
    """A loaded graph."""

    def __init__(self, path: str, folder: str, threads: int) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise Refused("onnxruntime_missing") from None
        told = _looked_at(path, folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.graph = Graph(
            tuple(_tensor(one) for one in self._session.get_inputs()),
            tuple(_tensor(one) for one in self._session.get_outputs()),
            told.parameters,
            told.opset,
            told.operators,
        )

    def run(self, inputs: Mapping[str, np.ndarray], outputs: list[str] | None) -> Arrays:
        """What it makes of one batch."""
        names = outputs or [one.name for one in self.graph.outputs]
        return dict(zip(names, self._session.run(names, dict(inputs)), strict=True))


def _looked_at(path: str, folder: str) -> Told:
    try:
        with open(path, "rb") as stream:
            told = read(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except (ValueError, RecursionError, IndexError):
        raise Refused("model_unreadable", "it is not an ONNX file") from None
    if foreign := custom(told.operators, told.functions):
        raise Refused("model_custom_operators", ", ".join(foreign)[:300])
    inside = os.path.realpath(folder)
    for location in told.external:
        found = os.path.realpath(os.path.join(inside, location))
        if os.path.isabs(location) or os.path.commonpath([inside, found]) != inside:
            raise Refused("model_external_data", "its weights are to be read from outside its folder")
        if not os.path.isfile(found):
            raise Refused("model_external_data", "a file that holds its weights is not in its folder")
    return told


def _tensor(one: object) -> Tensor:
    name, kind, axes = one.name, one.type, one.shape  # type: ignore[attr-defined]
    shape = tuple(axis if isinstance(axis, int) and axis >= 0 else None for axis in axes)
    return Tensor(name, NUMPY.get(kind, kind), shape)
