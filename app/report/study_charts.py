"""Charts of studies: dots with their spread over seeds, and lines over an axis, with fits where they were made.

A series is told by colour, marker and its name beside its end; every seed is a small dot, so that the reader sees what
an interval was made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reportlab.lib.colors import Color

from app.report import style
from app.report.drawn import Drawn, draw_marker, draw_text
from engine.contract.results import Estimate


@dataclass(frozen=True)
class Dot:
    """One row of a dot plot: a mean with its interval over seeds, the seeds, and the level of knowing nothing."""

    name: str
    mean: Estimate
    seeds: Sequence[float]
    series: int
    level: float | None = None
    lead: str = ""


@dataclass(frozen=True)
class Panel:
    """Rows that share one axis."""

    title: str
    unit: str
    dots: Sequence[Dot]
    level_name: str = ""


class DotPlot(Drawn):
    """Panels of rows, each panel with an axis of its own."""

    ROW, HEAD, FOOT = 17.0, 30.0, 24.0

    def __init__(self, panels: Sequence[Panel], width: float = style.WIDTH, places: int = 3) -> None:
        super().__init__()
        self.panels, self.width, self._places = panels, width, places
        names = [dot.name for panel in panels for dot in panel.dots]
        self._lead = 18.0 if any(dot.lead for panel in panels for dot in panel.dots) else 0.0
        widest = max(style.text_width(name, style.SANS, 8) for name in names)
        self._left = self._lead + min(0.34 * width, widest + 12)
        self._right = 116.0
        self.height = sum(self.HEAD + self.ROW * len(panel.dots) + self.FOOT for panel in panels) - 4

    def draw(self) -> None:
        """Draw the panels from the top."""
        top = self.height
        for panel in self.panels:
            self._panel(panel, top)
            top -= self.HEAD + self.ROW * len(panel.dots) + self.FOOT

    def _panel(self, panel: Panel, top: float) -> None:
        low, high = _reach([value for dot in panel.dots for value in _extent(dot)])
        wide = self.width - self._left - self._right

        def at(value: float) -> float:
            """Where a value stands on the panel's axis, in points from the left."""
            return self._left + wide * (value - low) / (high - low)

        draw_text(self.canv, 0, top - 9, panel.title, style.BOLD, 9, style.INK)
        draw_text(self.canv, self._left, top - 9, panel.unit, style.SANS, 7.5, style.MUTED)
        floor = top - self.HEAD - self.ROW * len(panel.dots)
        self._ticks(low, high, at, top - self.HEAD + 6, floor)
        if panel.level_name:
            self._level_legend(panel.level_name, top)
        for n, dot in enumerate(panel.dots):
            self._row(dot, at, top - self.HEAD - self.ROW * (n + 0.5))

    def _ticks(self, low: float, high: float, at: Callable[[float], float], top: float, floor: float) -> None:
        canvas = self.canv
        marks = style.ticks(low, high, 5)
        places = _places(marks)
        for value in marks:
            x = at(value)
            canvas.setStrokeColor(style.RULE)
            canvas.setLineWidth(0.4)
            canvas.line(x, floor, x, top)
            draw_text(canvas, x, floor - 9, style.decimal(value, places), style.SANS, 7, style.MUTED, "center")
        canvas.setStrokeColor(style.FAINT)
        canvas.setLineWidth(0.5)
        canvas.line(self._left, floor, self.width - self._right, floor)

    def _level_legend(self, name: str, top: float) -> None:
        wide = style.text_width(name, style.SANS, 7.5)
        x = self.width - wide
        _level_mark(self.canv, x - 6, top - 6.5)
        draw_text(self.canv, x, top - 9, name, style.SANS, 7.5, style.MUTED)

    def _row(self, dot: Dot, at: Callable[[float], float], y: float) -> None:
        canvas, color = self.canv, _color(dot.series)
        if dot.lead:
            draw_text(canvas, 0, y - 2.8, dot.lead, style.BOLD, 8, style.MUTED)
        name = style.fit_text(dot.name, style.SANS, 8, self._left - self._lead - 8)
        draw_text(canvas, self._lead, y - 2.8, name, style.SANS, 8, style.INK)
        if dot.level is not None:
            _level_mark(canvas, at(dot.level), y)
        span, value = dot.mean.interval, dot.mean.value
        if span is not None:
            canvas.setStrokeColor(color)
            canvas.setLineWidth(1.4)
            canvas.line(at(span.low), y, at(span.high), y)
        for seed in dot.seeds:
            draw_marker(canvas, at(seed), y - 5.2, 1.0, "circle", color)
        if value is None:
            draw_text(canvas, self._left, y - 2.8, "no run is done", style.ITALIC, 7.5, style.MUTED)
            return
        draw_marker(canvas, at(value), y, 2.7, _shape(dot.series), color)
        self._number(dot.mean, y)

    def _number(self, mean: Estimate, y: float) -> None:
        x = self.width - self._right + 10
        value = style.decimal(mean.value or 0.0, self._places)
        draw_text(self.canv, x, y - 2.8, value, style.BOLD, 8, style.INK)
        told = "one seed" if mean.interval is None else style.interval(mean.interval.low, mean.interval.high, 3)
        draw_text(self.canv, x + 34, y - 2.8, told, style.SANS, 7, style.MUTED)


