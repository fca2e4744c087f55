"""Models of somebody else's: recordings' windows in, one row of numbers a recording out.

Whatever is code runs in the sandbox; a network of a known architecture is built here from data alone; a service of the
hospital's own is asked over loopback.

Legend: N windows, C leads, T samples, R recordings, F numbers of all outputs side by side.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Output, Preprocessing
from engine.contract.errors import WorldError
from engine.contract.model_source import ExternalModel
from engine.data.digests import sha256_of
from engine.zoo.readout import read_out

Features = NDArray[np.float32]
Windows = NDArray[np.float32]

TOLERANCE = 1e-4
"""Largest difference, as a share of an output's largest number, that sharing a batch may make."""

ONE_BY_ONE = "it fails on more than one window at a time, whatever its graph declares: it is run one by one"
MIXING = "its outputs depend on what else is in a batch: each window is run by itself"


class Runner(Protocol):
    """What turns a batch of windows into named outputs."""

    def run(self, x_NCT: Windows, singly: bool = False) -> dict[str, NDArray[np.generic]]:
        """All outputs of a batch; `singly` gives it the windows one by one."""

    @property
    def parameters(self) -> int | None:
        """Number of weights; None where it cannot be told."""

    def close(self) -> None:
        """End it."""


@dataclass
class LoadedExternal:
    """An external model, opened when it is first asked.

    Attributes:
        sha256: of its files.
        identity: of all that its numbers follow from, beside what it is fed.
        notes: what was found while it ran, for whoever reads its results.
    """

    name: str
    preprocessing: Preprocessing
    outputs: tuple[Output, ...]
    sha256: str
    identity: str
    start: Callable[[], Runner] = field(repr=False)
    notes: list[str] = field(default_factory=list)
    _runner: Runner | None = field(default=None, repr=False)
    _single: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of its outputs, as its card has them."""
        return tuple(output.name for output in self.outputs)

    @cached_property
    def layer_widths(self) -> tuple[int, ...]:
        """How many numbers a recording has of each output; the model is asked where its card does not say."""
        told = self._read(self._probe(1), singly=True)
        self._single = not self._takes_batches()
        return tuple(part_NK.shape[1] for part_NK in told)

    def features(self, recordings: Sequence[Windows], batch_size: int = 64) -> Features:
        """One row of all outputs a recording, [R, F]; NaN where the model gives none.

        Args:
            recordings: windows of each, x_NCT.
            batch_size: windows at a time, of whichever recordings.
        """
        told = np.concatenate(self.of_windows(np.concatenate(list(recordings)), batch_size), axis=1)
        ends = np.cumsum([len(x_NCT) for x_NCT in recordings])[:-1]
        return np.stack([self._together(part_NF) for part_NF in np.split(told, ends)]).astype(np.float32)

    def of_windows(self, x_NCT: Windows, batch_size: int = 64) -> list[NDArray[np.float64]]:
        """What each output says of each window, [N, K] an output."""
        assert self.layer_widths  # finds out, first of all, how many windows it takes at once
        starts = range(0, len(x_NCT), batch_size)
        parts = [self._read(x_NCT[start : start + batch_size], self._single) for start in starts]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def close(self) -> None:
        """End what was started; it starts again when it is asked again."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[LoadedExternal]:
        """Closed at the end, however it comes."""
        try:
            yield self
        finally:
            self.close()

    def _together(self, part_NF: NDArray[np.float64]) -> NDArray[np.float64]:
        by_maximum = self.preprocessing.aggregation.startswith("maximum")
        return np.asarray(part_NF.max(axis=0) if by_maximum else part_NF.mean(axis=0))

    def _read(self, x_NCT: Windows, singly: bool) -> list[NDArray[np.float64]]:
        """The outputs of one batch, read as the card says; [N, K] each."""
        if self._runner is None:
            self._runner = self.start()
        raw, thing = self._runner.run(np.ascontiguousarray(x_NCT), singly), f"model {self.name}"
        absent = [output.name for output in self.outputs if output.name not in raw]
        if absent:
            reason = f"it has no output '{absent[0]}', only {', '.join(sorted(raw)) or 'none'}"
            raise WorldError(thing, reason, "Correct the outputs of its card", fault="model_shape")
        return [read_out(raw[output.name], output, len(x_NCT), thing) for output in self.outputs]

    def _takes_batches(self) -> bool:
        """Whether windows may share a batch: some graphs fail on it, some answer otherwise."""
        x_NCT = self._probe(3)
        alone = self._read(x_NCT, singly=True)
        try:
            together = self._read(x_NCT, singly=False)
        except WorldError as error:
            if error.fault not in ("model_failed", "model_output", "model_shape"):
                raise
            self._say(ONE_BY_ONE)
            return False
        for one, other in zip(alone, together, strict=True):
            if np.abs(one - other).max(initial=0) > TOLERANCE * max(np.abs(one).max(initial=0), 1e-9):
                self._say(MIXING)
                return False
        return True

    def _probe(self, windows: int) -> Windows:
        """Noise of half a millivolt's size, in the shape that the model takes; the same in every run."""
        shape = (windows, len(self.preprocessing.leads), self.preprocessing.samples)
        return np.random.default_rng(0).normal(0, 0.5, shape).astype(np.float32)

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def load_external(source: ExternalModel, threads: int = 0) -> LoadedExternal:
    """An external model, its files held against the hashes that it was registered with; nothing is started yet.

    Raises:
        WorldError: a file is missing, or is not the one that was registered.
    """
    _refuse_other_files(source)
    return LoadedExternal(
        name=source.name,
        preprocessing=source.preprocessing,
        outputs=source.outputs,
        sha256=source.sha256,
        identity=source.identity,
        start=lambda: _runner(source, threads),
    )


def _runner(source: ExternalModel, threads: int) -> Runner:
    thing = f"model {source.name}"
    if source.format == "safetensors":
        from engine.zoo.weights_runner import WeightsRunner

        return WeightsRunner(Path(source.folder) / source.entry, source.architecture, thing)
    from engine.zoo.sandbox_runner import SandboxRunner

    return SandboxRunner(source, threads)


def _refuse_other_files(source: ExternalModel) -> None:
    again = "Register the model again from an undamaged copy"
    for name, expected in source.files.items():
        try:
            found = sha256_of(Path(source.folder) / name)
        except OSError:
            raise WorldError(f"model {source.name}", "a file of it is missing", again) from None
        if found != expected:
            raise WorldError(f"model {source.name}", "a file of it is not the one that was registered", again)
