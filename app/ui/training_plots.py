"""The plots of pretrainings: one run on a wall of small plots that share a cursor, several runs in one plot."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.core.rows import MetricSeries
from app.ui import theme as themes
from app.ui.plots import LOSS_CURVES, Curve, CurvePlot, curve_pen
from app.ui.run_facts import with_level
from app.ui.theme import Theme
from app.ui.training_rows import LIVE_RANK, TrainingLook, level, scaled

TWO_COLUMNS_PX = 620
SMALL_PX = 118


SMALL_CURVES = {
    "rank": (Curve("rank_share", "effective rank", 2, 0, ".0f", "%"), Curve("limit", "10 % line", -1, 2, "")),
    "probe": (Curve("probe_macro", "probe, macro AUROC", 3),),
    "variance": (
        Curve("target_variance", "target variance", 0, 0, ".2f"),
        Curve("prediction_variance", "predicted", 1, 1, ".2f"),
    ),
    "codes": (Curve("codes_used", "codes used", 4, form=",.0f"),),
    "entropy": (Curve("teacher_entropy", "teacher's entropy", 5),),
    "speed": (Curve("crops_per_s", "throughput", 0, form=",.0f", unit="crops/s"),),
    "rate": (Curve("learning_rate", "learning rate", 4, form=".2g"),),
    "memory": (Curve("memory_gb", "device memory", 5, form=".1f", unit="GB"),),
    "heat": (Curve("temperature_c", "temperature", 1, form=".0f", unit="°C"),),
}
"""The small plots, the most telling first."""

FLOORS = dict.fromkeys(("rank", "variance", "codes", "entropy", "speed", "rate", "memory"), 0.0)
"""Plots whose axis begins at zero."""


class PlotWall(QWidget):
    """Loss at the left, everything else that a training says about itself in small plots at the right."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self.loss = theme, CurvePlot(LOSS_CURVES, "loss", theme)
        self.small: dict[str, CurvePlot] = {}
        self._arranged: tuple[list[str], int] = ([], 0)
        self._grid, self._scroll = QGridLayout(), QScrollArea()
        self._lay_out()
        self.loss.hovered.connect(self._share_cursor)

    def show_look(self, seen: TrainingLook) -> None:
        """Draw a run; plots without a curve are left out."""
        series = list(with_level(tuple(seen.series.values())))
        if seen.width:
            series += scaled(seen.series.get("effective_rank"), 100 / seen.width, "rank_share")
            series.append(level("limit", 100 * LIVE_RANK, seen.steps))
        self.loss.name_axis(_loss_text(seen))
        self.loss.show_series(series, seen.steps)
        known = {one.name for one in series if one.steps}
        for name, curves in SMALL_CURVES.items():
            # A plot takes a twentieth of a second to make: only those are made that a run has numbers for.
            if name in self.small or any(curve.metric in known for curve in curves if curve.series >= 0):
                self._plot(name).show_series(series, seen.steps)
        self._arrange()

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours of every plot."""
        self._theme = theme
        for plot in (self.loss, *self.small.values()):
            plot.apply_theme(theme)

    def shown(self) -> list[str]:
        """Names of the small plots that have something to draw."""
        return [name for name in SMALL_CURVES if name in self.small and not self.small[name].is_empty()]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two columns of small plots where there is room."""
        super().resizeEvent(event)
        self._arrange()

    def _plot(self, name: str) -> CurvePlot:
        """A small plot, made when it is first needed."""
        if name not in self.small:
            plot = CurvePlot(SMALL_CURVES[name], "", self._theme, compact=True, floor=FLOORS.get(name))
            plot.setMinimumHeight(SMALL_PX)
            plot.hovered.connect(self._share_cursor)
            plot.setVisible(False)
            self.small[name] = plot
        return self.small[name]

    def _share_cursor(self, step: float | None) -> None:
        for plot in (self.loss, *self.small.values()):
            plot.point_at(step)

    def _arrange(self) -> None:
        names, columns = self.shown(), 2 if self._scroll.width() >= TWO_COLUMNS_PX else 1
        if (names, columns) == self._arranged:
            return
        self._arranged = (names, columns)
        for plot in self.small.values():
            self._grid.removeWidget(plot)
            plot.setVisible(False)
        for place, name in enumerate(names):
            self._grid.addWidget(self.small[name], place // columns, place % columns)
            self.small[name].show_steps(place >= len(names) - columns)
            self.small[name].setVisible(True)

    def _lay_out(self) -> None:
        inside = QWidget()
        inside.setLayout(self._grid)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(6)
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setAccessibleName("Other curves of the pretraining")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setMinimumWidth(230)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.loss)
        split.addWidget(self._scroll)
        split.setStretchFactor(0, 5)
        split.setStretchFactor(1, 4)
        split.setSizes([500, 400])
        split.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(split)


def _loss_text(seen: TrainingLook) -> str:
    unit = "" if seen.config is None else seen.config.objective.loss_unit
    return f"loss ({unit})" if unit else "loss"


def run_curves(jobs: Sequence[str], form: str) -> list[Curve]:
    """A curve for each of several runs: colours and dashes go round together, so that no two of twelve are alike."""
    return [Curve(job_id, job_id, place, place, form) for place, job_id in enumerate(jobs)]


def line_icon(curve: Curve) -> QIcon:
    """A sample of a curve's line, for a table."""
    made = QIcon()
    for scale in (1, 2, 3):
        pixmap = QPixmap(28 * scale, 12 * scale)
        pixmap.fill(Qt.GlobalColor.transparent)
        pixmap.setDevicePixelRatio(scale)
        painter = QPainter(pixmap)
        painter.setPen(curve_pen(curve, themes.current()))
        painter.drawLine(0, 6, 28, 6)
        painter.end()
        made.addPixmap(pixmap)
    return made


def named(series: MetricSeries, name: str) -> MetricSeries:
    """A curve under another name."""
    return MetricSeries(name, series.steps, series.values)
