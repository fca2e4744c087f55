"""What the published implementation needed on one machine, and where that is written down.

A reference of our own might be slow by clumsiness, and every ratio to it would flatter us. So its time is held against
these figures, scaled by how fast the two machines multiply matrices; a row whose reference is more than a quarter
slower than that does not count.
"""

from __future__ import annotations

from typing import NamedTuple

SOURCE = (
    "Isoline's study of performance, sections 1, 2 and 3.7, November 2026: the benchmark repository's S4 with a Cauchy "
    "kernel on the CPU, its Net1D, and an operation-for-operation Transformer; one thread of an AMD Zen 4, torch 2.13"
)
GEMM_THERE = 68.0
"""GFLOP/s of a 2400 x 512 x 1024 product in float32 by torch's default there, one thread."""
SLACK = 1.25


class Published(NamedTuple):
    """Milliseconds of CPU time a crop of 2.5 s: the lowest and the highest that were seen."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """What ours is held against."""
        return (self.low + self.high) / 2


PUBLISHED = {
    "s4-embed-1": Published(139, 147),
    "s4-embed-32": Published(40, 45),
    "s4-embed-32-bf16": Published(40, 45),
    "s4-train-32": Published(118, 143),
    "cpc-step-16": Published(315, 315),
    "cpc-loss-16": Published(163, 210),
    "transformer-4": Published(203, 203),
    "transformer-train-4": Published(704, 704),
    "net1d-4": Published(91, 91),
    "net1d-train-4": Published(337, 337),
}


class Goal(NamedTuple):
    """What a row must reach: times as fast as the reference, and share of the floor where one is set."""

    ratio: float
    share: float | None = None


GOALS = {
    "s4-embed-1": Goal(6.0, 0.60),
    "s4-embed-32": Goal(1.9, 0.65),
    "s4-embed-32-bf16": Goal(3.3),
    "s4-train-32": Goal(1.6, 0.58),
    "cpc-step-16": Goal(3.5, 0.55),
    "cpc-loss-16": Goal(30.0),
    "transformer-4": Goal(1.15, 0.60),
    "transformer-train-4": Goal(1.0),
    "net1d-4": Goal(1.0, 0.45),
    "net1d-train-4": Goal(1.0),
}
