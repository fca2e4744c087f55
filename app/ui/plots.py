"""Curves of a run against steps, drawn by pyqtgraph in the theme's colours.

Ranges are set by hand: pyqtgraph's auto-range follows every new point, so that a live curve would jump and a single
outlier would flatten it for good. x always spans the whole run, so that the empty part shows how much is to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from app.core.rows import MetricSeries
from app.ui.run_facts import decimals
from app.ui.theme import FONT_FAMILY, Theme

STEEP = 4
"""A curve whose first twentieth spans so many times the rest of its range begins out of view."""

ADAPTIVE = "adaptive"
"""Form of a loss: three decimals, or three figures where these would be zeros."""

LEGEND_PX = 22
"""Height of a line of the legend."""

Points = tuple[np.ndarray, np.ndarray]
NO_POINTS: Points = (np.empty(0), np.empty(0))

DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)


@dataclass(frozen=True)
class Curve:
    """How one metric is drawn: its name for people, its colour (a place in the theme's series) and its dash.

    `series` of -1 is the muted colour, for levels to compare with; `form` formats the value in the legend, `unit`
    stands behind it; without a form the legend has the name alone.
    """

    metric: str
    text: str
    series: int
    dash: int = 0
    form: str = ADAPTIVE
    unit: str = ""


LOSS_CURVES = (
    Curve("loss", "training", 0),
    Curve("validation_loss", "held-out", 1, dash=1),
    Curve("trivial_loss", "trivial level", -1, dash=2),
)


def loss_plot(theme: Theme) -> CurvePlot:
    """Training and held-out loss against the trivial level: what a model reaches that ignores its input."""
    return CurvePlot(LOSS_CURVES, "loss", theme)


def paint_axes(plot: pg.PlotWidget, theme: Theme) -> None:
    """Background, axis lines and tick texts in the theme's colours."""
    plot.setBackground(theme.panel)
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(theme.border))
        axis.setTextPen(pg.mkPen(theme.muted))


class Legend(QWidget):
    """Line samples with names and the values at the cursor, above the plot; in two lines where one is too short."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[str, str, QPen]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._lines = 1

    def show_entries(self, entries: Sequence[tuple[str, str, QPen]]) -> None:
        """Name, value and pen of each curve."""
        self.entries = list(entries)
        self.setAccessibleName(", ".join(f"{name} {value}" for name, value, _pen in entries))
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        """One or two lines of text high."""
        return QSize(200, LEGEND_PX * self._lines)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width may need another number of lines."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint samples and names from left to right, leaving out what a second line would cut."""
        painter, metrics = QPainter(self), QFontMetricsF(self.font())
        for x, line, text, pen in self._places():
            middle = LEGEND_PX * (line + 0.5)
            painter.setPen(pen)
            painter.drawLine(QPointF(x, middle), QPointF(x + 20, middle))
            painter.setPen(self.palette().text().color())
            painter.drawText(QPointF(x + 26, middle + metrics.capHeight() / 2), text)

    def _places(self) -> list[tuple[float, int, str, QPen]]:
        """Where each entry stands: x, line, text, pen; those beyond the second line are left out."""
        metrics, x, line, told = QFontMetricsF(self.font()), 8.0, 0, []
        for name, value, pen in self.entries:
            text = f"{name}  {value}".rstrip()
            width = 26 + metrics.horizontalAdvance(text)
            if x + width > self.width() and x > 8:
                x, line = 8.0, line + 1
            if line > 1:
                break
            told.append((x, line, text, pen))
            x += width + 18
        return told

    def _fit(self) -> None:
        lines = 1 + max((line for _x, line, _text, _pen in self._places()), default=0)
        if lines != self._lines:
            self._lines = lines
            self.updateGeometry()


