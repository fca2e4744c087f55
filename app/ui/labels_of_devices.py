"""Labels of what the carts stated: asked for with the caution that belongs to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.core.changes import Changes
from app.core.words import counted
from app.ui.background import Background
from app.ui.banner import Banner
from app.ui.dialog_size import open_at
from app.ui.label_words import role_label, tell
from app.ui.messages import message_of
from app.ui.rows_table import Column, RowsTable

if TYPE_CHECKING:
    from app.workspace import Workspace

CAUTION = "A cart's statement is another program's opinion, not the truth."
WHY = (
    "A model that is scored against these labels is compared with the program of the cart: its errors count as truth, "
    "and a model that has learned from such statements looks better than it is. The labels keep their mark "
    "(device: AFIB) wherever they stand."
)


TALL = 480
"""Height of the dialog, in pixels, once the labels stand in it."""


class DeviceLabelsDialog(QDialog):
    """The caution, one choice, and what came of it."""

    made = Signal(str)
    """What was made, in a few words."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self.setWindowTitle("Labels from the carts' statements")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.banner, self.fault, self.written = Banner(), role_label("bad"), role_label("good")
        self.complete = QCheckBox("What a cart did &not state counts as negative (otherwise as unknown)")
        self.table = RowsTable(_columns(), lambda row: str(row[0]), "Labels of the carts")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.make = self.buttons.addButton("&Make labels", QDialogButtonBox.ButtonRole.AcceptRole)
        self._lay_out()
        self.buttons.accepted.connect(self.launch)
        self.buttons.rejected.connect(self.reject)

    def launch(self) -> None:
        """Make the labels; what came of it, or what hinders it, is told here."""
        self.make.setEnabled(False)
        write = partial(self.workspace.labels_from_devices, self.complete.isChecked())
        self.background.write(write, self._written, touches=Changes.RECORDS, failed=self._refused)

    def _written(self, counts: dict[str, int]) -> None:
        words = f"Made: {counted(len(counts), 'label')} of the carts' statements."
        tell(self.fault, "")
        tell(self.written, words)
        self.table.rows.set_rows(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
        self.table.show()
        open_at(self, self.width(), TALL)
        self.complete.setEnabled(False)
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setText("Close")
        self.made.emit(words)

    def _refused(self, error: Exception) -> None:
        told = message_of(error)
        tell(self.fault, f"{told.title} {told.text} {told.detail}".strip())
        self.make.setEnabled(True)

    def _lay_out(self) -> None:
        self.make.setProperty("role", "primary")
        self.banner.tell("warn", CAUTION, WHY)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(self.banner)
        column.addWidget(self.complete)
        column.addWidget(self.fault)
        column.addWidget(self.written)
        column.addWidget(self.table, 1)
        column.addStretch(0)
        column.addWidget(self.buttons)
        for widget in (self.fault, self.written, self.table):
            widget.hide()
        self.table.setMinimumHeight(160)
        self.resize(600, self.sizeHint().height())


def _columns() -> list[Column]:
    return [
        Column("Label", lambda row: str(row[0]), 0),
        Column("Recordings", lambda row: f"{row[1]:,}", 110, numeric=True),
    ]
