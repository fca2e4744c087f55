"""What draws itself: the base of every drawing in the flow of a page, text of any script, and series markers."""

from __future__ import annotations

from typing import Any

from reportlab.lib.colors import Color, white
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from app.report import style


class Drawn(Flowable):  # type: ignore[misc]  # ReportLab carries no types
    """A drawing of fixed size, `width` by `height` points, that flows with the text."""

    canv: Any
    width: float
    height: float


def draw_text(
    canvas: Canvas, x: float, y: float, text: str, font: str, size: float, color: Color = style.INK, align: str = "left"
) -> None:
    """One line of text on the canvas; `align` is "left", "center" or "right" of x."""
    shift = {"left": 0.0, "center": 0.5, "right": 1.0}[align]
    x -= shift * style.text_width(text, font, size)
    canvas.setFillColor(color)
    for name, piece in style.text_runs(text, font):
        canvas.setFont(name, size)
        canvas.drawString(x, y, piece)
        x += pdfmetrics.stringWidth(piece, name, size)


def draw_marker(
    canvas: Canvas, x: float, y: float, radius: float, shape: str, color: Color, hollow: bool = False
) -> None:
    """A marker centred on (x, y): circle, square, diamond or triangle."""
    canvas.setStrokeColor(color)
    canvas.setFillColor(white if hollow else color)
    canvas.setLineWidth(1.1)
    if shape == "circle":
        canvas.circle(x, y, radius, stroke=1, fill=1)
        return
    r = radius
    corners = {
        "square": [(-r, -r), (r, -r), (r, r), (-r, r)],
        "diamond": [(0, -1.3 * r), (1.3 * r, 0), (0, 1.3 * r), (-1.3 * r, 0)],
        "triangle": [(-1.15 * r, -r), (1.15 * r, -r), (0, 1.2 * r)],
    }[shape]
    path = canvas.beginPath()
    path.moveTo(x + corners[0][0], y + corners[0][1])
    for dx, dy in corners[1:]:
        path.lineTo(x + dx, y + dy)
    path.close()
    canvas.drawPath(path, stroke=1, fill=1)
