"""What an empty page says: what is missing, and buttons for what to do next."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

Step = tuple[str, Callable[[], object]]


class EmptyState(QWidget):
    """A heading, a sentence, and the next steps; the first one is the likeliest."""

    def __init__(self, heading: str, sentence: str, *steps: Step) -> None:
        super().__init__()
        self.heading, self.sentence = QLabel(heading), QLabel(sentence)
        self.heading.setProperty("role", "title")
        self.sentence.setProperty("role", "muted")
        self.sentence.setWordWrap(True)
        self.sentence.setMaximumWidth(520)
        self.sentence.setMinimumWidth(360)
        column = QVBoxLayout(self)
        column.addStretch(2)
        for label in (self.heading, self.sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        column.addLayout(_buttons(steps))
        column.addStretch(3)

    def tell(self, heading: str, sentence: str) -> None:
        """Say something else."""
        self.heading.setText(heading)
        self.sentence.setText(sentence)


def _buttons(steps: tuple[Step, ...]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addStretch(1)
    for place, (text, call) in enumerate(steps):
        button = QPushButton(text)
        button.clicked.connect(lambda _on=False, call=call: call())
        if not place:
            button.setProperty("role", "primary")
        row.addWidget(button)
    row.addStretch(1)
    return row
