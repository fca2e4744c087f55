"""Small widgets in lines: as many side by side as the width allows, the rest below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

GAP_PX = 4
_TAB = Qt.FocusPolicy.TabFocus


class WrappedRow(QWidget):
    """Holds widgets and lays them out like words; without any it takes no room.

    Args:
        name: for screen readers.
        follower: the widget to which the Tab key goes after those in here.
    """

    def __init__(self, name: str, follower: QWidget | None = None) -> None:
        super().__init__()
        self.follower = follower
        self.setAccessibleName(name)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.held: list[QWidget] = []
        self.setVisible(False)

    def show_widgets(self, widgets: Sequence[QWidget]) -> None:
        """Show these widgets and no others; those before are gone."""
        for widget in self.held:
            widget.hide()
            widget.deleteLater()
        self.held = list(widgets)
        for widget in self.held:
            widget.setParent(self)
            widget.show()
        self._order()
        self.setVisible(bool(self.held))
        self._place(self.width(), move=True)
        self.updateGeometry()

    def _order(self) -> None:
        """Put the widgets, which are new, before their follower in the order of the Tab key."""
        if self.follower is None:
            return
        before: QWidget | None = self.follower.previousInFocusChain()
        # Qt leaves the order as it is when one of two widgets takes no focus.
        while before is not None and (before in self.held or not before.focusPolicy() & _TAB):
            before = None if before is self.follower else before.previousInFocusChain()
        for widget in self.held:
            if before is not None and before.window() is widget.window():
                QWidget.setTabOrder(before, widget)
            before = widget

    def sizeHint(self) -> QSize:
        """As high as its lines."""
        return QSize(self.width(), self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        """One narrow widget wide: what is wider is cut by its own ellipsis."""
        return QSize(40, self.heightForWidth(self.width()))

    def heightForWidth(self, width: int) -> int:
        """Pixels that all lines take at this width."""
        return self._place(width, move=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines anew."""
        super().resizeEvent(event)
        self._place(self.width(), move=True)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def _place(self, width: int, move: bool) -> int:
        x = y = line = 0
        for widget in self.held:
            size = widget.sizeHint()
            taken = min(size.width(), max(width, 40))
            if x and x + taken > width:
                x, y, line = 0, y + line + GAP_PX, 0
            if move:
                widget.resize(taken, size.height())
                widget.move(QPoint(x, y))
            x, line = x + taken + GAP_PX, max(line, size.height())
        return y + line
