"""The Pretrain page: models that learn from your own recordings, one in full while it works or several compared.

The Runs page stays the list of all that the queue holds; here stand the pretrainings alone, with what matters to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QStackedWidget, QWidget

from app.core.changes import Changes
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.jobs_page import JobsPage
from app.ui.new_pretraining import NewPretraining
from app.ui.page_frame import bar, button, divided, frame
from app.ui.plots_later import import_later
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
        self.duplicate_button = button("Duplicate…", self.duplicate_selected)
        self.verbs["duplicate"] = self.duplicate_button
        self.right = QStackedWidget()
        self._known: dict[str, TrainingRow] = {}
        self._looks: dict[str, TrainingLook] = {}
        self._lay_out()
        self._connect()
        import_later(self, "app.ui.training_plots", self._add_plots)

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

    def _open_in_runs(self) -> None:
        self.go_to.emit("Runs", self.view.job_id)

    # Frame.

    def _connect(self) -> None:
        self.table.selected.connect(self._selected)
        self.table.ticks.ticks_changed.connect(self._ticked)
        self.compare.clear.clicked.connect(self.table.ticks.clear_ticks)
        self.view.head.log.clicked.connect(self._open_in_runs)

    def _lay_out(self) -> None:
        for widget in (QWidget(), self.view, self.compare):
            self.right.addWidget(widget)
        self.table.setMinimumWidth(280)
        self.stack.addWidget(divided(self.table, self.right, (310, 900)))
        self.stack.addWidget(
            EmptyState(
                "No pretrainings yet",
                "A backbone learns from your own recordings, without labels. Import recordings first; then begin with "
                "the recipe demo, which takes a minute.",
                ("New pretraining…", self.new_pretraining),
            )
        )
        hint = QLabel("Tick several runs to compare them")
        hint.setProperty("role", "muted")
        start = button("New pretraining…", self.new_pretraining, primary=True)
        frame(self, bar(self.title, hint, list(self.verbs.values()), [start]), self.stack)
