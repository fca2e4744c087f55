"""The figures of one evaluation: those of a comparison, with one model in it, for the label that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from app.core.rows import JobRow
from app.ui.background import Background
from app.ui.compare_loading import Comparison
from app.ui.compare_plots import CURVES, FEW_LABELS, SUBGROUPS, groups_of
from app.ui.plot_tab import Plot, PlotTab
from app.ui.theme import Theme
from engine.contract.evaluation import EvaluateResults
from engine.contract.results import CompareResults

if TYPE_CHECKING:
    from app.workspace import Workspace

TITLES = {"Precision and recall": "Precision", "Decision curve": "Decision"}
"""Titles of tabs where the figure's own is too long for one."""


class EvaluationCurves:
    """ROC, precision, calibration, decision curve, groups and few labels, each a tab of its own.

    Attributes:
        tabs: by title, in order.
        groups: the forest of subgroups, to stand below their table.
    """

    def __init__(self, workspace: Workspace, background: Background) -> None:
        self._label = ""
        of_label = [replace(plot, choices=self._chosen) for plot in CURVES]
        self.tabs = {
            TITLES.get(plot.title, plot.title): PlotTab(workspace, background, plot.title, [plot])
            for plot in (*of_label, *FEW_LABELS)
        }
        self.groups = PlotTab(workspace, background, "Subgroups", [_of_chosen(plot, self) for plot in SUBGROUPS])

    @property
    def label(self) -> str:
        """The label that is drawn."""
        return self._label

    def show(self, job: JobRow, results: EvaluateResults, label: str) -> None:
        """Draw an evaluation's figures of one label; each is drawn once it is seen."""
        self._label = label
        alone = one_model(job, results)
        for tab in (*self.tabs.values(), self.groups):
            tab.show_comparison(alone)

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours."""
        for tab in (*self.tabs.values(), self.groups):
            tab.apply_theme(theme)

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