class CurvePlot(QFrame):
    """Curves against steps.

    Args:
        curves: what is drawn; `show_series` brings the numbers.
        y_text: name and unit of the axis; empty where the legend says it.
        theme: colours.
        compact: a small plot of several below each other: no axis titles.
        floor: the axis reaches down to this number at least.
    """

    hovered = Signal(object)
    """Step under the cursor, None when it leaves."""

    def __init__(
        self,
        curves: Sequence[Curve],
        y_text: str,
        theme: Theme,
        compact: bool = False,
        floor: float | None = None,
    ) -> None:
        super().__init__()
        self._y_text, self._compact, self._floor = y_text, compact, floor
        self._theme, self._curves = theme, tuple(curves)
        self._points: dict[str, Points] = {}
        self.legend = Legend()
        if compact:
            self.legend.setFont(QFont(FONT_FAMILY, 9))
        self.plot = pg.PlotWidget(enableMenu=False)
        # Otherwise it would push a legend of two lines out of a small plot.
        self.plot.setMinimumHeight(24)
        # Nothing in it can be done with keys: the legend tells the values.
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._lines: dict[str, pg.PlotDataItem] = {}
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._prepare()
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(2)
        self.setProperty("role", "panel")
        column.addWidget(self.legend)
        column.addWidget(self.plot, 1)
        self.set_curves(curves)
        self.apply_theme(theme)

    def name_axis(self, y_text: str) -> None:
        """Another quantity or unit."""
        if y_text != self._y_text:
            self._y_text = y_text
            self._name_axes()

    def set_curves(self, curves: Sequence[Curve]) -> None:
        """Draw other curves from now on."""
        if tuple(curves) == self._curves and self._lines:
            return
        for line in self._lines.values():
            self.plot.removeItem(line)
        self._curves, self._points = tuple(curves), {}
        self._lines = {curve.metric: self.plot.plot([], []) for curve in curves}
        names = self._y_text or ", ".join(curve.text for curve in curves)
        self.plot.setAccessibleName(f"{names} against steps")
        self._paint_lines()

    def apply_theme(self, theme: Theme) -> None:
        """Take over pens and background."""
        self._theme = theme
        paint_axes(self.plot, theme)
        self._name_axes()
        self._cursor.setPen(pg.mkPen(theme.muted, style=Qt.PenStyle.DotLine))
        self._paint_lines()

    def show_series(self, series: Sequence[MetricSeries], total_steps: int) -> None:
        """Draw what is known so far.

        Args:
            series: the numbers, by the names of the curves; others are passed over.
            total_steps: where the run ends; 0 when unknown.
        """
        drawn = {curve.metric for curve in self._curves}
        self._points = {one.name: points(one) for one in series if one.name in drawn}
        for curve in self._curves:
            self._lines[curve.metric].setData(*self._points.get(curve.metric, NO_POINTS))
        self._set_ranges(total_steps)
        self._tell_values(None)

    def is_empty(self) -> bool:
        """Whether there is nothing to draw; levels to compare with do not count."""
        return not any(self._points.get(curve.metric, NO_POINTS)[0].size for curve in self._curves if curve.series >= 0)

    def show_steps(self, on: bool) -> None:
        """Whether the steps are written below a compact plot: of several in a column, the last one does."""
        self.plot.getAxis("bottom").setStyle(showValues=on)

    def point_at(self, step: float | None) -> None:
        """Show the values at a step, None for the last ones; another plot's cursor stands there."""
        self._cursor.setVisible(step is not None)
        if step is not None:
            self._cursor.setPos(step)
        self._tell_values(step)

    def _prepare(self) -> None:
        item = self.plot.getPlotItem()
        item.hideButtons()
        item.disableAutoRange()
        item.showGrid(x=False, y=True, alpha=0.28)
        item.setContentsMargins(0, 4, 10, 0)
        # A run of a hundred thousand steps has more points than a screen has columns.
        item.setDownsampling(auto=True, mode="peak")
        item.setClipToView(True)
        self.plot.setMouseEnabled(False, False)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        font = QFont(FONT_FAMILY, 8 if self._compact else 9)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setStyle(tickFont=font, tickLength=-4)
            axis.enableAutoSIPrefix(False)
        item.getAxis("left").setWidth(46 if self._compact else 52)
        self._cursor.hide()
        self.plot.addItem(self._cursor, ignoreBounds=True)
        self.plot.scene().sigMouseMoved.connect(self._mouse_at)

    def _name_axes(self) -> None:
        if not self._compact:
            self.plot.setLabel("left", self._y_text, color=self._theme.muted)
            self.plot.setLabel("bottom", "step", color=self._theme.muted)

    def _paint_lines(self) -> None:
        for curve in self._curves:
            self._lines[curve.metric].setPen(self._pen(curve))
        self._tell_values(None)

    def _set_ranges(self, total_steps: int) -> None:
        known = [self._points[curve.metric] for curve in self._curves if curve.metric in self._points]
        steps = np.concatenate([pair[0] for pair in known]) if known else np.empty(0)
        values = np.concatenate([self._in_view(pair[1]) for pair in known]) if known else np.empty(0)
        right = max(float(total_steps), float(steps.max()) if steps.size else 1.0, 1.0)
        low, high = nice_range(values)
        low = low if self._floor is None else min(low, self._floor)
        self.plot.setXRange(-0.01 * right, 1.02 * right, padding=0)
        self.plot.setYRange(low, high, padding=0)

    @staticmethod
    def _in_view(values: np.ndarray) -> np.ndarray:
        end = steep_start(values)
        return values if end is None else values[values <= end]

    def _pen(self, curve: Curve) -> QPen:
        return curve_pen(curve, self._theme)

    def _mouse_at(self, place: QPointF) -> None:
        inside = self.plot.getPlotItem().vb.sceneBoundingRect().contains(place)
        step = self.plot.getPlotItem().vb.mapSceneToView(place).x() if inside else None
        self.point_at(step)
        self.hovered.emit(step)

    def leaveEvent(self, event: QEvent) -> None:
        """The cursor goes with the mouse."""
        self.point_at(None)
        self.hovered.emit(None)
        super().leaveEvent(event)

    def _tell_values(self, step: float | None) -> None:
        told = []
        for curve in self._curves:
            steps, values = self._points.get(curve.metric, NO_POINTS)
            if steps.size:
                place = steps.size - 1 if step is None else min(int(np.searchsorted(steps, step)), steps.size - 1)
                # What is out of view is told in words.
                start = f", from {value_text(curve, float(values.max()))}" if steep_start(values) is not None else ""
                told.append((curve.text, value_text(curve, float(values[place])) + start, self._pen(curve)))
        self.legend.show_entries(told)


