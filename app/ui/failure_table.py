"""The list of mistakes: one card a row, judged with the number keys; it copies and is read out as a table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QResizeEvent, QShowEvent

from app.core.review_rows import VERDICTS, ReviewedFailure
from app.ui.failure_cards import LEAST_CARD_PX, FailureCards, card_px
from app.ui.failure_traces import Traces
from app.ui.failure_words import kind_text, share_text, whole_text
from app.ui.rows_table import Column, Index, RowsModel, RowsTable

SETTLE_MS = 30
"""Rest after scrolling before traces are asked for."""
NAME = "Worst mistakes"
CLEARING = (Qt.Key.Key_0, Qt.Key.Key_Delete, Qt.Key.Key_Backspace)


class FailureRows(RowsModel):
    """Mistakes under columns, of which the list paints all in one."""

    def __init__(self) -> None:
        super().__init__(_columns(), lambda row: row.failure.record + row.failure.kind)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """What a card says is read out whole."""
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return whole_text(self.rows[index.row()])
        return super().data(index, role)


class FailureTable(RowsTable):
    """Cards, one below the other. Keys: 1 to 4 judge, 0 takes back, Space goes on, N writes a note, Enter opens."""

    judged = Signal(str)
    """A verdict for the current row; empty takes it back."""
    note_wanted = Signal()
    going_on = Signal()
    resized = Signal()

    def __init__(self, traces: Traces) -> None:
        model = FailureRows()
        super().__init__(model.columns, model.identity, NAME, model)
        self.traces, self.cards = traces, FailureCards(traces, self)
        self._settled = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self.setSelectionMode(RowsTable.SelectionMode.SingleSelection)
        self.setItemDelegateForColumn(0, self.cards)
        for place in range(1, len(model.columns)):
            self.setColumnHidden(place, True)
        self.horizontalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(LEAST_CARD_PX)
        self.setVerticalScrollMode(RowsTable.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(LEAST_CARD_PX // 4)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._settled.timeout.connect(self._ask)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self._settled.start())
        traces.arrived.connect(self.viewport().update)

    def show_rows(self, rows: Sequence[ReviewedFailure]) -> None:
        """Show these mistakes, with the traces of those that come into sight."""
        self.rows.set_rows(rows)
        self._settled.start()

    def copy(self) -> None:
        """Put the whole list on the clipboard: one mistake alone is nothing to work with."""
        QGuiApplication.clipboard().setText(self.rows.as_text("\t"))

    def in_sight(self) -> list[str]:
        """Recordings of the rows that are on the screen."""
        rows = self.rows.rows
        if not self.isVisible() or not rows:
            return []
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        shown = rows[max(first, 0) : (last if last >= 0 else len(rows) - 1) + 1]
        return [row.failure.record for row in shown]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Judge, take back, go on, write; everything else as in any table."""
        key, act = Qt.Key(event.key()), None
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain and self.current() is not None:
            act = self._key_act(key)
        if act is None:
            super().keyPressEvent(event)

    def _key_act(self, key: Qt.Key) -> bool | None:
        """Do what a key stands for; None where it stands for nothing here."""
        place = key - Qt.Key.Key_1
        if 0 <= place < len(VERDICTS):
            self.judged.emit(VERDICTS[place])
        elif key in CLEARING:
            self.judged.emit("")
        elif key == Qt.Key.Key_Space:
            self.going_on.emit()
        elif key == Qt.Key.Key_N:
            self.note_wanted.emit()
        else:
            return None
        return True

    def next_open(self) -> ReviewedFailure | None:
        """The next mistake after the current one that nobody has judged, from the top again after the last."""
        rows, start = self.rows.rows, self.currentIndex().row() + 1
        turned = [*rows[start:], *rows[: max(start - 1, 0)]]
        return next((row for row in turned if row.review is None), None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other cards may be in sight, and of another height."""
        super().resizeEvent(event)
        self.verticalHeader().setDefaultSectionSize(card_px(self.viewport().width()))
        self._settled.start()
        self.resized.emit()

    def showEvent(self, event: QShowEvent) -> None:
        """Traces are read when they are first seen."""
        super().showEvent(event)
        self._settled.start()

    def _ask(self) -> None:
        if wanted := self.in_sight():
            self.traces.want(wanted)


def _columns() -> tuple[Column, ...]:
    def of_review(name: str) -> Column:
        """What was made of it, as a column that is copied and never seen."""
        keys = {"Verdict": "verdict", "Reviewed": "reviewed", "Note": "note"}
        return Column(name, lambda row: "" if row.review is None else getattr(row.review, keys[name]))

    return (
        Column("Mistake", lambda row: kind_text(row.failure), 0, tip=whole_text),
        Column("Recording", lambda row: row.failure.record),
        Column("Score", lambda row: f"{row.failure.score:.3g}", raw=lambda row: repr(row.failure.score)),
        Column("How far on the wrong side", lambda row: share_text(row.failure)),
        *map(of_review, ("Verdict", "Reviewed", "Note")),
    )
