"""How frequent each label is where a model would be used: a line for each label, in percent, left empty where unknown.

Sensitivity and specificity of an evaluation are carried there: another share of patients with the label gives other
predictive values and another number of alerts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QGroupBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.core.rows import LabelSummary
from app.ui.form_rows import EDITOR_WIDTH, LABEL_WIDTH, make_note
from app.ui.form_words import sentence

ABOUT = (
    "Percent of recordings with the label where the model would be used. PPV, NPV and alerts are told there too, as if"
    " sensitivity and specificity stayed as they are. Several are parted by a semicolon."
)
FAULT = "more than 0 and less than 100, as 2.5 or 2.5; 10"
"""What a line has to hold."""


class LocalPrevalence(QGroupBox):
    """A line for each label that is ticked; the whole is ticked off until somebody asks for it."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__("Prevalence where it would be used")
        self.setCheckable(True)
        self.setChecked(False)
        self.lines: dict[str, QLineEdit] = {}
        self._notes: dict[str, QLabel] = {}
        self._here: dict[str, str] = {}
        self._inside, about = QWidget(), make_note()
        self._grid = QGridLayout(self._inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        self._grid.setColumnStretch(2, 1)
        about.setText(ABOUT)
        column = QVBoxLayout(self)
        column.addWidget(about)
        column.addWidget(self._inside)
        self._inside.setVisible(False)
        self.toggled.connect(self._inside.setVisible)
        self.toggled.connect(lambda _on: self.changed.emit())

    def know(self, labels: Sequence[LabelSummary]) -> None:
        """How frequent labels are among the recordings that are here, to stand beside what is asked."""
        self._here = {
            one.label: f"{100 * one.positives / known:.3g} % of recordings here"
            for one in labels
            if (known := one.positives + one.negatives)
        }

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

    def value(self) -> dict[str, tuple[float, ...]]:
        """By label, the shares that were typed, none where a line is empty or faulty; none at all when ticked off."""
        if not self.isChecked():
            return {}
        told = {label: shares_of(line.text()) for label, line in self.lines.items()}
        return {label: shares for label, shares in told.items() if shares}

    @property
    def faults(self) -> Mapping[str, str]:
        """By label, what is wrong with its line."""
        if not self.isChecked():
            return {}
        return {label: FAULT for label, line in self.lines.items() if shares_of(line.text()) is None}

    def _add(self, place: int, label: str, text: str) -> None:
        line, note, told = QLineEdit(text), make_note(), QLabel(label)
        line.setPlaceholderText("unknown")
        line.setAlignment(Qt.AlignmentFlag.AlignRight)
        line.setFixedWidth(EDITOR_WIDTH)
        line.setAccessibleName(f"Prevalence of {label} in percent")
        line.textEdited.connect(self._typed)
        told.setBuddy(line)
        for column, widget in enumerate((told, line, note)):
            self._grid.addWidget(widget, place, column)
        self.lines[label], self._notes[label] = line, note

    def _typed(self) -> None:
        self._judge()
        self.changed.emit()

    def _judge(self) -> None:
        """Beside each line what is wrong with it, else how frequent the label is here."""
        for label, line in self.lines.items():
            wrong = shares_of(line.text()) is None
            note = self._notes[label]
            note.setText(sentence(FAULT) if wrong else f"%   {self._here.get(label, '')}".rstrip())
            note.setProperty("role", "bad" if wrong else "muted")
            note.style().unpolish(note)
            note.style().polish(note)


def shares_of(text: str) -> tuple[float, ...] | None:
    """Percentages as shares: "2.5; 10" is (0.025, 0.1). None where one is none, or not between 0 and 100."""
    told = [part.strip().removesuffix("%") for part in text.split(";") if part.strip()]
    try:
        shares = [round(float(part) / 100, 12) for part in told]
    except ValueError:
        return None
    return tuple(shares) if all(0 < share < 1 for share in shares) else None
