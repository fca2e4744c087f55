"""What running a model has taken of the machine."""

from __future__ import annotations

from typing import NamedTuple


class Taken(NamedTuple):
    """Of the process that runs a model, and of all below it.

    Attributes:
        cpu_s: processor seconds so far, over all cores.
        peak_bytes: the most memory that each has held at a time, summed over those that live.
        words: whose memory that is.
    """

    cpu_s: float
    peak_bytes: int
    words: str
