"""A line to type in for each label that is ticked, with what is wrong or known beside it; left out until asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QGroupBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.ui.form_rows import EDITOR_WIDTH, LABEL_WIDTH, make_note
from app.ui.form_words import sentence

Told = TypeVar("Told")


class LabelLines(QGroupBox, Generic[Told]):
    """Lines by label; the whole is ticked off until somebody asks for it.

    A subclass names what is typed (`head`, `about`, `fault`, `empty`, `named`) and reads a line (`read`).
    """

    changed = Signal()
    head, about, fault, empty, named = "", "", "", "", ""
    """Head, what it is for, what a line has to hold, what an empty one shows, and its name for a screen reader."""

    def __init__(self) -> None:
        super().__init__(self.head)
        self.setCheckable(True)
        self.setChecked(False)
        self.lines: dict[str, QLineEdit] = {}
        self._notes: dict[str, QLabel] = {}
        self._inside, about = QWidget(), make_note()
        self._grid = QGridLayout(self._inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        self._grid.setColumnStretch(2, 1)
        about.setText(self.about)
        column = QVBoxLayout(self)
        column.addWidget(about)
        column.addWidget(self._inside)
        self._inside.setVisible(False)
        self.toggled.connect(self._inside.setVisible)
        self.toggled.connect(lambda _on: self.changed.emit())

    def read(self, text: str) -> Told | None:
        """What a line says; None where it is faulty."""
        raise NotImplementedError

    def beside(self, label: str) -> str:
        """What is known of a label, told beside a line that is well."""
        return ""

    def offer(self, labels: Sequence[str]) -> None:
        """Show these labels; what was typed for them stays."""
        if tuple(labels) == tuple(self.lines):
            return
        kept = {label: line.text() for label, line in self.lines.items()}
        while self._grid.count():
            item = self._grid.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.deleteLater()
        self.lines, self._notes = {}, {}
        for place, label in enumerate(labels):
            self._add(place, label, kept.get(label, ""))
        self._judge()

    def value(self) -> dict[str, Told]:
        """By label, what was typed, none where a line is empty or faulty; none at all when ticked off."""
        if not self.isChecked():
            return {}
        typed = {label: self.read(line.text()) for label, line in self.lines.items() if line.text().strip()}
        return {label: told for label, told in typed.items() if told is not None}

    @property
    def faults(self) -> Mapping[str, str]:
        """By label, what is wrong with its line."""
        if not self.isChecked():
            return {}
        return {label: self.fault for label, line in self.lines.items() if self._wrong(line.text())}

    def _wrong(self, text: str) -> bool:
        return bool(text.strip()) and self.read(text) is None

    def _add(self, place: int, label: str, text: str) -> None:
        line, note, told = QLineEdit(text), make_note(), QLabel(label)
        line.setPlaceholderText(self.empty)
        line.setAlignment(Qt.AlignmentFlag.AlignRight)
        line.setFixedWidth(EDITOR_WIDTH)
        line.setAccessibleName(self.named.format(label))
        line.textEdited.connect(self._typed)
        told.setBuddy(line)
        for column, widget in enumerate((told, line, note)):
            self._grid.addWidget(widget, place, column)
        self.lines[label], self._notes[label] = line, note

    def _typed(self) -> None:
        self._judge()
        self.changed.emit()

    def _judge(self) -> None:
        """Beside each line what is wrong with it, else what is known of its label."""
        for label, line in self.lines.items():
            wrong, note = self._wrong(line.text()), self._notes[label]
            note.setText(sentence(self.fault) if wrong else self.beside(label))
            note.setProperty("role", "bad" if wrong else "muted")
            note.style().unpolish(note)
            note.style().polish(note)
