"""One window of a recording as a model was fed it, and the same span marked on the original's millimetre paper.

What is fed may be z-scores or ranks: it has no millivolts, so it stands on no millimetre paper. Its leads share one
scale, which is told.

Shapes: N windows, C leads, L samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.rows import SignalView
from app.ui import ecg_paper, theme
from app.ui.ecg_envelope import polyline, runs
from app.ui.ecg_layout import Sheet
from app.ui.ecg_view import EcgView
from engine.contract.trying import TryResults

EDGE_PX, CAPTION_PX = 6, 22
SHADE = 0.16
"""Opacity of what marks a window."""


class MarkedEcg(EcgView):
    """The original recording, with the span that a window covers shaded in every strip."""

    def __init__(self) -> None:
        super().__init__()
        self.span_s: tuple[float, float] | None = None
        self.setAccessibleName("The recording as it was made")

    def mark(self, start_s: float, seconds: float) -> None:
        """Shade this span."""
        self.span_s = (start_s, start_s + seconds)
        self.update()

    def _paint_traces(self, painter: QPainter, sheet: Sheet, signal: SignalView) -> None:
        if self.span_s is not None:
            colour = QColor(theme.current().accent)
            colour.setAlphaF(SHADE)
            for room in self._shaded(sheet):
                painter.fillRect(room, colour)
        super()._paint_traces(painter, sheet, signal)

    def _shaded(self, sheet: Sheet) -> list[QRectF]:
        """Where the span lies on the paper, in pixels."""
        assert self.span_s is not None
        rooms, px = [], self.px_per_mm
        for strip in sheet.strips:
            first, last = max(self.span_s[0], strip.start_s), min(self.span_s[1], strip.end_s)
            if first < last:
                left = (strip.x_mm + (first - strip.start_s) * sheet.scale.speed) * px
                width = (last - first) * sheet.scale.speed * px
                rooms.append(QRectF(left, (strip.y_mm - sheet.pitch_mm / 2) * px, width, sheet.pitch_mm * px))
        return rooms


PLACEHOLDER = "What the model is fed of it"
"""Stands where a window will be, before anything was tried."""


class SeenWindow(QWidget):
    """The windows of a trial, one at a time; the arrow keys go from one to the next."""

    moved = Signal(int)
    """Another window is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.results: TryResults | None = None
        self.x_NCL: NDArray[np.float32] = np.zeros((0, 0, 0), np.float32)
        self.number = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("What the model saw")
        self.setMinimumSize(180, 160)

    def show_windows(self, results: TryResults | None, x_NCL: NDArray[np.float32] | None) -> None:
        """Show the windows of a trial, the first one first."""
        self.results = results
        self.x_NCL = np.zeros((0, 0, 0), np.float32) if x_NCL is None else x_NCL
        self.go(0)

    def go(self, number: int) -> None:
        """Show the window with this number, within those that there are."""
        self.number = min(max(number, 0), max(len(self.x_NCL) - 1, 0))
        self.setAccessibleDescription(self.caption)
        self.update()
        if len(self.x_NCL):
            self.moved.emit(self.number)

    @property
    def caption(self) -> str:
        """Which window it is, and the scale that all its leads share."""
        told = self.results
        if told is None or not len(self.x_NCL):
            return ""
        low, high = self.bounds
        start = told.starts_s[self.number]
        span = f"{start:g} to {start + told.window_s:g} s"
        place = f"Window {self.number + 1} of {len(self.x_NCL)}: {span}"
        return f"{place}, {told.rate_hz:g} Hz, {low:.3g} to {high:.3g} as fed"

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and largest number of the whole window."""
        x_CL = self.x_NCL[self.number]
        return float(np.nanmin(x_CL)), float(np.nanmax(x_CL))

    def sizeHint(self) -> QSize:
        """Room for twelve leads."""
        return QSize(420, 420)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go through the windows."""
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if by is None:
            super().keyPressEvent(event)
        else:
            self.go(self.number + by)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Leads below each other on one scale, names on the left, the caption at the foot."""
        painter, colours = QPainter(self), theme.current()
        painter.fillRect(self.rect(), QColor(colours.panel))
        if self.results is not None and len(self.x_NCL):
            self._paint_leads(painter)
        painter.setPen(QColor(colours.muted))
        if not len(self.x_NCL):
            words = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(QRectF(self.rect()).adjusted(EDGE_PX, 0, -EDGE_PX, 0), words, PLACEHOLDER)
        foot = QRectF(EDGE_PX, self.height() - CAPTION_PX, self.width() - 2 * EDGE_PX, CAPTION_PX)
        text = QFontMetricsF(self.font()).elidedText(self.caption, Qt.TextElideMode.ElideRight, foot.width())
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        painter.setPen(QPen(QColor(colours.accent if self.hasFocus() else colours.border), 0))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_leads(self, painter: QPainter) -> None:
        assert self.results is not None
        colours, x_CL = theme.current(), self.x_NCL[self.number]
        low, high = self.bounds
        names_px = max(QFontMetricsF(self.font()).horizontalAdvance(lead) for lead in self.results.leads) + 10
        height = (self.height() - CAPTION_PX - 2 * EDGE_PX) / len(x_CL)
        width = self.width() - names_px - 2 * EDGE_PX
        # Leads may reach into their neighbours' rooms, as on paper: a common scale matters more.
        scale = 1.6 * height / max(high - low, 1e-9) if len(x_CL) > 1 else 0.9 * height / max(high - low, 1e-9)
        for line, (lead, samples_L) in enumerate(zip(self.results.leads, x_CL, strict=True)):
            top = EDGE_PX + line * height
            painter.setPen(QColor(colours.muted))
            room = QRectF(EDGE_PX, top, names_px, height)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), lead)
            middle = float(np.median(samples_L)) if len(x_CL) > 1 else (low + high) / 2
            self._paint_lead(painter, samples_L - middle, QPointF(EDGE_PX + names_px, top + height / 2), width, scale)

    def _paint_lead(
        self, painter: QPainter, samples_L: NDArray[np.float32], at: QPointF, width: float, scale: float
    ) -> None:
        step = width / max(len(samples_L) - 1, 1)
        points = polyline(samples_L, 0, len(samples_L), 1.0 / (step * self.devicePixelRatioF()))
        points[:, 0] = at.x() + points[:, 0] * step
        points[:, 1] = at.y() - points[:, 1] * scale
        painter.setPen(QPen(QColor(theme.current().trace), 0))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for run in runs(points):
            ecg_paper.draw_run(painter, run)
