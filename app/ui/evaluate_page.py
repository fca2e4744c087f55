"""The Evaluate page: evaluations of models on cohorts, each with its numbers, curves, groups and mistakes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.core.changes import Changes
from app.core.evaluation_rows import EvaluationRow
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.evaluation_facts import ListedEvaluation
from app.ui.evaluation_view import EvaluationLook, OneEvaluation, look
from app.ui.jobs_page import JobsPage
from app.ui.new_evaluation import NewEvaluation
from app.ui.page_frame import bar, button, divided, frame
from app.ui.rows_table import Column, RowsTable
from app.ui.theme import Theme
from app.ui.training_list import ROW_PX, RunDelegate

if TYPE_CHECKING:
    from app.workspace import Workspace


class EvaluatePage(JobsPage):
    """Evaluations of a workspace: ask for some, watch them end, look at one."""

    title = "Evaluate"
    icon = "evaluate"
    watches = Changes.JOBS | Changes.RESULTS

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.table = RowsTable(_columns(), lambda row: row.job.job_id, "Evaluations, the newest first")
        self.view = OneEvaluation(workspace, background)
        self._lay_out()
        self.table.selected.connect(self._look)
        self.view.head.log.clicked.connect(lambda: self.go_to.emit("Runs", self.view.job_id))
        self.view.trace_wanted.connect(lambda record: self.go_to.emit("Records", record))

    def refresh(self, changes: Changes) -> None:
        """Ask for the list; the evaluation shown follows it."""
        if changes & self.watches:
            self.background.read(self.workspace.evaluations, self._show_rows, key="evaluate.list")

    def apply_theme(self, theme: Theme) -> None:
        """Repaint list and view."""
        self.view.apply_theme(theme)
        self.table.viewport().update()

    def new_evaluation(self) -> NewEvaluation:
        """Ask for models, cohort, labels and modes."""
        return self._open(NewEvaluation(self.workspace, self.background, self))

    def _show_rows(self, rows: list[EvaluationRow]) -> None:
        self._fill([ListedEvaluation(row) for row in rows])

    def _look(self, row: ListedEvaluation | None) -> None:
        """Bring the view up to date; what is shown already is not asked for again."""
        self._tell_buttons()
        self.view.setVisible(row is not None)
        if row is not None and self.view.show_job(row.job) and row.job.state == "done":
            self.background.read(partial(look, self.workspace, row.job.job_id), self._show_look, key="evaluate.look")

    def _show_look(self, seen: EvaluationLook) -> None:
        self.view.show_look(seen)

    def _lay_out(self) -> None:
        self.table.setItemDelegateForColumn(0, RunDelegate(self.table))
        self.table.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.table.setSelectionMode(RowsTable.SelectionMode.SingleSelection)
        self.table.setMinimumWidth(210)
        self.stack.addWidget(divided(self.table, self.view, (250, 960)))
        self.stack.addWidget(
            EmptyState(
                "No evaluations yet",
                "Score one model or several on a labelled cohort: a linear probe in seconds, or heads and whole models "
                "trained on your labels. Every number gets an interval clustered by patient.",
                ("New evaluation…", self.new_evaluation),
            )
        )
        start = button("New evaluation…", self.new_evaluation, primary=True)
        frame(self, bar(self.title, None, list(self.verbs.values()), [start]), self.stack)


def _columns() -> tuple[Column, ...]:
    return (
        Column("Evaluation", lambda row: f"{row.job.name}, {row.text}", 0),
        Column("AUROC", lambda row: row.score, 76, numeric=True, tip=lambda row: row.score_tip),
    )
