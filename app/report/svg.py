"""Drawings of the report as SVG: a canvas with ReportLab's words that writes elements instead of PDF operators.

So one drawing code serves both. Only what the drawings use is here; an unknown word is an error, not a gap in a figure.
Text stays text, in the report's font where it is installed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color

from app.report import style
from app.report.drawn import Drawn

_FAMILIES = {
    style.SANS: ("'Noto Sans', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif", "normal"),
    style.BOLD: ("'Noto Sans', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif", "bold"),
    style.ITALIC: ("'Noto Sans', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif", "normal"),
    style.MONO: ("'Noto Sans Mono', Consolas, Menlo, monospace", "normal"),
}


def svg_text(drawing: Drawn, title: str, told: str, margin: float = 10.0) -> str:
    """A drawing as the text of an SVG file, on white, with a title and a description for those who cannot see it."""
    canvas = SvgCanvas()
    drawing.canv = canvas
    drawing.draw()
    wide, high = drawing.width + 2 * margin, drawing.height + 2 * margin
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide:.0f}pt" height="{high:.0f}pt" '
        f'viewBox="{-margin:g} {-drawing.height - margin:g} {wide:g} {high:g}">\n'
        f"<title>{escape(title)}</title>\n<desc>{escape(told)}</desc>\n"
        f'<rect x="{-margin:g}" y="{-drawing.height - margin:g}" width="{wide:g}" height="{high:g}" fill="#ffffff"/>\n'
        + "\n".join(canvas.elements)
        + "\n</svg>\n"
    )


class SvgPath:
    """A path in the words of ReportLab's paths; y grows upwards until it is written."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def moveTo(self, x: float, y: float) -> None:
        """Begin a part."""
        self.parts.append(f"M{x:.2f} {-y:.2f}")

    def lineTo(self, x: float, y: float) -> None:
        """A straight line."""
        self.parts.append(f"L{x:.2f} {-y:.2f}")

    def close(self) -> None:
        """Back to the beginning."""
        self.parts.append("Z")


class SvgCanvas:
    """What drawings paint on. Coordinates as in PDF: points, y upwards."""

    def __init__(self) -> None:
        self.elements: list[str] = []
        self._stroke, self._fill, self._width, self._dash, self._font = "#000000", "#000000", 1.0, "", (style.SANS, 8.0)
        self._shift: list[str] = []
        self._saved: list[tuple[str, ...]] = []

    def setStrokeColor(self, color: Color) -> None:
        """Colour of lines."""
        self._stroke = _hex(color)

    def setFillColor(self, color: Color) -> None:
        """Colour of areas and text."""
        self._fill = _hex(color)

    def setLineWidth(self, width: float) -> None:
        """Width of lines in points."""
        self._width = width

    def setLineJoin(self, kind: int) -> None:
        """Lines are joined round, always."""

    def setDash(self, dash: Sequence[float]) -> None:
        """Lengths of dashes and gaps; none is a whole line."""
        self._dash = " ".join(f"{length:g}" for length in dash)

    def setFont(self, name: str, size: float) -> None:
        """Font of text."""
        self._font = (name, size)

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A straight line."""
        self._add(f'<line x1="{x1:.2f}" y1="{-y1:.2f}" x2="{x2:.2f}" y2="{-y2:.2f}" {self._pen()}/>')

    def rect(self, x: float, y: float, width: float, height: float, stroke: int = 1, fill: int = 0) -> None:
        """A rectangle by its lower left corner."""
        place = f'x="{x:.2f}" y="{-y - height:.2f}" width="{width:.2f}" height="{height:.2f}"'
        self._add(f"<rect {place} {self._paint(stroke, fill)}/>")

    def circle(self, x: float, y: float, radius: float, stroke: int = 1, fill: int = 0) -> None:
        """A circle by its middle."""
        self._add(f'<circle cx="{x:.2f}" cy="{-y:.2f}" r="{radius:.2f}" {self._paint(stroke, fill)}/>')

    def beginPath(self) -> SvgPath:
        """A new path."""
        return SvgPath()

    def drawPath(self, path: SvgPath, stroke: int = 1, fill: int = 0) -> None:
        """Paint a path."""
        self._add(f'<path d="{"".join(path.parts)}" {self._paint(stroke, fill)}/>')

    def drawString(self, x: float, y: float, text: str) -> None:
        """One line of text, as wide as the report's own font makes it."""
        name, size = self._font
        family, weight = _FAMILIES[name]
        wide = style.text_width(text, name, size)
        kept = ' xml:space="preserve"' if text != text.strip() else ""  # pieces of a line begin or end with blanks
        fixed = f' textLength="{wide:.2f}" lengthAdjust="spacingAndGlyphs"' if len(text) > 1 else ""
        self._add(
            f'<text x="{x:.2f}" y="{-y:.2f}" font-family="{family}" font-weight="{weight}" font-size="{size:g}" '
            f'fill="{self._fill}"{fixed}{kept}>{escape(text)}</text>'
        )

    def saveState(self) -> None:
        """Remember where the paper lies."""
        self._saved.append(tuple(self._shift))

    def restoreState(self) -> None:
        """Put the paper back."""
        self._shift = list(self._saved.pop())

    def translate(self, x: float, y: float) -> None:
        """Move the paper."""
        self._shift.append(f"translate({x:.2f} {-y:.2f})")

    def rotate(self, degrees: float) -> None:
        """Turn the paper, anticlockwise."""
        self._shift.append(f"rotate({-degrees:g})")

    def _add(self, element: str) -> None:
        moved = f'<g transform="{" ".join(self._shift)}">{element}</g>' if self._shift else element
        self.elements.append(moved)

    def _pen(self) -> str:
        dash = f' stroke-dasharray="{self._dash}"' if self._dash else ""
        return f'stroke="{self._stroke}" stroke-width="{self._width:g}" stroke-linejoin="round"{dash}'

    def _paint(self, stroke: int, fill: int) -> str:
        inside = f'fill="{self._fill}"' if fill else 'fill="none"'
        return f"{inside} {self._pen()}" if stroke else inside


def _hex(color: Color) -> str:
    parts: list[Any] = [color.red, color.green, color.blue]
    return "#" + "".join(f"{math.floor(255 * part + 0.5):02x}" for part in parts)
