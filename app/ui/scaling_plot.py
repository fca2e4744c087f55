"""Loss or error against the number of training recordings, both axes logarithmic, with the fitted power laws.

Points are runs; the line of a series is E(N) = a N^-b + c. Series are told apart by colour, marker and dash together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QFrame, QVBoxLayout

from app.ui.plots import DASHES, Legend, paint_axes
from app.ui.theme import FONT_FAMILY, Theme
from engine.contract.results import ScalingFit, StudyRow

LEAST_DECADES = 0.02
"""Least span of an axis in powers of ten: 4.7 %."""

SYMBOLS = ("o", "s", "d", "t1", "t", "x")


@dataclass(frozen=True)
class Series:
    """One line of the plot: sizes and values of its runs, [n] each, and the law fitted to them, if any."""

    name: str
    sizes: tuple[float, ...]
    values: tuple[float, ...]
    fit: ScalingFit | None = None


class ScalingPlot(QFrame):
    """The log-log plot of a study over data sizes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.legend, self.plot = Legend(), pg.PlotWidget(enableMenu=False)
        self._theme, self._series, self._y_text = theme, [], ""  # type: tuple[Theme, list[Series], str]
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        item = self.plot.getPlotItem()
        item.hideButtons()
        item.disableAutoRange()
        item.setLogMode(x=True, y=True)
        item.showGrid(x=True, y=True, alpha=0.28)
        item.setContentsMargins(0, 4, 10, 0)
        self.plot.setMouseEnabled(False, False)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        for side in ("left", "bottom"):
            item.getAxis(side).setStyle(tickFont=QFont(FONT_FAMILY, 9), tickLength=-4)
        item.getAxis("left").setWidth(60)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(2)
        column.addWidget(self.legend)
        column.addWidget(self.plot, 1)
        self.apply_theme(theme)

    def show_series(self, series: Sequence[Series], y_text: str) -> None:
        """Draw these series."""
        self._series, self._y_text = list(series), y_text
        self.plot.setAccessibleName(f"{y_text} against training recordings, both logarithmic")
        self._draw()

    def apply_theme(self, theme: Theme) -> None:
        """Take over pens and background."""
        self._theme = theme
        paint_axes(self.plot, theme)
        self._draw()

    def _draw(self) -> None:
        self.plot.clear()
        entries = []
        for place, one in enumerate(self._series):
            colour = QColor(self._theme.series[place % len(self._theme.series)])
            pen = pg.mkPen(colour, width=2, style=DASHES[place % len(DASHES)])
            dots = self.plot.plot(
                one.sizes,
                one.values,
                pen=None if one.fit is not None else pg.mkPen(colour, width=1, style=DASHES[place % len(DASHES)]),
                symbol=SYMBOLS[place % len(SYMBOLS)],
                symbolSize=9,
                symbolBrush=colour,
                symbolPen=None,
            )
            dots.setZValue(2)
            if one.fit is not None:
                self.plot.plot(*law(one.fit, min(one.sizes), max(one.sizes)), pen=pen)
            entries.append((one.name, "" if one.fit is None else f"b = {one.fit.b:.2f}", pen))
        self.legend.show_entries(entries)
        self.plot.setLabel("bottom", "training recordings", color=self._theme.muted)
        self.plot.setLabel("left", self._y_text, color=self._theme.muted)
        self._set_ranges()

    def _set_ranges(self) -> None:
        sizes = [size for one in self._series for size in one.sizes]
        values = [value for one in self._series for value in one.values]
        for told, move, axis in ((sizes, self.plot.setXRange, "bottom"), (values, self.plot.setYRange, "left")):
            if told:
                low, high = math.log10(min(told)), math.log10(max(told))
                # Values that hardly differ are shown as such: the axis spans a few per cent at least.
                room = max(0.06 * (high - low), 0.5 * (LEAST_DECADES - (high - low)))
                move(low - room, high + room, padding=0)
                self.plot.getAxis(axis).setTicks([log_ticks(low - room, high + room)])


def law(fit: ScalingFit, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of a fitted law between two sizes, [64] each."""
    sizes = np.geomspace(low, high, 64)
    return sizes, fit.a * sizes**-fit.b + fit.c


def log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Ticks of a logarithmic axis between two exponents of ten: 1, 2, 5 a decade, finer where that gives too few."""
    for steps in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7), tuple(np.arange(1, 10, 0.25)), tuple(np.arange(1, 10, 0.05))):
        values = [step * 10.0**decade for decade in range(math.floor(low), math.ceil(high) + 1) for step in steps]
        told = [value for value in values if low <= math.log10(value) <= high]
        if len(told) >= 4:
            break
    if len(told) < 3:
        told = list(np.linspace(10**low, 10**high, 6)[1:-1])
    thin = told[:: -(-len(told) // 6)] if told else []
    return [(math.log10(value), f"{value:,.0f}" if value >= 100 else f"{value:.4g}") for value in thin]


def series_of(rows: Sequence[StudyRow], fits: Sequence[ScalingFit], metric: str, objective: str = "") -> list[Series]:
    """The series of a plot: runs that share all axes but the data size (and the seed).

    Args:
        rows: the study's runs.
        fits: the laws fitted to them.
        metric: "validation_loss", or "1 - probe AUROC".
        objective: runs of this one only; losses of different objectives are not on one scale.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        value, size = _value(row, metric), row.metrics.get("records") or row.values.get("records")
        if objective and row.values.get("objective") != objective:
            continue
        if value is not None and value > 0 and isinstance(size, (int, float)) and size > 0:
            points.setdefault(_series_name(row), []).append((float(size), value))
    laws = {fit.series: fit for fit in sorted(fits, key=lambda fit: fit.c) if fit.metric == metric}
    return [
        Series(name, tuple(size for size, _ in sorted(told)), tuple(v for _, v in sorted(told)), laws.get(name))
        for name, told in points.items()
    ]


def _series_name(row: StudyRow) -> str:
    from engine.study.grid import run_name

    rest = {axis: value for axis, value in row.values.items() if axis not in ("records", "seed")}
    return run_name(rest) or "all runs"


def _value(row: StudyRow, metric: str) -> float | None:
    if metric != "1 - probe AUROC":
        return row.metrics.get(metric)
    auroc = row.metrics.get("probe_after")
    return None if auroc is None else 1 - auroc
