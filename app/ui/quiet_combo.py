"""The combo box of all pages and forms."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter


class QuietCombo(QComboBox):
    """A combo box that a scrolling wheel passes over unless it has the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Cut a long choice with an ellipsis instead of in the middle of a letter."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self).width() - 6
        option.currentText = option.fontMetrics.elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Hand the wheel on to the scrolling page."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def offer(self, entries: Sequence[tuple[str, object]]) -> None:
        """Offer these from now on, as (text, data), without a signal.

        What was chosen stays chosen while its data is offered; else the first is. The same entries again change
        nothing, so that a list which the user has open is left alone.
        """
        if [(self.itemText(row), self.itemData(row)) for row in range(self.count())] == list(entries):
            return
        kept = self.currentData()
        with QSignalBlocker(self):
            self.clear()
            for text, data in entries:
                self.addItem(text, data)
            self.setCurrentIndex(max(self.findData(kept), 0) if entries else -1)
