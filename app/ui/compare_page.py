"""The Compare page: one comparison as intervals, paired differences and similarity of layers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QLabel,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.core.rows import JobRow
from app.core.whole_file import write_file
from app.ui import compare_plots
from app.ui.background import Background
from app.ui.compare_loading import Comparison, load_comparison
from app.ui.compare_views import DifferenceView, EvaluationView, SimilarityView, comparison_csv
from app.ui.comparison_choice import ComparisonChoice, finished_comparisons
from app.ui.empty import EmptyState
from app.ui.new_run import NewComparison
from app.ui.page import Page
from app.ui.page_frame import bar, button, frame
from app.ui.plot_tab import Plot, PlotTab
from app.ui.table_or_figure import TableOrFigure
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.workspace import Workspace


NUMBERS = "Measured numbers"
"""The tab that only a comparison has whose evaluations predict numbers."""
FIGURES: dict[str, Sequence[Plot]] = {
    "AUROC": compare_plots.AUROC,
    "Paired differences": compare_plots.DIFFERENCES,
    NUMBERS: compare_plots.NUMBERS,
    "Curves": compare_plots.CURVES,
    "Subgroups": compare_plots.SUBGROUPS,
    "Ranking": compare_plots.RANKING,
    "Layers (CKA)": compare_plots.LAYERS,
    "Few labels": compare_plots.FEW_LABELS,
    "Stress": compare_plots.STRESS,
    "Cost": compare_plots.COST,
}
"""What each tab can draw, by its title."""


class ComparePage(Page):
    """One finished comparison at a time."""

    title = "Compare"
    icon = "compare"
    watches = Changes.RESULTS | Changes.JOBS

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.choice = ComparisonChoice()
        self.shown: Comparison | None = None
        self.evaluations, self.differences, self.similarity = EvaluationView(), DifferenceView(), SimilarityView()
        self.summary, self.tabs, self.stack = QLabel(), QTabWidget(), QStackedWidget()
        self.copy_button, self.export_button = QPushButton("Copy table"), QPushButton("Export CSV…")
        self.figures = {name: PlotTab(workspace, background, name, plots) for name, plots in FIGURES.items()}
        self._wanted = ""
        self._lay_out()
        self.choice.currentIndexChanged.connect(self._load)
        self.copy_button.setEnabled(False)
        self.export_button.setEnabled(False)
        self.copy_button.clicked.connect(self.copy_table)
        self.export_button.clicked.connect(self.export_csv)

    def refresh(self, changes: Changes) -> None:
        """Ask which comparisons are finished."""
        if changes & self.watches:
            ask = partial(finished_comparisons, self.workspace)
            self.background.read(ask, self._offer, key="compare.list")

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours of the map and repaint the tables."""
        self.similarity.apply_theme(theme)
        for view in (self.evaluations, self.differences):
            view.table.viewport().update()
        for tab in self.figures.values():
            tab.apply_theme(theme)

    def can(self, action: str) -> bool:
        """A new comparison can always be asked for; the dialog says what is missing."""
        return True

    def show_item(self, item: str) -> None:
        """Show a comparison by job id, now or as soon as it is finished."""
        self._wanted = item
        self._choose_wanted()

    def new_comparison(self) -> NewComparison:
        """Ask which evaluations to compare."""
        dialog = NewComparison(self.workspace, self.background, self)
        dialog.launched.connect(self.show_item)
        dialog.open()
        return dialog

    def copy_table(self) -> None:
        """Put all estimates of the comparison on the clipboard, parted by tabs."""
        if self.shown is not None:
            QGuiApplication.clipboard().setText(self._csv("\t"))

    def export_csv(self) -> QFileDialog | None:
        """Ask for a file and write all estimates to it, at full precision."""
        if self.shown is None:
            return None
        dialog = QFileDialog(self, "Export numbers", f"{self.shown.job.job_id}.csv", "CSV (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(self.write_csv)
        dialog.open()
        return dialog

    def write_csv(self, file: str) -> None:
        """Write all estimates to a file, whole or not at all."""
        text = self._csv(",")
        self.background.write(partial(_write, self.workspace, Path(file), text))

    def _csv(self, delimiter: str) -> str:
        assert self.shown is not None
        return comparison_csv(self.shown.evaluations, self.shown.results, delimiter)

    def _offer(self, jobs: list[JobRow]) -> None:
        self.choice.offer_jobs(jobs)
        self.stack.setCurrentIndex(0 if jobs else 1)
        self.copy_button.setEnabled(bool(jobs))
        self.export_button.setEnabled(bool(jobs))
        if not self._choose_wanted() and self.choice.currentData() != self._shown_id():
            self._load()

    def _choose_wanted(self) -> bool:
        row = self.choice.findData(self._wanted) if self._wanted else -1
        if row < 0:
            return False
        self._wanted = ""
        if row == self.choice.currentIndex():
            return False
        self.choice.setCurrentIndex(row)
        return True

    def _load(self) -> None:
        job_id = self.choice.currentData()
        if job_id:
            self.background.read(partial(load_comparison, self.workspace, job_id), self._show, key="compare.one")

    def _show(self, comparison: Comparison) -> None:
        self.shown = comparison
        results = comparison.results
        self.summary.setText(summary_text(comparison))
        order = comparison.order
        self.evaluations.show_evaluations(comparison.evaluations, order)
        self.differences.show_differences(results, order)
        self.similarity.show_maps(results.cka, results.notes)
        for tab in self.figures.values():
            tab.show_comparison(comparison)
        measured = any(one.targets for one in comparison.evaluations)
        self.tabs.setTabVisible(list(FIGURES).index(NUMBERS), measured)
        self.state_changed.emit()

    def _shown_id(self) -> str | None:
        return self.shown.job.job_id if self.shown else None

    def _lay_out(self) -> None:
        self.summary.setProperty("role", "muted")
        self.summary.setWordWrap(True)
        beside: dict[str, tuple[str, QWidget]] = {
            "AUROC": ("Table", self.evaluations),
            "Paired differences": ("Table", self.differences),
            "Layers (CKA)": ("Map", self.similarity),
        }
        for name, figures in self.figures.items():
            self.tabs.addTab(_both(name, beside[name], figures) if name in beside else figures, name)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Ways to look at the comparison")
        self.tabs.tabBar().setDrawBase(False)
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.summary)
        rows.addWidget(self.tabs, 1)
        self.stack.addWidget(inside)
        self.stack.addWidget(
            EmptyState(
                "No comparison yet",
                "Evaluate at least two models on the same cohort, then compare them: "
                "paired differences on the same patients, and how alike their layers are.",
                ("New comparison…", self.new_comparison),
            )
        )
        start = button("New comparison…", self.new_comparison, primary=True)
        frame(self, bar(self.title, self.choice, [self.copy_button, self.export_button, start]), self.stack)


def _both(name: str, told: tuple[str, QWidget], figures: PlotTab) -> TableOrFigure:
    """A table, or a map, and the figure that shows the same."""
    view = told[1]
    head = view.head if isinstance(view, DifferenceView) else QWidget()
    return TableOrFigure(name, told, ("Figure", figures), (head, figures.view.head))


def summary_text(comparison: Comparison) -> str:
    """Who was scored and how, in one line."""
    results = comparison.results
    told = f"{results.examined} is measured against the others. "
    if comparison.evaluations:
        first = comparison.evaluations[0]
        told += f"{first.records:,} recordings of {first.patients:,} patients, {first.split_kind}. "
    return told + f"{results.resamples:,} patient-clustered resamples, seed {results.seed}."


def _write(workspace: Workspace, path: Path, text: str) -> None:
    from app.core.leaving import cells_of_csv  # here: it brings the database, which the window starts without

    workspace.refuse_identifiers("the CSV file", path, {"table": cells_of_csv(text)})
    write_file("the CSV file", path, text.encode())