@dataclass(frozen=True)
class Point:
    """One place on a numeric axis: a mean with its interval over seeds, and the seeds."""

    x: float
    mean: Estimate
    seeds: Sequence[float]


@dataclass(frozen=True)
class Line:
    """A series over a numeric axis; `fits` are curves (x to y) with a name and a dash."""

    name: str
    points: Sequence[Point]
    series: int
    fits: Sequence[tuple[str, Callable[[float], float], tuple[float, ...]]] = field(default=())


class LinePlot(Drawn):
    """Series over an axis, logarithmic where asked; names and fits stand beside the right ends."""

    def __init__(
        self, title: str, lines: Sequence[Line], x_name: str, y_name: str, log_x: bool = True, log_y: bool = False
    ) -> None:
        super().__init__()
        self.title, self.lines, self.x_name, self.y_name = title, lines, x_name, y_name
        self.width, self.height = style.WIDTH, 196.0 + 11.0 * max(0, len(lines) - 6)
        self._log = (log_x, log_y)
        longest = max(style.text_width(line.name, style.BOLD, 7.5) for line in lines)
        notes = max((style.text_width(f, style.SANS, 7) for line in lines for f, _, _ in line.fits), default=0.0)
        self._box = (38.0, self.width - min(0.42 * self.width, max(longest, notes) + 12), 30.0, self.height - 36)
        self._x = _spread([point.x for line in lines for point in line.points], log_x)
        self._y = _spread([value for line in lines for value in _heights(line, log_y)], log_y)

    def draw(self) -> None:
        """Draw axes, series and names."""
        draw_text(self.canv, 0, self.height - 9, self.title, style.BOLD, 9, style.INK)
        draw_text(self.canv, 0, self.height - 24, self.y_name, style.SANS, 7.5, style.MUTED)
        self._axes()
        for line in self.lines:
            self._series(line)
        self._names()

    def _at(self, x: float, y: float) -> tuple[float, float]:
        left, right, bottom, top = self._box
        across = _place(x, self._x, self._log[0])
        return left + (right - left) * across, bottom + (top - bottom) * _place(y, self._y, self._log[1])

    def _axes(self) -> None:
        canvas, (left, right, bottom, _) = self.canv, self._box
        rows = _log_ticks(*self._y) if self._log[1] else style.ticks(*self._y)
        for value in rows:
            _, y = self._at(self._x[0], value)
            canvas.setStrokeColor(style.RULE)
            canvas.setLineWidth(0.4)
            canvas.line(left, y, right, y)
            draw_text(
                canvas, left - 5, y - 2.4, style.decimal(value, _places(rows)), style.SANS, 7, style.MUTED, "right"
            )
        for value in self._columns():
            x, _ = self._at(value, self._y[0])
            canvas.setStrokeColor(style.FAINT)
            canvas.line(x, bottom, x, bottom - 3)
            draw_text(canvas, x, bottom - 11, f"{value:,g}", style.SANS, 7, style.MUTED, "center")
        canvas.line(left, bottom, right, bottom)
        draw_text(canvas, (left + right) / 2, bottom - 24, self.x_name, style.SANS, 7.5, style.MUTED, "center")

    def _columns(self) -> list[float]:
        """Marks of the x axis: the places that were measured, while they have room."""
        known = sorted({point.x for line in self.lines for point in line.points})
        return known if len(known) <= 8 else (_log_ticks(*self._x) if self._log[0] else style.ticks(*self._x))

    def _series(self, line: Line) -> None:
        canvas, color = self.canv, _color(line.series)
        for _, fit, dash in line.fits:
            self._curve(fit, dash, color)
        places = [self._at(point.x, point.mean.value) for point in line.points if point.mean.value is not None]
        if not line.fits:
            self._polyline(places, (), color, 1.1)
        for point in line.points:
            span = point.mean.interval
            if span is not None:
                canvas.setStrokeColor(color)
                canvas.setLineWidth(1.1)
                low, high = max(span.low, self._y[0]), min(span.high, self._y[1])
                canvas.line(*self._at(point.x, low), *self._at(point.x, high))
            for seed in point.seeds:
                draw_marker(canvas, *self._at(point.x, seed), 1.3, "circle", color, hollow=True)
        for x, y in places:
            draw_marker(canvas, x, y, 2.5, _shape(line.series), color)

    def _curve(self, fit: Callable[[float], float], dash: tuple[float, ...], color: Color) -> None:
        low, high = self._x
        steps = [k / 60 for k in range(61)]
        xs = [low * (high / low) ** k if self._log[0] else low + (high - low) * k for k in steps]
        inside = [(x, fit(x)) for x in xs if self._y[0] <= fit(x) <= self._y[1]]
        self._polyline([self._at(x, y) for x, y in inside], dash, color, 0.9)

    def _polyline(
        self, places: Sequence[tuple[float, float]], dash: tuple[float, ...], color: Color, width: float
    ) -> None:
        if len(places) < 2:
            return
        canvas = self.canv
        canvas.setStrokeColor(color)
        canvas.setLineWidth(width)
        canvas.setDash(list(dash))
        path = canvas.beginPath()
        path.moveTo(*places[0])
        for x, y in places[1:]:
            path.lineTo(x, y)
        canvas.drawPath(path, stroke=1, fill=0)
        canvas.setDash([])

    def _names(self) -> None:
        """Names and fits beside the ends, pushed apart where they would overlap."""
        ends = []
        for line in self.lines:
            known = [point for point in line.points if point.mean.value is not None]
            if known:
                ends.append((self._at(known[-1].x, known[-1].mean.value or 0.0)[1], line))
        floor, placed = -math.inf, []
        for y, line in sorted(ends, key=lambda end: end[0]):
            high = 11.0 + 9.0 * len(line.fits)
            floor = max(y - high / 2, floor)
            placed.append((floor, line))
            floor += high + 2
        over = max(0.0, floor - self.height) if placed else 0.0
        for low, line in placed:
            self._name(line, low - over)

    def _name(self, line: Line, y: float) -> None:
        x, fits = self._box[1] + 10, list(line.fits)
        draw_text(self.canv, x, y + 9.0 * len(fits), line.name, style.BOLD, 7.5, _color(line.series))
        for n, (told, _, _) in enumerate(reversed(fits)):
            draw_text(self.canv, x, y + 9.0 * n, told, style.SANS, 7, style.MUTED)


