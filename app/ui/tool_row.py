"""The toolbar of the window: what begins something on the left, what is always wanted on the right.

Where the window is too narrow for all words, the buttons lose theirs one by one, from those that are wanted least, and
keep their signs: Qt would hide whole buttons behind an arrow.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolBar, QToolButton, QWidget

WORDS, SIGN = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
SLACK_PX = 24
"""Room for what the style puts around the buttons."""


class ToolRow(QToolBar):
    """One line of buttons that fits its width.

    Args:
        begin: actions that begin something, from the left; the first keeps its words longest.
        always: actions at the right end; the last shows its sign alone.
    """

    def __init__(self, begin: Sequence[QAction], always: Sequence[QAction]) -> None:
        super().__init__("Tools")
        self.setMovable(False)
        self.setIconSize(QSize(18, 18))
        self.setToolButtonStyle(WORDS)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.addActions(list(begin))
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)
        self.addActions(list(always))
        self._signs = self._buttons(always[-1:])
        for button in self._signs:
            button.setToolButtonStyle(SIGN)
        # In the order in which they give up their words.
        self._worded = [*self._buttons(always[:-1]), *reversed(self._buttons(begin))]

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give as many buttons their words as there is room for."""
        super().resizeEvent(event)
        self.fit(event.size().width())

    def fit(self, width: int) -> None:
        """Show words or signs for this width, in pixels."""
        layout = self.layout()
        gap = 0 if layout is None else layout.spacing()
        wide = {button: self._width(button, WORDS) + gap for button in self._worded}
        need = SLACK_PX + sum(wide.values()) + sum(self._width(button, SIGN) + gap for button in self._signs)
        for button in self._worded:
            style = WORDS if need <= width else SIGN
            if style is SIGN:
                need += self._width(button, SIGN) + gap - wide[button]
            button.setToolButtonStyle(style)
        if layout is not None:
            layout.invalidate()  # what Qt has hidden behind its arrow does not tell it of its new size
            layout.activate()

    @staticmethod
    def _width(button: QToolButton, style: Qt.ToolButtonStyle) -> int:
        if button.toolButtonStyle() is not style:
            button.setToolButtonStyle(style)
        return button.sizeHint().width()

    def _buttons(self, actions: Sequence[QAction]) -> list[QToolButton]:
        found = [self.widgetForAction(action) for action in actions]
        return [button for button in found if isinstance(button, QToolButton)]
