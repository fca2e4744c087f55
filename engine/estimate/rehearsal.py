"""The warm-up: the same learner, batches and steps as a training's, timed, and nothing of it kept.

On a GPU too large a batch raises an error and smaller ones are tried. On a CPU the system would end the process, so
the memory of a batch is foretold from two small ones before it is tried at all; and where a whole step would take long,
its time is foretold from them too.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from engine.backbones.base import Backbone
from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.estimate import memory
from engine.estimate.energy import EnergyMeter
from engine.estimate.footprint import SPARE
from engine.training.checkpoint import write_checkpoint
from engine.training.faults import largest_that_fits
from engine.training.learner import Learner, read
from engine.training.loop import FITTING, Data
from engine.training.state import state_files

REHEARSED = "rehearsal"
"""Folder of the checkpoint that is written to be timed."""

LEAST_S = 1.0
"""Steps go on for this long: a GPU's energy counter moves some ten times a second."""

MOST_STEPS = 200
SLOW_CROP_S = 0.5
"""Where one crop takes longer, small batches are of one and two crops."""

LONG_S = 15.0
"""A step that takes longer is foretold, not tried: nobody waits minutes to learn that it would take weeks."""

MARGIN = 1.1
"""On the memory of a crop: memory that was given back and lies ready hides some of it (measured: a tenth at most)."""


@dataclass(frozen=True)
class Room:
    """Memory on the device: what the warm-up took, and what there is."""

    taken: int | None
    free: int | None

    @property
    def is_enough(self) -> bool:
        """Whether it fits; taken for granted where the system does not tell."""
        return self.taken is None or self.free is None or self.taken <= SPARE * self.free


@dataclass(frozen=True)
class Warm:
    """What the warm-up steps took.

    Attributes:
        foretold_from: crops that time and memory were foretold from; 0 where whole steps were measured.
    """

    seconds_per_step: float
    watts: float
    energy_source: str
    room: Room
    foretold_from: int = 0


