"""The columns of a label table, one a line: what each means, what its first cells are, and why it was guessed so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QTableWidget, QTableWidgetItem, QWidget

from app.ui.label_words import MEANING_WORDS
from app.ui.row_combo import RowCombo, dress, place_combo

if TYPE_CHECKING:
    from app.core.label_columns import Meaning
    from app.core.label_look import LabelLook

ROWS_SHOWN = 3
MOST_COLUMNS = 400
"""Columns that are shown; those beyond are left out, and the dialog says so."""
AT_ONCE = 12
"""Lines that get their choices in one go: a combo box takes milliseconds to make, and the window must not wait."""
NAME, MEANING, ABSENT, FIRST = 0, 1, 2, 3
WHY = FIRST + ROWS_SHOWN
LISTS = ("scp", "snomed", "icd10")
NAMES_THE_ROW = "Names the recording"
TITLES = ("Column", "What it means", "Not in the list")
TIP_ABSENT = "What a statement means that is not in the list of a recording: unknown, or looked for and not found"


class LabelColumns(QTableWidget):
    """One line a column of the table, with its choices; what is chosen stands here, the choices only show it."""

    changed = Signal()
    """The user chose another meaning."""

    def __init__(self) -> None:
        super().__init__(0, WHY + 1)
        self._meanings: dict[str, Meaning] = {}
        self._negative: set[str] = set()
        self._join = ""
        self._boxes: dict[str, tuple[RowCombo, RowCombo]] = {}
        self._last: QWidget = self
        self._more = QTimer(self, interval=0)
        self._more.timeout.connect(self._add_more)
        self.setAccessibleName("Columns of the table")
        dress(self, (150, 200, 112, *[105] * ROWS_SHOWN), WHY)

    def show_look(self, look: LabelLook) -> None:
        """Show the columns of another table with what is suggested for them."""
        names = look.table.columns[:MOST_COLUMNS]
        lines = look.table.rows[:ROWS_SHOWN]
        self._meanings = {name: look.mapping.columns.get(name, "ignore") for name in names}
        self._negative, self._boxes, self._last, self._join = set(), {}, self, look.mapping.on
        self.setRowCount(0)
        self.setRowCount(len(names))
        titles = [f"Row {line}" for line, _ in lines] + [""] * (ROWS_SHOWN - len(lines))
        self.setHorizontalHeaderLabels([*TITLES, *titles, "Why"])
        for row, (name, guess) in enumerate(zip(names, look.columns, strict=False)):
            self._put(row, NAME, name)
            for place, (_, cells) in enumerate(lines):
                self._put(row, FIRST + place, cells[name])
            self._put(row, WHY, guess.reason)
        self._add_more()
        self._more.start()
        self._show_absent()

    def set_join(self, column: str) -> None:
        """This column names the recordings; it cannot mean anything else besides."""
        before, self._join = self._join, column
        for name in (before, column):
            if name in self._boxes:
                self._show_choice(name)

    def meanings(self) -> dict[str, Meaning]:
        """Meaning by column; those that are left out or join the rows are not in it."""
        told = self._meanings.items()
        return {name: meaning for name, meaning in told if meaning != "ignore" and name != self._join}

    def complete(self) -> frozenset[str]:
        """Columns of lists in which absence means that the statement was looked for and not found."""
        return frozenset(
            name for name, meaning in self.meanings().items() if meaning in LISTS and name in self._negative
        )

    def choices(self, column: str) -> tuple[RowCombo, RowCombo]:
        """The choices of a column: what it means, and what is not in its lists. Raises KeyError for another one."""
        while column not in self._boxes and len(self._boxes) < self.rowCount():
            self._add_more()
        return self._boxes[column]

    def _add_more(self) -> None:
        waiting = list(self._meanings)[len(self._boxes) :]
        for name in waiting[:AT_ONCE]:
            self._add_choices(len(self._boxes), name)
        if len(waiting) <= AT_ONCE:
            self._more.stop()

    def _add_choices(self, row: int, name: str) -> None:
        meaning, absent = RowCombo(), RowCombo()
        for value, words in MEANING_WORDS.items():
            meaning.addItem(words, value)
        meaning.setAccessibleName(f"What the column {name} means")
        absent.addItem("Unknown", False)
        absent.addItem("Negative", True)
        absent.setAccessibleName(f"What is not in the list of {name} counts as")
        absent.setToolTip(TIP_ABSENT)
        for column, combo in ((MEANING, meaning), (ABSENT, absent)):
            place_combo(self, row, column, combo)
            QWidget.setTabOrder(self._last, combo)
            self._last = combo
        self._boxes[name] = meaning, absent
        self._show_choice(name)
        meaning.activated.connect(lambda _place: self._choose(name))
        absent.activated.connect(lambda _place: self._choose(name))

    def _choose(self, name: str) -> None:
        meaning, absent = self._boxes[name]
        self._meanings[name] = meaning.currentData()
        (self._negative.add if absent.currentData() else self._negative.discard)(name)
        self._show_choice(name)
        self._show_absent()
        self.changed.emit()

    def _show_absent(self) -> None:
        """The column that asks about lists of statements stands there only where some column holds such lists."""
        self.setColumnHidden(ABSENT, not any(meaning in LISTS for meaning in self._meanings.values()))

    def _show_choice(self, name: str) -> None:
        meaning, absent = self._boxes[name]
        joins = name == self._join
        if joins and meaning.itemText(0) != NAMES_THE_ROW:
            meaning.insertItem(0, NAMES_THE_ROW)
        elif not joins and meaning.itemText(0) == NAMES_THE_ROW:
            meaning.removeItem(0)
        meaning.setCurrentIndex(0 if joins else meaning.findData(self._meanings[name]))
        meaning.setEnabled(not joins)
        absent.setVisible(not joins and self._meanings[name] in LISTS)

    def _put(self, row: int, column: int, text: str) -> None:
        item = QTableWidgetItem(text)
        item.setToolTip(text)
        self.setItem(row, column, item)
