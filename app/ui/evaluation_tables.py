"""The tables of the Evaluate page: AUROC of every label with what is told of the chosen one, groups, numbers, notes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHeaderView, QLabel, QSplitter, QVBoxLayout, QWidget

from app.ui import theme as themes
from app.ui.evaluation_facts import (
    SubgroupLine,
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
from engine.contract.evaluation import EvaluateResults, LabelResult, TargetResult
from engine.contract.subgroups import SubgroupResults

NUMBERS = ("Mean absolute error", "RMSE", "R²", "Bias", "Limits of agreement", "Slope")
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


class LabelsTab(QWidget):
    """AUROC of every label, macro first, and below it all that is told of the chosen label."""

    label_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.intervals = IntervalTable("AUROC", False, "AUROC of every label with intervals")
        self.facts = FactTable("What is told of the chosen label")
        self._labels: dict[str, LabelResult] = {}
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.intervals)
        split.addWidget(self.facts)
        split.setSizes([300, 320])
        split.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(split)
        self.intervals.selected.connect(self._chosen)

    def show_results(self, results: EvaluateResults) -> None:
        """Show an evaluation."""
        self._labels = {label.label: label for label in results.labels}
        self.intervals.show_rows(evaluation_rows(results) if results.labels else [])

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
        found = self._labels.get(label)
        self.facts.show_facts([] if found is None else label_facts(found))


class SubgroupsTable(QWidget):
    """Groups of patients against everybody else, with what each may be said to be."""

    def __init__(self) -> None:
        super().__init__()
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.told.setProperty("role", "muted")
        self.table = RowsTable(_group_columns(), lambda line: f"{line.attribute} {line.group.group}", "Subgroups")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(self.told)
        column.addWidget(self.table, 1)

    def show_subgroups(self, subgroups: Sequence[SubgroupResults]) -> None:
        """Show the groups of one label or number."""
        self.told.setText(subgroups_told(subgroups))
        self.table.rows.set_rows(subgroup_lines(subgroups))
        self.table.setVisible(bool(subgroups))


class NumbersTable(RowsTable):
    """Measured numbers that were predicted, each in its own unit."""

    def __init__(self) -> None:
        super().__init__(_number_columns(), lambda target: target.target, "Measured numbers")

    def show_targets(self, targets: Sequence[TargetResult]) -> None:
        """Show these."""
        self.rows.set_rows(list(targets))


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
        Column("Group", lambda line: f"{line.attribute}: {line.group.group}", 116),
        Column("What is shown", lambda line: line.group.state, 168, icon=icon),
        Column("Patients", lambda line: f"{line.group.estimate.patients:,}", 66, numeric=True),
        Column("In the group", lambda line: number(line.group.estimate), 0, tip=_group_tip),
        Column("Gap to all others", lambda line: number(line.group.gap, signed=True), 0, tip=_group_tip),
        Column("Adjusted p", adjusted, 98, numeric=True, header_tip="That there is no gap, corrected over all groups"),
    )


def _group_tip(line: SubgroupLine) -> str:
    told = line.group
    lines = [f"{line.measure} in the group: {number(told.estimate)}"]
    lines += [f"{line.measure} of all others: {number(told.complement)}", f"Gap: {number(told.gap, signed=True)}"]
    return "\n".join([*lines, *([told.correction] if told.correction else [])])


def _number_columns() -> tuple[Column, ...]:
    def value(title: str) -> Column:
        """One of the numbers."""
        short = title in ("RMSE", "Slope")
        return Column(title, lambda target: target_values(target)[title], 76 if short else 0, numeric=short)

    def name(target: TargetResult) -> str:
        """With its unit."""
        return f"{target.target} ({target.unit})" if target.unit else target.target

    return (Column("Measured number", name, 160), *(value(title) for title in NUMBERS))
