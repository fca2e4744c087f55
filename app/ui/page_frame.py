"""How a page is framed: a line with its title and buttons, and below it what the page is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

GAP_PX = 12
"""Between the title, what stands beside it and each group of buttons; also the width of a page's divider."""


def bar(title: str, beside: QWidget | None, *groups: Sequence[QPushButton]) -> QHBoxLayout:
    """The line at the top of a page.

    Args:
        title: the page's name.
        beside: a hint or a choice that takes the room that is left; None leaves it empty.
        groups: buttons, each group set apart from the one before it.
    """
    row, label = QHBoxLayout(), QLabel(title)
    label.setProperty("role", "title")
    row.addWidget(label, 0 if beside is not None else 1)
    if beside is not None:
        row.addSpacing(GAP_PX)
        row.addWidget(beside, 1)
    for buttons in groups:
        row.addSpacing(GAP_PX)
        for button in buttons:
            row.addWidget(button)
    return row


def button(text: str, call: Callable[[], object], primary: bool = False) -> QPushButton:
    """A button that does one thing; `primary` is the one thing that the page is there for."""
    made = QPushButton(text)
    made.clicked.connect(lambda _on=False: call())
    if primary:
        made.setProperty("role", "primary")
    return made


def menu_button(text: str, tip: str, entries: Sequence[tuple[str, str, Callable[[], object]]]) -> QPushButton:
    """A button that opens a list of things to do, each with a text, a sentence on it, and what it calls."""
    made = QPushButton(text)
    made.setToolTip(tip)
    menu = QMenu(made)
    menu.setToolTipsVisible(True)
    for words, sentence, call in entries:
        entry = menu.addAction(words)
        entry.setToolTip(sentence)
        entry.triggered.connect(lambda _on=False, call=call: call())
    made.setMenu(menu)
    return made


def divided(left: QWidget, right: QWidget, widths: tuple[int, int]) -> QSplitter:
    """A list and, beside it, what is chosen in it; the right side takes the room that a larger window gives."""
    split = QSplitter()
    split.addWidget(left)
    split.addWidget(right)
    split.setSizes(list(widths))
    split.setStretchFactor(1, 1)
    split.setHandleWidth(GAP_PX)
    split.setChildrenCollapsible(False)
    return split


def frame(page: QWidget, top: QLayout, content: QWidget) -> None:
    """Lay a page out: its line at the top, and the content in all the room below."""
    column = QVBoxLayout(page)
    column.setContentsMargins(16, 12, 16, 12)
    column.addLayout(top)
    column.addWidget(content, 1)
