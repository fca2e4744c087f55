"""The recordings next to a threshold: the nearest that it misses, and the nearest that raise a false alarm."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QIcon, QResizeEvent

from app.core.scored_records import Mistake, ScoredRecord, ScoredRecords
from app.ui import theme as themes
from app.ui.interval_table import MINUS
from app.ui.rows_table import Column, Index, RowsTable
from app.ui.signs import sign

MOST = 25
"""Of each kind."""
LEAST_PX, SCORE_PX = 240, 310
"""Least width, and the one from which there is room for the score."""
SIGNS: dict[Mistake, tuple[str, str]] = {"missed": ("down", "bad"), "false alarm": ("triangle", "warn")}


@dataclass(frozen=True)
class Neighbour:
    """One of them, and by how much it is on the wrong side."""

    one: ScoredRecord
    mistake: Mistake
    beyond: float


class ThresholdNeighbours(RowsTable):
    """Mistakes by how near they are to the threshold, each one step from its trace: Enter or a double click."""

    trace_wanted = Signal(str)
    """The id of a recording whose trace is to be seen."""

    def __init__(self) -> None:
        columns = (
            Column("Nearest mistakes", lambda row: row.mistake.capitalize(), 124, icon=_icon, tip=_tip),
            Column("Recording", lambda row: row.one.record, 0),
            Column("Score", lambda row: _number(row.one.score), 84, numeric=True, raw=lambda row: repr(row.one.score)),
        )
        name = "Mistakes next to the threshold; Enter opens the trace"
        super().__init__(columns, lambda row: f"{row.mistake} {row.one.record}", name)
        self.setMinimumWidth(LEAST_PX)
        self.activated.connect(self._open)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow list leaves out the score, which the tooltip tells."""
        super().resizeEvent(event)
        self.setColumnHidden(2, self.viewport().width() < SCORE_PX)

    def show_near(self, scored: ScoredRecords, threshold: float, most: int = MOST) -> None:
        """List those of a threshold, the nearest first whichever kind they are."""
        kinds: tuple[Mistake, ...] = ("missed", "false alarm")
        near = [
            Neighbour(one, kind, abs(one.score - threshold))
            for kind in kinds
            for one in scored.nearest(threshold, kind, most)
        ]
        self.rows.set_rows(sorted(near, key=lambda row: row.beyond))

    def _open(self, _index: Index) -> None:
        row: Neighbour | None = self.current()
        if row is not None:
            self.trace_wanted.emit(row.one.record)


def _icon(row: Neighbour) -> QIcon:
    shape, token = SIGNS[row.mistake]
    return sign(shape, str(getattr(themes.current(), token)))


def _tip(row: Neighbour) -> str:
    has = "With" if row.one.truth else "Without"
    side = "below" if row.mistake == "missed" else "above"
    score = f"score {_number(row.one.score)}, {_number(row.beyond)} {side} the threshold"
    return f"{has} the label, {score}. Enter or a double click opens its trace."


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", MINUS)
