"""The model that is vetted, at work: what it is asked, how many windows it takes, what its file says of itself.

Shapes: N windows, C leads, L samples.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.contract.model_source import ExternalModel
from engine.contract.vetting import GraphPort, VettedGraph, VettedSandbox
from engine.evaluation.vetting.findings import Findings
from engine.zoo.external import Runner

Windows = NDArray[np.float32]
Raw = dict[str, NDArray[np.generic]]

SIZES = (1, 2, 64)
"""Batches that are tried."""

AT_ONCE = 16
"""Windows that are sent together to a model that takes them one by one."""

ENDPOINT = "a process of the hospital's own answers, over loopback: nothing isolates it, and nothing here can"
MACHINE = ("sandbox_unavailable", "sandbox_incomplete", "sandbox_closed", "onnxruntime_missing", "disk_full")
"""Faults that are not the model's: the run ends with them, and is to be started again."""

BUILT_HERE = "its weights are data and its network is built by this program: nothing of it needs to be isolated"


@dataclass(frozen=True)
class Described:
    """What can be known of a model before it is asked anything."""

    graph: VettedGraph | None
    sandbox: VettedSandbox


def of_the_machine(error: WorldError) -> bool:
    """Whether it is no fault of the model, so that nothing can be found out about it."""
    return error.fault in MACHINE


def described(source: ExternalModel, threads: int = 0) -> Described:
    """What the file says of its inputs and outputs, and what isolates it.

    Raises:
        WorldError: it cannot be loaded, or the sandbox cannot isolate it and nobody agreed to that.
    """
    if source.format == "endpoint":
        return Described(None, VettedSandbox(complete=False, told=ENDPOINT))
    if source.format == "safetensors":
        return Described(None, VettedSandbox(complete=True, told=BUILT_HERE))
    from engine.zoo.sandbox.session import Session

    with Session(
        source.format,
        Path(source.folder),
        source.entry,
        command=source.command,
        threads=threads or (os.cpu_count() or 1),
        allow_incomplete=source.allow_incomplete,
    ) as session:
        state, graph = session.state, session.graph
        ports = [[_port(one.name, one.dtype, one.shape) for one in side] for side in (graph.inputs, graph.outputs)]
    sandbox = VettedSandbox(means=list(state.means), complete=state.complete, missing=list(state.missing))
    return Described(VettedGraph(inputs=ports[0], outputs=ports[1]) if any(ports) else None, sandbox)


def _port(name: str, dtype: str, shape: Sequence[int | str | None] | None) -> GraphPort:
    """Free axes have a name, "any" where the file gives none."""
    axes = None if shape is None else [_axis(size) for size in shape]
    return GraphPort(name=name, dtype=dtype, shape=axes)


def _axis(size: int | str | None) -> int | str:
    if isinstance(size, str):
        return size or "any"
    return "any" if size is None or size < 1 else int(size)


@dataclass
class Subject:
    """A model that may fail: after a failure it is started anew when it is next asked.

    Attributes:
        start: starts it.
        taken: sizes of batches that it takes; found out by `try_sizes`.
        refused: by size, why it does not.
    """

    start: Callable[[], Runner] = field(repr=False)
    taken: tuple[int, ...] = (1,)
    refused: dict[int, str] = field(default_factory=dict)
    _runner: Runner | None = field(default=None, repr=False)

    def run(self, x_NCL: Windows, singly: bool = False) -> Raw:
        """One batch as it stands, or its windows one by one. Raises WorldError where the model fails."""
        if self._runner is None:
            self._runner = self.start()
        try:
            return self._runner.run(np.ascontiguousarray(x_NCL, dtype=np.float32), singly)
        except WorldError:
            self.close()
            raise

    def raw(self, x_NCL: Windows) -> Raw:
        """Any number of windows, in batches that it takes."""
        largest = max(self.taken, default=1)
        step = largest if largest > 1 else AT_ONCE
        parts = [self.run(x_NCL[begin : begin + step], largest == 1) for begin in range(0, len(x_NCL), step)]
        return joined(parts)

    def try_sizes(self, x_NCL: Windows) -> None:
        """Find out which batches it takes, on windows that are repeated where there are too few."""
        taken = []
        for size in SIZES:
            rows = np.arange(size) % len(x_NCL)
            try:
                told = self.run(x_NCL[rows])
            except WorldError as error:
                if of_the_machine(error):
                    raise
                self.refused[size] = error.reason
                continue
            if lost := [name for name, array in told.items() if array.ndim == 0 or len(array) != size]:
                self.refused[size] = f"its output '{lost[0]}' does not begin with the axis of windows"
            else:
                taken.append(size)
        self.taken = tuple(taken)

    def close(self) -> None:
        """End what was started."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    @contextmanager
    def opened(self) -> Iterator[Subject]:
        """Closed at the end, however it comes."""
        try:
            yield self
        finally:
            self.close()


def joined(parts: Sequence[Raw]) -> Raw:
    """Answers to several batches as one. Raises WorldError where they do not fit together."""
    try:
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    except (KeyError, ValueError):
        reason = "its answers to different windows are of different shapes or names"
        raise WorldError("vendor model", reason, "Ask its maker", fault="model_output") from None


def check_the_batches(subject: Subject, graph: VettedGraph | None, told: Findings) -> None:
    """Whether it runs at all, and whether it takes as many windows at a time as its graph says."""
    told.look("runs")
    if 1 in subject.refused:
        told.find("runs", "blocking", subject.refused[1], "Correct the card, or ask its maker")
        told.skip("it does not run", "batch")
        return
    told.look("batch")
    failed = [size for size in SIZES if size in subject.refused]
    if not failed:
        return
    shape = graph.inputs[0].shape if graph is not None and graph.inputs else None
    free = shape is None or not shape or not isinstance(shape[0], int)
    sizes = " and ".join(str(size) for size in failed)
    if shape and free:
        reason = (
            f"its graph declares a free batch axis, and it fails on {sizes} windows at a time: it is run one by one"
        )
    elif shape:
        reason = f"its graph takes {shape[0]} window{'s' * (shape[0] != 1)} at a time: it is run one by one"
    else:
        reason = f"it fails on {sizes} windows at a time: it is run one by one"
    told.find("batch", "note", reason, "Ask its maker for a graph that takes batches, if it is too slow")
