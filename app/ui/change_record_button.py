"""The button of a version regression that writes the draft of its change record."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from app.core.rows import JobRow
from app.ui.background import Background

if TYPE_CHECKING:
    from app.report.change_record import WrittenRecord
    from app.workspace import Workspace

WRITE = "Write change record…"
FILTERS = "PDF (*.pdf);;Markdown (*.md)"


class ChangeRecordButton(QPushButton):
    """Seen only beside a version regression that is done."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(WRITE, parent)
        self.workspace, self.background, self.job_id = workspace, background, ""
        self.setToolTip("What changed, what regressed and what could not be told, as a draft to be read and signed")
        self.clicked.connect(self.ask)
        self.offer(None)

    def offer(self, job: JobRow | None) -> None:
        """Take over the run that is on the screen now."""
        told = job is not None and job.kind == "version" and job.state == "done"
        job_id = job.job_id if job is not None and told else ""
        self.setVisible(told)
        if job_id != self.job_id and self.isEnabled():
            self.setText(WRITE)
        self.job_id = job_id

    def ask(self) -> QFileDialog:
        """Ask for a file and write the record to it."""
        dialog = QFileDialog(self.window(), "Write change record", f"change-{self.job_id}.pdf", FILTERS)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        dialog.filterSelected.connect(lambda told: dialog.setDefaultSuffix("md" if "*.md" in told else "pdf"))
        dialog.fileSelected.connect(self.write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def write(self, file: str) -> None:
        """Write the record; its hash goes into the audit trail."""
        self.setEnabled(False)
        self.setText("Writing change record…")
        ask = partial(self.workspace.export_change_record, self.job_id, Path(file))
        self.background.write(ask, self._written, failed=self._failed)

    def _written(self, _: WrittenRecord) -> None:
        self._back()
        self.setText("Change record written. Write again…")

    def _failed(self, error: Exception) -> None:
        self._back()
        self.background.failed.emit(error)

    def _back(self) -> None:
        self.setEnabled(True)
        self.setText(WRITE)
