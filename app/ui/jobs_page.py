"""What the pages share that list jobs of the queue: Runs, Pretrain and Study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtWidgets import QPushButton, QStackedWidget

from app.core.changes import Changes
from app.core.rows import JobRow
from app.ui.background import Background
from app.ui.page import Page
from app.ui.rows_table import RowsTable
from app.ui.run_dialog import RunDialog

if TYPE_CHECKING:
    from app.workspace import Workspace

Dialog = TypeVar("Dialog", bound=RunDialog)


class JobsPage(Page):
    """A list of jobs beside the one that is looked at; a job can be stopped and gone on with.

    Attributes:
        table: the list; its rows are what `_look` is given, identified by the job's id.
        stack: the list and its view, or what is said while there is no job.
        verbs: the buttons for what can be done with the selected job, by the last word of their action's id.
    """

    table: RowsTable

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.stop_button, self.resume_button = QPushButton("Stop"), QPushButton("Resume")
        self.verbs = {"stop": self.stop_button, "resume": self.resume_button}
        self.stack = QStackedWidget()
        self._wanted = ""
        self.stop_button.clicked.connect(self.stop_selected)
        self.resume_button.clicked.connect(self.resume_selected)

    def current(self) -> JobRow | None:
        """The job of the list that is current."""
        return self._job_of(self.table.current())

    def can(self, action: str) -> bool:
        """Stop needs a job that waits or works, Resume one that ended early, Duplicate any."""
        job, verb = self.current(), action.rpartition(".")[2]
        if verb == "stop":
            return job is not None and job.active
        if verb == "resume":
            return job is not None and job.resumable
        return job is not None if verb == "duplicate" else True

    def show_item(self, item: str) -> None:
        """Select a job, now or as soon as the list holds it."""
        self._wanted = "" if self.table.choose(item) else item

    def stop_selected(self) -> None:
        """Ask the selected job to checkpoint and end."""
        self._act(self.workspace.stop)

    def resume_selected(self) -> None:
        """Let the selected job go on."""
        self._act(self.workspace.resume)

    def _job_of(self, row: Any | None) -> JobRow | None:
        """The job that a row of the list stands for."""
        return None if row is None else row.job

    def _look(self, row: Any | None) -> None:
        """Bring what stands beside the list up to date."""

    def _tell_buttons(self) -> None:
        """Grey out what the selected job does not allow, and let the window's menus follow."""
        for verb, button in self.verbs.items():
            button.setEnabled(self.can(verb))
        self.state_changed.emit()

    def _act(self, verb: Callable[[str], object]) -> None:
        job = self.current()
        if job is not None:
            self.background.write(partial(verb, job.job_id), touches=Changes.JOBS)

    def _open(self, dialog: Dialog) -> Dialog:
        dialog.launched.connect(self.show_item)
        dialog.open()
        return dialog

    def _fill(self, rows: Sequence[Any]) -> None:
        """Fill the list, newest first, and choose: what was asked for, else what works, else the newest."""
        self.table.rows.set_rows(rows)
        self.stack.setCurrentIndex(0 if rows else 1)
        if self._wanted and self.table.choose(self._wanted):
            self._wanted = ""
        elif self.table.current() is None and rows:
            jobs = [job for row in rows if (job := self._job_of(row)) is not None]
            self.table.choose(next((job.job_id for job in jobs if job.state == "running"), jobs[0].job_id))
        else:
            self._look(self.table.current())
