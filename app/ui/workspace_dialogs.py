"""Asking for a workspace folder: an existing one, or name and place of a new one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

FORBIDDEN = '<>:"/\\|?*'
"""Characters that some file system refuses in a name."""


def choose_folder(parent: QWidget, title: str, then: Callable[[Path], object], start: str = "") -> None:
    """Ask for an existing folder without blocking."""
    dialog = QFileDialog(parent, title, start)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


class NewWorkspace(QDialog):
    """Name and place of a new workspace."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New workspace")
        self.name, self.place, self.verdict = QLineEdit("isoline-workspace"), QLineEdit(), QLabel()
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        self.place.setText(documents if documents and Path(documents).is_dir() else str(Path.home()))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.make = self.buttons.addButton("Make workspace", QDialogButtonBox.ButtonRole.AcceptRole)
        self.make.setProperty("role", "primary")
        self.verdict.setProperty("role", "muted")
        self.verdict.setWordWrap(True)
        self._lay_out()
        self.name.textChanged.connect(self._judge)
        self.place.textChanged.connect(self._judge)
        self.buttons.accepted.connect(self._take)
        self.buttons.rejected.connect(self.reject)
        self._judge()

    @property
    def path(self) -> Path:
        """The folder that would be made."""
        return Path(self.place.text().strip()).expanduser() / self.name.text().strip()

    def _judge(self) -> None:
        name = self.name.text().strip()
        fault = ""
        if not name or name in (".", "..") or any(sign in FORBIDDEN for sign in name):
            fault = "Give it a name that can be the name of a folder."
        elif not self.path.parent.is_dir():
            fault = "The place is no folder on this computer."
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            fault = "There is something of this name already; choose another name."
        self.make.setEnabled(not fault)
        self.verdict.setText(fault or f"Will be made as {self.path}")

    def _take(self) -> None:
        self.accept()
        self.chosen.emit(str(self.path))

    def _lay_out(self) -> None:
        sentence = QLabel(
            "A workspace is one folder on a local disk: the recordings, the runs, the audit trail and the reports."
        )
        sentence.setWordWrap(True)
        browse = QPushButton("Browse…")
        browse.clicked.connect(lambda: choose_folder(self, "Place", self._set_place, self.place.text()))
        row = QHBoxLayout()
        row.addWidget(self.place, 1)
        row.addWidget(browse)
        form = QFormLayout()
        form.addRow("Name", self.name)
        form.addRow("Place", row)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(sentence)
        column.addLayout(form)
        column.addWidget(self.verdict)
        column.addStretch(1)
        column.addWidget(self.buttons)
        self.resize(560, 230)

    def _set_place(self, path: Path) -> None:
        self.place.setText(str(path))
