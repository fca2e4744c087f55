"""A figure of a benchmark, and the turns in which its two sides are timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

Call = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One figure: CPU milliseconds of ours and of the alternative.

    Attributes:
        goal_ratio: how many times faster than the alternative it is to be; None where there is no goal.
        error: largest difference of the two results, measured in this run.
        tolerance: what it may be.
    """

    name: str
    what: str
    unit: str
    ours_ms: float
    alternative: str
    alternative_ms: float
    goal_ratio: float | None
    error: float
    tolerance: float

    @property
    def ratio(self) -> float:
        """Alternative / ours."""
        return self.alternative_ms / self.ours_ms

    @property
    def equal(self) -> bool:
        """Whether both gave the same."""
        return self.error <= self.tolerance

    @property
    def met(self) -> bool:
        """Whether it is equal and as fast as is wished for."""
        return self.equal and (self.goal_ratio is None or self.ratio >= self.goal_ratio)

    def told(self) -> dict[str, Any]:
        """All of it, for programs."""
        return asdict(self) | {"ratio": self.ratio, "equal": self.equal, "met": self.met}


def in_turns(calls: Sequence[Call], rounds: int, unheeded: int = 0) -> list[float]:
    """CPU milliseconds of each call, the median of rounds in which they take turns.

    Args:
        calls: what is timed.
        rounds: how often each is timed.
        unheeded: rounds before these whose times do not count.
    """
    times: list[list[float]] = [[] for _ in calls]
    for number in range(-unheeded, rounds):
        for call, told in zip(calls, times, strict=True):
            begun = time.process_time()
            call()
            if number >= 0:
                told.append(1e3 * (time.process_time() - begun))
    return [statistics.median(told) for told in times]
