"""A pickled checkpoint, opened inside the sandbox and nowhere else: a pickle is a program that runs when it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import safetensors.torch
import torch

from engine.zoo.sandbox.batching import Arrays
from engine.zoo.sandbox.graph import Graph
from engine.zoo.sandbox.serving import Refused

DEEPEST = 4
"""Levels of dicts within dicts that weights are looked for in."""


class Checkpoint:
    """What a checkpoint holds; its weights are handed out as the bytes of a safetensors file."""

    def __init__(self, path: str, folder: str, threads: int) -> None:
        torch.set_num_threads(threads)
        try:
            held = torch.load(path, map_location="cpu", weights_only=False)
        except (ModuleNotFoundError, AttributeError) as error:
            # It holds an object of a class of its maker's; the class is not here, and shall not be.
            raise Refused("checkpoint_classes", str(error)[:200]) from None
        except Exception as error:
            raise Refused("model_unreadable", type(error).__name__) from None
        self._found = dict(_weights(held.state_dict() if isinstance(held, torch.nn.Module) else held, ""))
        self.graph = Graph((), (), None)

    def run(self, inputs: Mapping[str, np.ndarray], outputs: list[str] | None) -> Arrays:
        """The weights under the key that `outputs` names, or the only ones that there are."""
        keys = outputs or list(self._found)
        if len(keys) != 1 or keys[0] not in self._found:
            there = ", ".join(key or "(the whole file)" for key in sorted(self._found))
            raise Refused("checkpoint_weights", f"there are weights under: {there}" if there else "")
        # Tied weights share their memory, which a safetensors file has no way to say.
        tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in self._found[keys[0]].items()}
        return {keys[0]: np.frombuffer(safetensors.torch.save(tensors), np.uint8)}


def _weights(held: Any, key: str, depth: int = 0) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Every dict that holds tensors by name and nothing else, by the names on the way to it."""
    if not isinstance(held, Mapping) or depth > DEEPEST or not held:
        return
    if all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in held.items()):
        yield key, dict(held)
        return
    for name, value in held.items():
        if isinstance(name, str):  # an optimiser keeps its tensors by number
            yield from _weights(value, f"{key}.{name}" if key else name, depth + 1)
