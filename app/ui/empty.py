"""What an empty page says: what is missing, and buttons for what to do next."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

Step = tuple[str, Callable[[], object]]
SENTENCE_WIDTH = 480


class EmptyState(QWidget):
    """A heading, a sentence, and the next steps; the first one is the likeliest."""

    def __init__(self, heading: str, sentence: str, *steps: Step) -> None:
        super().__init__()
        self.heading, self.sentence = QLabel(heading), QLabel(sentence)
        self.heading.setProperty("role", "title")
        self.sentence.setProperty("role", "muted")
        self.sentence.setWordWrap(True)
        self.sentence.setFixedWidth(SENTENCE_WIDTH)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.addStretch(2)
        for label in (self.heading, self.sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addLayout(_centred(label))
        column.addSpacing(8)
        column.addLayout(_centred(*_buttons(steps)))
        column.addStretch(3)

    def tell(self, heading: str, sentence: str) -> None:
        """Say something else."""
        self.heading.setText(heading)
        self.sentence.setText(sentence)


def _buttons(steps: tuple[Step, ...]) -> list[QPushButton]:
    told = []
    for place, (text, call) in enumerate(steps):
        button = QPushButton(text)
        button.clicked.connect(lambda _on=False, call=call: call())
        if not place:
            button.setProperty("role", "primary")
        told.append(button)
    return told


def _centred(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addStretch(1)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row
