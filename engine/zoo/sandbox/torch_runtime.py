"""TorchScript and torch.export archives. Both are code, and loading one may run a pickle: inside the sandbox alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from engine.zoo.sandbox.batching import Arrays
from engine.zoo.sandbox.graph import Graph, Tensor
from engine.zoo.sandbox.serving import Refused


class ScriptModel:
    """A TorchScript module; what its answers are called shows in its first answer alone."""

    def __init__(self, path: str, folder: str, threads: int) -> None:
        torch.set_num_threads(threads)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # it is legacy, and said to be on its card
                self._module = torch.jit.load(path, map_location="cpu").eval()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise Refused("model_unreadable", str(error)[:200]) from None
        arguments = [one for one in self._module.forward.schema.arguments if one.name != "self"]
        self.graph = Graph(
            tuple(Tensor(one.name, "", None) for one in arguments),
            (),
            sum(one.numel() for one in self._module.parameters()),
        )

    def run(self, inputs: Mapping[str, np.ndarray], outputs: list[str] | None) -> Arrays:
        """What it makes of one batch."""
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return wanted(named(self._module(*fed(self.graph, inputs))), outputs)


class ExportedModel:
    """A program of torch.export (.pt2)."""

    def __init__(self, path: str, folder: str, threads: int) -> None:
        torch.set_num_threads(threads)
        try:
            program = torch.export.load(path)
        except Exception as error:
            raise Refused("model_unreadable", f"{type(error).__name__}: {error}"[:200]) from None
        self._module = program.module()
        signature, nodes = program.graph_signature, {node.name: node for node in program.graph.nodes}
        self.graph = Graph(
            tuple(_tensor(name, nodes) for name in signature.user_inputs if isinstance(name, str)),
            tuple(
                _tensor(name, nodes, f"output_{i}")
                for i, name in enumerate(signature.user_outputs)
                if isinstance(name, str)
            ),
            sum(one.numel() for one in program.parameters()),
        )

    def run(self, inputs: Mapping[str, np.ndarray], outputs: list[str] | None) -> Arrays:
        """What it makes of one batch."""
        with torch.inference_mode():
            return wanted(named(self._module(*fed(self.graph, inputs))), outputs)


def _tensor(name: str, nodes: Mapping[str, Any], called: str = "") -> Tensor:
    value = nodes[name].meta.get("val") if name in nodes else None
    if value is None or not hasattr(value, "shape"):
        return Tensor(called or name, "", None)
    shape = tuple(length if isinstance(length, int) else None for length in value.shape)
    return Tensor(called or name, str(value.dtype).removeprefix("torch."), shape)


def fed(graph: Graph, inputs: Mapping[str, np.ndarray]) -> list[torch.Tensor]:
    """The inputs in the model's order."""
    names = [one.name for one in graph.inputs]
    if set(inputs) != set(names):
        raise Refused("model_input", f"it takes {', '.join(names)}"[:200])
    return [torch.from_numpy(inputs[name]) for name in names]


def named(answer: Any) -> Arrays:
    """An answer's tensors by name: their own in a dict, else output_0, output_1 and so on."""
    if isinstance(answer, torch.Tensor):
        parts: dict[str, Any] = {"output_0": answer}
    elif isinstance(answer, Mapping):
        parts = {str(name): value for name, value in answer.items()}
    elif isinstance(answer, Sequence) and not isinstance(answer, str):
        parts = {f"output_{i}": value for i, value in enumerate(answer)}
    else:
        parts = {"output_0": answer}
    if not all(isinstance(value, torch.Tensor) for value in parts.values()):
        raise Refused("model_output", "an answer is no tensor")
    return {name: value.detach().cpu().contiguous().numpy() for name, value in parts.items()}


def wanted(answer: Arrays, outputs: list[str] | None) -> Arrays:
    """The outputs that were asked for."""
    if outputs is None:
        return answer
    if not set(outputs) <= set(answer):
        raise Refused("model_output", f"it gives {', '.join(answer)}"[:200])
    return {name: answer[name] for name in outputs}
