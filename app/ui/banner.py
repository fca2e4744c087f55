"""A band of colour, sign and words across a view: what went wrong and what to do about it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from app.ui import theme as themes
from app.ui.signs import sign

Kind = Literal["bad", "warn"]
_SIGNS = {"bad": "failed", "warn": "warning"}


class Banner(QFrame):
    """A title in bold, one or two sentences below it; hidden while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        self._sign, self.title, self.text = QLabel(), QLabel(), QLabel()
        self._kind: Kind = "bad"
        self._sign.setFixedSize(QSize(18, 18))
        self.title.setProperty("role", "heading")
        for label in (self.title, self.text):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.text)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 7, 10, 7)
        row.setSpacing(8)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.setVisible(False)

    def tell(self, kind: Kind, title: str, text: str = "") -> None:
        """Say something; an empty title hides it."""
        self._kind = kind
        self.setVisible(bool(title))
        self.title.setText(title)
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.setAccessibleName(" ".join(part for part in (title, text) if part))
        self.repaint_sign()

    def clear(self) -> None:
        """Nothing to say."""
        self.tell("bad", "")

    def repaint_sign(self) -> None:
        """Take over the theme's colours."""
        theme = themes.current()
        self._sign.setPixmap(sign(_SIGNS[self._kind], str(getattr(theme, self._kind))).pixmap(16, 16))
        if self.property("role") != f"banner-{self._kind}":
            self.setProperty("role", f"banner-{self._kind}")
            self.style().unpolish(self)
            self.style().polish(self)
