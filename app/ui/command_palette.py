"""The command palette: type a few letters of any action, press Enter."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

_MOVES = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}


class CommandPalette(QDialog):
    """Lists the actions that make sense now, narrowed by what is typed.

    Args:
        actions: menu title and action, in the order of the table.
    """

    def __init__(self, actions: Sequence[tuple[str, QAction]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("All commands")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._actions = [(menu, action) for menu, action in actions if action.isEnabled()]
        self.edit, self.list = QLineEdit(), QListWidget()
        self.edit.setPlaceholderText("Type a command")
        self.edit.setAccessibleName("Command")
        self.list.setAccessibleName("Commands")
        self.edit.textChanged.connect(self._narrow)
        self.edit.returnPressed.connect(self._choose)
        self.edit.installEventFilter(self)
        self.list.itemClicked.connect(lambda _item: self._choose())
        column = QVBoxLayout(self)
        column.addWidget(self.edit)
        column.addWidget(self.list)
        self.resize(520, 420)
        self._narrow("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down move through the list while the letters stay in the field."""
        if not isinstance(event, QKeyEvent) or event.type() is not QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        move = _MOVES.get(Qt.Key(event.key()))
        if move is not None and self.list.count():
            self.list.setCurrentRow(min(max(self.list.currentRow() + move, 0), self.list.count() - 1))
            return True
        return super().eventFilter(watched, event)

    def _narrow(self, typed: str) -> None:
        self.list.clear()
        for menu, action in self._actions:
            if matches(typed, f"{menu} {action.text()}"):
                item = QListWidgetItem()
                item.setData(Qt.ItemDataRole.UserRole, action)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, action.text())
                item.setSizeHint(QSize(0, 30))
                self.list.addItem(item)
                self.list.setItemWidget(item, _line(menu, action))
        self.list.setCurrentRow(0)

    def _choose(self) -> None:
        if (item := self.list.currentItem()) is not None:
            action = item.data(Qt.ItemDataRole.UserRole)
            self.accept()
            action.trigger()


def matches(typed: str, text: str) -> bool:
    """Whether every word that was typed stands somewhere in the text, in any case."""
    return all(word in text.casefold() for word in typed.casefold().split())


def _line(menu: str, action: QAction) -> QWidget:
    line = QWidget()
    line.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    where, keys = QLabel(menu), QLabel(action.shortcut().toString())
    where.setProperty("role", "muted")
    keys.setProperty("role", "muted")
    row = QHBoxLayout(line)
    row.setContentsMargins(8, 0, 8, 0)
    picture = QLabel()
    picture.setFixedWidth(24)
    picture.setPixmap(action.icon().pixmap(16, 16))
    row.addWidget(picture)
    row.addWidget(QLabel(action.text().rstrip("…")))
    row.addWidget(where)
    row.addStretch(1)
    row.addWidget(keys)
    return line
