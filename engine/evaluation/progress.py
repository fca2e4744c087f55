"""Progress of a run, said about once a second with the time that is left, and the wish to stop heeded in between."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from engine.contract.events import EventWriter, Progress
from engine.contract.run import RunFolder, Stopped


@dataclass
class Pace:
    """One stretch of work of known length.

    Attributes:
        first: what is done already when it begins; time left is reckoned from the rest. None: what the first step says.
    """

    folder: RunFolder
    events: EventWriter
    unit: str
    message: str
    total: int
    first: int | None = 0
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    def step(self, done: int) -> None:
        """Say how far it is. Raises Stopped when somebody asked the run to stop."""
        now = time.monotonic()
        if self.first is None:
            self.first = done
        if now - self._told >= 1 or done >= self.total:
            self._told = now
            self.events.emit(
                Progress(
                    done=done,
                    total=self.total,
                    unit=self.unit,
                    message=self.message,
                    seconds_left=self._left(done, now),
                )
            )
        if done < self.total and self.folder.stop_asked():
            raise Stopped

    def _left(self, done: int, now: float) -> float | None:
        worked = done - (self.first or 0)
        return (now - self._began) / worked * (self.total - done) if worked > 0 else None
