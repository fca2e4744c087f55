"""The warm-up: the same learner, batches and steps as a training's, timed, and nothing of it kept.

On a GPU too large a batch raises an error and smaller ones are tried. On a CPU the system would end the process, so
the memory of a batch is foretold from two small ones before it is tried at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from engine.contract.config import PretrainConfig
from engine.estimate import memory
from engine.estimate.energy import EnergyMeter
from engine.training.faults import is_out_of_memory, largest_that_fits
from engine.training.learner import Learner, read
from engine.training.loop import FITTING, Data

LEAST_S = 1.0
"""Steps go on for this long: a GPU's energy counter moves some ten times a second."""

MOST_STEPS = 200
SPARE = 0.95
"""Share of the free memory that a training may fill."""


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
    """What the warm-up steps took."""

    seconds_per_step: float
    watts: float
    energy_source: str
    room: Room


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

    def prepare(self) -> None:
        """Let the objective make its labels, where it has some."""
        if self._learner.objective.fits_at(0):
            self._learner.fit((self._data.training.whole(n) for n in range(FITTING)), 0)

    def largest_part(self) -> int:
        """Crops at a time that fit: those asked for, or the largest half, quarter ... of them; 0 when none does."""
        if self.device.type == "cuda":
            return largest_that_fits(self._learner.rehearse, self.part)
        return largest_foretold(self._foretell(), self.part, self._before.free)

    def warm_up(self, steps: int, on_step: Callable[[int], None]) -> Warm:
        """One step that is not measured, then `steps` or as many as a second holds.

        Args:
            steps: that are measured at least.
            on_step: told after each; may raise to stop.
        """
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
        return Warm(seconds, watts, source, Room(peak(self.device), self._before.free))

    def look_seconds(self) -> float:
        """Seconds of one look at the held-out loss, from its first batch."""
        batches, began = iter(self._data.validation), time.perf_counter()
        first = next(batches, None)
        if first is None:
            return 0.0
        self._learner.validate([first])
        crops = len(self._data.validation.crops) / self._config.ranks
        return (time.perf_counter() - began) * crops / len(first.x_BCT)

    def _step(self, step: int) -> None:
        """A step as the loop does it; reading its values waits for the device."""
        read(self._learner.step(self._data.training.parts(step, self._data.training.read(step))))

    def _foretell(self) -> Callable[[int], float]:
        """Memory of a training step as a straight line over crops, through two small batches."""
        small, large = max(1, self.part // 16), max(2, self.part // 8)
        taken = [self._taken(crops) for crops in (small, large)]
        each = max(0.0, (taken[1] - taken[0]) / (large - small))
        moments = sum(2 * p.numel() * p.element_size() for p in self._learner.objective.parameters())
        return lambda crops: taken[1] + moments + each * (crops - large)

    def _taken(self, crops: int) -> int:
        memory.forget_peak()
        try:
            self._learner.rehearse(crops)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return memory.UNLIMITED
        return memory.peak_bytes()


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
