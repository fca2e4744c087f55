"""A drawing with its name as a file, its title, and what it shows in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from app.report.drawn import Drawn


@dataclass(frozen=True)
class Figure:
    """One figure of the report, of an export, or of the window."""

    name: str
    title: str
    told: str
    drawing: Drawn
