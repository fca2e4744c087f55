"""The frame of every dialog that starts a run: what is asked above, faults in words, *Start* below.

The dialog stays open until the run stands in the queue: what the workspace refuses is told here, where it can be put
right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.core.changes import Changes
from app.ui.background import Background
from app.ui.messages import message_of

if TYPE_CHECKING:
    from app.workspace import Workspace


class RunDialog(QDialog):
    """Base: title, one sentence, a scrolling body, faults, *Start* and *Cancel*."""

    launched = Signal(str)
    """The id of the job that now stands in the queue."""

    def __init__(
        self,
        workspace: Workspace,
        background: Background,
        parent: QWidget | None,
        title: str,
        sentence: str,
        height: int = 520,
        width: int = 780,
    ) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.body, self.footer = QVBoxLayout(), QVBoxLayout()
        self.body.setSpacing(12)
        self.fault = QLabel()
        self.fault.setWordWrap(True)
        self.fault.setProperty("role", "bad")
        self.fault.setVisible(False)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start = self.buttons.addButton("Start", QDialogButtonBox.ButtonRole.AcceptRole)
        self.start.setProperty("role", "primary")
        self.start.setEnabled(False)
        self._lay_out(sentence)
        room = self.screen().availableGeometry()
        self.resize(min(width, room.width() - 40), min(height, room.height() - 60))
        self.buttons.accepted.connect(self.launch)
        self.buttons.rejected.connect(self.reject)

    def launch(self) -> None:
        """Put the run into the queue. Each dialog says how."""
        raise NotImplementedError

    def _submit(self, ask: Callable[[], str]) -> None:
        self.start.setEnabled(False)
        self.tell_fault("")
        self.background.write(ask, self._accepted, touches=Changes.JOBS, failed=self._refused)

    def _accepted(self, job_id: str) -> None:
        self.launched.emit(job_id)
        self.accept()

    def _refused(self, error: Exception) -> None:
        message = message_of(error)
        self.tell_fault(" ".join(part for part in (message.title, message.text, message.detail) if part))
        self.start.setEnabled(True)

    def tell_fault(self, text: str) -> None:
        """Say what stands in the way of a start, or nothing."""
        self.fault.setText(text)
        self.fault.setVisible(bool(text))

    def _lay_out(self, sentence: str) -> None:
        told = QLabel(sentence)
        told.setWordWrap(True)
        told.setProperty("role", "muted")
        self.setMinimumSize(660, 360)
        inside = QWidget()
        inside.setLayout(self.body)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        scroll.setAccessibleName(f"{self.windowTitle()}: choices")
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(told)
        column.addWidget(scroll, 1)
        column.addLayout(self.footer)
        column.addWidget(self.fault)
        column.addWidget(self.buttons)
