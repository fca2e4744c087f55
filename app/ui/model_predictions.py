"""*Add predictions*: answers that somebody else computed; what they are, what their words mean, and who says so."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app.core.categories import category_map
from app.core.changes import Changes
from app.core.prediction_reading import Reading
from app.core.rows import ModelRow
from app.ui.background import Background
from app.ui.choosers import combo
from app.ui.form_rows import make_note
from app.ui.leakage_dialogs import Asking
from engine.contract.errors import UsageError

if TYPE_CHECKING:
    from app.workspace import Workspace

KINDS = (
    ("As the column says, else scores", None, "Its third column may be called probability, score, flag or category."),
    ("Probabilities", "probability", "Calibration is told of these alone."),
    ("Scores without a scale", "score", "Ranks can be told, calibration cannot."),
    ("Yes or no", "flag", "Sensitivity and specificity can be told; there is no curve and no AUROC."),
    ("Categories", "category", "Words that mean labels, once somebody has said what they mean."),
)
"""In words, as the reading calls it, and what follows."""
WIDTH_PX, MAP_PX = 600, 96


class AddPredictions(Asking):
    """Registers a table of predictions: no model, only what it said.

    Args:
        workspace: the open workspace.
        background: the workers.
        parent: whoever asks.
        path: the table, CSV or Parquet.
    """

    added = Signal(object)
    """The ModelRow."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget, path: Path) -> None:
        super().__init__(f"Add predictions: {path.name}", "Add", parent)
        self.workspace, self.background, self.path = workspace, background, path
        self.name, self.trained_on, self.kind = QLineEdit(path.stem), QLineEdit(), combo("What its answers are")
        self.meaning, self.signed_by, self.silent = QPlainTextEdit(), QLineEdit(), QLineEdit()
        self.note = make_note()
        self._lay_out()
        self.kind.currentIndexChanged.connect(lambda _row: self._show_kind())
        self.buttons.accepted.connect(self.launch)
        self._show_kind()

    def launch(self) -> None:
        """Register the table; what the workspace refuses is told here."""
        try:
            reading = self.reading()
        except UsageError as error:
            self.refused(error)
            return
        self.go.setEnabled(False)
        self.fault.hide()
        name, trained_on = self.name.text().strip() or None, self.trained_on.text().strip()
        ask = partial(self.workspace.add_predictions, self.path, name, trained_on, reading=reading)
        self.background.write(ask, self._added, touches=Changes.MODELS, failed=self.refused)

    def reading(self) -> Reading:
        """What is said of the answers. Raises UsageError for a map that nobody has signed."""
        kind, silent = self.kind.currentData(), self.silent.text().split(",")
        lines = [line for line in self.meaning.toPlainText().splitlines() if line.strip()] if kind == "category" else []
        words = tuple(word.strip() for word in silent if word.strip())
        return Reading(kind, {}, category_map(lines, self.signed_by.text()), words)

    def _added(self, row: ModelRow) -> None:
        self.added.emit(row)
        self.accept()

    def _show_kind(self) -> None:
        self.note.setText(KINDS[self.kind.currentIndex()][2])
        for part in (self.meaning, self.signed_by):
            self._rows.setRowVisible(part, self.kind.currentData() == "category")

    def _lay_out(self) -> None:
        for text, kind, _ in KINDS:
            self.kind.addItem(text, kind)
        told = QLabel("One row an answer (record, label, score), or one column a label. No model runs for it.")
        told.setProperty("role", "muted")
        told.setWordWrap(True)
        self.trained_on.setPlaceholderText("What its maker declares: PTB-XL folds 1-8")
        self.meaning.setPlaceholderText("AF=atrial fibrillation\nSR=")
        self.meaning.setFixedHeight(MAP_PX)
        self.meaning.setTabChangesFocus(True)
        self.silent.setPlaceholderText("Beside nothing, NA, none, unknown: not classified, refused")
        self._rows = QFormLayout()
        for title, widget in (
            ("Name in this workspace", self.name),
            ("Trained on", self.trained_on),
            ("What its answers are", self.kind),
            ("", self.note),
            ("What each word means", self.meaning),
            ("Who says so", self.signed_by),
            ("Words for no output", self.silent),
        ):
            widget.setAccessibleName(title)
            self._rows.addRow(title, widget)
        column = QVBoxLayout(self)
        column.addWidget(told)
        column.addLayout(self._rows)
        column.addWidget(self.fault)
        column.addWidget(self.buttons)
        self.setMinimumWidth(WIDTH_PX)
