"""Editors for what is special in a model card: leads in their order, pasted numbers, rules, named outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.cohort_rules import RuleList
from app.ui.form import SchemaForm
from app.ui.form_fields import Editor
from app.ui.model_words import KIND_WORDS
from engine.contract.card import Output
from engine.signal.leads import CANONICAL

LEADS_PX = 132
"""Height of the list of leads, which scrolls."""
OUTPUT_PX = 330
_TITLES = {"name": "Name in the file", "kind": "What it gives", "classes_second": "Classes before time"}
_PARTED = re.compile(r"[\s,;]+")
_OPTIONS = {
    "kind": list(KIND_WORDS.items()),
    "activation": [("none", "none"), ("sigmoid", "sigmoid, each class by itself"), ("softmax", "softmax, one class")],
    "over_time": [("none", "it has no axis of time"), ("mean", "mean"), ("maximum", "maximum")],
}


class LeadsOrder(Editor):
    """Leads with a tick, in the order in which the model takes them; drag, or Alt with an arrow, moves one."""

    def __init__(self) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.list.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.list.setFixedHeight(LEADS_PX)
        self.list.setToolTip("Drag to change the order (Alt+Up, Alt+Down)")
        self.list.itemChanged.connect(lambda _item: self.changed.emit())
        self.list.model().rowsMoved.connect(lambda *_moved: self.changed.emit())
        self.list.installEventFilter(self)
        self._hold(self.list, beside_unit=False)
        self.put(CANONICAL)

    def get(self) -> object:
        """The ticked leads from the top."""
        items = [self.list.item(line) for line in range(self.list.count())]
        return [item.text() for item in items if item.checkState() is Qt.CheckState.Checked]

    def put(self, value: object) -> None:
        """Tick these, in this order; the others follow in the usual one."""
        chosen = [str(lead) for lead in value] if isinstance(value, (list, tuple)) else []
        self.list.blockSignals(True)
        self.list.clear()
        for lead in (*chosen, *(lead for lead in CANONICAL if lead not in chosen)):
            item = QListWidgetItem(lead)
            item.setFlags(
                Qt.ItemFlag.ItemIsUserCheckable
                | Qt.ItemFlag.ItemIsEnabled
                | Qt.ItemFlag.ItemIsSelectable
                | Qt.ItemFlag.ItemIsDragEnabled
            )
            item.setCheckState(Qt.CheckState.Checked if lead in chosen else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.blockSignals(False)

    def move_lead(self, by: int) -> None:
        """Move the current lead up (-1) or down (+1)."""
        line = self.list.currentRow()
        if line >= 0 and 0 <= line + by < self.list.count():
            self.list.insertItem(line + by, self.list.takeItem(line))
            self.list.setCurrentRow(line + by)
            self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Alt with an arrow moves the lead instead of the choice."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
            if by is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
                self.move_lead(by)
                return True
        return super().eventFilter(watched, event)


class NumbersEditor(Editor):
    """Numbers as they are pasted: parted by commas, blanks, tabs or lines, with or without brackets."""

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setPlaceholderText("One number a lead")
        self.line.textEdited.connect(lambda _text: self.changed.emit())
        self._hold(self.line, beside_unit=False)

    def get(self) -> object:
        """The numbers; what is none is handed on as text."""
        parts = [part for part in _PARTED.split(self.line.text().strip("[]() \t")) if part]
        return [_number(part) for part in parts]

    def put(self, value: object) -> None:
        """Show numbers."""
        numbers = value if isinstance(value, (list, tuple)) else ()
        self.line.setText(", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in numbers))


class RulesEditor(Editor):
    """Eligibility rules, as the cohort builder edits them."""

    def __init__(self) -> None:
        super().__init__()
        self.rules = RuleList()
        self.rules.changed.connect(self.changed)
        self._hold(self.rules, beside_unit=False)

    def get(self) -> object:
        """The rules in words."""
        return list(self.rules.words())

    def put(self, value: object) -> None:
        """Show rules. Raises UsageError for words that are none."""
        self.rules.blockSignals(True)
        self.rules.put([str(rule) for rule in value] if isinstance(value, (list, tuple)) else [])
        self.rules.blockSignals(False)

    def mark(self, wrong: bool) -> None:
        """Each rule tells its own fault."""


class OutputsEditor(Editor):
    """The named outputs of a model, each with a form of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.panels: list[OutputPanel] = []
        self.add, inside = QPushButton("Add output"), QWidget()
        self.add.clicked.connect(lambda _on=False: self._added())
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch(1)
        self._hold(inside, beside_unit=False)
        self.setFocusProxy(self.add)

    def get(self) -> object:
        """The outputs as plain data."""
        return [panel.form.value() for panel in self.panels]

    def put(self, value: object) -> None:
        """Show these outputs and no others."""
        for panel in self.panels:
            self._remove(panel)
        self.panels = []
        for one in value if isinstance(value, (list, tuple)) else ():
            self._panel(one)

    def mark(self, wrong: bool) -> None:
        """Each output tells its own faults."""

    def name(self, title: str, description: str) -> None:
        """The button says what it adds; each form names its fields."""
        self.add.setAccessibleDescription(description)

    def faults(self) -> list[str]:
        """What is wrong with each output, in words."""
        told = [(place, panel.form.faults) for place, panel in enumerate(self.panels, start=1)]
        return [f"Output {place}: {fault}" for place, fault in told if fault]

    def _added(self) -> None:
        panel = self._panel({"name": "", "kind": "logits"})
        panel.form.editor("name").setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def _panel(self, values: Mapping[str, Any]) -> OutputPanel:
        panel = OutputPanel(values)
        panel.changed.connect(self.changed)
        panel.dropped.connect(lambda: self._drop(panel))
        self._column.insertWidget(len(self.panels), panel)
        self.panels.append(panel)
        return panel

    def _drop(self, panel: OutputPanel) -> None:
        self.panels.remove(panel)
        self._remove(panel)
        self.add.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def _remove(self, panel: OutputPanel) -> None:
        self._column.removeWidget(panel)
        panel.hide()
        panel.deleteLater()


class OutputPanel(QWidget):
    """The form of one output, and a button that takes it away."""

    changed = Signal()
    dropped = Signal()

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self.form = SchemaForm(Output, options=_OPTIONS)
        self.heading, self.drop = QLabel(), QPushButton("Take away")
        self.heading.setProperty("role", "heading")
        self.form.set_value(values)
        self.form.changed.connect(self._edited)
        self.drop.clicked.connect(lambda _on=False: self.dropped.emit())
        for name, title in _TITLES.items():
            _retitle(self.form, name, title)
        for name in ("name", "kind", "classes", "activation", "over_time"):
            self.form.editor(name).setFixedWidth(OUTPUT_PX)
        head = QHBoxLayout()
        head.addWidget(self.heading, 1)
        head.addWidget(self.drop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.form)
        self._tell_name()

    def _edited(self) -> None:
        self._tell_name()
        self.changed.emit()

    def _tell_name(self) -> None:
        name = str(self.form.value().get("name", ""))
        self.heading.setText(f"Output {name}" if name else "Output without a name")
        self.setAccessibleName(self.heading.text())
        self.drop.setAccessibleName(f"Take away: {self.heading.text()}")


def _retitle(form: SchemaForm, name: str, title: str) -> None:
    """Call a field what it is called here; elsewhere its name means something else."""
    editor = form.editor(name)
    for label in form.findChildren(QLabel):
        if label.buddy() is editor:
            label.setText(title)
    editor.name(title, editor.toolTip())


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
