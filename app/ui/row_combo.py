"""A choice in a row of a table: reached with Tab, and scrolled into view when it is."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QTableWidget, QWidget

from app.ui.form_fields import QuietCombo


class RowCombo(QuietCombo):
    """A combo box that tells when the keyboard has come to it."""

    focused = Signal()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell, so that its row can be scrolled to."""
        super().focusInEvent(event)
        self.focused.emit()


def place_combo(table: QTableWidget, row: int, column: int, combo: RowCombo) -> None:
    """Put a choice into a cell; the row comes into view when the keyboard reaches it."""
    table.setCellWidget(row, column, combo)
    combo.focused.connect(lambda: table.scrollTo(table.model().index(row, column)))


def set_tab_order(before: QWidget, combos: list[RowCombo]) -> None:
    """Tab goes from `before` through the choices, top down, and then on to what came after `before`."""
    for combo in combos:
        QWidget.setTabOrder(before, combo)
        before = combo
