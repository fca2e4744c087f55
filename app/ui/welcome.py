"""The first screen when no workspace is open: open one, make one, or go on with a recent one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.icons import icon
from app.ui.theme import Theme

PURPOSE = "Vet ECG models on your own recordings. Everything stays on this computer."
NO_RECENT = "No workspace has been opened on this computer yet."


class Welcome(QWidget):
    """Open, create, recent."""

    open_asked = Signal()
    create_asked = Signal()
    recent_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.mark, self.wait = QLabel(), QLabel()
        self.open_button, self.create_button = QPushButton("Open workspace…"), QPushButton("New workspace…")
        self.recent = QListWidget()
        self.recent.setAccessibleName("Recent workspaces")
        self.create_button.setProperty("role", "primary")
        self.open_button.clicked.connect(self.open_asked)
        self.create_button.clicked.connect(self.create_asked)
        self.recent.itemClicked.connect(self._choose)
        self.recent.itemActivated.connect(self._choose)
        self._lay_out()

    def show_recent(self, paths: Sequence[str]) -> None:
        """List the workspaces opened before, the latest first; those that are gone are left out."""
        self.recent.clear()
        for path in paths:
            if (Path(path) / "workspace.json").is_file():
                item = QListWidgetItem(f"{Path(path).name}\n{Path(path).parent}")
                item.setData(Qt.ItemDataRole.UserRole, path)
                item.setSizeHint(QSize(0, 48))
                item.setToolTip(path)
                self.recent.addItem(item)
        if not self.recent.count():
            item = QListWidgetItem(NO_RECENT)
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.recent.addItem(item)

    def tell_opening(self, path: Path | None) -> None:
        """Say that a workspace is being opened, or that none is."""
        self.wait.setText(f"Opening {path.name}…" if path else "")
        for widget in (self.open_button, self.create_button, self.recent):
            widget.setEnabled(path is None)

    def apply_theme(self, theme: Theme) -> None:
        """The mark keeps its own colours."""
        self.mark.setPixmap(icon("isoline", theme.accent).pixmap(48, 48))

    def _choose(self, item: QListWidgetItem) -> None:
        # A double click is both a click and an activation: the first one is enough.
        if self.recent.isEnabled() and item.flags() & Qt.ItemFlag.ItemIsEnabled:
            self.recent_asked.emit(item.data(Qt.ItemDataRole.UserRole))

    def _lay_out(self) -> None:
        panel = QFrame()
        panel.setProperty("role", "panel")
        panel.setFixedWidth(600)
        column = QVBoxLayout(panel)
        column.setContentsMargins(32, 28, 32, 28)
        column.setSpacing(10)
        column.addLayout(self._headline())
        buttons = QHBoxLayout()
        buttons.addWidget(self.create_button)
        buttons.addWidget(self.open_button)
        buttons.addStretch(1)
        buttons.addWidget(self.wait)
        column.addSpacing(6)
        column.addLayout(buttons)
        column.addSpacing(10)
        heading = QLabel("Recent")
        heading.setProperty("role", "heading")
        column.addWidget(heading)
        self.recent.setMinimumHeight(220)
        self.recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column.addWidget(self.recent)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(panel, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)

    def _headline(self) -> QHBoxLayout:
        name, purpose = QLabel("Isoline"), QLabel(PURPOSE)
        name.setProperty("role", "title")
        purpose.setProperty("role", "muted")
        purpose.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(name)
        words.addWidget(purpose)
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(self.mark)
        row.addLayout(words, 1)
        return row
