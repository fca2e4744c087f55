"""One evaluation in full: its head, the numbers that come first, and a tab for each way to look at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app.core.review_rows import Reviews, ReviewsElsewhere, told
from app.core.rows import JobDetail, JobRow
from app.ui.background import Background
from app.ui.banner import Banner
from app.ui.choosers import combo
from app.ui.empty import EmptyState
from app.ui.evaluation_curves import EvaluationCurves
from app.ui.evaluation_facts import about, training_facts, warnings_of
from app.ui.evaluation_failures import FailuresTab
from app.ui.evaluation_tables import FactTable, NumbersTable, SubgroupsTab, SummaryTab
from app.ui.form_words import sentence
from app.ui.job_head import JobHead
from app.ui.run_facts import Fact, config_lines
from app.ui.run_view import tell_trouble
from app.ui.theme import Theme
from app.ui.threshold_workbench import ThresholdWorkbench
from engine.contract.evaluation import EvaluateResults

if TYPE_CHECKING:
    from app.workspace import Workspace


@dataclass(frozen=True)
class EvaluationLook:
    """All that a look at one evaluation brings back; `results` is None until it is done."""

    detail: JobDetail
    results: EvaluateResults | None
    reviews: Reviews
    elsewhere: ReviewsElsewhere


def look(workspace: Workspace, job_id: str) -> EvaluationLook:
    """Ask the workspace for an evaluation; called off the window's thread."""
    detail, results = workspace.job_detail(job_id), workspace.results(job_id)
    reviews = workspace.failure_reviews(job_id), workspace.reviews_elsewhere(job_id)
    return EvaluationLook(detail, results if isinstance(results, EvaluateResults) else None, *reviews)


