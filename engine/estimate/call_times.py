"""Timing one call again and again: for a while, and often enough for a median."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

WARM_CALLS, LEAST_CALLS, MOST_CALLS = 2, 5, 20_000
CALLS_FOR_P95 = 20


@dataclass(frozen=True)
class CallTimes:
    """Seconds of each call, and of all together with what lies between them."""

    each: list[float]
    seconds: float

    def told(self, batch: int) -> dict[str, object]:
        """The fields of `BatchCost` that these are, for so many crops a call."""
        return {
            "calls": len(self.each),
            "p50_ms": 1e3 * float(np.median(self.each)),
            "p95_ms": 1e3 * float(np.quantile(self.each, 0.95)) if len(self.each) >= CALLS_FOR_P95 else None,
            "crops_per_s": batch * len(self.each) / self.seconds,
        }


def timed(call: Callable[[], None], seconds: float) -> CallTimes:
    """Time calls for so many seconds, five at least; whoever asks warms up first."""
    each: list[float] = []
    began = time.perf_counter()
    while len(each) < LEAST_CALLS or (time.perf_counter() - began < seconds and len(each) < MOST_CALLS):
        at = time.perf_counter()
        call()
        each.append(time.perf_counter() - at)
    return CallTimes(each, time.perf_counter() - began)
