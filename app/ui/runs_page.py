"""The Runs page: what waits, works and is past; one run in full below it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QSplitter, QStyledItemDelegate, QStyleOptionViewItem

from app.core.changes import Changes
from app.core.rows import JobRow
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.jobs_page import JobsPage
from app.ui.new_evaluation import NewEvaluation
from app.ui.new_examination import MeasureEfficiency, NewDrift, NewStress
from app.ui.new_pretraining import NewPretraining
from app.ui.new_run import NewComparison
from app.ui.page_frame import bar, button, frame, menu_button
from app.ui.plots_later import import_later
from app.ui.rows_table import ROW, Column, Index, RowsTable
from app.ui.run_facts import KIND_WORDS, left_text, local_time, took_text
from app.ui.run_view import Look, RunView, look
from app.ui.signs import STATE_WORDS, state_icon
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.workspace import Workspace

PROGRESS, TIME_LEFT = 4, 5
"""The columns with the bar, and with what is left of a run under way."""


class RunsPage(JobsPage):
    """Queue and past of a workspace."""

    title = "Runs"
    icon = "runs"
    watches = Changes.JOBS | Changes.RESULTS

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.table = RowsTable(_columns(), lambda job: job.job_id, "Runs, the newest first")
        self.view = RunView(workspace, background)
        self._lay_out()
        self.table.selected.connect(self._look)
        import_later(self, "app.ui.plots", self._add_curve)

    def refresh(self, changes: Changes) -> None:
        """Ask for the list; the run shown follows it."""
        if changes & self.watches:
            self.background.read(self.workspace.jobs, self._show_jobs, key="runs.jobs")

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs, bars and the curve."""
        self.view.apply_theme(theme)
        self.table.viewport().update()
        if (job := self.table.current()) is not None:
            self.view.show_job(job)

    def new_pretraining(self) -> NewPretraining:
        """Ask for recipe, cohort and config of a pretraining."""
        return self._open(NewPretraining(self.workspace, self.background, self))

    def new_evaluation(self) -> NewEvaluation:
        """Ask for models, cohort, labels and modes of evaluations."""
        return self._open(NewEvaluation(self.workspace, self.background, self))

    def new_comparison(self) -> NewComparison:
        """Ask which evaluations to compare."""
        return self._open(NewComparison(self.workspace, self.background, self))

    def new_stress(self) -> NewStress:
        """Ask which model's test recordings to break on purpose, and how."""
        return self._open(NewStress(self.workspace, self.background, self))

    def new_drift(self) -> NewDrift:
        """Ask which recordings to hold against those that a model is known on."""
        return self._open(NewDrift(self.workspace, self.background, self))

    def new_efficiency(self) -> MeasureEfficiency:
        """Ask whose cost to measure on this computer."""
        return self._open(MeasureEfficiency(self.workspace, self.background, self))

    def _show_jobs(self, jobs: list[JobRow]) -> None:
        self.table.setColumnHidden(TIME_LEFT, not any(job.active for job in jobs))
        self._fill(sorted(jobs, key=lambda job: job.job_id, reverse=True))

    def _job_of(self, row: JobRow | None) -> JobRow | None:
        return row

    def _add_curve(self, plots: ModuleType) -> None:
        self.view.add_curve(plots.loss_plot(themes.current()))

    def _look(self, job: JobRow | None) -> None:
        """Bring the run's view up to date; the log goes on where it stands."""
        self._tell_buttons()
        self.view.setVisible(job is not None)
        if job is not None:
            self.view.show_job(job)
            ask = partial(look, self.workspace, job.job_id, self.view.last_seq, self.view.stage)
            self.background.read(ask, self._show_look, key="runs.look")

    def _show_look(self, seen: Look) -> None:
        self.view.show_look(seen)

    def _lay_out(self) -> None:
        self.table.setItemDelegateForColumn(PROGRESS, ProgressDelegate(self.table))
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.table)
        split.addWidget(self.view)
        split.setSizes([300, 420])
        split.setChildrenCollapsible(False)
        self.stack.addWidget(split)
        self.stack.addWidget(
            EmptyState(
                "No runs yet",
                "Import recordings first; then pretrain a model on them, or evaluate one that you have.",
                ("New pretraining…", self.new_pretraining),
                ("New evaluation…", self.new_evaluation),
            )
        )
        others = [
            button("New evaluation…", self.new_evaluation),
            button("New comparison…", self.new_comparison),
            menu_button("Examine…", "Look further than an evaluation does", self._examinations()),
        ]
        start = button("New pretraining…", self.new_pretraining, primary=True)
        frame(self, bar(self.title, None, list(self.verbs.values()), [*others, start]), self.stack)

    def _examinations(self) -> list[tuple[str, str, Callable[[], object]]]:
        return [
            ("Stress bench…", "At which severity of a fault a model fails", self.new_stress),
            ("Drift check…", "Whether local recordings look different to a model", self.new_drift),
            ("Cost…", "Time, memory and energy of a model on this computer", self.new_efficiency),
        ]


class ProgressDelegate(QStyledItemDelegate):
    """A bar with its share in words for runs under way or cut short; others say what they did, or nothing."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Background and selection as every cell, then the bar."""
        super().paint(painter, option, index)
        job: JobRow = index.data(ROW)
        share = _share(job)
        if share is None:
            return
        theme = themes.current()
        room = option.rect.adjusted(6, 9, -56, -9)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.border))
        painter.drawRoundedRect(room, 3, 3)
        filled = QRect(room.left(), room.top(), max(round(room.width() * share), 4), room.height())
        painter.setBrush(QColor(theme.accent if job.state == "running" else theme.muted))
        painter.drawRoundedRect(filled, 3, 3)
        painter.setPen(option.palette.text().color())
        words = option.rect.adjusted(0, 0, -8, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{int(100 * share)} %")
        painter.restore()


def _share(job: JobRow) -> float | None:
    """Share done, None where a bar would say nothing."""
    if job.state in ("done", "queued") or not job.progress.total:
        return None
    return min(job.progress.done / job.progress.total, 1.0)


def done_text(job: JobRow) -> str:
    """What a finished run did: "140 files"."""
    p = job.progress
    unit = p.unit.removesuffix("s") if p.done == 1 else p.unit
    return f"{p.done:,} {unit}" if job.state == "done" and unit else ""


def _columns() -> tuple[Column, ...]:
    return (
        Column("State", lambda j: STATE_WORDS[j.state], 106, icon=lambda j: state_icon(j.state, themes.current())),
        Column("Run", lambda j: j.job_id, 60),
        Column("Kind", lambda j: KIND_WORDS[j.kind], 124),
        Column("Name", lambda j: j.name, 0, tip=lambda j: "\n".join(p for p in (j.name, j.message, j.next_step) if p)),
        Column("Progress", done_text, 116, raw=lambda j: f"{j.progress.done}/{j.progress.total}"),
        Column("Time left", left_text, 80, numeric=True),
        Column("Started", lambda j: local_time(j.started), 124, numeric=True),
        Column("Took", took_text, 84, numeric=True),
    )
