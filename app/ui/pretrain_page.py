"""The Pretrain page: models that learn from your own recordings, one in full while it works or several compared.

The Runs page stays the list of all that the queue holds; here stand the pretrainings alone, with what matters to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.core.changes import Changes
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.jobs_page import JobsPage
from app.ui.new_pretraining import NewPretraining
from app.ui.theme import Theme
from app.ui.training_compare import TrainingCompare
from app.ui.training_list import TrainingList
from app.ui.training_rows import TrainingLook, TrainingRow, looks, overview
from app.ui.training_view import TrainingView

if TYPE_CHECKING:
    from app.workspace import Workspace

NOTHING, ONE, SEVERAL = 0, 1, 2


class PretrainPage(JobsPage):
    """Pretrainings of a workspace: start, watch, compare, stop, go on."""

    title = "Pretrain"
    icon = "pretrain"
    watches = Changes.JOBS | Changes.RESULTS | Changes.MODELS

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.table: TrainingList = TrainingList()
        self.view, self.compare = TrainingView(), TrainingCompare()
        self.duplicate_button = QPushButton("Duplicate…")
        self.right = QStackedWidget()
        self._known: dict[str, TrainingRow] = {}
        self._looks: dict[str, TrainingLook] = {}
        self._lay_out()
        self._connect()
        # pyqtgraph takes half a second to load: not on the window's thread, and not before this page is wanted.
        background.read(partial(import_module, "app.ui.training_plots"), self._add_plots, slow=True)

    def refresh(self, changes: Changes) -> None:
        """Ask for the list; the run shown follows it."""
        if changes & self.watches:
            ask = partial(overview, self.workspace, dict(self._known))
            self.background.read(ask, self._show_rows, key="pretrain.rows")

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs, bars and curves."""
        self.view.apply_theme(theme)
        self.compare.apply_theme(theme)
        self.table.viewport().update()

    def can(self, action: str) -> bool:
        """Stop needs a run that waits or works, Resume one that ended early, the others any run."""
        job = self.current()
        if action == "pretrain.stop":
            return job is not None and job.active
        if action == "pretrain.resume":
            return job is not None and job.resumable
        if action == "pretrain.duplicate":
            return job is not None
        return True

    def new_pretraining(self) -> NewPretraining:
        """Ask for recipe, cohort and config of a pretraining."""
        return self._open(NewPretraining(self.workspace, self.background, self))

    def duplicate_selected(self) -> NewPretraining | None:
        """Ask for a pretraining with the settings of the selected run."""
        job = self.current()
        return None if job is None else self._open(NewPretraining(self.workspace, self.background, self, job.job_id))

    # What the workspace says.

    def _show_rows(self, rows: list[TrainingRow]) -> None:
        self._known = {row.job.job_id: row for row in rows}
        self._fill(rows)

    def _look(self, row: TrainingRow | None) -> None:
        """Bring the right side up to date: the runs that are ticked, else the current one."""
        self._tell_buttons()
        ticked = [job_id for job_id in self.table.ticks.ticked if job_id in self._known]
        if len(ticked) > 1:
            self.right.setCurrentIndex(SEVERAL)
            self._ask(ticked, self._show_several)
        elif row is not None:
            self.right.setCurrentIndex(ONE)
            self.view.show_job(row.job)
            self._ask([row.job.job_id], self._show_one)
        else:
            self.right.setCurrentIndex(NOTHING)

    def _ask(self, job_ids: Sequence[str], then: Callable[[list[TrainingLook]], None]) -> None:
        ask = partial(looks, self.workspace, tuple(job_ids), dict(self._looks))
        self.background.read(ask, then, key="pretrain.look")

    def _show_one(self, seen: list[TrainingLook]) -> None:
        self._looks = {one.job.job_id: one for one in seen}
        self.view.show_look(seen[0])

    def _show_several(self, seen: list[TrainingLook]) -> None:
        self._looks = {one.job.job_id: one for one in seen}
        self.compare.show_looks(seen)

    def _ticked(self) -> None:
        self._look(self.table.current())

    def _selected(self, row: TrainingRow | None) -> None:
        self._look(row)

    def _add_plots(self, plots: ModuleType) -> None:
        theme = themes.current()
        self.view.add_wall(plots.PlotWall(theme))
        self.compare.add_plot(plots.CurvePlot((), "", theme))

    def _tell_buttons(self) -> None:
        for button, action in (
            (self.stop_button, "pretrain.stop"),
            (self.resume_button, "pretrain.resume"),
            (self.duplicate_button, "pretrain.duplicate"),
        ):
            button.setEnabled(self.can(action))
        self.state_changed.emit()

    def _open_in_runs(self) -> None:
        self.go_to.emit("Runs", self.view.job_id)

    # Frame.

    def _connect(self) -> None:
        self.table.selected.connect(self._selected)
        self.table.ticks.ticks_changed.connect(self._ticked)
        self.compare.clear.clicked.connect(self.table.ticks.clear_ticks)
        self.view.log.clicked.connect(self._open_in_runs)
        self.stop_button.clicked.connect(self.stop_selected)
        self.resume_button.clicked.connect(self.resume_selected)
        self.duplicate_button.clicked.connect(self.duplicate_selected)

    def _lay_out(self) -> None:
        for widget in (QWidget(), self.view, self.compare):
            self.right.addWidget(widget)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.table)
        split.addWidget(self.right)
        split.setSizes([310, 900])
        split.setStretchFactor(1, 1)
        split.setHandleWidth(12)
        split.setChildrenCollapsible(False)
        self.table.setMinimumWidth(280)
        self.stack.addWidget(split)
        self.stack.addWidget(
            EmptyState(
                "No pretrainings yet",
                "A backbone learns from your own recordings, without labels. Import recordings first; then begin with "
                "the recipe demo, which takes a minute.",
                ("New pretraining…", self.new_pretraining),
            )
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.addWidget(self._bar())
        column.addWidget(self.stack, 1)

    def _bar(self) -> QWidget:
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(0, 0, 0, 0)
        title, hint = QLabel(self.title), QLabel("Tick several runs to compare them")
        title.setProperty("role", "title")
        hint.setProperty("role", "muted")
        row.addWidget(title)
        row.addSpacing(12)
        row.addWidget(hint, 1)
        for button in (self.stop_button, self.resume_button, self.duplicate_button):
            row.addWidget(button)
        row.addSpacing(12)
        start = QPushButton("New pretraining…")
        start.setProperty("role", "primary")
        start.clicked.connect(lambda _on=False: self.new_pretraining())
        row.addWidget(start)
        return bar
