"""A vendor's graph or program behind the sandbox's door: windows in, named outputs back.

Shapes: N windows, C leads, T samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError
from engine.contract.model_source import ExternalModel
from engine.zoo.sandbox.session import Session

Arrays = dict[str, NDArray[np.generic]]
KINDS = {"float32": np.float32, "float64": np.float64, "float16": np.float16}


class SandboxRunner:
    """Runs an ONNX graph, a TorchScript or torch.export program, or a command, in the sandbox.

    Args:
        source: the model; its files have been held against their hashes.
        threads: that it may use; 0 leaves the choice to the runtime.

    Raises:
        WorldError: it cannot be loaded, wants more than the ECG, or the sandbox cannot isolate it and nobody agreed.
    """

    def __init__(self, source: ExternalModel, threads: int = 0) -> None:
        assert source.format in ("onnx", "torchscript", "pt2", "command")
        self._feed = source.preprocessing
        self._outputs: Sequence[str] = [output.name for output in source.outputs]
        self.session = Session(
            source.format,
            Path(source.folder),
            source.entry,
            command=source.command,
            threads=threads,
            allow_incomplete=source.allow_incomplete,
        )
        try:
            inputs = self.session.graph.inputs
            if len(inputs) > 1:
                reason = f"it wants {len(inputs)} inputs ({', '.join(each.name for each in inputs)}), an ECG is one"
                raise WorldError(f"model {source.name}", reason, "Ask its maker for a graph of the ECG alone")
            self._input = inputs[0].name if inputs else "signal"
            self._kind = KINDS.get(inputs[0].dtype, np.float32) if inputs else np.float32
            first = inputs[0].shape[0] if inputs and inputs[0].shape else None
            self.batch = first if isinstance(first, int) else None
        except BaseException:
            self.session.close()
            raise

    def run(self, x_NCT: NDArray[np.float32]) -> Arrays:
        """The outputs that the card names, of a batch."""
        return self.session.run({self._input: arranged(x_NCT, self._feed).astype(self._kind)}, self._outputs)

    def close(self) -> None:
        """End the process."""
        self.session.close()


def arranged(x_NCT: NDArray[np.float32], feed: Preprocessing) -> NDArray[np.float32]:
    """Windows with their axes as a model takes them."""
    if feed.axes == "batch time lead":
        return np.ascontiguousarray(x_NCT.transpose(0, 2, 1))
    if feed.axes == "batch 1 lead time":
        return x_NCT[:, None]
    return x_NCT[:, 0] if feed.axes == "batch time" else x_NCT
