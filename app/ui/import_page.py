"""What a page does that brings data in: its dialogs, imports under way, and what came of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.changes import Changes
from app.core.rows import FileOutcome, JobRow
from app.ui.background import Background
from app.ui.import_dialog import ImportDialog
from app.ui.import_outcomes import OutcomesDialog, outcome_words
from app.ui.import_strip import ImportStrip
from app.ui.page import Page

if TYPE_CHECKING:
    from app.workspace import Workspace


class ImportingPage(Page):
    """A page with a strip that follows imports. Who derives from it lays out `strip` and calls `watch_imports`."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.strip = ImportStrip()
        self._followed: set[str] = set()
        self.strip.stop_asked.connect(self._stop_import)
        self.strip.files_asked.connect(self.show_outcomes)

    def import_recordings(self) -> None:
        """Ask what to import."""
        self.accept_files([])

    def accept_files(self, paths: list[Path]) -> None:
        """Open the import dialog with these files in it."""
        dialog = ImportDialog(self.workspace, self.background, paths, self)
        dialog.queued.connect(self.follow_import)
        dialog.open()

    def follow_import(self, job_id: str) -> None:
        """Show how far this import is, and tell what came of it."""
        self._followed.add(job_id)
        self.told.emit(f"Import {job_id} is in the queue")
        self.watch_imports(Changes.JOBS)

    def watch_imports(self, changes: Changes) -> None:
        """Look how far imports are, also those that another window or the command line began."""
        if changes & Changes.JOBS:
            self.background.read(self._import_jobs, self._look_at_imports, key="page.imports")

    def show_outcomes(self, job_id: str) -> None:
        """List the files of an import."""
        self.background.read(partial(self.workspace.outcomes, job_id), self._list_outcomes)

    def _import_jobs(self) -> list[JobRow]:
        jobs = (job for job in self.workspace.jobs() if job.kind == "import")
        return [job for job in jobs if job.active or job.job_id in self._followed][::-1]

    def _look_at_imports(self, jobs: list[JobRow]) -> None:
        active = [job for job in jobs if job.active]
        self._followed |= {job.job_id for job in active}
        self.strip.show_jobs(active)
        for job in jobs:
            if not job.active and job.job_id in self._followed:
                self._followed.discard(job.job_id)
                self.background.read(partial(self.workspace.outcomes, job.job_id), partial(self._tell_outcomes, job))

    def _tell_outcomes(self, job: JobRow, outcomes: list[FileOutcome]) -> None:
        words = outcome_words(outcomes)
        if job.state != "done":
            words = f"Import {job.job_id} {job.state}: {words}. {job.message} {job.next_step}".strip()
        self.told.emit(words)
        if not self.strip.is_going:
            self.strip.tell(job.job_id, words)
        if job.state != "done" or any(row.status != "imported" for row in outcomes):
            self._list_outcomes(outcomes)

    def _list_outcomes(self, outcomes: list[FileOutcome]) -> None:
        OutcomesDialog(outcomes, self.background, self).open()

    def _stop_import(self, job_id: str) -> None:
        self.background.write(partial(self.workspace.stop, job_id), touches=Changes.JOBS)