def points(series: MetricSeries) -> Points:
    """Steps and values of a metric, [n] each; undefined values are left out."""
    steps, values = np.array(series.steps, float), np.array(series.values, float)
    kept = np.isfinite(values)
    return steps[kept], values[kept]


def value_text(curve: Curve, value: float) -> str:
    """A value of a curve as the legend tells it."""
    if not curve.form:
        return ""
    told = decimals(value) if curve.form == ADAPTIVE else f"{value:{curve.form}}"
    return f"{told} {curve.unit}".rstrip()


def curve_pen(curve: Curve, theme: Theme) -> QPen:
    """Colour and dash of a curve."""
    colour = theme.muted if curve.series < 0 else theme.series[curve.series % len(theme.series)]
    dash = DASHES[curve.dash % len(DASHES)]
    pen: QPen = pg.mkPen(QColor(colour), width=2 if curve.series >= 0 else 1.5, style=dash)
    return pen


def steep_start(values: np.ndarray) -> float | None:
    """Where an axis ends that leaves a steep beginning out of view; None when it need not.

    A loss that falls within a few steps from a wild start would flatten all that comes after it.
    """
    if values.size < 20:
        return None
    low, usual, most = (float(v) for v in np.quantile(values, (0.0, 0.95, 1.0)))
    return usual if most - low > STEEP * (usual - low) else None


def nice_range(values: np.ndarray) -> tuple[float, float]:
    """Range of y for these values, [n]: 5 % room on both sides, never empty, never below 0 for positive values."""
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return (max(low - room, 0.0) if low >= 0 else low - room), high + room
