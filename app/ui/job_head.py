"""The first line of a view of one job: its sign, its name, how far it is, and the button to its config and log."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.core.rows import JobRow
from app.ui import theme as themes
from app.ui.cut_label import CutLabel
from app.ui.signs import STATE_WORDS, state_icon
from app.ui.training_rows import head_text


class JobHead(QWidget):
    """One line; the button `log` is for the view's owner to connect."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.heading, self.told = QLabel(), CutLabel(), QLabel()
        self.log = QPushButton("Config and log")
        self.state.setFixedSize(QSize(18, 18))
        self.heading.setProperty("role", "heading")
        self.told.setProperty("role", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for label in (self.state, self.heading, self.told):
            row.addWidget(label)
        row.addStretch(1)
        row.addWidget(self.log)

    def show_job(self, job: JobRow, note: str = "") -> None:
        """Tell of this job; `note` follows what is said of its state."""
        self.state.setPixmap(state_icon(job.state, themes.current()).pixmap(16, 16))
        self.state.setAccessibleName(STATE_WORDS[job.state])
        self.heading.setText(job.name)
        self.told.setText(". ".join(part for part in (f"{job.job_id}: {head_text(job)}", note) if part))
