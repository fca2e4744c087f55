"""The choices above a form: what a run is about, one a line, in line with the form's own rows."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QGroupBox, QHBoxLayout, QLabel, QWidget

from app.core.rows import CohortRow
from app.ui.form_fields import Editor
from app.ui.form_rows import LABEL_WIDTH
from app.ui.quiet_combo import QuietCombo


def combo(name: str) -> QuietCombo:
    """A choice with a name for screen readers."""
    made = QuietCombo()
    made.setAccessibleName(name)
    return made


def choosers(*rows: tuple[str, QWidget]) -> QGroupBox:
    """A box with a titled choice on each line."""
    box = QGroupBox()
    grid = QGridLayout(box)
    grid.setHorizontalSpacing(12)
    grid.setColumnMinimumWidth(0, LABEL_WIDTH)
    grid.setColumnStretch(1, 1)
    for line, (text, widget) in enumerate(rows):
        label = QLabel(text)
        label.setBuddy(widget)
        top = isinstance(widget, Editor) and widget.tall
        grid.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop if top else Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(widget, line, 1)
    return box


def beside(wide: QWidget, narrow: QWidget) -> QWidget:
    """Two widgets in one line; the first takes what is left, and the focus."""
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(wide, 1)
    row.addWidget(narrow)
    both.setFocusProxy(wide)
    return both


LEAK_WORDS = {"leaks": ", COPIES IN TWO PARTS", "not searched": ", not searched for copies"}
"""What a cohort's entry says of leaks; nothing where none was found or a search is under way."""


def add_cohorts(choice: QuietCombo, cohorts: list[CohortRow]) -> None:
    """Offer cohorts with their size and split, and what speaks against a score on them."""
    for cohort in cohorts:
        size = f"{cohort.records:,} recordings of {cohort.patients:,} patients"
        text = f"{cohort.name}  ({size}, {cohort.split_kind}{LEAK_WORDS.get(cohort.leaks, '')})"
        choice.addItem(text, cohort.name)
