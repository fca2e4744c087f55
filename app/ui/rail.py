"""The navigation rail on the left: one button a page, driven by the page actions of the table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QFont, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.ui.icons import icon
from app.ui.theme import FONT_FAMILY, Theme

WIDTH_PX = 88
BUTTON_PX, LEAST_PX, GAP_PX, EDGE_PX = 64, 46, 2, 8
"""Height of a button, also where the window is too low for all of them at full height, and the room around them."""

ICON_PX, LOW_ICON_PX, ROOMY_PX = 24, 18, 56
"""An icon's side; in a button lower than the last the smaller one, or the word below it loses its descenders."""


class Rail(QWidget):
    """A column of checkable buttons; the checked one is the page in view.

    Args:
        pages: title, icon name and action of each page, top down.
    """

    def __init__(self, pages: Sequence[tuple[str, str, QAction]]) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH_PX)
        self.setAccessibleName("Pages")
        self.buttons: dict[str, QToolButton] = {}
        self._icons: dict[str, str] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, EDGE_PX, 0, EDGE_PX)
        column.setSpacing(GAP_PX)
        for title, name, action in pages:
            self._icons[title] = name
            self.buttons[title] = button = self._button(title, action)
            column.addWidget(button)
        column.addStretch(1)

    def show_page(self, title: str) -> None:
        """Mark the page in view."""
        for name, button in self.buttons.items():
            button.setChecked(name == title)

    def apply_theme(self, theme: Theme) -> None:
        """Draw the icons in the rail's own colours."""
        for title, button in self.buttons.items():
            button.setIcon(icon(self._icons[title], theme.rail_text))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let every page keep its button: in a low window all of them are lower."""
        super().resizeEvent(event)
        room = (event.size().height() - 2 * EDGE_PX) // max(len(self.buttons), 1) - GAP_PX
        side = ICON_PX if room >= ROOMY_PX else LOW_ICON_PX
        for button in self.buttons.values():
            button.setFixedHeight(min(max(room, LEAST_PX), BUTTON_PX))
            button.setIconSize(QSize(side, side))

    def minimumSizeHint(self) -> QSize:
        """As low as its buttons can be."""
        return QSize(WIDTH_PX, 2 * EDGE_PX + len(self.buttons) * (LEAST_PX + GAP_PX))

    @staticmethod
    def _button(title: str, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setText(title)
        button.setFont(QFont(FONT_FAMILY, 9))
        button.setCheckable(True)
        button.setIconSize(QSize(ICON_PX, ICON_PX))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setFixedHeight(BUTTON_PX)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(f"Page {title}")
        shortcut = action.shortcut().toString()
        button.setToolTip(f"{action.toolTip()} ({shortcut})" if shortcut else action.toolTip())
        button.clicked.connect(action.trigger)
        return button
