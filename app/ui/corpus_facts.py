"""What is known of a public corpus: what it is, how to get it, what to cite, and what to beware of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.ui.banner import Banner
from app.ui.label_words import role_label

if TYPE_CHECKING:
    from engine.datasets.dataset import Dataset

FIELDS = ("Patients", "Used for", "Licence", "How to get it", "Cite", "In its folder")


class CorpusFacts(QWidget):
    """Title, facts, and the caution."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.banner = role_label("heading"), Banner()
        self.texts = {name: role_label("") for name in FIELDS}
        form = QGridLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(4)
        form.setColumnStretch(1, 1)
        for line, (name, text) in enumerate(self.texts.items()):
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label = QLabel(name)
            label.setProperty("role", "muted")
            form.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop)
            form.addWidget(text, line, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        column.addWidget(self.title)
        column.addLayout(form)
        column.addWidget(self.banner)
        column.addStretch(1)

    def show_corpus(self, corpus: Dataset) -> None:
        """Tell about this one."""
        self.title.setText(corpus.title)
        told = {
            "Patients": "not told" if corpus.patients is None else f"{corpus.patients:,}",
            "Used for": corpus.purpose,
            "Licence": corpus.licence,
            "How to get it": corpus.access,
            "Cite": corpus.citation,
            "In its folder": " or ".join(corpus.marker),
        }
        for name, text in told.items():
            self.texts[name].setText(text)
        caution = corpus.caution
        self.banner.tell(
            "warn", "Before you trust a number on it" if caution else "", f"{caution[:1].upper()}{caution[1:]}."
        )
