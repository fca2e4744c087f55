"""The left side of the cohort builder: everything that is asked of a cohort, read as one plan."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from app.core.cohort_choices import CohortChoices
from app.core.cohort_plan import CohortPlan
from app.ui.choosers import combo
from app.ui.cohort_labels import LabelPicker
from app.ui.cohort_rules import RuleList

WAYS = (
    ("Patient folds: every patient is scored once", "folds"),
    ("Some patients held out as a test part", "holdout"),
    ("Official split of a public corpus", "official"),
)
WIDTH = 350


class CohortForm(QScrollArea):
    """Name, collection, labels, rules, split. Tells of every change; reads no workspace."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name, self.name_fault = QLineEdit(), _note("bad")
        self.dataset, self.labels, self.rules = combo("Collection"), LabelPicker(), RuleList()
        self.way, self.folds, self.share, self.seed = combo("Split"), QSpinBox(), QSpinBox(), QSpinBox()
        self.official_note = _note("muted")
        self.split_fault = _note("bad")
        self._choices = CohortChoices()
        self._plan = CohortPlan()
        self._dress()
        self._lay_out()
        self._connect()

    def begin(self, plan: CohortPlan) -> None:
        """Show what needs no workspace of a plan; the rest comes with what the workspace offers."""
        self._plan = plan
        self.name.setText(plan.name)
        self._show_way()

    def offer(self, choices: CohortChoices) -> None:
        """Take over what the workspace holds, and show the whole plan; a name typed meanwhile stays."""
        self._choices = choices
        self.dataset.offer([("All collections", None), *((f"{name}  ({n:,})", name) for name, n in choices.datasets)])
        self.rules.offer(choices)
        self.put(replace(self._plan, name=self.name.text()))

    def put(self, plan: CohortPlan) -> None:
        """Show a plan. Raises UsageError for words that are no rule."""
        self._plan = plan
        self.name.setText(plan.name)
        if plan.dataset is not None and self.dataset.findData(plan.dataset) < 0:
            self.dataset.addItem(f"{plan.dataset}  (not here)", plan.dataset)
        self.dataset.setCurrentIndex(0 if plan.dataset is None else self.dataset.findData(plan.dataset))
        self.labels.offer(self._choices.labels, plan.labels)
        self.rules.put(plan.rules)
        self.way.setCurrentIndex(self.way.findData(plan.way))
        self.folds.setValue(plan.folds)
        self.share.setValue(round(plan.share))
        self.seed.setValue(plan.seed)
        self._show_way()

    def plan(self) -> CohortPlan:
        """What the form asks for now."""
        return CohortPlan(
            name=self.name.text().strip(),
            labels=self.labels.ticked(),
            dataset=self.dataset.currentData(),
            rules=self.rules.words(),
            way=self.way.currentData(),
            folds=self.folds.value(),
            share=self._share(),
            seed=self.seed.value(),
        )

    def obstacle(self, taken: Collection[str]) -> str:
        """Why the form cannot be made into a cohort, whoever is left; the fault stands beside its field too."""
        name = self.name.text().strip()
        self._tell(self.name_fault, f"There is a cohort called {name}" if name in taken else "")
        if not name:
            return "Give the cohort a name"
        if name in taken:
            return "Choose another name"
        return self.rules.obstacle() or self.rules.unsaid()

    def tell_split(self, fault: str) -> None:
        """Say beside the split why it cannot be made."""
        self._tell(self.split_fault, fault)

    def _follow(self, at: QPoint) -> None:
        """Scroll along with a rule that is dragged beyond what is seen."""
        seen = self.rules.mapTo(self.viewport(), at).y()
        self.ensureVisible(0, self.verticalScrollBar().value() + seen, 0, 24)

    def _share(self) -> float:
        """Percent; a share of the plan that is finer than the box shows stays what it was."""
        shown = self.share.value()
        return self._plan.share if shown == round(self._plan.share) else float(shown)

    @staticmethod
    def _tell(note: QLabel, text: str) -> None:
        note.setText(text)
        note.setVisible(bool(text))

    def _show_way(self) -> None:
        way = self.way.currentData()
        self._folds_row.setVisible(way == "folds")
        self._share_row.setVisible(way == "holdout")
        self._seed_row.setVisible(way != "official")
        told = ", ".join(f"{name} ({count:,} recordings)" for name, count in self._choices.official)
        self.official_note.setText(
            f"Official parts are known of: {told}" if told else "No collection here came with an official split"
        )
        self.official_note.setVisible(way == "official")

    def _changed_way(self) -> None:
        self._show_way()
        self.changed.emit()

    def _dress(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.name.setAccessibleName("Name")
        self.name.setPlaceholderText("A name that no other cohort has")
        self.dataset.addItem("All collections", None)
        for text, way in WAYS:
            self.way.addItem(text, way)
        self.folds.setRange(2, 20)
        self.share.setRange(1, 99)
        self.share.setSuffix(" % of the patients")
        self.seed.setRange(0, 2**31 - 1)
        names = ((self.folds, "Folds", 5), (self.share, "Test share", 30), (self.seed, "Seed", 0))
        for box, name, value in names:
            box.setAccessibleName(name)
            box.setValue(value)
            box.setMinimumHeight(26)
            box.setMaximumWidth(180)
        self.seed.setToolTip("The same recordings and the same seed give the same split in every workspace")

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 12, 0)
        column.setSpacing(6)
        _section(column, "&Name", self.name, self.name_fault)
        _section(column, "&Collection", self.dataset)
        _section(column, "&Labels", self.labels)
        _section(column, "&Rules, applied from the top", self.rules)
        self._folds_row = _line("Folds", self.folds)
        self._share_row = _line("Test share", self.share)
        self._seed_row = _line("Seed", self.seed)
        rows = (self._folds_row, self._share_row, self.official_note, self._seed_row, self.split_fault)
        _section(column, "&Split, by patient", self.way, *rows)
        column.addStretch(1)
        self.setWidget(inside)
        self.setMinimumWidth(WIDTH)

    def _connect(self) -> None:
        self.name.textChanged.connect(lambda _text: self.changed.emit())
        self.dataset.currentIndexChanged.connect(lambda _row: self.changed.emit())
        self.labels.changed.connect(self.changed)
        self.rules.changed.connect(self.changed)
        self.rules.pulled.connect(self._follow)
        self.way.currentIndexChanged.connect(lambda _row: self._changed_way())
        for box in (self.folds, self.share, self.seed):
            box.valueChanged.connect(lambda _value: self.changed.emit())


def _section(column: QVBoxLayout, title: str, *widgets: QWidget) -> None:
    """A heading with a key that leads to the first of the widgets below it."""
    if column.count():
        column.addSpacing(8)
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    heading.setBuddy(widgets[0])
    column.addWidget(heading)
    for widget in widgets:
        column.addWidget(widget)


def _line(text: str, box: QSpinBox) -> QWidget:
    line, label = QWidget(), QLabel(text)
    label.setMinimumWidth(80)
    label.setBuddy(box)
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(label)
    row.addWidget(box, 1, Qt.AlignmentFlag.AlignLeft)
    return line


def _note(role: str) -> QLabel:
    note = QLabel()
    note.setProperty("role", role)
    note.setWordWrap(True)
    note.hide()
    return note
