"""The tabs that a vetting fills: contract lint, parity certificate, sensitivity of every item of the contract."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QHeaderView, QLabel, QSplitter, QVBoxLayout, QWidget

from app.ui import theme as themes
from app.ui.evaluation_facts import number
from app.ui.evaluation_tables import FactTable
from app.ui.interval_table import MINUS
from app.ui.model_vet_facts import (
    KIND_SIGNS,
    VERDICT_SIGNS,
    LintLine,
    headline,
    lint_lines,
    parity_facts,
    parity_words,
    sensitivity_items,
    sensitivity_words,
    verdict_tip,
)
from app.ui.rows_table import Column, Index, RowsModel, RowsTable
from app.ui.signs import check_icon, sign
from app.ui.tiles import Tiles
from engine.contract.vetting import SensitivityItem, VetResults


class LintTab(QWidget):
    """The numbers that come first, and every rule with what was found."""

    def __init__(self) -> None:
        super().__init__()
        self.tiles = Tiles("Outcome of the vetting")
        self.table = WrappedTable(_lint_columns(), lambda line: line.rule + line.found, "Contract lint")
        _column(self, self.tiles, self.table)

    def show_results(self, results: VetResults) -> None:
        """Show a vetting."""
        self.tiles.show_figures(headline(results))
        self.table.rows.set_rows(lint_lines(results))


class ParityTab(QWidget):
    """Our outputs against the vendor's, and below it what the certificate rests on."""

    def __init__(self) -> None:
        super().__init__()
        self.told, self.facts = QLabel(), FactTable("Parity certificate")
        self.told.setProperty("role", "muted")
        self.told.setWordWrap(True)
        self.table = WrappedTable(
            _parity_columns(), lambda one: one.output + one.compared + one.fed, "Parity by output"
        )
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.table)
        split.addWidget(self.facts)
        split.setChildrenCollapsible(False)
        _column(self, self.told, split)

    def show_results(self, results: VetResults) -> None:
        """Show a vetting."""
        outputs = results.parity.outputs
        self.told.setText("" if outputs else NO_REFERENCE)
        self.told.setVisible(not outputs)
        self.table.setVisible(bool(outputs))
        self.table.rows.set_rows(outputs)
        self.facts.show_facts(parity_facts(results))


class SensitivityTab(QWidget):
    """What each item of the contract does when it is wrong; what nobody would notice stands first and in red."""

    def __init__(self) -> None:
        super().__init__()
        self.told = QLabel()
        self.told.setProperty("role", "muted")
        self.told.setWordWrap(True)
        self.table = SensitivityTable()
        _column(self, self.told, self.table)

    def show_results(self, results: VetResults) -> None:
        """Show a vetting."""
        self.told.setText(sensitivity_words(results))
        self.table.rows.set_rows(sensitivity_items(results))
        self.table.setVisible(results.sensitivity is not None)
        self.table.setColumnHidden(AUROC, results.sensitivity is None or results.sensitivity.clean is None)


class WrappedTable(RowsTable):
    """Rows as high as their words."""

    def __init__(self, *made: Any) -> None:
        super().__init__(*made)
        self.setWordWrap(True)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)


class RedRows(RowsModel):
    """Items that work, only worse, are written in red, beside their sign."""

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The colour beside Qt's other roles."""
        if role == Qt.ItemDataRole.ForegroundRole and self.rows[index.row()].verdict == "works, only worse":
            return QColor(themes.current().bad)
        return super().data(index, role)


class SensitivityTable(WrappedTable):
    """One line an item."""

    def __init__(self) -> None:
        columns = _sensitivity_columns()
        model = RedRows(columns, lambda item: item.name)
        super().__init__(columns, lambda item: item.name, "Contract items made wrong on purpose", model)


AUROC = 4
"""The column that only labels can fill."""
NO_REFERENCE = (
    "The vendor supplied no reference outputs, so nothing shows that the model is fed here as its maker feeds it. Ask "
    "for what it says of the shipped ECGs, and vet it again with that file."
)


def _lint_columns() -> tuple[Column, ...]:
    def icon(line: LintLine) -> QIcon:
        """Its sign in the theme's colours."""
        name, token = KIND_SIGNS[line.kind]
        return sign(name, str(getattr(themes.current(), token)))

    return (
        Column("What is looked at", lambda line: line.rule, 270, icon=icon, tip=lambda line: line.weight),
        Column("Weight", lambda line: line.kind, 90, tip=lambda line: line.weight),
        Column("What was found", lambda line: line.found, 0),
        Column("What to do", lambda line: line.advice, 0),
    )


def _parity_columns() -> tuple[Column, ...]:
    return (
        Column("Output", lambda one: one.output, 150, icon=lambda one: check_icon(one.met, themes.current())),
        Column("Within the limit", lambda one: "yes" if one.met else "no", 110),
        Column("Largest difference", parity_words, 190, numeric=True),
        Column("Compared", lambda one: f"{one.values:,} numbers of {one.records:,} {one.compared}, {one.fed}", 0),
        Column("Worst", lambda one: one.worst, 0),
    )


def _sensitivity_columns() -> tuple[Column, ...]:
    def icon(item: SensitivityItem) -> QIcon:
        """Its sign in the theme's colours."""
        name, token = VERDICT_SIGNS[item.verdict]
        return sign(name, str(getattr(themes.current(), token)))

    def share(value: float | None) -> str:
        """As percent; nothing where it is not known."""
        return "" if value is None else f"{100 * value:.0f} %"

    return (
        Column("Made wrong on purpose", lambda item: item.title, 300, icon=icon, tip=verdict_tip),
        Column("What happens", lambda item: item.verdict, 150, tip=verdict_tip),
        Column("Calls changed", lambda item: share(item.changed_calls), 116, numeric=True),
        Column(
            "Rank corr.",
            lambda item: "" if item.spearman is None else f"{item.spearman:.2f}".replace("-", MINUS),
            86,
            numeric=True,
            header_tip="Rank correlation of the wrong with the right outputs over the recordings",
        ),
        Column("Change of macro AUROC", lambda item: number(item.change, signed=True) if item.change else "", 0),
    )


def _column(tab: QWidget, *parts: QWidget) -> None:
    column = QVBoxLayout(tab)
    column.setContentsMargins(0, 8, 0, 0)
    for part in parts[:-1]:
        column.addWidget(part)
    column.addWidget(parts[-1], 1)
    column.addStretch(0)
