"""A model's numbers for recordings with one contract item wrong; kept in the run folder as they are made.

Shapes: R recordings, F numbers of all outputs side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.contract.run import RunFolder
from engine.evaluation.opened import read_arrays
from engine.evaluation.progress import Pace
from engine.evaluation.vetting.contract_faults import ContractFault, fed_wrong
from engine.evaluation.vetting.recordings import Recordings
from engine.evaluation.vetting.subject import of_the_machine
from engine.zoo.external import LoadedExternal

KEPT = "items"
"""Folder of a run where the numbers under each wrong item are kept."""

BLOCK = 16
"""Recordings that are given to the model together."""

GIVEN_UP = 8
"""Failures of the model in a row after which an item is not tried further: each one costs a start of its process."""

Features = NDArray[np.float32]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Numbers:
    """What a model says of recordings.

    Attributes:
        features_RF: NaN where it says nothing.
        refused_R: whether contract or model refuse the recording.
    """

    features_RF: Features
    refused_R: NDArray[np.bool_]


@dataclass
class Bench:
    """A model and the recordings on which its contract is broken."""

    folder: RunFolder
    model: LoadedExternal
    recordings: Recordings
    batch_size: int
    pace: Pace
    done: int = 0
    _failures: int = field(default=0, repr=False)

    def layers(self, features_RF: Features) -> dict[str, NDArray[np.float64]]:
        """By output: [R, K]."""
        ends = np.cumsum(self.model.layer_widths)[:-1]
        parts = np.split(features_RF.astype(np.float64), ends, axis=1)
        return dict(zip(self.model.layers, parts, strict=True))

    def numbers(self, fault: ContractFault | None, places: Places, name: str = "") -> Numbers:
        """The model's numbers of some recordings, taken from the run folder where they are there.

        Args:
            fault: the item that is wrong; None: none is.
            places: of the recordings.
            name: that they are kept by; the fault's when left out.

        Raises:
            WorldError: the machine fails, not the model.
            Stopped: somebody asked; items that are done are kept.
        """
        kept = self.folder.path / KEPT / f"{name or (fault.name if fault else 'right')}.npz"
        if kept.exists():
            arrays = read_arrays(kept, "numbers of the vetting", "Start the run again")
            self._step(len(places))
            return Numbers(arrays["features"].astype(np.float32), arrays["refused"].astype(np.bool_))
        told = Numbers(
            np.full((len(places), sum(self.model.layer_widths)), np.nan, dtype=np.float32),
            np.zeros(len(places), dtype=np.bool_),
        )
        self._failures = 0
        for begin in range(0, len(places), BLOCK):
            block = np.arange(begin, min(begin + BLOCK, len(places)))
            self._fill(fault, places, block, told)
            self._step(len(block))
        self._keep(kept.name, told)
        return told

    def _fill(self, fault: ContractFault | None, places: Places, block: Places, told: Numbers) -> None:
        """Rows of one block: what can be fed goes to the model together, and by itself where that fails."""
        given, windows = [], []
        for row in block.tolist():
            signal_CT, rate_hz, derived = self.recordings.read(int(places[row]))
            try:
                windows.append(fed_wrong(fault, signal_CT, rate_hz, self.model.preprocessing, derived))
                given.append(row)
            except WorldError:
                told.refused_R[row] = True
        if given and not self._ask(given, windows, told):
            for row, x_NCL in zip(given, windows, strict=True):
                told.refused_R[row] = not self._ask([row], [x_NCL], told)

    def _ask(self, rows: Sequence[int], windows: list[NDArray[np.float32]], told: Numbers) -> bool:
        """Whether the model has answered."""
        if self._failures >= GIVEN_UP:
            return False
        try:
            told.features_RF[list(rows)] = self.model.features(windows, self.batch_size)
        except WorldError as error:
            if of_the_machine(error):
                raise
            self._failures += 1
            self.model.close()
            return False
        self._failures = 0
        return True

    def _step(self, recordings: int) -> None:
        self.done += recordings
        self.pace.step(self.done)

    def _keep(self, name: str, told: Numbers) -> None:
        """Write what was made whole or not at all."""
        folder = self.folder.path / KEPT
        try:
            folder.mkdir(exist_ok=True)
            draft = folder / f"{name}.tmp"
            with draft.open("wb") as file:
                np.savez(file, features=told.features_RF, refused=told.refused_R)
            draft.replace(folder / name)
        except OSError as error:
            reason = f"numbers cannot be written ({error.strerror or type(error).__name__})"
            raise WorldError("run folder", reason, "Free some space, then resume the run") from None
