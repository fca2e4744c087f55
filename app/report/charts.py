"""Charts of the dossier, drawn as vectors: interval plots in table cells, curves, heat maps, shares.

No meaning rests on colour alone: series differ in marker and dash, heat map cells print their value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from reportlab.lib.colors import Color, white
from reportlab.pdfgen.canvas import Canvas

from app.report import style
from app.report.drawn import Drawn, draw_marker, draw_text
from engine.contract.results import Estimate, Interval


@dataclass(frozen=True)
class Axis:
    """Value range of an interval plot: limits, ticks, and the value that means *no effect*."""

    low: float
    high: float
    neutral: float

    def at(self, value: float, width: float) -> float:
        """Position of a value on a plot `width` points wide, kept inside it."""
        return width * min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def ticks(self) -> list[float]:
        """Round values to label."""
        return style.ticks(self.low, self.high, 5)


def auroc_axis(estimates: Sequence[Estimate]) -> Axis:
    """From the lowest interval end (0.5 at most), rounded down to a tenth, to 1."""
    ends = [span.low for one in estimates for span in (one.interval, one.beside) if span is not None]
    values = [one.value for one in estimates if one.value is not None]
    low = math.floor(min([0.4, *ends, *values]) * 10 + 1e-9) / 10
    return Axis(max(0.0, low), 1.0, 0.5)


def difference_axis(estimates: Sequence[Estimate]) -> Axis:
    """Symmetric around zero, wide enough for every interval."""
    ends = [
        abs(end) for one in estimates for span in (one.interval, one.beside) if span for end in (span.low, span.high)
    ]
    values = [abs(one.value) for one in estimates if one.value is not None]
    reach = math.ceil(max([0.1, *ends, *values]) * 10 - 1e-9) / 10
    return Axis(-reach, reach, 0.0)


class IntervalCell(Drawn):
    """Value with its reported interval, and the interval beside it as a thin line below. Fits a table cell."""

    def __init__(self, estimate: Estimate, axis: Axis, width: float, series: int, hollow: bool = False) -> None:
        super().__init__()
        self.estimate, self.axis, self.series, self.hollow = estimate, axis, series, hollow
        self.width, self.height = width, 17.0

    def draw(self) -> None:
        """Draw the neutral line, both intervals and the marker."""
        canvas, color = self.canv, style.SERIES[self.series % len(style.SERIES)]
        canvas.setStrokeColor(style.RULE)
        canvas.setLineWidth(0.3)
        for value in self.axis.ticks():
            x = self.axis.at(value, self.width)
            canvas.line(x, -4, x, self.height + 4)
        _neutral_line(canvas, self.axis.at(self.axis.neutral, self.width), -4, self.height + 4)
        if self.estimate.beside is not None:
            self._span(self.estimate.beside, 2.6, 0.6, style.FAINT)
        if self.estimate.interval is not None:
            self._span(self.estimate.interval, 9.5, 1.4, color)
        if self.estimate.value is not None:
            shape = style.MARKERS[self.series % len(style.MARKERS)]
            x = self.axis.at(self.estimate.value, self.width)
            draw_marker(canvas, x, 9.5, 2.5, shape, color, hollow=self.hollow)

    def _span(self, span: Interval, y: float, width: float, color: Color) -> None:
        canvas = self.canv
        low, high = self.axis.at(span.low, self.width), self.axis.at(span.high, self.width)
        canvas.setStrokeColor(color)
        canvas.setLineWidth(width)
        canvas.line(low, y, high, y)


class AxisCell(Drawn):
    """Ticks of an interval plot, for the head of its column."""

    def __init__(self, axis: Axis, width: float) -> None:
        super().__init__()
        self.axis, self.width, self.height = axis, width, 9.0

    def draw(self) -> None:
        """Draw tick labels over short ticks."""
        places = style.places_of(self.axis.ticks())
        for value in self.axis.ticks():
            x = self.axis.at(value, self.width)
            draw_text(self.canv, x, 2, style.decimal(value, places), style.SANS, 6, style.MUTED, "center")
            self.canv.setStrokeColor(style.FAINT)
            self.canv.setLineWidth(0.4)
            self.canv.line(x, -3.5, x, -1)


MOST_MARKERS = 20
"""Markers on one curve: more run together and hide it."""


@dataclass(frozen=True)
class Curve:
    """One line of a curve chart. Gaps are None. `dash` and marker tell it apart without colour."""

    name: str
    steps: Sequence[int]
    values: Sequence[float | None]
    color: Color
    dash: tuple[float, ...] = ()
    marked: bool = False
    width: float = field(default=1.2)

    def points(self) -> list[tuple[int, float]]:
        """The points that have a value."""
        return [(s, v) for s, v in zip(self.steps, self.values, strict=True) if v is not None]


class CurveChart(Drawn):
    """Lines over training steps with labels at their right ends instead of a legend."""

    def __init__(self, curves: Sequence[Curve], y_name: str, width: float, height: float) -> None:
        super().__init__()
        self.curves, self.y_name = [curve for curve in curves if curve.points()], y_name
        self.width, self.height = width, height
        self._left, self._right, self._bottom, self._top = 30.0, 96.0, 24.0, 14.0
        values = [v for curve in self.curves for _, v in curve.points()]
        pad = 0.06 * (max(values) - min(values) or 1.0)
        self._y = (min(values) - pad, max(values) + pad)
        self._x = (0, max(s for curve in self.curves for s, _ in curve.points()) or 1)

    def draw(self) -> None:
        """Draw axes, lines and labels."""
        self._axes()
        for curve in self.curves:
            self._line(curve)
        self._names()

    def _place(self, step: float, value: float) -> tuple[float, float]:
        wide, high = self.width - self._left - self._right, self.height - self._bottom - self._top
        x = self._left + wide * (step - self._x[0]) / (self._x[1] - self._x[0])
        return x, self._bottom + high * (value - self._y[0]) / (self._y[1] - self._y[0])

    def _axes(self) -> None:
        canvas = self.canv
        draw_text(canvas, 0, self.height - 7, self.y_name, style.SANS, 7, style.MUTED)
        marks = style.ticks(*self._y)
        places = style.places_of(marks)
        for value in marks:
            x, y = self._place(0, value)
            canvas.setStrokeColor(style.RULE)
            canvas.setLineWidth(0.4)
            canvas.line(x, y, self.width - self._right, y)
            draw_text(canvas, x - 5, y - 2.4, style.decimal(value, places), style.SANS, 7, style.MUTED, "right")
        for step in style.ticks(*self._x):
            x, _ = self._place(step, self._y[0])
            canvas.setStrokeColor(style.FAINT)
            canvas.line(x, self._bottom, x, self._bottom - 3)
            draw_text(canvas, x, self._bottom - 11, f"{step:,.0f}", style.SANS, 7, style.MUTED, "center")
        canvas.line(self._left, self._bottom, self.width - self._right, self._bottom)
        middle = (self._left + self.width - self._right) / 2
        draw_text(canvas, middle, 2, "optimiser step", style.SANS, 7, style.MUTED, "center")

    def _line(self, curve: Curve) -> None:
        canvas = self.canv
        points = [self._place(s, v) for s, v in curve.points()]
        canvas.setStrokeColor(curve.color)
        canvas.setLineWidth(curve.width)
        canvas.setLineJoin(1)
        canvas.setDash(list(curve.dash))
        path = canvas.beginPath()
        path.moveTo(*points[0])
        for x, y in points[1:]:
            path.lineTo(x, y)
        canvas.drawPath(path, stroke=1, fill=0)
        canvas.setDash([])
        if curve.marked:
            for x, y in points[:: -(-len(points) // MOST_MARKERS)]:
                draw_marker(canvas, x, y, 1.7, "square", curve.color, hollow=True)

    def _names(self) -> None:
        """Names beside the line ends, pushed apart where they would overlap."""
        ends = sorted((self._place(*curve.points()[-1])[1], i) for i, curve in enumerate(self.curves))
        floor = -math.inf
        for y, i in ends:
            floor = max(y, floor + 10)
            x = self.width - self._right + 5
            draw_text(self.canv, x, floor - 2.5, self.curves[i].name, style.BOLD, 7, self.curves[i].color)


class HeatMap(Drawn):
    """A matrix of values between 0 and 1 with names on both axes and every value printed."""

    def __init__(
        self,
        values: Sequence[Sequence[float | None]],
        row_names: Sequence[str],
        column_names: Sequence[str],
        row_title: str,
        column_title: str,
        width: float,
    ) -> None:
        super().__init__()
        self.values, self.rows, self.columns = values, row_names, column_names
        self.row_title, self.column_title = row_title, column_title
        self._left = 15 + min(60.0, 4 + max(style.text_width(name, style.SANS, 7) for name in row_names))
        self._cell = min(32.0, (width - self._left) / len(column_names))
        self._high = min(22.0, max(13.0, 0.7 * self._cell))
        self._slant = any(style.text_width(name, style.SANS, 7) > self._cell - 3 for name in column_names)
        self._top = 16.0 + (30.0 if self._slant else 11.0)
        self.width = self._left + self._cell * len(column_names)
        self.height = self._top + self._high * len(row_names)

    def draw(self) -> None:
        """Draw names and cells."""
        canvas, wide = self.canv, self._cell * len(self.columns)
        title = style.fit_text(self.column_title, style.BOLD, 7.2, max(wide, 90))
        draw_text(canvas, self._left, self.height - 8, title, style.BOLD, 7.2, style.INK)
        self._row_title()
        for j, name in enumerate(self.columns):
            self._column_name(j, name)
        for i, name in enumerate(self.rows):
            y = self.height - self._top - self._high * (i + 1)
            short = style.fit_text(name, style.SANS, 7, self._left - 17)
            draw_text(canvas, self._left - 4, y + self._high / 2 - 2.5, short, style.SANS, 7, style.MUTED, "right")
            for j, value in enumerate(self.values[i]):
                self._draw_cell(self._left + j * self._cell, y, value)

    def _row_title(self) -> None:
        canvas, high = self.canv, self._high * len(self.rows)
        canvas.saveState()
        canvas.translate(7, high / 2)
        canvas.rotate(90)
        title = style.fit_text(self.row_title, style.BOLD, 7.2, max(high, 60))
        draw_text(canvas, 0, 0, title, style.BOLD, 7.2, style.INK, "center")
        canvas.restoreState()

    def _column_name(self, column: int, name: str) -> None:
        canvas = self.canv
        x, y = self._left + (column + 0.5) * self._cell, self.height - self._top + 4
        if not self._slant:
            draw_text(canvas, x, y, name, style.SANS, 7, style.MUTED, "center")
            return
        canvas.saveState()
        canvas.translate(x, y)
        canvas.rotate(55)
        draw_text(canvas, 0, 0, style.fit_text(name, style.SANS, 7, 34), style.SANS, 7, style.MUTED)
        canvas.restoreState()

    def _draw_cell(self, x: float, y: float, value: float | None) -> None:
        canvas = self.canv
        fill = white if value is None else heat_color(value)
        canvas.setFillColor(fill)
        canvas.setStrokeColor(white if value is not None else style.RULE)
        canvas.setLineWidth(0.8)
        canvas.rect(x, y, self._cell, self._high, stroke=1, fill=1)
        size = min(7.5, self._cell / 3.4)
        text = "n/e" if value is None else style.decimal(value, 2)
        ink = white if _luminance(fill) < 0.45 else style.INK
        draw_text(canvas, x + self._cell / 2, y + self._high / 2 - 0.36 * size, text, style.SANS, size, ink, "center")


class ShareBar(Drawn):
    """Counts as parts of one bar: filled, outlined, hatched. The numbers stand beside it in the table."""

    def __init__(self, positives: int, negatives: int, unknown: int, width: float) -> None:
        super().__init__()
        self.parts = (positives, negatives, unknown)
        self.width, self.height = width, 7.0

    def draw(self) -> None:
        """Draw positives filled, negatives pale, unknown hatched."""
        canvas, whole = self.canv, sum(self.parts) or 1
        x = 0.0
        for part, color in zip(self.parts, (style.SERIES[0], style.RULE, white), strict=True):
            wide = self.width * part / whole
            canvas.setFillColor(color)
            canvas.rect(x, 0, wide, self.height, stroke=0, fill=1)
            if color is white and wide > 0:
                self._hatch(x, wide)
            x += wide

    def _hatch(self, x: float, wide: float) -> None:
        canvas = self.canv
        canvas.saveState()
        path = canvas.beginPath()
        path.rect(x, 0, wide, self.height)
        canvas.clipPath(path, stroke=0, fill=0)
        canvas.setStrokeColor(style.FAINT)
        canvas.setLineWidth(0.4)
        for k in range(int((wide + self.height) / 2.5) + 1):
            canvas.line(x + 2.5 * k - self.height, 0, x + 2.5 * k, self.height)
        canvas.rect(x, 0, wide, self.height)
        canvas.restoreState()


class SeriesMark(Drawn):
    """A series' marker for a table cell or a legend."""

    def __init__(self, series: int) -> None:
        super().__init__()
        self.series, self.width, self.height = series, 7.0, 10.0

    def draw(self) -> None:
        """Draw the marker."""
        color = style.SERIES[self.series % len(style.SERIES)]
        draw_marker(self.canv, 3.5, 4.6, 2.5, style.MARKERS[self.series % len(style.MARKERS)], color)


def heat_color(value: float) -> Color:
    """White to deep blue over 0 to 1, monotone in lightness; values outside are drawn as the nearer end."""
    stops = ((0.965, 0.975, 0.985), (0.62, 0.79, 0.88), (0.13, 0.50, 0.68), (0.03, 0.20, 0.36))
    place = 3 * min(1.0, max(0.0, value))
    low = min(2, int(place))
    part = place - low
    return Color(*(a + part * (b - a) for a, b in zip(stops[low], stops[low + 1], strict=True)))


def _luminance(color: Color) -> float:
    return float(0.299 * color.red + 0.587 * color.green + 0.114 * color.blue)


def _neutral_line(canvas: Canvas, x: float, low: float, high: float) -> None:
    canvas.setStrokeColor(style.FAINT)
    canvas.setLineWidth(0.5)
    canvas.setDash([1.5, 1.5])
    canvas.line(x, low, x, high)
    canvas.setDash([])
