"""The list of models: all that is known of each in one line, narrowed by words, ordered by any column."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QResizeEvent

from app.ui import theme as themes
from app.ui.model_rows import ListedModel
from app.ui.rows_table import Column, RowsTable
from app.ui.signs import sign

LEAST_WIDTH = {"Product": 1080, "Isolation": 960, "Licence": 680}
"""Columns that are left out when the table is narrower than this, in pixels; the view of the model tells them, too."""


class ModelList(RowsTable):
    """One line a model. A click on a heading orders by it, another one turns the order round."""

    def __init__(self) -> None:
        super().__init__(_columns(), lambda model: model.name, "Models, the newest first")
        self.setSelectionMode(RowsTable.SelectionMode.SingleSelection)
        self._models: list[ListedModel] = []
        self._words, self._ordered, self._downward = "", -1, False
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self.order_by)
        header.setToolTip("Click to order by this column")

    def show_models(self, models: Sequence[ListedModel]) -> None:
        """Show these, as far as they hold the words that are searched for."""
        self._models = list(models)
        self._fill()

    def search(self, words: str) -> None:
        """Show only models in whose line all these words occur."""
        self._words = words
        self._fill()

    def order_by(self, place: int) -> None:
        """Order by a column; again: the other way round; a third time: the newest first, as at the beginning."""
        if place != self._ordered:
            self._ordered, self._downward = place, False
        elif not self._downward:
            self._downward = True
        else:
            self._ordered = -1
        header = self.horizontalHeader()
        header.setSortIndicatorShown(self._ordered >= 0)
        order = Qt.SortOrder.DescendingOrder if self._downward else Qt.SortOrder.AscendingOrder
        header.setSortIndicator(self._ordered, order)
        self._fill()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give what matters most the room that there is."""
        super().resizeEvent(event)
        for place, column in enumerate(self.rows.columns):
            if column.title in LEAST_WIDTH:
                self.setColumnHidden(place, self.viewport().width() < LEAST_WIDTH[column.title])

    def _fill(self) -> None:
        shown = [model for model in self._models if model.matches(self._words)]
        if self._ordered >= 0:
            text = self.rows.columns[self._ordered].text
            shown.sort(key=lambda model: text(model).lower(), reverse=self._downward)
        self.rows.set_rows(shown)


def _columns() -> tuple[Column, ...]:
    def marked(model: ListedModel) -> QIcon:
        """A warning before marks."""
        return sign("warning", themes.current().warn) if model.marks else QIcon()

    def isolated(model: ListedModel) -> QIcon:
        """A warning before what nothing isolates."""
        return sign("warning", themes.current().warn) if model.isolation == "not isolated" else QIcon()

    def name(model: ListedModel) -> str:
        """With its hash, which no cell shows."""
        return f"{model.name}\nsha256 {model.row.sha256}"

    return (
        Column("Model", lambda m: m.name, 190, tip=name),
        Column("Version", lambda m: m.row.version, 72),
        Column("Product", lambda m: m.product, 110),
        Column("Source", lambda m: m.source, 140),
        Column("Output", lambda m: m.output, 110),
        Column("Licence", lambda m: m.licence, 110),
        Column("Isolation", lambda m: m.isolation, 140, icon=isolated, header_tip="How it is run on this computer"),
        Column("Marks", lambda m: m.marks, 0, icon=marked, header_tip="What must be said wherever it is named"),
    )
