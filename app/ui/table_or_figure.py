"""A view that can be looked at as a table or as a figure: the table to read and copy, the figure to show and export."""

from __future__ import annotations

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget


class TableOrFigure(QWidget):
    """Two widgets in one place, with a switch above them.

    Args:
        name: what both show, for screen readers.
        first: what is seen at first, and its name on the switch.
        second: the other way to look at it.
        heads: what belongs to the first and to the second, and finds room beside the switch.
    """

    def __init__(
        self, name: str, first: tuple[str, QWidget], second: tuple[str, QWidget], heads: tuple[QWidget, QWidget]
    ) -> None:
        super().__init__()
        self._heads = heads
        self.stack, self.switches = QStackedWidget(), QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(4)
        for place, (text, widget) in enumerate((first, second)):
            switch = QToolButton()
            switch.setText(text)
            switch.setCheckable(True)
            switch.setProperty("role", "toggle")
            switch.setAccessibleName(f"{name} as {text.lower()}")
            self.switches.addButton(switch, place)
            self.stack.addWidget(widget)
            row.addWidget(switch)
        row.addSpacing(8)
        for head in heads:
            row.addWidget(head, 1)
        heads[1].hide()
        self.switches.button(0).setChecked(True)
        self.switches.idToggled.connect(self._switch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.stack, 1)

    def _switch(self, place: int, on: bool) -> None:
        if on:
            self.stack.setCurrentIndex(place)
            for number, head in enumerate(self._heads):
                head.setVisible(number == place)
