"""The figures of one evaluation: those of a comparison, with one model in it, for the label that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.core.rows import JobRow
from app.core.scored_records import ScoredRecords
from app.ui.background import Background
from app.ui.compare_loading import Comparison
from app.ui.compare_plots import CURVES, FEW_LABELS, SUBGROUPS, groups_of
from app.ui.curve_reading import Reading
from app.ui.plot_tab import Plot, PlotTab
from app.ui.theme import Theme
from app.ui.threshold_neighbours import ThresholdNeighbours
from engine.contract.evaluation import EvaluateResults
from engine.contract.results import CompareResults

if TYPE_CHECKING:
    from app.workspace import Workspace

TITLES = {"Precision and recall": "Precision", "Decision curve": "Decision"}
"""Titles of tabs where the figure's own is too long for one."""
BESIDE_PX = 340
"""Width of the list of recordings beside a curve."""
ELSEWHERE = "The tab Threshold lists the recordings next to it."


class EvaluationCurves(QObject):
    """ROC, precision, calibration, decision curve, groups and few labels, each a tab of its own.

    A threshold that is read off a curve is told, and the recordings next to it stand beside the curve.

    Attributes:
        tabs: by title, in order.
        groups: the forest of subgroups, to stand below their table.
    """

    threshold_read = Signal(float)
    """The threshold that was read off a curve."""
    trace_wanted = Signal(str)
    """The id of a recording whose trace is to be seen."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self._job, self._label = "", ""
        self._scored: ScoredRecords | None = None
        self._wanted: dict[ThresholdNeighbours, Reading | None] = {}
        of_label = [replace(plot, choices=self._chosen) for plot in CURVES]
        self.tabs = {
            TITLES.get(plot.title, plot.title): PlotTab(workspace, background, plot.title, [plot])
            for plot in (*of_label, *FEW_LABELS)
        }
        self.beside = {tab: ThresholdNeighbours() for tab in self.tabs.values() if tab.plot.way}
        for tab, near in self.beside.items():
            tab.set_beside(near, BESIDE_PX, ELSEWHERE)
            tab.read_off.connect(partial(self._read, near))
            near.trace_wanted.connect(self.trace_wanted)
        self.groups = PlotTab(workspace, background, "Subgroups", [_of_chosen(plot, self) for plot in SUBGROUPS])

    @property
    def label(self) -> str:
        """The label that is drawn."""
        return self._label

    def show(self, job: JobRow, results: EvaluateResults, label: str) -> None:
        """Draw an evaluation's figures of one label; each is drawn once it is seen."""
        if (self._job, self._label) != (job.job_id, label):
            self._scored = None
        self._job, self._label = job.job_id, label
        alone = one_model(job, results)
        for tab in (*self.tabs.values(), self.groups):
            tab.show_comparison(alone)

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours."""
        for tab in (*self.tabs.values(), self.groups):
            tab.apply_theme(theme)

    def _read(self, near: ThresholdNeighbours, read: Reading | None) -> None:
        """List who is next to a threshold that was read off, and tell it on."""
        self._wanted[near] = read
        near.rows.set_rows([])
        if read is None:
            return
        self.threshold_read.emit(read.threshold)
        if self._scored is None:
            about = (self._job, self._label)
            ask, then = partial(self.workspace.scored, *about), partial(self._take, about)
            self.background.read(ask, then, key=f"scores of curves {id(self)}")
        else:
            near.show_near(self._scored, read.threshold)

    def _take(self, about: tuple[str, str], scored: ScoredRecords) -> None:
        if about != (self._job, self._label):
            return
        self._scored = scored
        for near, read in self._wanted.items():
            if read is not None:
                near.show_near(scored, read.threshold)

    def _chosen(self, _comparison: Comparison) -> list[tuple[str, str]]:
        return [(self._label, self._label)]


def one_model(job: JobRow, results: EvaluateResults) -> Comparison:
    """An evaluation as the figures take it: a comparison that has one model in it and no differences."""
    alone = CompareResults(
        examined=results.model,
        models=[results.model],
        differences=[],
        cka=[],
        split_id=results.split_id,
        test_sha256=results.test_sha256,
        seed=results.seed,
        resamples=results.resamples,
        seconds=0.0,
    )
    return Comparison(job, alone, (results,))


def _of_chosen(plot: Plot, curves: EvaluationCurves) -> Plot:
    """A figure of groups whose choice is that of an attribute: the label is chosen already."""
    return replace(plot, choices=partial(_attributes, curves), of="Attribute")


def _attributes(curves: EvaluationCurves, comparison: Comparison) -> list[tuple[str, str]]:
    """Each attribute whose groups of the chosen label were told apart."""
    (results,) = comparison.evaluations
    labels = [label for label in results.labels if label.label == curves.label]
    narrowed = replace(comparison, evaluations=(results.model_copy(update={"labels": labels}),))
    names: Sequence[str] = [group.attribute for label in labels for group in label.subgroups]
    return [(name, choice) for name, (_, choice) in zip(names, groups_of(narrowed), strict=True)]
