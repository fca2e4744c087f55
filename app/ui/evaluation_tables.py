"""The tables of the Evaluate page: AUROC of every label with what is told of the chosen one, groups, numbers, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QLabel, QSplitter, QVBoxLayout, QWidget

from app.ui import theme as themes
from app.ui.evaluation_facts import (
    SubgroupLine,
    headline,
    label_facts,
    number,
    subgroup_lines,
    subgroups_told,
    target_values,
)
from app.ui.interval_table import IntervalRow, IntervalTable, evaluation_rows
from app.ui.rows_table import Column, RowsTable
from app.ui.run_facts import Fact
from app.ui.signs import sign
from app.ui.tiles import Tiles
from engine.contract.evaluation import EvaluateResults, LabelResult, TargetResult
from engine.contract.subgroups import SubgroupResults

NUMBERS = ("Mean absolute error", "RMSE", "R²", "Bias", "Limits of agreement", "Slope")
LEAST_WIDTH = {2: 720, 5: 620}
"""Columns of the table of groups that are left out when it is narrower than this, in pixels."""
_STATE_SIGNS = {
    "lower": ("warning", "warn"),
    "higher": ("done", "good"),
    "within margin": ("done", "good"),
    "no gap shown": ("stopped", "muted"),
    "insufficient evidence": ("queued", "muted"),
}


class FactTable(RowsTable):
    """Names and values, wrapped."""

    def __init__(self, name: str, width: int = 190) -> None:
        columns = (Column("Name", lambda fact: fact.name, width), Column("Value", lambda fact: fact.value, 0))
        super().__init__(columns, lambda fact: fact.name + fact.value, name)
        self.horizontalHeader().setVisible(False)
        self.setWordWrap(True)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show these lines."""
        self.rows.set_rows(list(facts))


class SummaryTab(QWidget):
    """The numbers that come first, AUROC of every label, and below them all that is told of the chosen label."""

    label_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.tiles = Tiles("Numbers of the evaluation")
        self.intervals = IntervalTable("AUROC", False, "AUROC of every label with intervals")
        self.facts = FactTable("What is told of the chosen label")
        self._labels: dict[str, LabelResult] = {}
        self._reviews: dict[str, str] = {}
        self._told = ""
        self._split = _below(self.intervals, self.facts, (300, 320))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(self.tiles)
        column.addWidget(self._split, 1)
        column.addStretch(0)
        self.intervals.selected.connect(self._chosen)

    def show_results(self, results: EvaluateResults) -> None:
        """Show an evaluation."""
        self._labels = {label.label: label for label in results.labels}
        self.tiles.show_figures(headline(results))
        self._split.setVisible(bool(results.labels))
        self.intervals.show_rows(evaluation_rows(results) if results.labels else [])

    def show_reviews(self, counts: Mapping[str, str]) -> None:
        """Tell, by label, how far its worst mistakes were looked at."""
        self._reviews = dict(counts)
        self._tell(self._told)

    def choose(self, label: str) -> None:
        """Make a label the chosen one and tell of it."""
        for row in self.intervals.rows.rows:
            if row.group == label:
                self.intervals.choose(self.intervals.rows.identity(row))
        self._tell(label)

    def _chosen(self, row: IntervalRow | None) -> None:
        if row is not None and row.group in self._labels:
            self._tell(row.group)
            self.label_chosen.emit(row.group)

    def _tell(self, label: str) -> None:
        self._told, found = label, self._labels.get(label)
        looked = [Fact("Worst mistakes", self._reviews[label])] if label in self._reviews else []
        self.facts.show_facts([] if found is None else [*label_facts(found), *looked])


class SubgroupsTab(QWidget):
    """Groups of patients against everybody else, with what each may be said to be, and their forest below."""

    def __init__(self, forest: QWidget) -> None:
        super().__init__()
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.told.setProperty("role", "muted")
        self.table = GroupsTable()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(self.told)
        column.addWidget(_below(self.table, forest, (200, 380)), 1)

    def show_subgroups(self, subgroups: Sequence[SubgroupResults]) -> None:
        """Show the groups of one label or number."""
        self.told.setText(subgroups_told(subgroups))
        self.table.rows.set_rows(subgroup_lines(subgroups))
        self.table.setVisible(bool(subgroups))


class GroupsTable(RowsTable):
    """One line a group; a narrow table leaves out what the tooltip tells, too."""

    def __init__(self) -> None:
        super().__init__(_group_columns(), lambda line: f"{line.attribute} {line.group.group}", "Subgroups")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the numbers the room that there is."""
        super().resizeEvent(event)
        for column, least in LEAST_WIDTH.items():
            self.setColumnHidden(column, self.viewport().width() < least)


class NumbersTable(RowsTable):
    """Measured numbers that were predicted, each in its own unit."""

    def __init__(self) -> None:
        super().__init__(_number_columns(), lambda target: target.target, "Measured numbers")

    def show_targets(self, targets: Sequence[TargetResult]) -> None:
        """Show these."""
        self.rows.set_rows(list(targets))


def _below(upper: QWidget, lower: QWidget, heights: tuple[int, int]) -> QSplitter:
    split = QSplitter(Qt.Orientation.Vertical)
    for part in (upper, lower):
        split.addWidget(part)
    split.setSizes(list(heights))
    split.setChildrenCollapsible(False)
    return split


def _group_columns() -> tuple[Column, ...]:
    def icon(line: SubgroupLine) -> QIcon:
        """The sign of the state in the theme's colours."""
        name, token = _STATE_SIGNS[line.group.state]
        return sign(name, str(getattr(themes.current(), token)))

    def adjusted(line: SubgroupLine) -> str:
        """The corrected p value."""
        value = line.group.adjusted_p
        return "" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"

    return (
        Column("Group", lambda line: f"{line.attribute}: {line.group.group}", 108),
        Column("What is shown", lambda line: line.group.state, 158, icon=icon),
        Column("Patients", lambda line: f"{line.group.estimate.patients:,}", 66, numeric=True),
        Column("In the group", _in_group, 0, tip=_group_tip),
        Column("Gap to all others", _gap, 0, tip=_group_tip),
        Column("Adjusted p", adjusted, 98, numeric=True, header_tip="That there is no gap, corrected over all groups"),
    )


def _in_group(line: SubgroupLine) -> str:
    """The number, or why there is none; the state stands beside it."""
    told = line.group.estimate
    return number(told) if told.value is not None else told.not_estimable.removeprefix(f"{line.group.state}: ")


def _gap(line: SubgroupLine) -> str:
    return number(line.group.gap, signed=True) if line.group.gap.value is not None else ""


def _group_tip(line: SubgroupLine) -> str:
    told = line.group
    lines = [f"{line.measure} in the group: {number(told.estimate)}"]
    lines += [f"{told.estimate.patients:,} patients"] if told.estimate.patients else []
    lines += [f"{line.measure} of all others: {number(told.complement)}", f"Gap: {number(told.gap, signed=True)}"]
    p = "" if told.adjusted_p is None else f"Adjusted p {told.adjusted_p:.3g}, {told.correction}"
    return "\n".join([*lines, *([p] if p else [])])


def _number_columns() -> tuple[Column, ...]:
    def value(title: str) -> Column:
        """One of the numbers."""
        short = title in ("RMSE", "Slope")
        return Column(title, lambda target: target_values(target)[title], 76 if short else 0, numeric=short)

    def name(target: TargetResult) -> str:
        """With its unit."""
        return f"{target.target} ({target.unit})" if target.unit else target.target

    return (Column("Measured number", name, 160), *(value(title) for title in NUMBERS))
