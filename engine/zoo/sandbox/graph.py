"""What a model says of itself before it has seen anything: inputs, outputs, size, operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.zoo.sandbox.wire import Unreadable


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model.

    Attributes:
        name: as the model calls it.
        dtype: numpy's name ("float32"); empty where the model does not tell.
        shape: length of each axis, None for one that may change; None as a whole where the model does not tell.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Graph:
    """A model as it describes itself.

    Attributes:
        inputs: in the model's order.
        outputs: in the model's order; empty where they show only in an answer (TorchScript, command).
        parameters: number of weights, None where it cannot be told.
        opset: version by operator domain, of ONNX; "" is the standard's own domain.
        operators: how often each operator stands in the graph, of ONNX, those of its functions and branches too.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    parameters: int | None = None
    opset: Mapping[str, int] = field(default_factory=dict)
    operators: Mapping[str, int] = field(default_factory=dict)


def as_told(graph: Graph) -> dict[str, Any]:
    """For the wire."""
    return {
        "inputs": [[one.name, one.dtype, one.shape] for one in graph.inputs],
        "outputs": [[one.name, one.dtype, one.shape] for one in graph.outputs],
        "parameters": graph.parameters,
        "opset": dict(graph.opset),
        "operators": dict(graph.operators),
    }


def from_told(told: Any) -> Graph:
    """A graph that came over the wire; the worker may have been taken over by the model, so all is looked at.

    Raises:
        Unreadable: it is no description of a graph.
    """
    try:
        parameters = told["parameters"]
        return Graph(
            tuple(_tensor(one) for one in told["inputs"]),
            tuple(_tensor(one) for one in told["outputs"]),
            None if parameters is None else int(parameters),
            {str(domain): int(version) for domain, version in told["opset"].items()},
            {str(name): int(count) for name, count in told["operators"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unreadable("its description of the model is none") from None


def _tensor(told: Any) -> Tensor:
    name, dtype, shape = told
    axes = None if shape is None else tuple(None if length is None else int(length) for length in shape)
    return Tensor(str(name), str(dtype), axes)