def _color(series: int) -> Color:
    return style.SERIES[series % len(style.SERIES)]


def _shape(series: int) -> str:
    return style.MARKERS[series % len(style.MARKERS)]


def _level_mark(canvas: object, x: float, y: float) -> None:
    """A short upright bar: where a model stands that ignores its input."""
    pen: Drawn = Drawn()
    pen.canv = canvas
    pen.canv.setStrokeColor(style.INK)
    pen.canv.setLineWidth(1.2)
    pen.canv.line(x, y - 5, x, y + 5)


def _extent(dot: Dot) -> list[float]:
    span = dot.mean.interval
    ends = [] if span is None else [span.low, span.high]
    return [v for v in (*dot.seeds, *ends, dot.mean.value, dot.level) if v is not None]


def _heights(line: Line, log: bool) -> list[float]:
    """Values that a series must have room for; an interval of few seeds may reach far beyond them, and is cut."""
    values = [v for point in line.points for v in (*point.seeds, point.mean.value) if v is not None]
    reach = max(values) - min(values) or 0.1 * abs(values[0])
    spans = [point.mean.interval for point in line.points if point.mean.interval is not None]
    low, high = min(values) - 0.5 * reach, max(values) + 0.5 * reach
    ends = [min(max(end, low), high) for span in spans for end in (span.low, span.high)]
    return values + [end for end in ends if not log or end > 0]


def _reach(values: Sequence[float]) -> tuple[float, float]:
    """Limits with some air around the values."""
    if not values:
        return 0.0, 1.0
    pad = 0.06 * (max(values) - min(values)) or 0.05 * abs(values[0]) or 0.5
    return min(values) - pad, max(values) + pad


def _spread(values: Sequence[float], log: bool) -> tuple[float, float]:
    if not log:
        return _reach(values)
    low, high = min(values), max(values)
    pad = (high / low) ** 0.06 if high > low else 1.2
    return low / pad, high * pad


def _place(value: float, limits: tuple[float, float], log: bool) -> float:
    low, high = limits
    return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)


def _log_ticks(low: float, high: float) -> list[float]:
    """Round values on a logarithmic axis: 1, 2, 5 of each decade, or linear ticks where a decade is not reached."""
    found = [m * 10.0**e for e in range(-9, 10) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
    return found if len(found) >= 3 else style.ticks(low, high, 5)


def _places(values: Sequence[float]) -> int:
    return next((places for places in range(5) if all(abs(v - round(v, places)) < 1e-9 for v in values)), 4)
