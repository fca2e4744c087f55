"""Curves of a run against steps, drawn by pyqtgraph in the theme's colours.

Ranges are set by hand: pyqtgraph's auto-range follows every new point, so that a live curve would jump and a single
outlier would flatten it for good. x always spans the whole run, so that the empty part shows how much is to come.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from app.core.rows import MetricSeries
from app.ui.theme import FONT_FAMILY, Theme

DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)


@dataclass(frozen=True)
class Curve:
    """How one metric is drawn: its name for people, its colour (a place in the theme's series) and its dash.

    `series` of -1 is the muted colour, for levels to compare with.
    """

    metric: str
    text: str
    series: int
    dash: int = 0


LOSS_CURVES = (
    Curve("loss", "training", 0),
    Curve("validation_loss", "held-out", 1, dash=1),
    Curve("trivial_loss", "trivial level", -1, dash=2),
)


def loss_plot(theme: Theme) -> CurvePlot:
    """Training and held-out loss against the trivial level: what a model reaches that ignores its input."""
    return CurvePlot(LOSS_CURVES, "loss (nats)", theme)


class Legend(QWidget):
    """Line samples with names and the values at the cursor, in one line above the plot."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[str, str, QPen]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_entries(self, entries: Sequence[tuple[str, str, QPen]]) -> None:
        """Name, value and pen of each curve."""
        self.entries = list(entries)
        self.setAccessibleName(", ".join(f"{name} {value}" for name, value, _pen in entries))
        self.update()

    def sizeHint(self) -> QSize:
        """One line of text high."""
        return QSize(240, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint samples and names from left to right, leaving out what would be cut."""
        painter, metrics, x, middle = QPainter(self), QFontMetricsF(self.font()), 8.0, self.height() / 2
        for name, value, pen in self.entries:
            text = f"{name}  {value}".rstrip()
            width = metrics.horizontalAdvance(text)
            if x + 34 + width > self.width():
                break
            painter.setPen(pen)
            painter.drawLine(QPointF(x, middle), QPointF(x + 26, middle))
            painter.setPen(self.palette().text().color())
            painter.drawText(QPointF(x + 32, middle + metrics.capHeight() / 2), text)
            x += 32 + width + 22


class CurvePlot(QFrame):
    """Metrics of one run against steps."""

    hovered = Signal(float)
    """Step under the cursor."""

    def __init__(self, curves: Sequence[Curve], y_text: str, theme: Theme) -> None:
        super().__init__()
        self._curves, self._y_text = tuple(curves), y_text
        self._series: dict[str, MetricSeries] = {}
        self.legend = Legend()
        self.plot = pg.PlotWidget()
        self.plot.setAccessibleName(f"{y_text} against steps")
        self._lines = {curve.metric: self.plot.plot([], []) for curve in curves}
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._prepare()
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(2)
        self.setProperty("role", "panel")
        column.addWidget(self.legend)
        column.addWidget(self.plot, 1)
        self.apply_theme(theme)

    def apply_theme(self, theme: Theme) -> None:
        """Take over pens and background."""
        self._theme = theme
        self.plot.setBackground(theme.panel)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        self.plot.setLabel("left", self._y_text, color=theme.muted)
        self.plot.setLabel("bottom", "step", color=theme.muted)
        self._cursor.setPen(pg.mkPen(theme.muted, style=Qt.PenStyle.DotLine))
        for curve in self._curves:
            self._lines[curve.metric].setPen(self._pen(curve))
        self._tell_values(None)

    def show_series(self, series: Sequence[MetricSeries], total_steps: int) -> None:
        """Draw what is known so far.

        Args:
            series: metrics of the run; those without a curve are passed over.
            total_steps: where the run ends; 0 when unknown.
        """
        self._series = {one.name: one for one in series}
        for curve in self._curves:
            steps, values = self._points(curve.metric)
            self._lines[curve.metric].setData(steps, values)
        self._set_ranges(total_steps)
        self._tell_values(None)

    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(self._points(curve.metric)[0].size for curve in self._curves)

    def _prepare(self) -> None:
        item = self.plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.disableAutoRange()
        item.showGrid(x=False, y=True, alpha=0.28)
        item.setContentsMargins(0, 4, 10, 0)
        self.plot.setMouseEnabled(False, False)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        font = QFont(FONT_FAMILY, 9)
        for side in ("left", "bottom"):
            item.getAxis(side).setStyle(tickFont=font, tickLength=-4)
        item.getAxis("left").setWidth(52)
        self._cursor.hide()
        self.plot.addItem(self._cursor, ignoreBounds=True)
        self.plot.scene().sigMouseMoved.connect(self._point_at)

    def _points(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps and values of a metric, [n] each; undefined values are left out."""
        series = self._series.get(metric)
        if series is None:
            return np.empty(0), np.empty(0)
        kept = [(s, v) for s, v in zip(series.steps, series.values, strict=True) if v is not None and math.isfinite(v)]
        return np.array([s for s, _ in kept], float), np.array([v for _, v in kept], float)

    def _set_ranges(self, total_steps: int) -> None:
        pairs = [self._points(curve.metric) for curve in self._curves]
        steps = np.concatenate([pair[0] for pair in pairs])
        values = np.concatenate([pair[1] for pair in pairs])
        right = max(float(total_steps), float(steps.max()) if steps.size else 1.0, 1.0)
        low, high = nice_range(values)
        self.plot.setXRange(-0.01 * right, 1.02 * right, padding=0)
        self.plot.setYRange(low, high, padding=0)

    def _pen(self, curve: Curve) -> QPen:
        colour = self._theme.muted if curve.series < 0 else self._theme.series[curve.series]
        pen: QPen = pg.mkPen(QColor(colour), width=2 if curve.series >= 0 else 1.5, style=DASHES[curve.dash])
        return pen

    def _point_at(self, place: QPointF) -> None:
        inside = self.plot.getPlotItem().vb.sceneBoundingRect().contains(place)
        step = self.plot.getPlotItem().vb.mapSceneToView(place).x() if inside else None
        self._cursor.setVisible(inside)
        if step is not None:
            self._cursor.setPos(step)
            self.hovered.emit(step)
        self._tell_values(step)

    def _tell_values(self, step: float | None) -> None:
        told = []
        for curve in self._curves:
            steps, values = self._points(curve.metric)
            if steps.size:
                place = steps.size - 1 if step is None else min(bisect_left(steps.tolist(), step), steps.size - 1)
                told.append((curve.text, f"{values[place]:.3f}", self._pen(curve)))
        self.legend.show_entries(told)


def nice_range(values: np.ndarray) -> tuple[float, float]:
    """Range of y for these values, [n]: 5 % room on both sides, never empty, never below 0 for positive values."""
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = 0.05 * (high - low) or 0.05 * max(abs(high), 1.0)
    return (max(low - room, 0.0) if low >= 0 else low - room), high + room
