"""One registered model: what stands on its card, and a tab for each way to look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from app.ui.background import Background
from app.ui.model_card_view import CardView
from app.ui.model_rows import ListedModel
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.workspace import Workspace


class ModelView(QWidget):
    """Shows one model; the chosen tab stays chosen when another model is looked at."""

    go_to = Signal(str, str)
    """Another page, and what to show there."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.model: ListedModel | None = None
        self.heading, self.about, self.tabs = QLabel(), QLabel(), QTabWidget()
        self.card = CardView()
        self._lay_out()

    def show_model(self, model: ListedModel | None) -> None:
        """Show another model, or what has become known of this one."""
        if model is None or model == self.model:
            return
        self.model = model
        self.heading.setText(model.name)
        self.about.setText(about(model))
        self.card.show_model(model)

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs and drawings."""
        self.card.repaint_signs()

    def _lay_out(self) -> None:
        self.heading.setProperty("role", "heading")
        self.about.setProperty("role", "muted")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.tabBar().setAccessibleName("Ways to look at the model")
        self.tabs.addTab(self.card, "Card")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.heading)
        head.addWidget(self.about, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.tabs, 1)


def about(model: ListedModel) -> str:
    """What a model is, in a line."""
    told = [model.source, f"version {model.row.version}"]
    told += [f"of {model.product}"] if model.product else []
    told += [f"gives: {model.output}"]
    return ", ".join(told)
