"""The recordings that a model gets most wrong on a label, each one step away from its trace."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.ui import theme as themes
from app.ui.empty import EmptyState
from app.ui.rows_table import Column, Index, RowsTable
from app.ui.signs import sign
from engine.contract.gallery import Failure

HINT = "The recordings that lie furthest on the wrong side. Enter or a double click opens the trace of one."


class FailuresTab(QWidget):
    """Worst false positives and false negatives of the label that is looked at."""

    trace_wanted = Signal(str)
    """The id of a recording whose trace is to be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.table = RowsTable(_columns(), lambda failure: failure.record + failure.kind, "Worst mistakes")
        self.open_button = QPushButton("Open trace")
        self._stack = QStackedWidget()
        self._lay_out()
        self.table.activated.connect(self._open_row)
        self.table.selected.connect(lambda row: self.open_button.setEnabled(row is not None))
        self.open_button.clicked.connect(self._open)

    def show_failures(self, failures: Sequence[Failure]) -> None:
        """Show those of one label, the false positives first."""
        rows = sorted(failures, key=_order)
        self.table.rows.set_rows(rows)
        self._stack.setCurrentIndex(0 if rows else 1)
        self.open_button.setEnabled(self.table.current() is not None)

    def _open_row(self, _index: Index) -> None:
        self._open()

    def _open(self) -> None:
        failure: Failure | None = self.table.current()
        if failure is not None:
            self.trace_wanted.emit(failure.record)

    def _lay_out(self) -> None:
        told = QLabel(HINT)
        told.setProperty("role", "muted")
        told.setWordWrap(True)
        head = QHBoxLayout()
        head.addWidget(told, 1)
        head.addWidget(self.open_button)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        self._stack.addWidget(inside)
        self._stack.addWidget(
            EmptyState("No mistakes to look at", "No recording of this label lies on the wrong side of most others.")
        )
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 8, 0, 0)
        rows.addWidget(self._stack)


def _order(failure: Failure) -> tuple[bool, float, float]:
    """False positives first, and of each kind what lies furthest on the wrong side."""
    alarm = failure.kind == "false positive"
    return not alarm, -failure.share, -failure.score if alarm else failure.score


def share_text(failure: Failure) -> str:
    """How far on the wrong side: "above 93 % of the recordings with the label"."""
    share = f"{100 * failure.share:.0f} %"
    if failure.kind == "false positive":
        return f"scores above {share} of the recordings with the label"
    return f"scores below {share} of the recordings without it"


def _columns() -> tuple[Column, ...]:
    def icon(failure: Failure) -> QIcon:
        """A sign for each kind, not only a word."""
        theme = themes.current()
        return sign("warning", theme.warn) if failure.kind == "false positive" else sign("failed", theme.bad)

    return (
        Column("Mistake", lambda failure: failure.kind.capitalize(), 140, icon=icon),
        Column("Recording", lambda failure: failure.record, 160),
        Column("Score", lambda failure: f"{failure.score:.3g}", 84, numeric=True, raw=lambda f: repr(f.score)),
        Column("How far on the wrong side", share_text, 0),
    )
