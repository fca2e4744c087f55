"""A strip across the Records page while recordings come in: how far, how long still, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton

from app.core.rows import JobRow
from app.ui.cut_label import CutLabel
from app.ui.run_facts import left_text

STEPS = 1000
"""The bar's own scale: eleven million files are more than a bar of Qt counts safely."""


class ImportStrip(QFrame):
    """Hidden while nothing comes in and there is nothing to tell."""

    stop_asked = Signal(str)
    """The id of the import that is to end."""
    files_asked = Signal(str)
    """The id of the import whose files are to be shown."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.bar = CutLabel(), QProgressBar()
        self.stop, self.files, self.close_button = (
            QPushButton("&Stop"),
            QPushButton("Show &files…"),
            QPushButton("Close"),
        )
        self.job_id = ""
        self._dress()
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.setSpacing(10)
        row.addWidget(self.words)
        row.addWidget(self.bar, 1)
        row.addStretch(0)
        for button in (self.stop, self.files, self.close_button):
            row.addWidget(button)
        self.hide()

    def show_jobs(self, active: Sequence[JobRow]) -> None:
        """Show how far the import that works is; `active` are those under way and waiting, in the order of work."""
        if not active:
            if self.is_going:
                self.hide()
            return
        job = next((one for one in active if one.state == "running"), active[0])
        self.job_id = job.job_id
        self.words.setText(going_words(job, len(active) - 1))
        progress = job.progress
        self.bar.setRange(0, STEPS if progress.total else 0)
        self.bar.setValue(STEPS * progress.done // progress.total if progress.total else 0)
        self._turn(going=True)

    def tell(self, job_id: str, words: str) -> None:
        """Say what came of an import; stays until it is closed or another one begins."""
        self.job_id = job_id
        self.words.setText(words)
        self._turn(going=False)

    @property
    def is_going(self) -> bool:
        """Whether it shows an import under way."""
        return not self.isHidden() and not self.bar.isHidden()

    def _turn(self, going: bool) -> None:
        self.bar.setVisible(going)
        self.stop.setVisible(going)
        self.files.setVisible(not going)
        self.close_button.setVisible(not going)
        self.setAccessibleName(self.words.text())
        self.words.setToolTip(self.words.text())
        self.show()

    def _dress(self) -> None:
        self.setProperty("role", "panel")
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("Share of the files that were read")
        self.stop.setToolTip("What was read stays; Resume on the page Runs goes on")
        self.stop.clicked.connect(lambda: self.stop_asked.emit(self.job_id))
        self.files.clicked.connect(lambda: self.files_asked.emit(self.job_id))
        self.close_button.clicked.connect(self.hide)


def going_words(job: JobRow, waiting: int) -> str:
    """How far an import is: `J0001: 1,200 of 21,799 files, 2 min 05 s left`."""
    progress = job.progress
    if job.state == "queued":
        words = "waits for its turn"
    elif progress.total:
        words = f"{progress.done:,} of {progress.total:,} {progress.unit}"
    else:
        words = progress.message or "begins"
    left = left_text(job)
    more = f", {waiting:,} more waiting" if waiting else ""
    return f"Import {job.job_id}: {words}{f', {left} left' if left else ''}{more}"
