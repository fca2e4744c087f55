"""Forest plots: rows of numbers with their intervals on one axis, in groups, each number printed beside its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.report import style
from app.report.drawn import Drawn, draw_marker, draw_text
from engine.contract.results import Estimate, Interval


@dataclass(frozen=True)
class ForestRow:
    """One number. `series` gives colour and marker; a row that follows one of another `group` begins that group."""

    name: str
    estimate: Estimate
    group: str = ""
    series: int = 0


@dataclass(frozen=True)
class ForestAxis:
    """What the numbers are, and where no effect lies; `signed` numbers carry a plus."""

    title: str
    unit: str
    neutral: float
    signed: bool = False
    places: int = 3


class ForestPlot(Drawn):
    """Rows from the top, group headings between them, the axis at the bottom and a line of no effect through all."""

    ROW, GROUP, HEAD, FOOT, NUMBERS = 15.0, 18.0, 32.0, 18.0, 118.0

    def __init__(self, axis: ForestAxis, rows: Sequence[ForestRow], width: float = style.WIDTH) -> None:
        super().__init__()
        self.axis, self.rows, self.width = axis, rows, width
        widest = max((style.text_width(row.name, style.SANS, 8) for row in rows), default=0.0)
        self._left = min(0.4 * width, widest + 14)
        self._right = width - self.NUMBERS
        self._limits = _limits(axis.neutral, [row.estimate for row in rows])
        groups = sum(_begins_group(rows, n) for n in range(len(rows)))
        self.height = self.HEAD + self.ROW * len(rows) + self.GROUP * groups + self.FOOT

    def draw(self) -> None:
        """Draw title, axis, and the rows."""
        draw_text(self.canv, 0, self.height - 9, self.axis.title, style.BOLD, 9, style.INK)
        draw_text(self.canv, self._left, self.height - 23, self.axis.unit, style.SANS, 7.5, style.MUTED)
        self._ticks()
        y = self.height - self.HEAD
        for n, row in enumerate(self.rows):
            if _begins_group(self.rows, n):
                draw_text(self.canv, 0, y - 12, row.group, style.BOLD, 7.5, style.MUTED)
                y -= self.GROUP
            self._row(row, y - self.ROW / 2)
            y -= self.ROW

    def _at(self, value: float) -> float:
        low, high = self._limits
        return self._left + (self._right - self._left) * min(1.0, max(0.0, (value - low) / (high - low)))

    def _ticks(self) -> None:
        canvas, top = self.canv, self.height - self.HEAD + 2
        marks = style.ticks(*self._limits, 5)
        places = style.places_of(marks)
        for value in marks:
            x = self._at(value)
            canvas.setStrokeColor(style.RULE)
            canvas.setLineWidth(0.4)
            canvas.line(x, self.FOOT, x, top)
            told = style.decimal(value, places, self.axis.signed)
            draw_text(canvas, x, self.FOOT - 10, told, style.SANS, 7, style.MUTED, "center")
        low, high = self._limits
        if low <= self.axis.neutral <= high:
            x = self._at(self.axis.neutral)
            canvas.setStrokeColor(style.MUTED)
            canvas.setLineWidth(0.7)
            canvas.line(x, self.FOOT, x, top)
        canvas.setStrokeColor(style.FAINT)
        canvas.setLineWidth(0.5)
        canvas.line(self._left, self.FOOT, self._right, self.FOOT)

    def _row(self, row: ForestRow, y: float) -> None:
        canvas, color = self.canv, style.SERIES[row.series % len(style.SERIES)]
        draw_text(canvas, 6, y - 2.8, style.fit_text(row.name, style.SANS, 8, self._left - 14), style.SANS, 8)
        value, span = row.estimate.value, row.estimate.interval
        if value is None:
            told = style.fit_text(f"not estimable: {row.estimate.not_estimable}", style.ITALIC, 7, self._right)
            draw_text(canvas, self._left, y - 2.8, told, style.ITALIC, 7, style.MUTED)
            return
        if span is not None:
            canvas.setStrokeColor(color)
            canvas.setLineWidth(1.4)
            canvas.line(self._at(span.low), y, self._at(span.high), y)
            self._arrows(span, y)
        draw_marker(canvas, self._at(value), y, 2.5, style.MARKERS[row.series % len(style.MARKERS)], color)
        x = self._right + 10
        number = style.decimal(value, self.axis.places, self.axis.signed)
        draw_text(canvas, x, y - 2.8, number, style.BOLD, 8)
        told = (
            "no interval" if span is None else style.interval(span.low, span.high, self.axis.places, self.axis.signed)
        )
        draw_text(canvas, x + 36, y - 2.8, told, style.SANS, 7, style.MUTED)

    def _arrows(self, span: Interval, y: float) -> None:
        """An interval that leaves the axis ends in an arrow head."""
        low, high = self._limits
        for beyond, value, way in ((span.low < low, low, 1), (span.high > high, high, -1)):
            if beyond:
                x = self._at(value)
                self.canv.line(x, y, x + 4 * way, y + 2.5)
                self.canv.line(x, y, x + 4 * way, y - 2.5)


def _begins_group(rows: Sequence[ForestRow], n: int) -> bool:
    return bool(rows[n].group) and (n == 0 or rows[n - 1].group != rows[n].group)


def _limits(neutral: float, estimates: Sequence[Estimate]) -> tuple[float, float]:
    """Room for the values and most intervals: one very wide interval does not squeeze all the others."""
    values = [neutral, *(one.value for one in estimates if one.value is not None)]
    ends = [end for one in estimates if one.interval for end in (one.interval.low, one.interval.high)]
    reach = max(abs(value - neutral) for value in values)
    widths = sorted(one.interval.high - one.interval.low for one in estimates if one.interval) or [0.0]
    most = reach + 2 * widths[len(widths) // 2]
    low = max(min([*values, *ends]), neutral - most)
    high = min(max([*values, *ends]), neutral + most)
    pad = 0.05 * (high - low) or 0.05 * abs(neutral) or 0.5
    return low - pad, high + pad