class OneEvaluation(QWidget):
    """Shows one evaluation; the chosen label and tab stay chosen when another one is looked at."""

    trace_wanted = Signal(str)
    """The id of a recording whose trace is to be seen."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.job_id = ""
        self.results: EvaluateResults | None = None
        self._job: JobRow | None = None
        self.head, self.about, self.trouble, self.warning = JobHead(), QLabel(), Banner(), Banner()
        self.label, self.tabs, self.stack = combo("Label that is looked at"), QTabWidget(), QStackedWidget()
        self.curves, self.notes = EvaluationCurves(workspace, background), FactTable("Notes and settings")
        self.summary, self.groups, self.numbers = SummaryTab(), SubgroupsTab(self.curves.groups), NumbersTable()
        self.failures, self.thresholds = FailuresTab(workspace, background), ThresholdWorkbench(workspace, background)
        self._empty = EmptyState("", "")
        self._lay_out()
        self.summary.label_chosen.connect(self._choose)
        self.failures.trace_wanted.connect(self.trace_wanted)
        for part in (self.thresholds, self.curves):
            part.trace_wanted.connect(self.trace_wanted)
        self.curves.threshold_read.connect(self.thresholds.move_to)
        self.failures.reviewed.connect(self._tell_reviews)
        self.label.currentIndexChanged.connect(lambda _row: self._show_label())

    def show_job(self, job: JobRow) -> bool:
        """Take over another run; False when its results are shown already."""
        if job.job_id != self.job_id:
            self.job_id, self.results = job.job_id, None
            self.stack.setCurrentIndex(0)
            self.warning.clear()
        self.head.show_job(job, job.message if job.active else "")
        tell_trouble(self.trouble, job)
        if self.results is None:
            self._empty.tell(*_WAITS.get(job.state, _WAITS["stopped"]))
        return self.results is None

    def show_look(self, seen: EvaluationLook) -> None:
        """Take over what a look brought back; a look at another run is passed over."""
        if seen.detail.job.job_id != self.job_id or seen.results is None:
            return
        self.results, self._job = seen.results, seen.detail.job
        self.about.setText(about(seen.results))
        self._warn(seen.results)
        self.summary.show_results(seen.results)
        self.failures.show_job(self.job_id, seen.reviews, seen.elsewhere)
        self._tell_reviews()
        self.numbers.show_targets(seen.results.targets)
        self.notes.show_facts(_notes(seen))
        self.label.offer([(label.label, label.label) for label in seen.results.labels])
        self.stack.setCurrentIndex(1)
        self._tell_tabs(seen.results)  # once they are seen: a hidden row of tabs is not laid out anew
        self._show_label()

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs, tables and figures."""
        for banner in (self.trouble, self.warning):
            banner.repaint_sign()
        self.curves.apply_theme(theme)
        self.failures.apply_theme(theme)
        for table in (self.summary.intervals, self.groups.table):
            table.viewport().update()

    def _tell_reviews(self) -> None:
        """Say in the summary how far the mistakes of each label were looked at."""
        labels = [] if self.results is None else self.results.labels
        marks = self.failures.marks
        counts = {one.label: told(marks.get((one.label, bad.record)) for bad in one.failures) for one in labels}
        self.summary.show_reviews({one.label: counts[one.label] for one in labels if one.failures})

    def _choose(self, label: str) -> None:
        self.label.setCurrentIndex(self.label.findData(label))

    def _show_label(self) -> None:
        """Tell of the chosen label in every tab."""
        name, results = self.label.currentData(), self.results
        if results is None:
            return
        found = next((label for label in results.labels if label.label == name), None)
        if found is not None:
            self.summary.choose(found.label)
        told = found.subgroups if found else [one for target in results.targets for one in target.subgroups]
        self.groups.show_subgroups(told)
        self.failures.show_failures(found.failures if found else [])
        self.thresholds.show_label(self.job_id, found)
        if self._job is not None:
            self.curves.show(self._job, results, name or "")

    def _tell_tabs(self, results: EvaluateResults) -> None:
        """Tabs that would be empty are left out."""
        few = self.curves.tabs["Few labels"]
        there = {tab: bool(results.labels) for tab in (*self.curves.tabs.values(), self.thresholds, self.failures)}
        there[self.numbers] = bool(results.targets)
        for tab, shown in {**there, few: results.few_labels is not None}.items():
            self.tabs.setTabVisible(self.tabs.indexOf(tab), shown)
        self.label.setVisible(bool(results.labels))

    def _warn(self, results: EvaluateResults) -> None:
        told = warnings_of(results)
        if told:
            found = results.leaks is not None and bool(results.leaks.findings)
            self.warning.tell("bad" if found else "warn", sentence(told[0]), " ".join(map(sentence, told[1:])))
        else:
            self.warning.clear()

    def _lay_out(self) -> None:
        self.about.setProperty("role", "muted")
        self.about.setWordWrap(True)
        ways = {"Summary": self.summary, "Numbers": self.numbers, **self.curves.tabs, "Subgroups": self.groups}
        for name, tab in {**ways, "Threshold": self.thresholds, "Failures": self.failures, "Notes": self.notes}.items():
            self.tabs.addTab(tab, name)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Ways to look at the evaluation")
        self.tabs.tabBar().setDrawBase(False)
        told = QHBoxLayout()
        told.addWidget(self.about, 1)
        told.addWidget(self.label)
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(6)
        rows.addLayout(told)
        rows.addWidget(self.warning)
        rows.addWidget(self.tabs, 1)
        self.stack.addWidget(self._empty)
        self.stack.addWidget(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.head, self.trouble):
            column.addWidget(part)
        column.addWidget(self.stack, 1)


_WAITS = {
    "queued": ("It waits for its turn", "Evaluations run one after the other; its numbers stand here when it is done."),
    "running": ("Being scored", "Its numbers stand here when it is done. The page Runs shows how far it is."),
    "done": ("", ""),
    "stopped": ("No results", "It ended before it had any. Resume lets it go on."),
}


def _notes(seen: EvaluationLook) -> list[Fact]:
    """What limits the numbers, how they were trained, and with which settings."""
    assert seen.results is not None
    told = [Fact("Note", sentence(note)) for note in seen.results.notes]
    told += training_facts(seen.results.training, seen.results.checkpoint)
    return [*told, *config_lines(seen.detail.config)]
