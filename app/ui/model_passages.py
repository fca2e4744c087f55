"""Headings with sentences below them, each with a sign: for what is told better in words than in a table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QWidget

from app.ui import theme as themes
from app.ui.model_sandbox_words import Passage
from app.ui.signs import sign

WIDEST_PX = 800
"""Longer lines are hard to read."""


class Passages(QScrollArea):
    """Scrolls by keyboard; all of it can be marked and copied."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.passages: tuple[Passage, ...] = ()
        self._signs: list[tuple[QLabel, Passage]] = []
        self.setAccessibleName(name)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)

    def show_passages(self, passages: Sequence[Passage]) -> None:
        """Show these; the same ones again change nothing."""
        if tuple(passages) == self.passages:
            return
        self.passages, self._signs = tuple(passages), []
        inside = QWidget()
        inside.setMaximumWidth(WIDEST_PX)  # of the whole: a label narrower than its cell is given too few lines
        grid = QGridLayout(inside)
        grid.setContentsMargins(2, 6, 8, 6)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(2, 1)
        for passage in passages:
            self._add(grid, passage)
        grid.setRowStretch(grid.rowCount(), 1)
        self.setWidget(inside)
        self.setAccessibleDescription("\n".join("\n".join((one.heading, *one.lines)) for one in passages))
        self.repaint_signs()

    def repaint_signs(self) -> None:
        """Take over the theme's colours."""
        for label, passage in self._signs:
            colour = str(getattr(themes.current(), passage.role))
            label.setPixmap(sign(passage.sign, colour).pixmap(16, 16))

    def _add(self, grid: QGridLayout, passage: Passage) -> None:
        line, mark, heading, text = grid.rowCount(), QLabel(), QLabel(passage.heading), QLabel("\n".join(passage.lines))
        heading.setProperty("role", "heading")
        text.setWordWrap(True)
        for label in (heading, text):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if passage.sign:
            self._signs.append((mark, passage))
        grid.addWidget(mark, line, 0)
        grid.addWidget(heading, line, 1, 1, 2)
        grid.addWidget(text, line + 1, 1, 1, 2)
        grid.setRowMinimumHeight(line + 2, 6)
