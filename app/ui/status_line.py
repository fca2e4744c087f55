"""The status bar: what has just happened, what the queue does, what the engine runs on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QStatusBar, QToolButton, QWidget

from app.core.rows import JobRow

SHOWN_MS = 8000


class StatusLine(QStatusBar):
    """Words of the moment on the left, queue and engine on the right."""

    queue_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.queue, self.engine = QToolButton(), QLabel()
        self.queue.setAutoRaise(True)
        self.queue.setToolTip("Show the runs")
        self.queue.setAccessibleName("Queue")
        self.queue.clicked.connect(self.queue_clicked)
        self.engine.setContentsMargins(8, 0, 8, 0)
        self.addPermanentWidget(self.queue)
        self.addPermanentWidget(self.engine)
        self.setSizeGripEnabled(False)
        self.show_jobs(None)

    def show_jobs(self, jobs: Sequence[JobRow] | None) -> None:
        """What the queue does; None when no workspace is open."""
        self.queue.setVisible(jobs is not None)
        self.queue.setText(queue_words(jobs or ()))

    def tell_engine_asked(self) -> None:
        """The engine has been asked and takes a few seconds to answer."""
        self.engine.setText("Engine: checking…")

    def show_engine(self, words: str, story: str, usable: bool) -> None:
        """What the engine answered."""
        self.engine.setText(words)
        self.engine.setToolTip(story)
        self.engine.setProperty("role", "" if usable else "bad")
        self.engine.style().polish(self.engine)

    def tell(self, words: str) -> None:
        """Say something for a few seconds."""
        self.showMessage(words, SHOWN_MS)


def queue_words(jobs: Sequence[JobRow]) -> str:
    """The queue in one line: what works, how far it is, what waits."""
    running = [job for job in jobs if job.state == "running"]
    waiting = sum(job.state == "queued" for job in jobs)
    broken = sum(job.state == "interrupted" for job in jobs)
    parts = [_running_words(job) for job in running[:1]]
    if len(running) > 1:
        parts.append(f"{len(running) - 1} more running")
    parts += [f"{waiting} waiting"] * bool(waiting) + [f"{broken} interrupted"] * bool(broken)
    return " · ".join(parts) if parts else "No run under way"


def _running_words(job: JobRow) -> str:
    progress = job.progress
    share = f" {progress.done / progress.total:.0%}" if progress.total else ""
    left = f", {_left(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    return f"{job.job_id} {job.kind}{share}{left}"


def _left(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
