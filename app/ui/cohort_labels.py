"""A list of labels to tick, with a search line: a workspace may hold hundreds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.record_query import LabelCount

LINES = 6
"""Labels in view at once."""
NAME = Qt.ItemDataRole.UserRole


class LabelPicker(QWidget):
    """Ticks stay where they are when the search hides their line."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.search, self.list, self.told = QLineEdit(), QListWidget(), QLabel()
        self.tick, self.clear = QPushButton("Tick shown"), QPushButton("Clear")
        self._dress()
        self._lay_out()
        self.search.textChanged.connect(self._narrow)
        self.list.itemChanged.connect(lambda _item: self._changed())
        self.tick.clicked.connect(lambda: self._set_all(True))
        self.clear.clicked.connect(lambda: self._set_all(False))
        self._tell()

    def offer(self, labels: Sequence[LabelCount], ticked: Collection[str] = ()) -> None:
        """Offer these labels; ticked ones that the workspace does not hold any more join the list."""
        known = {one.label for one in labels}
        lines = [(one.label, f"{one.label}  ({one.positives:,} yes, {one.negatives:,} no)") for one in labels]
        lines += [(label, f"{label}  (not here)") for label in ticked if label not in known]
        self.list.blockSignals(True)
        self.list.clear()
        for label, text in lines:
            item = QListWidgetItem(text)
            item.setData(NAME, label)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Checked if label in ticked else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        height = max(self.list.sizeHintForRow(0), 18)
        self.list.setFixedHeight(height * min(max(len(lines), 2), LINES) + 4)
        self.search.setVisible(len(lines) > LINES)
        self._narrow(self.search.text())

    def ticked(self) -> tuple[str, ...]:
        """The ticked labels in the order of the list."""
        return tuple(str(item.data(NAME)) for item in self._items() if item.checkState() is Qt.CheckState.Checked)

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(line) for line in range(self.list.count())]

    def _narrow(self, text: str) -> None:
        wanted = text.strip().casefold()
        for item in self._items():
            item.setHidden(wanted not in str(item.data(NAME)).casefold())
        self._tell()

    def _set_all(self, on: bool) -> None:
        """Tick what the search shows, or untick all."""
        self.list.blockSignals(True)
        for item in self._items():
            if not on or not item.isHidden():
                item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self.list.viewport().update()
        self._changed()

    def _changed(self) -> None:
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        ticked, every = len(self.ticked()), self.list.count()
        if not every:
            told = "The workspace holds no label: every recording may enter"
        elif not ticked:
            told = "None ticked: recordings without labels enter too"
        else:
            told = f"{ticked:,} of {every:,} ticked: one of them must be known"
        self.told.setText(told)
        self.clear.setEnabled(bool(ticked))
        self.tick.setEnabled(any(not item.isHidden() for item in self._items()))

    def _dress(self) -> None:
        self.search.setPlaceholderText("Search labels")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search labels")
        self.list.setAccessibleName("Labels")
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setUniformItemSizes(True)
        self.told.setProperty("role", "muted")
        self.told.setWordWrap(True)

    def _lay_out(self) -> None:
        foot = QHBoxLayout()
        foot.addWidget(self.told, 1)
        foot.addWidget(self.tick)
        foot.addWidget(self.clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.search)
        column.addWidget(self.list)
        column.addLayout(foot)
        self.setFocusProxy(self.list)
