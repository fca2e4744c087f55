"""Says about once a second how far the training is and how it fares."""

from __future__ import annotations

import time

from engine.contract.config import PretrainConfig
from engine.contract.events import EventWriter, Metric, Progress, finite
from engine.training.gauges import Gauges

TELL_EVERY_S = 1.0


class Pulse:
    """Progress and metrics as events.

    Args:
        events: where it speaks.
        config: steps and batch size.
        gauges: memory and temperature of the device.
    """

    def __init__(self, events: EventWriter, config: PretrainConfig, gauges: Gauges) -> None:
        self._events, self._gauges = events, gauges
        self._steps, self._batch = config.steps, config.batch_size

    def begin(self, step: int) -> None:
        """Training starts, or goes on, from this step."""
        self._first = self._last = step
        self._began = self._told = time.monotonic()
        message = "going on from a checkpoint" if step else "starting"
        self._events.emit(Progress(done=step, total=self._steps, unit="steps", message=message))

    def end(self, step: int) -> None:
        """Training ends early, at this step: the last beat may be some steps old."""
        self._events.emit(Progress(done=step, total=self._steps, unit="steps"))

    def is_due(self) -> bool:
        """Whether a second has passed since the last beat."""
        return time.monotonic() - self._told >= TELL_EVERY_S

    def beat(self, step: int, values: dict[str, float]) -> None:
        """Tell that a step is done, and what was measured."""
        now = time.monotonic()
        speed = (step - self._last) * self._batch / max(now - self._told, 1e-9)
        left = (now - self._began) / max(step - self._first, 1) * (self._steps - step)
        told = values | {"crops_per_s": speed} | self._gauges.read()
        self._events.emit(Metric(step=step, values=finite(told)))
        self._events.emit(Progress(done=step, total=self._steps, unit="steps", seconds_left=round(left, 1)))
        self._told, self._last = now, step