class Rehearsal:
    """Warm-up steps of a pretraining.

    Args:
        config: of the pretraining.
        learner: fresh.
        data: its batches.
        device: where it runs.
        threads: of torch.
        before: memory before the learner was built.
    """

    def __init__(
        self, config: PretrainConfig, learner: Learner, data: Data, device: torch.device, threads: int, before: Room
    ) -> None:
        self._config, self._learner, self._data = config, learner, data
        self.device, self._threads, self._before = device, threads, before
        self.part = config.batch_size // config.accumulate // config.ranks
        self._line: Line | None = None

    def prepare(self) -> None:
        """Let the objective make its labels, where it has some."""
        if self._learner.objective.fits_at(0):
            self._learner.fit((self._data.training.whole(n) for n in range(FITTING)), 0)

    @property
    def backbone(self) -> Backbone:
        """What the rehearsed training would leave."""
        return self._learner.backbone

    @property
    def _ranks_here(self) -> int:
        """Ranks that share this memory: on a CPU all of them, a GPU has one of its own each."""
        return self._config.ranks if self.device.type == "cpu" else 1

    def checkpoint_seconds(self, folder: Path) -> float:
        """Seconds that it takes to make a checkpoint and to force it to disk; nothing of it stays."""
        began = time.perf_counter()
        try:
            write_checkpoint(folder / REHEARSED, 0, state_files(self._learner, self._config, {}), keep=1)
        except WorldError:  # a disk that is full is told by its own numbers
            return 0.0
        finally:
            shutil.rmtree(folder / REHEARSED, ignore_errors=True)
        return time.perf_counter() - began

    def with_checkpoint(self, warm: Warm) -> Warm:
        """What was measured, with the memory that the checkpoint took where that is the most."""
        taken = peak(self.device) * (self._ranks_here if not warm.foretold_from else 1)
        return replace(warm, room=Room(max(warm.room.taken or 0, taken), warm.room.free))

    def largest_part(self, on_batch: Callable[[], None]) -> int:
        """Crops at a time that fit: those asked for, or the largest half, quarter ... of them; 0 when none does.

        Args:
            on_batch: told after each small batch; may raise to stop.
        """
        if self.device.type == "cuda":
            return largest_that_fits(self._learner.rehearse, self.part)
        self._line = self._foretell(on_batch)
        line, ranks = self._line, self._ranks_here
        return largest_foretold(lambda crops: ranks * line.bytes_of(crops), self.part, self._before.free)

    def warm_up(self, steps: int, on_step: Callable[[int], None]) -> Warm:
        """One step that is not measured, then `steps` or as many as a second holds; a few crops where those are long.

        Args:
            steps: that are measured at least.
            on_step: told after each; may raise to stop.
        """
        if self._line is not None and self._line.seconds_each * self._crops > LONG_S:
            return self._foretold(self._line)
        forget_peak(self.device)
        self._step(0)
        on_step(0)
        meter, began, done = EnergyMeter(self.device, self._threads), time.perf_counter(), 0
        while done < steps or (time.perf_counter() - began < LEAST_S and done < MOST_STEPS):
            done += 1
            self._step(done)
            on_step(done)
        seconds = (time.perf_counter() - began) / done
        watts, source = meter.watts()
        return Warm(seconds, watts, source, Room(self._ranks_here * peak(self.device), self._before.free))

    def look_seconds(self, warm: Warm) -> float:
        """Seconds of one look at the held-out loss: from its first batch, or a third of a step's where that is long."""
        crops = len(self._data.validation.crops) / self._config.ranks
        if warm.foretold_from:
            return warm.seconds_per_step / self._crops * crops / 3
        batches, began = iter(self._data.validation), time.perf_counter()
        first = next(batches, None)
        if first is None:
            return 0.0
        self._learner.validate([first])
        return (time.perf_counter() - began) * crops / len(first.x_BCT)

    @property
    def _crops(self) -> int:
        """Crops of one step on this rank."""
        return self._config.batch_size // self._config.ranks

    def _step(self, step: int) -> None:
        """A step as the loop does it; reading its values waits for the device."""
        read(self._learner.step(self._data.training.parts(step, self._data.training.read(step))))

    def _foretell(self, on_batch: Callable[[], None]) -> Line:
        """Two small batches, the second larger; on memory what the optimiser will add."""
        began = time.perf_counter()
        self._taken(1)  # the first one takes what later ones have at hand
        small = 1 if time.perf_counter() - began > SLOW_CROP_S else max(1, self.part // 16)
        taken_small = self._taken(small)
        on_batch()
        large, began = 2 * small, time.perf_counter()
        taken = self._taken(large)
        seconds = (time.perf_counter() - began) / large
        on_batch()
        each = MARGIN * max(0.0, (taken - taken_small) / (large - small))
        moments = sum(2 * p.numel() * p.element_size() for p in self._learner.objective.parameters())
        return Line(large, taken + moments, each, seconds)

    def _foretold(self, line: Line) -> Warm:
        """A step as so many times the crops of a small batch."""
        meter, began = EnergyMeter(self.device, self._threads), time.perf_counter()
        self._learner.rehearse(line.crops)
        seconds = (time.perf_counter() - began) / line.crops * self._crops
        watts, source = meter.watts()
        room = Room(round(self._ranks_here * line.bytes_of(self.part)), self._before.free)
        return Warm(seconds, watts, source, room, foretold_from=line.crops)

    def _taken(self, crops: int) -> int:
        memory.forget_peak()
        self._learner.rehearse(crops)
        return memory.peak_bytes()


@dataclass(frozen=True)
class Line:
    """Memory and time of a training step as straight lines over its crops, through what small batches took."""

    crops: int
    taken: float
    bytes_each: float
    seconds_each: float

    def bytes_of(self, crops: int) -> float:
        """Memory of so many crops at a time."""
        return self.taken + self.bytes_each * (crops - self.crops)


def largest_foretold(taken: Callable[[int], float], part: int, free: int | None) -> int:
    """The largest of part, part / 2, part / 4 ... whose memory is foretold to fit; 0 when none does."""
    while part and free is not None and taken(part) > SPARE * free:
        part //= 2
    return part


def room_before(device: torch.device) -> Room:
    """Memory before anything is built: what the process holds already is its to use."""
    if device.type == "cuda":
        return Room(None, torch.cuda.mem_get_info(device)[0])
    free = memory.available_bytes()
    return Room(None, None if free is None else free + memory.resident_bytes())


def forget_peak(device: torch.device) -> None:
    """Begin a new peak."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        memory.forget_peak()


def peak(device: torch.device) -> int:
    """The most memory taken since then: of tensors on a GPU, of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return memory.peak_bytes()
