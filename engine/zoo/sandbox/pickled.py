"""A pickled checkpoint, opened inside the sandbox and nowhere else: a pickle is a program that runs when it is read.

Training frameworks put settings beside the weights, as objects of classes that are not here. Something inert stands
for each, so that the weights can be had all the same.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
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
        unknown: list[str] = []
        try:
            held = torch.load(path, map_location="cpu", weights_only=False, pickle_module=_lenient(unknown))
        except (ModuleNotFoundError, AttributeError) as error:
            raise Refused("checkpoint_classes", str(error)[:200]) from None
        except Exception as error:
            raise Refused("model_unreadable", type(error).__name__) from None
        self._found = dict(_weights(held.state_dict() if isinstance(held, torch.nn.Module) else held, ""))
        if unknown and not self._found:
            # The weights are within an object of a class of its maker's; the class is not here, and shall not be.
            raise Refused("checkpoint_classes", unknown[0][:200])
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


class Inert(dict[Any, Any]):
    """Stands for an object of a class that is not here: keeps the items of a dict, and does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> Inert:
        """Whatever it was made of is passed over."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    __hash__ = object.__hash__  # type: ignore[assignment]  # it may stand for a key

    def __setstate__(self, state: Any) -> None:
        """Its attributes are passed over."""

    def append(self, item: Any) -> None:
        """Items of a list are passed over."""

    def extend(self, items: Any) -> None:
        """Items of a list are passed over."""


def _lenient(unknown: list[str]) -> SimpleNamespace:
    """What `torch.load` reads pickles with: classes that are not here are named in `unknown` and stood in for."""

    class Lenient(pickle.Unpickler):
        """Knows what is installed here, and nothing else."""

        def find_class(self, module: str, name: str) -> Any:
            """The class, or `Inert` in its place."""
            try:
                return super().find_class(module, name)
            except (ImportError, AttributeError):
                unknown.append(f"{module}.{name}")
                return Inert

    return SimpleNamespace(__name__="pickle", Unpickler=Lenient, load=pickle.load)


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
