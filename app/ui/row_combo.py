"""A choice in a row of a table: reached with Tab, and scrolled into view when it is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QTableWidget, QWidget

from app.ui.quiet_combo import QuietCombo

ROW_PX = 32


class RowCombo(QuietCombo):
    """A combo box that tells when the keyboard has come to it."""

    focused = Signal()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell, so that its row can be scrolled to."""
        super().focusInEvent(event)
        self.focused.emit()


def place_combo(table: QTableWidget, row: int, column: int, combo: RowCombo) -> None:
    """Put a choice into a cell, with some air around; the row comes into view when the keyboard reaches it."""
    cell = QWidget()
    inside = QHBoxLayout(cell)
    inside.setContentsMargins(0, 2, 8, 2)
    inside.addWidget(combo)
    table.setCellWidget(row, column, cell)
    combo.focused.connect(lambda: table.scrollTo(table.model().index(row, column)))


def set_tab_order(before: QWidget, combos: Sequence[RowCombo]) -> None:
    """Tab goes from `before` through the choices, top down, and then on to what came after `before`."""
    for combo in combos:
        QWidget.setTabOrder(before, combo)
        before = combo


def dress(table: QTableWidget, widths: Sequence[int], stretched: int) -> None:
    """A table of choices: whole lines, no grid, titles above the left end of their cells, Tab goes to the choices."""
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_PX)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    table.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setHorizontalScrollMode(QTableWidget.ScrollMode.ScrollPerPixel)
    head = table.horizontalHeader()
    head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    head.setHighlightSections(False)
    head.setMinimumSectionSize(60)
    for place, width in enumerate(widths):
        head.resizeSection(place, width)
    head.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
