"""The caliper: two corners on one strip, read out in milliseconds, beats a minute and millivolts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.ui import theme
from app.ui.ecg_layout import Sheet, Strip

STEP_S, STEP_MV = 0.01, 0.05
_NUDGES = {
    Qt.Key.Key_Left: (-STEP_S, 0.0),
    Qt.Key.Key_Right: (STEP_S, 0.0),
    Qt.Key.Key_Up: (0.0, STEP_MV),
    Qt.Key.Key_Down: (0.0, -STEP_MV),
}


@dataclass(frozen=True)
class Span:
    """From one corner to the other: seconds from the strip's start, millivolts above its baseline."""

    strip: Strip
    from_s: float
    from_mv: float
    to_s: float
    to_mv: float

    @property
    def reading(self) -> str:
        """As printed beside the caliper. A rate is only told for spans that could be a beat to beat interval."""
        seconds, millivolts = abs(self.to_s - self.from_s), self.to_mv - self.from_mv
        rate = f"  {60 / seconds:.0f}/min" if 0.2 <= seconds <= 3 else ""
        return f"{self.strip.lead}  {seconds * 1000:.0f} ms{rate}  {millivolts:+.2f} mV"


class Caliper:
    """Made by dragging, or by C and the arrow keys; Shift with an arrow moves it whole."""

    def __init__(self) -> None:
        self.on = False
        self.span: Span | None = None
        self._sheet: Sheet | None = None

    def clear(self) -> None:
        """Forget the measurement."""
        self.span = None

    def begin(self, at: QPointF, sheet: Sheet, px: float) -> None:
        """Put the first corner down, on the strip under the pointer."""
        strip = sheet.strip_at(at.x() / px, at.y() / px)
        self.span, self._sheet = None, sheet
        if strip is not None:
            seconds, millivolts = _place(strip, sheet, at, px)
            self.span = Span(strip, seconds, millivolts, seconds, millivolts)

    def stretch(self, at: QPointF, px: float) -> None:
        """Move the second corner."""
        if self.span is not None and self._sheet is not None:
            seconds, millivolts = _place(self.span.strip, self._sheet, at, px)
            self.span = replace(self.span, to_s=min(max(seconds, 0.0), self.span.strip.seconds), to_mv=millivolts)

    def nudge(self, key: Qt.Key, whole: bool, sheet: Sheet) -> bool:
        """Move the second corner, or the whole caliper, by one step. Says whether the key was one of its own."""
        if key not in _NUDGES or not sheet.strips:
            return False
        by_s, by_mv = _NUDGES[key]
        if self.span is None:
            strip = sheet.strips[-1]
            self.span, self._sheet = Span(strip, strip.seconds / 2, 0.0, strip.seconds / 2, 0.0), sheet
        span = self.span
        self.span = replace(span, to_s=span.to_s + by_s, to_mv=span.to_mv + by_mv)
        if whole:
            self.span = replace(self.span, from_s=span.from_s + by_s, from_mv=span.from_mv + by_mv)
        return True

    def paint(self, painter: QPainter, sheet: Sheet, px: float) -> None:
        """Two handles, a band between them, and the reading above."""
        if self.span is None:
            return
        colours, strip = theme.current(), self.span.strip
        x = sorted((strip.x_mm + s * sheet.scale.speed) * px for s in (self.span.from_s, self.span.to_s))
        y = sorted((strip.y_mm - mv * sheet.scale.gain) * px for mv in (self.span.from_mv, self.span.to_mv))
        band = QColor(colours.accent)
        band.setAlpha(45)
        half = sheet.pitch_mm * px / 2
        painter.fillRect(QRectF(x[0], strip.y_mm * px - half, x[1] - x[0], 2 * half), band)
        painter.setPen(QPen(QColor(colours.accent), 2))
        for edge in x:
            painter.drawLine(QPointF(edge, strip.y_mm * px - half), QPointF(edge, strip.y_mm * px + half))
        painter.setPen(QPen(QColor(colours.accent), 1, Qt.PenStyle.DashLine))
        for edge in y:
            painter.drawLine(QPointF(x[0], edge), QPointF(x[1], edge))
        self._paint_reading(painter, QPointF(x[1] + 6, strip.y_mm * px - half), sheet.width_mm * px)

    def _paint_reading(self, painter: QPainter, at: QPointF, width_px: float) -> None:
        assert self.span is not None
        colours, font = theme.current(), QFont(theme.FONT_FAMILY, 10)
        font.setBold(True)
        box = QFontMetricsF(font).boundingRect(self.span.reading).adjusted(-8, -4, 8, 4)
        box.moveTopLeft(at)
        box.moveLeft(min(box.left(), width_px - box.width() - 4))
        box.moveTop(max(box.top(), 2))
        painter.setPen(QPen(QColor(colours.accent), 1))
        painter.setBrush(QColor(colours.panel))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(colours.text))
        painter.setFont(font)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.span.reading)


def _place(strip: Strip, sheet: Sheet, at: QPointF, px: float) -> tuple[float, float]:
    seconds = (at.x() / px - strip.x_mm) / sheet.scale.speed
    return seconds, (strip.y_mm - at.y() / px) / sheet.scale.gain
