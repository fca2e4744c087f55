"""One line of what is known of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """One line of a two-column table."""

    name: str
    value: str
