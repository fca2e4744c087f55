"""Which faults a stress bench makes, and how severe: groups, faults and severities to be ticked, each told plainly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from app.fault_words import GROUP_LINES, GROUP_NAMES, does, level
from app.ui.form_fields import Editor

if TYPE_CHECKING:
    from engine.signal.perturbations import Perturbation

NAME = Qt.ItemDataRole.UserRole
CHECKED, OFF, PARTLY = Qt.CheckState.Checked, Qt.CheckState.Unchecked, Qt.CheckState.PartiallyChecked
ROWS_SEEN, COLUMN_PX = 9, 232


class FaultTree(Editor):
    """Groups of faults; below each its faults, below each graded one its severities. All are ticked at first.

    Its value is what `StressConfig.faults` takes: a fault's name, or "low_pass=40,25" where only some severities are
    ticked.
    """

    tall = True

    def __init__(self, faults: Sequence[Perturbation]) -> None:
        super().__init__()
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Fault", "What it does"])
        self.tree.setAccessibleName("Faults")
        self.tree.setAccessibleDescription("Space ticks a group, a fault or a severity; the right arrow opens it")
        self.tree.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.setUniformRowHeights(True)
        self._fill(faults)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.tree.header().resizeSection(0, COLUMN_PX)
        self.tree.header().setStretchLastSection(True)
        self.tree.setFixedHeight(ROWS_SEEN * max(self.tree.sizeHintForRow(0), 18) + self.tree.header().height() + 4)
        self.tree.itemChanged.connect(lambda _item, _column: self.changed.emit())
        self._hold(self.tree, beside_unit=False)

    def get(self) -> list[str]:
        """Names of ticked faults, with their severities where not all are ticked."""
        told = []
        for fault in self._faults():
            name, state = str(fault.data(0, NAME)), fault.checkState(0)
            if state is PARTLY:
                name += "=" + ",".join(str(one.data(0, NAME)) for one in _below(fault) if one.checkState(0) is CHECKED)
            if state is not OFF:
                told.append(name)
        return told

    def put(self, value: object) -> None:
        """Tick these faults, as `get` gives them, and no others."""
        wanted = dict(str(name).partition("=")[::2] for name in (value if isinstance(value, (list, tuple)) else ()))
        self.tree.blockSignals(True)
        for fault in self._faults():
            name = fault.data(0, NAME)
            fault.setCheckState(0, CHECKED if name in wanted else OFF)
            if levels := wanted.get(name, ""):
                for one in _below(fault):
                    one.setCheckState(0, CHECKED if one.data(0, NAME) in levels.split(",") else OFF)
        self.tree.blockSignals(False)
        self.tree.viewport().update()
        self.changed.emit()

    @property
    def copies(self) -> int:
        """How many broken copies of each test recording are asked for."""
        return sum(
            sum(one.checkState(0) is CHECKED for one in _below(fault))
            if fault.childCount()
            else fault.checkState(0) is CHECKED
            for fault in self._faults()
        )

    def told(self) -> str:
        """What the choice costs: "3 of 39 faults: each test recording is broken and scored 12 times"."""
        all_of = sum(1 for _ in self._faults())
        if not self.copies:
            return "No fault is ticked: choose at least one."
        times = "once" if self.copies == 1 else f"{self.copies:,} times"
        return f"{len(self.get()):,} of {all_of:,} faults: each test recording is broken and scored {times}."

    def _fill(self, faults: Sequence[Perturbation]) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        for fault in faults:
            if fault.group not in groups:
                told = (GROUP_NAMES.get(fault.group, fault.group), GROUP_LINES.get(fault.group, ""))
                groups[fault.group] = _item(told, fault.group, opens=True)
            below = _item((fault.title, does(fault)), fault.name, opens=fault.graded)
            for severity in fault.severities if fault.graded else ():
                below.addChild(_item((level(fault, severity), ""), f"{severity:g}"))
            groups[fault.group].addChild(below)
        self.tree.addTopLevelItems(list(groups.values()))

    def _faults(self) -> Iterator[QTreeWidgetItem]:
        for place in range(self.tree.topLevelItemCount()):
            if (group := self.tree.topLevelItem(place)) is not None:
                yield from _below(group)


def _below(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    told = (item.child(place) for place in range(item.childCount()))
    return [one for one in told if one is not None]


def _item(told: tuple[str, str], name: str, opens: bool = False) -> QTreeWidgetItem:
    made = QTreeWidgetItem(list(told))
    made.setData(0, NAME, name)
    made.setToolTip(1, told[1])
    flags = Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
    made.setFlags(flags | Qt.ItemFlag.ItemIsAutoTristate if opens else flags)
    made.setCheckState(0, CHECKED)
    return made
