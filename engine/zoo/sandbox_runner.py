"""A vendor's graph or program behind the sandbox's door: windows in, named outputs back.

Shapes: N windows, C leads, T samples.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.contract.model_source import ExternalModel
from engine.zoo.endpoint import Endpoint
from engine.zoo.sandbox.graph import Tensor
from engine.zoo.sandbox.session import Session
from engine.zoo.taken import Taken

Arrays = dict[str, NDArray[np.generic]]
KINDS: dict[str, type[np.floating]] = {"float32": np.float32, "float64": np.float64, "float16": np.float16}


class SandboxRunner:
    """Runs an ONNX graph, a TorchScript or torch.export program, or a command, in the sandbox; asks an endpoint.

    Args:
        source: the model; its files have been held against their hashes.
        threads: that it may use; 0 leaves the choice to the runtime.

    Raises:
        WorldError: it cannot be loaded, wants more than the ECG, or the sandbox cannot isolate it and nobody agreed.
    """

    def __init__(self, source: ExternalModel, threads: int = 0) -> None:
        self._feed = source.preprocessing
        self._outputs: Sequence[str] = [output.name for output in source.outputs]
        self.session = _door(source, threads or (os.cpu_count() or 1))
        try:
            self._input, self._kind = _input_of(self.session.graph.inputs, f"model {source.name}")
        except BaseException:
            self.session.close()
            raise

    def run(self, x_NCT: NDArray[np.float32], singly: bool = False) -> Arrays:
        """The outputs that the card names, of a batch; `singly` gives it the windows one by one."""
        fed = arranged(x_NCT, self._feed).astype(self._kind)
        return self.session.run({self._input: fed}, self._outputs, singly=singly)

    @property
    def parameters(self) -> int | None:
        """Number of weights, as its file tells."""
        return self.session.graph.parameters

    def taken(self) -> Taken | None:
        """What running it has taken; None of a service, of which only its time can be seen."""
        return None if isinstance(self.session, Endpoint) else self.session.taken()

    def close(self) -> None:
        """End the process."""
        self.session.close()


def _door(source: ExternalModel, threads: int) -> Session | Endpoint:
    """Where the model is asked: in the sandbox, or behind an address of this machine, which no sandbox reaches."""
    if source.format == "endpoint":
        return Endpoint(source.address)
    assert source.format in ("onnx", "torchscript", "pt2", "command")
    return Session(
        source.format,
        Path(source.folder),
        source.entry,
        command=source.command,
        threads=threads,
        allow_incomplete=source.allow_incomplete,
    )


def _input_of(inputs: Sequence[Tensor], thing: str) -> tuple[str, type[np.floating]]:
    """Name and kind of the one input that there must be; a program that tells none gets "signal" as float32."""
    if len(inputs) > 1:
        reason = f"it wants {len(inputs)} inputs ({', '.join(each.name for each in inputs)}), an ECG is one"
        raise WorldError(thing, reason, "Ask its maker for a graph of the ECG alone")
    if not inputs:
        return "signal", np.float32
    if inputs[0].dtype and inputs[0].dtype not in KINDS:
        reason = f"its input '{inputs[0].name}' is of {inputs[0].dtype}, which no ECG is"
        raise WorldError(thing, reason, f"Ask its maker for one of: {', '.join(KINDS)}")
    return inputs[0].name, KINDS.get(inputs[0].dtype, np.float32)


def arranged(x_NCT: NDArray[np.float32], feed: Preprocessing) -> NDArray[np.float32]:
    """Windows with their axes as a model takes them."""
    if feed.axes == "batch time lead":
        return np.ascontiguousarray(x_NCT.transpose(0, 2, 1))
    if feed.axes == "batch 1 lead time":
        return x_NCT[:, None]
    return x_NCT[:, 0] if feed.axes == "batch time" else x_NCT
