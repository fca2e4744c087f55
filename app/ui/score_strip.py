"""A strip of scores: every tested recording of a label on the score axis, with the threshold that parts them.

Two rows: recordings with the label, and those without it. Who is on the wrong side of the threshold has a shape and a
colour of its own. The line is dragged; a mark is pressed to see its trace.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.scored_records import ScoredRecord, ScoredRecords
from app.ui.interval_table import MINUS
from app.ui.score_layout import RowLayout, ScoreAxis
from app.ui.score_painting import AXIS_PX, CAPTION_PX, paint_strip

SIDE_PX, EDGE_PX = 12, 4
ROW_PX = 42
GRIP_PX, STILL_PX = 5, 3
"""How near to the line a press takes hold of it; how far the mouse moves before a press becomes a drag."""
HINT = "Press a mark, or Enter, to see its trace; arrow keys go to its neighbours. Drag the line to move the threshold."
MANY = "Bars are many, on a logarithmic scale."


@dataclass(frozen=True)
class Row:
    """One row on the strip: whether its recordings have the label, where they lie, and where its base line is."""

    truth: bool
    layout: RowLayout
    base: float


class ScoreStrip(QWidget):
    """Scores of one label; the workbench tells it the threshold and is told where it is dragged."""

    dragged = Signal(float)
    """The score that the line is dragged to."""
    trace_wanted = Signal(str)
    """The id of a recording whose trace is to be seen."""
    told = Signal(str)
    """What the mark under the mouse, or the one that was stepped to, is; a hint where there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.scored: ScoredRecords | None = None
        self.threshold: float | None = None
        self.words = ""
        self.rows: tuple[Row, ...] = ()
        self.axis = ScoreAxis(0.0, 1.0, 0.0, 1.0)
        self.current: int | None = None
        self.hovered: int | None = None
        self._pressed: QPointF | None = None
        self._dragging = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(self.sizeHint().height())
        self.setAccessibleName("Scores of the tested recordings")

    def sizeHint(self) -> QSize:
        """Two rows with their captions, and the axis."""
        return QSize(480, 2 * (EDGE_PX + CAPTION_PX + ROW_PX) + AXIS_PX)

    def show_scored(self, scored: ScoredRecords) -> None:
        """Show these recordings."""
        self.scored, self.words, self.current, self.hovered = scored, "", None, None
        self._lay_out()
        self._describe()

    def tell(self, words: str) -> None:
        """Show words in place of scores: that they are read, or why there are none."""
        self.scored, self.words, self.rows, self.current, self.hovered = None, words, (), None, None
        self._describe()
        self.update()

    def show_threshold(self, threshold: float) -> None:
        """Put the line at a threshold."""
        self.threshold = threshold
        self._describe()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the marks out anew."""
        super().resizeEvent(event)
        self._lay_out()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint rows, axis and line."""
        paint_strip(self)

    def one(self, place: int) -> ScoredRecord:
        """The recording at a place of the order by score."""
        assert self.scored is not None
        return self.scored.one(place)

    def at(self, spot: QPointF) -> int | None:
        """The place, among all by score, of the recording whose mark or bar is there."""
        for row in self.rows:
            if -STILL_PX <= row.base - spot.y() <= row.layout.high + STILL_PX:
                number = row.layout.at(spot.x(), row.base - spot.y())
                return None if number is None else int(row.layout.places[number])
        return None

    def spot_of(self, place: int) -> QPointF | None:
        """Where the mark of a recording is."""
        for row in self.rows:
            number = int(np.searchsorted(row.layout.places, place))
            if number < len(row.layout.places) and row.layout.places[number] == place:
                x, y = row.layout.spot(number)
                return QPointF(x, row.base - y)
        return None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys step from recording to recording, Enter opens the trace."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current is not None:
            self.trace_wanted.emit(self.one(self.current).record)
        elif key in _STEPS and self.scored is not None:
            self._step(*_STEPS[key])
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the line, or of a mark."""
        if event.button() is not Qt.MouseButton.LeftButton or self.scored is None:
            return
        self._pressed = event.position()
        on_axis = event.position().y() > self.rows[-1].base + STILL_PX
        self._dragging = on_axis or (self._on_line(event.position()) and self.at(event.position()) is None)
        if on_axis:
            self.dragged.emit(self.axis.score_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the line, or tell what is under the mouse."""
        spot = event.position()
        if self._pressed is not None:
            moved = abs(spot.x() - self._pressed.x()) > STILL_PX
            self._dragging = self._dragging or (moved and self._on_line(self._pressed))
            if self._dragging:
                self.dragged.emit(self.axis.score_at(spot.x()))
            return
        found = self.at(spot)
        grip = found is None and (self._on_line(spot) or bool(self.rows and spot.y() > self.rows[-1].base + STILL_PX))
        shape = Qt.CursorShape.PointingHandCursor if found is not None else Qt.CursorShape.ArrowCursor
        self.setCursor(Qt.CursorShape.SizeHorCursor if grip else shape)
        if found != self.hovered:
            self.hovered = found
            self._describe()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A press that moved nothing opens the trace of the mark under it."""
        pressed, dragging = self._pressed, self._dragging
        self._pressed, self._dragging = None, False
        if pressed is None or dragging:
            return
        found = self.at(event.position())
        if found is not None and found == self.at(pressed):
            self.current = found
            self._describe()
            self.update()
            self.trace_wanted.emit(self.one(found).record)

    def leaveEvent(self, _event: object) -> None:
        """Nothing is under the mouse any more."""
        self.hovered = None
        self._describe()
        self.update()

    def _on_line(self, spot: QPointF) -> bool:
        return self.threshold is not None and abs(self.axis.x_of(self.threshold) - spot.x()) <= GRIP_PX

    def _step(self, step: int, other: bool) -> None:
        """Go to the neighbour by score in the row, or to the nearest in the other row; begin at the threshold."""
        assert self.scored is not None
        truth = True if self.current is None else self.one(self.current).truth is True
        score = self.threshold if self.current is None else self.one(self.current).score
        places = self.scored.places(truth is not other if self.current is not None else truth)
        if not len(places):
            places = self.scored.places(not truth) if self.current is None else places
        if not len(places):
            return
        if self.current is None or other:
            near = int(np.argmin(np.abs(self.scored.score_N[places] - (score or 0.0))))
        else:
            near = min(max(int(np.searchsorted(places, self.current)) + step, 0), len(places) - 1)
        self.current, self.hovered = int(places[near]), None
        self._describe()
        self.update()

    def _lay_out(self) -> None:
        if self.scored is None:
            return
        self.axis = ScoreAxis.around(self.scored, SIDE_PX, self.width() - SIDE_PX)
        pitch = (self.height() - AXIS_PX) / 2
        high = pitch - CAPTION_PX - EDGE_PX
        self.rows = tuple(
            Row(truth, RowLayout(self.scored, self.scored.places(truth), self.axis, high), (n + 1) * pitch)
            for n, truth in enumerate((True, False))
        )
        self.update()

    def _describe(self) -> None:
        """Say what is looked at: below the strip, and to who cannot see it."""
        place = self.current if self.hovered is None else self.hovered
        words = HINT if self.scored is not None else ""
        if words and any(row.layout.bars for row in self.rows):
            words = f"{HINT} {MANY}"
        if place is not None and self.threshold is not None:
            words = self._words(place)
        self.setAccessibleDescription(words or self.words)
        self.told.emit(words)

    def _words(self, place: int) -> str:
        one, many = self.one(place), 0
        for row in self.rows:
            if row.truth is one.truth:
                bar = row.layout.bar_of(int(np.searchsorted(row.layout.places, place)))
                many = 0 if bar is None else bar.end - bar.first
        assert self.threshold is not None
        score = f"{one.score:.4g}".replace("-", MINUS)
        has = "with the label" if one.truth else "without the label"
        outcome = one.mistake(self.threshold) or ("found" if one.truth else "rightly silent")
        among = f" One of {many:,} in this bar." if many else ""
        return f"Recording {one.record}, score {score}, {has}: {outcome}.{among}"


_STEPS = {
    Qt.Key.Key_Left: (-1, False),
    Qt.Key.Key_Right: (1, False),
    Qt.Key.Key_Up: (0, True),
    Qt.Key.Key_Down: (0, True),
}
