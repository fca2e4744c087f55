"""The mapping of an import: shown when tables or arrays are among the files, with what they hold and what is missing.

Each message stands beside its field. Unit and rate are asked for, never filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.background import Background
from app.ui.label_words import role_label
from app.ui.messages import message_of
from app.ui.quiet_combo import QuietCombo
from app.ui.row_combo import RowCombo, dress, place_combo, set_tab_order
from engine.contract.mapping import NOT_A_LEAD, SignalTable
from engine.signal.leads import CANONICAL

if TYPE_CHECKING:
    from app.workspace import Workspace
    from engine.signal.preview import Preview

UNITS = (("As the file says", ""), ("mV", "mV"), ("µV", "uV"), ("V", "V"), ("nV", "nV"))
WAIT_MS = 300
NO_LEAD = "none"
SCOPE = "This goes for every table and array of this import: bring in those of another rate or unit separately."


class MappingPane(QWidget):
    """What the first table among the files holds, and the fields of the mapping beside it."""

    judged = Signal()
    """The mapping or what is missing of it changed."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self.paths: tuple[Path, ...] = ()
        self.found: Preview | None = None
        self.leads: tuple[str, ...] = ()
        self.title, self.fault = QLabel(), QLabel()
        self.rate, self.unit, self.columns = QLineEdit(), QuietCombo(), QTableWidget(0, 4)
        self.without = QCheckBox("I&mport without such tables: each is refused with its reason")
        self._boxes: list[RowCombo] = []
        self.notes = {name: QLabel() for name in ("rate_hz", "unit", "leads")}
        self._later = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._later.timeout.connect(self.look)
        self._dress()
        self._lay_out()
        self.hide()

    def set_paths(self, paths: Sequence[Path]) -> None:
        """Look into other files; the leads that were chosen are forgotten with them."""
        if tuple(paths) != self.paths:
            self.paths, self.leads = tuple(paths), ()
            self.look()

    def mapping(self) -> SignalTable | None:
        """What was told; None when there is nothing to tell, or the rate is no number yet."""
        rate_hz = self._rate()
        if self.found is None or self.without.isChecked() or (rate_hz is None and self.rate.text().strip()):
            return None
        return SignalTable(rate_hz=rate_hz, unit=self.unit.currentData(), leads=self.leads)

    def is_ready(self) -> bool:
        """Whether nothing is missing, or such tables shall be left out."""
        if self.found is None or self.without.isChecked():
            return True
        return not (self.found.missing or self.notes["rate_hz"].property("role") == "bad")

    def look(self) -> None:
        """Ask again what the files hold, as the mapping has it."""
        paths, mapping = self.paths, self.mapping()
        if not paths:
            self.show_preview(None)
            return
        self.background.read(
            lambda: self.workspace.preview(paths, mapping),
            self.show_preview,
            key="import preview",
            failed=lambda error: self._tell(message_of(error).text),
        )

    def show_preview(self, found: Preview | None) -> None:
        """Show what was found; hide the pane when there is no table."""
        self.found = found
        self.setVisible(found is not None)
        if found is not None:
            many = f", {found.recordings:,} recordings" if found.recordings > 1 else ""
            self.title.setText(f"{found.file}: {found.format}{many}, {found.samples:,} samples a lead")
            self._fill(found)
            self._judge(found)
        self.judged.emit()

    def _fill(self, found: Preview) -> None:
        before = [box.currentData() for box in self._boxes]
        if len(found.columns) != len(before) or before != [column.lead for column in found.columns]:
            self._add_rows(found)
        for row, column in enumerate(found.columns):
            numbers = "  ".join(f"{value:g}" for value in column.first)
            span = f"{column.smallest:g} to {column.largest:g}"
            for place, text in ((0, column.name), (2, numbers), (3, span)):
                self.columns.setItem(row, place, QTableWidgetItem(text))

    def _add_rows(self, found: Preview) -> None:
        self.columns.setRowCount(0)
        self.columns.setRowCount(len(found.columns))
        self._boxes = [self._chooser(row, column.lead) for row, column in enumerate(found.columns)]
        set_tab_order(self.unit, [*self._boxes])

    def _chooser(self, row: int, lead: str) -> RowCombo:
        box = RowCombo()
        box.setAccessibleName(f"Lead of column {row + 1}")
        box.addItem(NO_LEAD, NOT_A_LEAD)
        for name in CANONICAL:
            box.addItem(name, name)
        place = box.findData(lead)
        if place < 0:  # a lead beyond the twelve, as the file names it
            box.addItem(lead, lead)
            place = box.count() - 1
        box.setCurrentIndex(place)
        box.activated.connect(lambda _index: self._choose())
        place_combo(self.columns, row, 1, box)
        return box

    def box(self, row: int) -> RowCombo:
        """The choice of the lead of a column."""
        return self._boxes[row]

    def _choose(self) -> None:
        self.leads = tuple(box.currentData() for box in self._boxes)
        self._later.start()

    def _leave_out(self, without: bool) -> None:
        for widget in (self.rate, self.unit, self.columns):
            widget.setEnabled(not without)
        self.judged.emit()

    def _judge(self, found: Preview) -> None:
        asked = {
            "rate_hz": "Needed: the file does not tell its sampling rate",
            "unit": "Needed: the file does not tell its unit",
            "leads": "Needed: choose the lead of each column",
        }
        for name, label in self.notes.items():
            lacks = name in found.missing
            self._note(label, asked[name] if lacks else f"From {found.reasons.get(name, 'the file')}", lacks)
        if self.rate.text().strip() and self._rate() is None:
            self._note(self.notes["rate_hz"], "A number of Hz between 1 and 100,000 is needed", True)
        self._tell("" if found.missing else f"{found.fault}. {found.next_step}." if found.fault else "")

    def _tell(self, text: str) -> None:
        self.fault.setText(text[:1].upper() + text[1:])
        self.fault.setVisible(bool(text))

    @staticmethod
    def _note(label: QLabel, text: str, bad: bool) -> None:
        label.setText(text)
        label.setProperty("role", "bad" if bad else "muted")
        label.style().unpolish(label)
        label.style().polish(label)

    def _rate(self) -> float | None:
        try:
            rate_hz = float(self.rate.text().strip().replace(",", "."))
        except ValueError:
            return None
        return rate_hz if 1 <= rate_hz <= 100_000 else None

    def _rate_typed(self) -> None:
        if self.found is not None:
            self._judge(self.found)
        self._later.start()

    def _dress(self) -> None:
        self.title.setProperty("role", "heading")
        self.fault.setProperty("role", "bad")
        self.fault.setWordWrap(True)
        self.rate.setAccessibleName("Sampling rate in Hz")
        self.rate.setPlaceholderText("Hz")
        self.rate.textEdited.connect(lambda _text: self._rate_typed())
        self.unit.setAccessibleName("Unit")
        for text, value in UNITS:
            self.unit.addItem(text, value)
        self.unit.activated.connect(lambda _index: self.look())
        self.columns.setAccessibleName("Columns of the table")
        self.columns.setHorizontalHeaderLabels(["Column", "Lead", "First numbers", "Range"])
        dress(self.columns, (120, 110, 200, 170), 2)
        self.without.toggled.connect(self._leave_out)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        for row, (name, words, field) in enumerate(
            (("rate_hz", "&Sampling rate", self.rate), ("unit", "&Unit", self.unit))
        ):
            label = QLabel(words)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
            grid.addWidget(self.notes[name], row, 2)
        grid.addWidget(QLabel("Leads"), 2, 0)
        grid.addWidget(self.notes["leads"], 2, 1, 1, 2)
        grid.setColumnStretch(2, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.title)
        column.addWidget(role_label("muted", SCOPE))
        column.addLayout(grid)
        column.addWidget(self.columns, 1)
        column.addWidget(self.fault)
        column.addWidget(self.without)
        self.columns.setMinimumHeight(132)
