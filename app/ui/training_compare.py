"""Several pretrainings in one plot: one colour and dash a run, a table with their end values as the legend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from app.core.rows import MetricSeries
from app.ui.choosers import combo
from app.ui.form_words import variant_of
from app.ui.rows_table import Column, RowsTable
from app.ui.signs import STATE_WORDS
from app.ui.theme import Theme
from app.ui.training_rows import TrainingLook, decimals, last_value, objectives, scaled

if TYPE_CHECKING:
    from app.ui.plots import Curve, CurvePlot

ADAPTIVE = "adaptive"
"""As `app.ui.plots` has it, which is loaded later than this."""

Pick = Callable[[TrainingLook], list[MetricSeries]]


@dataclass(frozen=True)
class Measure:
    """One thing to compare runs in; `comparable` across objectives or not."""

    name: str
    axis: str
    pick: Pick
    form: str = ADAPTIVE
    comparable: bool = True
    floor: float | None = None


def _metric(*names: str) -> Pick:
    return lambda seen: [next((seen.series[name] for name in names if name in seen.series), MetricSeries("", (), ()))]


def _share_of_trivial(seen: TrainingLook) -> list[MetricSeries]:
    trivial = seen.last("validation_trivial_loss", "trivial_loss")
    return scaled(seen.series.get("validation_loss"), 100 / trivial, "") if trivial else []


def _share_of_width(seen: TrainingLook) -> list[MetricSeries]:
    return scaled(seen.series.get("effective_rank"), 100 / seen.width, "") if seen.width else []


MEASURES = (
    Measure("Held-out loss", "held-out loss", _metric("validation_loss"), comparable=False),
    Measure("Held-out loss, % of the trivial level", "% of trivial level", _share_of_trivial, ".1f"),
    Measure("Training loss", "training loss", _metric("loss"), comparable=False),
    Measure("Effective rank, % of the width", "% of width", _share_of_width, ".1f", floor=0.0),
    Measure("Probe, macro AUROC", "macro AUROC", _metric("probe_macro")),
    Measure("Throughput", "crops/s", _metric("crops_per_s"), ",.0f", floor=0.0),
    Measure("Learning rate", "learning rate", _metric("learning_rate"), ".2g", floor=0.0),
)
OWN_SCALES = "These runs learn by different objectives, whose losses are not on one scale: compare shares instead."


@dataclass(frozen=True)
class Line:
    """One run of the table below the plot."""

    seen: TrainingLook
    curve: Curve
    end: float | None
    form: str


class TrainingCompare(QWidget):
    """Plot and table of the ticked runs."""

    def __init__(self) -> None:
        super().__init__()
        self.plot: CurvePlot | None = None
        self.looks: list[TrainingLook] = []
        self.title, self.note = QLabel(), QLabel(OWN_SCALES)
        self.measure, self.clear = combo("Compare by"), QPushButton("Clear ticks")
        for place, one in enumerate(MEASURES):
            self.measure.addItem(one.name, place)
        self.lines = RowsTable(_columns(), lambda line: line.seen.job.job_id, "Runs compared, with their last values")
        self._lay_out()
        self.measure.currentIndexChanged.connect(lambda _row: self._draw())

    def add_plot(self, plot: CurvePlot) -> None:
        """Take the plot, once its library is loaded."""
        self.plot = plot
        self.split.insertWidget(0, plot)
        self.split.setSizes([420, 160])
        self._draw()

    def apply_theme(self, theme: Theme) -> None:
        """Take over the plot's colours."""
        if self.plot is not None:
            self.plot.apply_theme(theme)
        self._draw()

    def show_looks(self, looks: Sequence[TrainingLook]) -> None:
        """Compare these runs, in this order of colours."""
        first = {seen.job.job_id for seen in self.looks} != {seen.job.job_id for seen in looks}
        self.looks = list(looks)
        # A loss in nats and a regression loss in one plot would say nothing: begin with their shares.
        if first and len(objectives(looks)) > 1 and not MEASURES[self.measure.currentIndex()].comparable:
            self.measure.setCurrentIndex(1)
        self._draw()

    def _draw(self) -> None:
        from_plots = self.plot is not None and bool(self.looks)
        self.title.setText(f"{len(self.looks)} runs compared")
        measure = MEASURES[self.measure.currentIndex()]
        self.note.setVisible(not measure.comparable and len(objectives(self.looks)) > 1)
        if from_plots:
            self._draw_curves(measure)

    def _draw_curves(self, measure: Measure) -> None:
        from app.ui.training_plots import named, run_curves

        assert self.plot is not None
        ids = [seen.job.job_id for seen in self.looks]
        curves = run_curves(ids, measure.form)
        picked = {seen.job.job_id: measure.pick(seen) for seen in self.looks}
        self.plot.set_curves(curves)
        self.plot.name_axis(measure.axis)
        self.plot.show_series(
            [named(one, job_id) for job_id, found in picked.items() for one in found],
            max(seen.steps for seen in self.looks),
        )
        ends = {job_id: last_value(found[0]) if found else None for job_id, found in picked.items()}
        self.lines.rows.set_rows(
            [
                Line(seen, curve, ends[seen.job.job_id], measure.form)
                for seen, curve in zip(self.looks, curves, strict=True)
            ]
        )

    def _lay_out(self) -> None:
        self.title.setProperty("role", "heading")
        self.note.setProperty("role", "warn")
        self.note.setWordWrap(True)
        self.measure.setMinimumContentsLength(26)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(QLabel("Compare by"))
        head.addWidget(self.measure)
        head.addWidget(self.clear)
        self.lines.setIconSize(QSize(28, 12))
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.lines)
        self.split.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.note)
        column.addWidget(self.split, 1)


def _columns() -> tuple[Column, ...]:
    def icon(line: Line) -> object:
        """The line's colour and dashes as they stand in the plot."""
        from app.ui.training_plots import line_icon

        return line_icon(line.curve)

    def value(line: Line) -> str:
        """The last value of the curve, as its panel writes numbers."""
        if line.end is None or line.form == ADAPTIVE:
            return decimals(line.end)
        return f"{line.end:{line.form}}"

    def method(line: Line) -> str:
        """Objective, backbone and width in one line."""
        config = line.seen.config
        if config is None:
            return ""
        return (
            f"{variant_of(config.objective.name)} on {variant_of(config.backbone.name)}, width {config.backbone.width}"
        )

    def summary(line: Line) -> str:
        """What objective and backbone do, in a sentence each."""
        config = line.seen.config
        return "" if config is None else f"{config.objective.summary}\n{config.backbone.summary}"

    return (
        Column("Run", lambda line: line.seen.job.job_id, 104, icon=icon),  # type: ignore[arg-type]
        Column("Name", lambda line: line.seen.job.name, 150),
        Column("Method", method, 0, tip=summary),
        Column("State", lambda line: STATE_WORDS[line.seen.job.state], 92),
        Column("Last value", value, 88, numeric=True),
        Column(
            "Trivial level",
            lambda line: decimals(line.seen.last("validation_trivial_loss", "trivial_loss")),
            92,
            numeric=True,
        ),
    )
