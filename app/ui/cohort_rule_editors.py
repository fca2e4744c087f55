"""Widgets for the rules of a cohort: one a kind of rule, all of the grammar that the command line reads.

An editor holds no rule of its own making: it gives the words that would be typed after `--rule`, and the same function
reads them there and here (`engine.contract.eligibility.parse_rule`).
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.core.cohort_choices import CohortChoices
from app.core.eligible import FINDINGS
from app.ui.choosers import combo
from app.ui.cohort_words import TITLES
from app.ui.form_fields import TicksEditor
from app.ui.quality_words import finding_words
from engine.contract.eligibility import (
    CHOICES,
    RANGES,
    TWELVE,
    AnyRule,
    ChoiceRule,
    FindingRule,
    LeadsRule,
    PacingRule,
    RangeRule,
)
from engine.data.eligibility import UNITS

MOST_BOXES = 6
"""More words than these stand in a list that scrolls."""
LIMITS_PX = 76
KEEP = "Keep recordings of which it is not known"


class RuleEditor(QWidget):
    """Base: what a rule is about, and the words that it is put in; empty while nothing is chosen."""

    changed = Signal()

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.keep = QCheckBox(KEEP)
        self.keep.setAccessibleName(f"{TITLES[what]}: {KEEP.lower()}")
        self.keep.toggled.connect(lambda _on: self.changed.emit())
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(4)

    def words(self) -> str:
        """The rule as it is typed on the command line; empty while nothing is chosen."""
        raise NotImplementedError

    def put(self, rule: AnyRule) -> None:
        """Show a rule."""
        raise NotImplementedError

    def mark(self, wrong: bool) -> None:
        """Mark what is refused."""

    @property
    def _tail(self) -> str:
        return " or unknown" if self.keep.isChecked() else ""


class LimitsEditor(RuleEditor):
    """A number from ... to ..., either of which may stay open."""

    def __init__(self, what: str, hint: tuple[str, str] = ("", "")) -> None:
        super().__init__(what)
        self.low, self.high = QLineEdit(), QLineEdit()
        row = QHBoxLayout()
        for line, word, text in ((self.low, "from", hint[0]), (self.high, "to", hint[1])):
            line.setAlignment(Qt.AlignmentFlag.AlignRight)
            line.setFixedWidth(LIMITS_PX)
            line.setPlaceholderText(text)
            line.setAccessibleName(f"{TITLES[what]} {word}")
            line.textEdited.connect(lambda _text: self.changed.emit())
            row.addWidget(QLabel(word))
            row.addWidget(line)
        row.addWidget(QLabel(UNITS[what]))
        row.addStretch(1)
        self.column.addLayout(row)
        self.column.addWidget(self.keep)
        self.setFocusProxy(self.low)

    def words(self) -> str:
        """The limits as typed: what is no number is told by whoever reads the rule."""
        low, high = self.low.text().strip(), self.high.text().strip()
        return f"{self.what} {low}..{high}{self._tail}" if low or high else ""

    def put(self, rule: AnyRule) -> None:
        """Show the limits."""
        assert isinstance(rule, RangeRule)
        for line, limit in ((self.low, rule.at_least), (self.high, rule.at_most)):
            line.setText("" if limit is None else f"{limit:g}")
        self.keep.setChecked(rule.unknown == "keep")

    def mark(self, wrong: bool) -> None:
        """Both ends: together they are refused."""
        for line in (self.low, self.high):
            line.setProperty("wrong", wrong)
            line.style().unpolish(line)
            line.style().polish(line)


class WordsEditor(RuleEditor):
    """Some of the words that occur in the workspace, with the number of recordings behind each."""

    def __init__(self, what: str, offered: Sequence[tuple[str, int]]) -> None:
        super().__init__(what)
        # A quotation mark cannot stand within a rule; what is not known has its own tick.
        known = [(word, count) for word, count in offered if word != "unknown" and '"' not in word]
        self.boxes: dict[str, QCheckBox] = {}
        self.ticks: TicksEditor | None = None
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setColumnStretch(1, 1)
        if len(known) > MOST_BOXES:
            self._list(known)
        else:
            for word, count in known:
                self._box(word, f"{word}  ({count:,})")
            self.column.addLayout(self._grid)
        if not known:
            self.column.addWidget(_muted("No recording of this workspace tells it"))
        self.column.addWidget(self.keep)

    def words(self) -> str:
        """The ticked words."""
        if self.ticks is not None:
            chosen = [str(word) for word in self.ticks.get()]
        else:
            chosen = [word for word, box in self.boxes.items() if box.isChecked()]
        if not chosen:
            return ""
        rule = ChoiceRule.model_validate({"what": self.what, "among": chosen})
        return f"{rule}{self._tail}"

    def put(self, rule: AnyRule) -> None:
        """Tick the words; those that occur in no recording join the list."""
        assert isinstance(rule, ChoiceRule)
        there = {word.lower(): word for word in self.offered()}
        wanted = [there.get(word.lower(), word) for word in rule.among]
        for word in wanted:
            self._add(word)
        if self.ticks is not None:
            self.ticks.put(wanted)
        for word, box in self.boxes.items():
            box.setChecked(word in wanted)
        self.keep.setChecked(rule.unknown == "keep")

    def offered(self) -> list[str]:
        """The words that can be ticked."""
        if self.ticks is None:
            return list(self.boxes)
        return [word for word, _ in self._options]

    def _add(self, word: str) -> None:
        if word in self.offered():
            return
        if self.ticks is None:
            self._box(word, f"{word}  (part of a name)" if self.what in ("device", "format") else f"{word}  (0)")
        else:
            self._options.append((word, word))
            self.ticks.offer(self._options)

    def _list(self, known: Sequence[tuple[str, int]]) -> None:
        self._options = [(word, f"{word}  ({count:,})") for word, count in known]
        self.ticks = TicksEditor(self._options)
        self.ticks.list.setMaximumHeight(130)
        self.ticks.list.setAccessibleName(TITLES[self.what])
        self.ticks.changed.connect(self.changed)
        self.column.addWidget(self.ticks)
        self.setFocusProxy(self.ticks)

    def _box(self, word: str, text: str) -> None:
        box = QCheckBox(text)
        box.setAccessibleName(f"{TITLES[self.what]}: {word}")
        box.toggled.connect(lambda _on: self.changed.emit())
        self._grid.addWidget(box, len(self.boxes) // 2, len(self.boxes) % 2)
        if not self.boxes:
            self.setFocusProxy(box)
        self.boxes[word] = box


class PacingEditor(RuleEditor):
    """With or without a pacemaker at work."""

    def __init__(self, what: str = "paced") -> None:
        super().__init__(what)
        self.paced = combo(TITLES[what])
        self.paced.addItem("Leave out paced recordings", "no")
        self.paced.addItem("Only paced recordings", "yes")
        self.paced.currentIndexChanged.connect(lambda _row: self.changed.emit())
        self.column.addWidget(self.paced)
        self.column.addWidget(self.keep)
        self.setFocusProxy(self.paced)

    def words(self) -> str:
        """The choice; there is always one."""
        return f"paced {self.paced.currentData()}{self._tail}"

    def put(self, rule: AnyRule) -> None:
        """Show the choice."""
        assert isinstance(rule, PacingRule)
        self.paced.setCurrentIndex(self.paced.findData("yes" if rule.paced else "no"))
        self.keep.setChecked(rule.unknown == "keep")


class LeadsEditor(RuleEditor):
    """Leads that must be there, recorded or computed from others."""

    def __init__(self, what: str = "leads") -> None:
        super().__init__(what)
        self.boxes = {lead: QCheckBox(lead) for lead in TWELVE}
        self.computed = QCheckBox("Leads computed from others count")
        self.computed.setChecked(True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        for place, box in enumerate(self.boxes.values()):
            grid.addWidget(box, place // 6, place % 6)
        grid.setColumnStretch(6, 1)
        for box in (*self.boxes.values(), self.computed):
            box.toggled.connect(lambda _on: self.changed.emit())
        self.column.addLayout(grid)
        self.column.addWidget(self.computed)
        self.setFocusProxy(self.boxes["I"])

    def words(self) -> str:
        """The ticked leads."""
        chosen = [lead for lead, box in self.boxes.items() if box.isChecked()]
        return f"{'leads' if self.computed.isChecked() else 'measured'} {' '.join(chosen)}" if chosen else ""

    def put(self, rule: AnyRule) -> None:
        """Tick the leads."""
        assert isinstance(rule, LeadsRule)
        for lead, box in self.boxes.items():
            box.setChecked(lead in rule.leads)
        self.computed.setChecked(not rule.measured)


class FindingEditor(RuleEditor):
    """A finding of the quality check; the frequent ones stand first."""

    def __init__(self, what: str, offered: Sequence[tuple[str, int]]) -> None:
        super().__init__(what)
        self.finding = combo(TITLES[what])
        counts = dict(offered)
        self.finding.addItem("Choose a finding", "")
        for name in sorted(FINDINGS, key=lambda name: (-counts.get(name, 0), finding_words(name))):
            self.finding.addItem(f"{finding_words(name)}  ({counts.get(name, 0):,})", name)
        self.finding.currentIndexChanged.connect(lambda _row: self.changed.emit())
        self.column.addWidget(self.finding)
        self.setFocusProxy(self.finding)

    def words(self) -> str:
        """The finding."""
        return f"without {self.finding.currentData()}" if self.finding.currentData() else ""

    def put(self, rule: AnyRule) -> None:
        """Choose the finding."""
        assert isinstance(rule, FindingRule)
        self.finding.setCurrentIndex(max(self.finding.findData(rule.finding.lower()), 0))


def editor_of(what: str, choices: CohortChoices) -> RuleEditor:
    """The editor for a kind of rule, with what the workspace offers. Raises KeyError for a kind there is not."""
    if what in RANGES:
        years = tuple(map(str, choices.years)) if what == "year" and choices.years else ("", "")
        return LimitsEditor(what, (years[0], years[1]))
    if what in CHOICES:
        return WordsEditor(what, choices.of(what))
    if what == "without":
        return FindingEditor(what, choices.of(what))
    return {"paced": PacingEditor, "leads": LeadsEditor}[what](what)


def kind_of(rule: AnyRule) -> str:
    """What a rule is about, as `editor_of` takes it."""
    return str(getattr(rule, "what", rule.kind))


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    return label
