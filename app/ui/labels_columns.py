"""The columns of a label table, one a line: what each means, what its first cells are, and why it was guessed so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTableWidget, QTableWidgetItem

from app.ui.label_words import MEANING_WORDS
from app.ui.row_combo import RowCombo, dress, place_combo, set_tab_order

if TYPE_CHECKING:
    from app.core.label_columns import Meaning
    from app.core.label_look import LabelLook

ROWS_SHOWN = 3
MOST_COLUMNS = 400
"""Columns that are shown; those beyond are left out, and the dialog says so."""
NAME, MEANING, ABSENT, FIRST = 0, 1, 2, 3
WHY = FIRST + ROWS_SHOWN
LISTS = ("scp", "snomed", "icd10")
NAMES_THE_ROW = "Names the recording"
TITLES = ("Column", "What it means", "Not in the list")
TIP_ABSENT = "What a statement means that is not in the list of a recording: unknown, or looked for and not found"


class LabelColumns(QTableWidget):
    """One line a column of the table, with its choices."""

    changed = Signal()
    """The user chose another meaning."""

    def __init__(self) -> None:
        super().__init__(0, WHY + 1)
        self._names: tuple[str, ...] = ()
        self._join = ""
        self._choices: list[tuple[RowCombo, RowCombo]] = []
        self.setAccessibleName("Columns of the table")
        dress(self, (150, 200, 112, *[105] * ROWS_SHOWN), WHY)

    def show_look(self, look: LabelLook) -> None:
        """Show the columns of another table with what is suggested for them."""
        self._names = look.table.columns[:MOST_COLUMNS]
        lines = look.table.rows[:ROWS_SHOWN]
        titles = [f"Row {line}" for line, _ in lines] + [""] * (ROWS_SHOWN - len(lines))
        self.setRowCount(0)
        self.setRowCount(len(self._names))
        self._choices = []
        self.setHorizontalHeaderLabels([*TITLES, *titles, "Why"])
        for row, (name, guess) in enumerate(zip(self._names, look.columns, strict=False)):
            self._put(row, NAME, name)
            for place, (_, cells) in enumerate(lines):
                self._put(row, FIRST + place, cells[name])
            self._put(row, WHY, guess.reason)
            self._add_choices(row, name, look.mapping.columns.get(name, "ignore"))
        set_tab_order(self, [combo for pair in self._choices for combo in pair])
        self._join = ""
        self.set_join(look.mapping.on)

    def set_join(self, column: str) -> None:
        """This column names the recordings; it cannot mean anything else besides."""
        for name, (meaning, absent) in zip(self._names, self._choices, strict=True):
            if name in (self._join, column):
                meaning.setEnabled(name != column)
                if name == column:
                    meaning.insertItem(0, NAMES_THE_ROW, "joins")
                    meaning.setCurrentIndex(0)
                elif meaning.itemData(0) == "joins":
                    meaning.removeItem(0)
                    meaning.setCurrentIndex(0)
                absent.setVisible(meaning.currentData() in LISTS)
        self._join = column

    def meanings(self) -> dict[str, Meaning]:
        """Meaning by column; those that are left out or join the rows are not in it."""
        chosen = {name: meaning.currentData() for name, (meaning, _) in zip(self._names, self._choices, strict=True)}
        return {name: meaning for name, meaning in chosen.items() if meaning not in ("ignore", "joins")}

    def complete(self) -> frozenset[str]:
        """Columns of lists in which absence means that the statement was looked for and not found."""
        pairs = zip(self._names, self._choices, strict=True)
        return frozenset(
            name for name, (meaning, absent) in pairs if meaning.currentData() in LISTS and absent.currentData()
        )

    def choices(self, column: str) -> tuple[RowCombo, RowCombo]:
        """The choices of a column: what it means, and what is not in its lists."""
        return self._choices[self._names.index(column)]

    def _add_choices(self, row: int, name: str, chosen: Meaning) -> None:
        meaning, absent = RowCombo(), RowCombo()
        for value, words in MEANING_WORDS.items():
            meaning.addItem(words, value)
        meaning.setCurrentIndex(meaning.findData(chosen))
        meaning.setAccessibleName(f"What the column {name} means")
        absent.addItem("Unknown", False)
        absent.addItem("Negative", True)
        absent.setAccessibleName(f"What is not in the list of {name} counts as")
        absent.setToolTip(TIP_ABSENT)
        place_combo(self, row, MEANING, meaning)
        place_combo(self, row, ABSENT, absent)
        absent.setVisible(chosen in LISTS)
        self._choices.append((meaning, absent))
        meaning.activated.connect(lambda _place: self._chosen(meaning, absent))
        absent.activated.connect(lambda _place: self.changed.emit())

    def _chosen(self, meaning: RowCombo, absent: RowCombo) -> None:
        absent.setVisible(meaning.currentData() in LISTS)
        self.changed.emit()

    def _put(self, row: int, column: int, text: str) -> None:
        item = QTableWidgetItem(text)
        item.setToolTip(text)
        self.setItem(row, column, item)
