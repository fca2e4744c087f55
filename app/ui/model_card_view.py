"""The tab that shows a model's card: findings first, then every field with what is known of it."""

from __future__ import annotations

from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QHeaderView, QVBoxLayout, QWidget

from app.ui import theme as themes
from app.ui.banner import Banner
from app.ui.model_card_facts import CardLine, card_lines, finding_words
from app.ui.model_rows import ListedModel
from app.ui.model_words import STATE_SIGNS
from app.ui.rows_table import Column, RowsTable
from app.ui.signs import sign

WHY_PX = 940
"""A table narrower than this leaves the reasons to the tooltips."""


class CardView(QWidget):
    """Reads no workspace: it is given a model."""

    def __init__(self) -> None:
        super().__init__()
        self.finding, self.only, self.table = Banner(), QCheckBox("Only these"), CardTable()
        self.off_label = Banner()
        self._model: ListedModel | None = None
        self.only.setAccessibleName("Show only fields that are not known")
        self.only.toggled.connect(lambda _on: self._fill())
        head = QHBoxLayout()
        head.addWidget(self.finding, 1)
        head.addWidget(self.only)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.addLayout(head)
        column.addWidget(self.off_label)
        column.addWidget(self.table, 1)

    def show_model(self, model: ListedModel) -> None:
        """Show the card of a model; whom it is not meant for is told once it has been counted."""
        if self._model is None or self._model.name != model.name:
            self.off_label.clear()
        self._model = model
        told = finding_words(model) if model.external else ""
        if model.card is None:
            self.finding.tell("bad", "Its card is not one that this version of Isoline reads")
        else:
            self.finding.tell("warn", told)
        self.only.setVisible(bool(told))
        self._fill()

    def show_off_label(self, title: str, text: str) -> None:
        """Tell how many recordings of which cohort the model is not meant for; an empty title hides it."""
        self.off_label.tell("warn", title, text)

    def repaint_signs(self) -> None:
        """Take over the theme's colours."""
        self.finding.repaint_sign()
        self.off_label.repaint_sign()
        self.table.viewport().update()

    def _fill(self) -> None:
        lines = [] if self._model is None else card_lines(self._model)
        narrowed = self.only.isChecked() and not self.only.isHidden()
        self.table.rows.set_rows([line for line in lines if line.state != "known"] if narrowed else lines)


class CardTable(RowsTable):
    """Field, what is known of it, its value, and why it matters."""

    def __init__(self) -> None:
        super().__init__(_columns(), lambda line: f"{line.group} {line.title} {line.value}", "Model card")
        self.setWordWrap(True)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the reasons out where there is no room for them."""
        super().resizeEvent(event)
        self.setColumnHidden(3, self.viewport().width() < WHY_PX)


def _columns() -> tuple[Column, ...]:
    def state(line: CardLine) -> QIcon:
        """The sign of the state in the theme's colours."""
        name, token = STATE_SIGNS[line.state]
        return sign(name, str(getattr(themes.current(), token)))

    return (
        Column("Part", lambda line: line.group if line.first else "", 150, raw=lambda line: line.group),
        Column("Field", lambda line: line.title, 190, icon=state, tip=lambda line: line.why or line.title),
        Column("What is known", lambda line: line.told, 0),
        Column("Why it matters", lambda line: line.why, 390),
    )
