"""A drawing with its name as a file, its title, what it shows in a sentence, and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass

from app.report.drawn import Drawn


@dataclass(frozen=True)
class Figure:
    """One figure of the report, of an export, or of the window.

    Attributes:
        name: of its file, without an ending.
        title: what it is.
        told: what it shows, in a sentence or two.
        drawing: the drawing.
        numbers: what is drawn, as CSV text at full precision; empty where another file of the export holds it.
    """

    name: str
    title: str
    told: str
    drawing: Drawn
    numbers: str = ""
