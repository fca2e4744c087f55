"""What a page does that brings data in: its dialogs, imports under way, and what came of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.changes import Changes
from app.core.inputs import Dropped, dropped
from app.core.rows import FileOutcome, JobRow
from app.ui.background import Background
from app.ui.import_dialog import ImportDialog
from app.ui.import_outcomes import OutcomesDialog, outcome_words
from app.ui.import_strip import ImportStrip
from app.ui.labels_dialog import LabelsDialog, result_words
from app.ui.labels_of_devices import DeviceLabelsDialog
from app.ui.page import Page

if TYPE_CHECKING:
    from app.core.label_import import LabelPreview
    from app.workspace import Workspace


class ImportingPage(Page):
    """A page with a strip that follows imports. Who derives from it lays out `strip` and calls `watch_imports`."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.strip = ImportStrip()
        self._followed: set[str] = set()
        self._asked: set[str] = set()
        self._tables: dict[str, Path] = {}
        self.strip.stop_asked.connect(self._stop_import)
        self.strip.files_asked.connect(self.show_outcomes)

    def import_recordings(self) -> None:
        """Ask what to import."""
        self.accept_files([])

    def import_labels(self) -> None:
        """Ask for a label table and what its columns mean."""
        self.open_labels(None)

    def labels_from_devices(self) -> None:
        """Ask whether the carts' own statements shall become labels."""
        dialog = DeviceLabelsDialog(self.workspace, self.background, self)
        dialog.made.connect(self.told)
        dialog.open()

    def import_corpus(self) -> None:
        """Ask which public corpus, and where it is."""
        # Its registry of corpora loads what reads them, which the first screen does not need.
        from app.ui.corpus_dialog import CorpusDialog

        dialog = CorpusDialog(self.workspace, self.background, self)
        dialog.queued.connect(self.follow_import)
        dialog.open()

    def accept_files(self, paths: list[Path]) -> None:
        """Open the import dialog with these files in it; a label table alone is asked about as such."""
        if paths:
            self.background.read(partial(dropped, paths), self._take_files)
        else:
            self._take_files(Dropped())

    def _take_files(self, found: Dropped) -> None:
        if found.tables and not (found.recordings or found.archives):
            self.open_labels(found.tables[0])
            return
        dialog = ImportDialog(self.workspace, self.background, (), self)
        dialog.take(found)
        dialog.queued.connect(lambda job_id: self.follow_import(job_id, dialog.later))
        dialog.open()

    def open_labels(self, table: Path | None) -> None:
        """Open the dialog of label tables, with this one in it."""
        dialog = LabelsDialog(self.workspace, self.background, table, self)
        dialog.imported.connect(self._tell_labels)
        dialog.open()

    def follow_import(self, job_id: str, labels: Path | None = None) -> None:
        """Show how far this import is and what came of it; `labels` is a table that is asked about afterwards."""
        self._followed.add(job_id)
        self._asked.add(job_id)
        if labels is not None:
            self._tables[job_id] = labels
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
        # An import that was begun elsewhere is told in the strip alone: no dialog comes unasked.
        failed = job.state != "done" or any(row.status != "imported" for row in outcomes)
        if failed and job.job_id in self._asked:
            self._list_outcomes(outcomes)
        self._asked.discard(job.job_id)
        table = self._tables.pop(job.job_id, None)
        if table is not None and any(row.record_id for row in outcomes):
            self.open_labels(table)

    def _tell_labels(self, told: LabelPreview) -> None:
        self.told.emit(result_words(told))

    def _list_outcomes(self, outcomes: list[FileOutcome]) -> None:
        OutcomesDialog(outcomes, self.background, self).open()

    def _stop_import(self, job_id: str) -> None:
        self.background.write(partial(self.workspace.stop, job_id), touches=Changes.JOBS)
