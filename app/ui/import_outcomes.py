"""What became of the files of an import: reasons with their counts and next steps, and one line a file below them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.outcome_table import write_outcomes
from app.core.rows import FileOutcome
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.dialog_size import open_at
from app.ui.messages import message_of
from app.ui.rows_table import Column, RowsTable
from app.ui.signs import sign

SEARCH_MS = 150
"""The list follows when the typing pauses."""
SIGNS = {"imported": ("done", "good"), "duplicate": ("stopped", "muted"), "refused": ("failed", "bad")}
WORDS = {"refused": "refused", "duplicate": "there already", "imported": "imported"}
"""Statuses in the user's words; what needs a hand comes first."""
ORDER = {status: place for place, status in enumerate(WORDS)}


@dataclass(frozen=True)
class Reason:
    """Why files were not taken in: how many, and what to do."""

    reason: str
    next_step: str
    files: int


class OutcomesDialog(QDialog):
    """One line a file: what became of it, why, and what to do. Quick with 100,000 files."""

    def __init__(self, outcomes: Sequence[FileOutcome], background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Files of the import")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.background = background
        # What needs a hand comes first.
        self.outcomes = tuple(sorted(outcomes, key=lambda row: ORDER[row.status]))
        self.reasons = RowsTable(_reason_columns(), lambda row: f"{row.reason}{row.next_step}", "Reasons")
        self.table = RowsTable(_columns(), lambda row: f"{row.folder}{row.file}{row.record_id}", "Files of the import")
        self.search, self.shown, self.fault = QLineEdit(), QLabel(), QLabel()
        self.status = QButtonGroup(self)
        self._sorted: tuple[int, bool] | None = None
        self._pause = QTimer(self, singleShot=True, interval=SEARCH_MS)
        self._dress()
        self._lay_out()
        self.reasons.rows.set_rows(reasons_of(self.outcomes))
        self.reasons.setVisible(bool(self.reasons.rows.rows))
        self.narrow()

    def narrow(self) -> None:
        """Show the files that status, reason and search leave, in the order of the header that was clicked."""
        button, reason, sought = self.status.checkedButton(), self.reasons.current(), self.search.text().casefold()
        status = button.property("status") if button is not None else ""
        rows = [
            row
            for row in self.outcomes
            if (not status or row.status == status)
            and (reason is None or (row.reason, row.next_step) == (reason.reason, reason.next_step))
            and (not sought or sought in row.file.casefold() or sought in row.reason.casefold())
        ]
        if self._sorted is not None:
            place, down = self._sorted
            rows.sort(key=SORTS[place], reverse=down)
        self.table.rows.set_rows(rows)
        told = f"{len(rows):,} of {len(self.outcomes):,} files"
        self.shown.setText(told if len(rows) < len(self.outcomes) else f"{len(rows):,} files")

    def save(self, path: Path) -> None:
        """Write the files that are shown as CSV, off the window's thread; what hinders it is told here."""
        rows = tuple(self.table.rows.rows)
        self.background.write(partial(write_outcomes, rows, path), self._saved, failed=self._refused)

    def _saved(self, path: Path) -> None:
        self._tell(f"Written to {path}", "muted")

    def _refused(self, error: Exception) -> None:
        told = message_of(error)
        self._tell(f"{told.title} {told.text}", "bad")

    def _tell(self, words: str, role: str) -> None:
        self.fault.setText(words)
        self.fault.setProperty("role", role)
        self.fault.style().unpolish(self.fault)
        self.fault.style().polish(self.fault)
        self.fault.show()

    def _sort(self, place: int) -> None:
        down = self._sorted == (place, False)
        self._sorted = (place, down)
        order = Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder
        self.table.horizontalHeader().setSortIndicator(place, order)
        self.narrow()

    def _forget_reason(self) -> None:
        self.reasons.clearSelection()
        self.reasons.setCurrentIndex(self.reasons.rows.index(-1, 0))

    def _choose_status(self) -> None:
        self._forget_reason()
        self.narrow()

    def _dress(self) -> None:
        self.search.setPlaceholderText("Search file or reason")
        self.search.setAccessibleName("Search file or reason")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._pause.start())
        self._pause.timeout.connect(self.narrow)
        self.reasons.selected.connect(lambda _row: self.narrow())
        self.reasons.setMinimumHeight(96)
        self.shown.setProperty("role", "muted")
        self.fault.setWordWrap(True)
        self.fault.hide()
        head = self.table.horizontalHeader()
        head.setSectionsClickable(True)
        head.setSortIndicatorShown(True)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        head.sectionClicked.connect(self._sort)

    def _toggles(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        counts = Counter(outcome.status for outcome in self.outcomes)
        for status, words in {"": "All", **WORDS}.items():
            count = counts[status] if status else len(self.outcomes)  # type: ignore[index]
            button = QToolButton()
            button.setText(f"{words[:1].upper()}{words[1:]} {count:,}")
            button.setProperty("role", "toggle")
            button.setProperty("status", status)
            button.setCheckable(True)
            button.setEnabled(count > 0)
            button.setChecked(not status)
            self.status.addButton(button)
            row.addWidget(button)
        self.status.buttonClicked.connect(lambda _button: self._choose_status())
        row.addWidget(self.search, 1)
        row.addWidget(self.shown)
        return row

    def _lay_out(self) -> None:
        heading = QLabel(outcome_words(self.outcomes))
        heading.setProperty("role", "heading")
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.reasons)
        split.addWidget(self.table)
        split.setStretchFactor(1, 1)
        split.setSizes([120, 380])
        split.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(heading)
        column.addLayout(self._toggles())
        column.addWidget(split, 1)
        column.addWidget(self.fault)
        column.addWidget(self._buttons())
        open_at(self, 1080, 560)

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        actions: tuple[tuple[str, Callable[[], None]], ...] = (
            ("&Copy as table", self.table.copy),
            ("&Save as CSV…", self._ask_where),
        )
        for text, call in actions:
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _on=False, call=call: call())
            buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        return buttons

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, "Save the list of files", "files.csv")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["Tables (*.csv)"])
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda file: self.save(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def reasons_of(outcomes: Sequence[FileOutcome]) -> list[Reason]:
    """Why files were not taken in, the commonest reason first; what was there already last."""
    counts = Counter((row.status, row.reason, row.next_step) for row in outcomes if row.status != "imported")
    told = sorted(counts.items(), key=lambda one: (ORDER[one[0][0]], -one[1], one[0][1]))
    return [Reason(reason, next_step, files) for (_, reason, next_step), files in told]


def outcome_words(outcomes: Sequence[FileOutcome]) -> str:
    """The import in one line: `120 imported, 2 there already, 3 refused`."""
    counts = Counter(row.status for row in outcomes)
    words = [f"{counts['imported']:,} imported"]
    words += [f"{counts['duplicate']:,} there already"] * bool(counts["duplicate"])
    words += [f"{counts['refused']:,} refused"] * bool(counts["refused"])
    return ", ".join(words)


SORTS: tuple[Callable[[FileOutcome], Any], ...] = (
    lambda row: ORDER[row.status],
    lambda row: row.file.casefold(),
    lambda row: row.format.casefold(),
    lambda row: row.reason.casefold(),
    lambda row: row.next_step.casefold(),
)
"""What each column of the list is sorted by."""


def _columns() -> list[Column]:
    return [
        Column(
            "Outcome",
            lambda row: WORDS[row.status],
            118,
            icon=lambda row: sign(SIGNS[row.status][0], getattr(themes.current(), SIGNS[row.status][1])),
        ),
        Column("File", lambda row: row.file, 190, tip=lambda row: str(Path(row.folder) / row.file)),
        Column("Format", lambda row: row.format, 134),
        Column("Reason", lambda row: row.reason, 0),
        Column("Next step", lambda row: row.next_step, 0),
    ]


def _reason_columns() -> list[Column]:
    return [
        Column("Files", lambda row: f"{row.files:,}", 70, numeric=True, raw=lambda row: str(row.files)),
        Column("Why they were not taken in", lambda row: row.reason, 0),
        Column("Next step", lambda row: row.next_step, 0),
    ]
