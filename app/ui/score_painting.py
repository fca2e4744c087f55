"""How a strip of scores is painted: marks and bars of two rows, their captions, the axis and the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from app.ui import theme as themes
from app.ui.interval_table import MINUS
from app.ui.score_layout import STEP, Bar
from app.ui.signs import paint_marker
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.ui.score_strip import Row, ScoreStrip

CAPTION_PX, AXIS_PX = 18, 26
MARK_PX, WRONG_PX, RING_PX = 2.6, 3.4, 6.5
"""Radii: of a mark on the right side, on the wrong side, of the ring around the one that is looked at."""


def paint_strip(strip: ScoreStrip) -> None:
    """Paint all of it, in the theme that is worn now."""
    theme, painter = themes.current(), QPainter(strip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.border), 1))
    painter.setBrush(QColor(theme.panel))
    painter.drawRoundedRect(QRectF(strip.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    if strip.scored is None:
        painter.setPen(QColor(theme.muted))
        painter.drawText(strip.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, strip.words)
    else:
        _positive_side(painter, strip, theme)
        for row in strip.rows:
            _row(painter, strip, row, theme)
        _axis(painter, strip, theme)
        _line(painter, strip, theme)
        _ring(painter, strip, theme)
    if strip.hasFocus():
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.accent), 1, Qt.PenStyle.DotLine))
        painter.drawRect(strip.rect().adjusted(2, 2, -3, -3))


def wrong_sign(truth: bool, theme: Theme) -> tuple[str, QColor]:
    """Shape and colour of who is on the wrong side: missed, or a false alarm."""
    return ("down", QColor(theme.bad)) if truth else ("triangle", QColor(theme.warn))


def _positive_side(painter: QPainter, strip: ScoreStrip, theme: Theme) -> None:
    """A pale ground where recordings are called positive."""
    if strip.threshold is None:
        return
    x = strip.axis.x_of(strip.threshold)
    ground = theme.mix(theme.accent, theme.panel, 0.08)
    for row in strip.rows:
        painter.fillRect(QRectF(x, row.base - row.layout.high, strip.axis.right - x, row.layout.high), ground)


def _row(painter: QPainter, strip: ScoreStrip, row: Row, theme: Theme) -> None:
    painter.setPen(QPen(QColor(theme.border), 1))
    painter.drawLine(QPointF(strip.axis.left, row.base), QPointF(strip.axis.right, row.base))
    right = theme.mix(theme.muted, theme.panel, 0.75)
    shape, wrong = wrong_sign(row.truth, theme)
    threshold = float("-inf") if strip.threshold is None else strip.threshold
    for bar in row.layout.bars:
        _bar(painter, strip, row, bar, (right, wrong))
    called = row.layout.score >= threshold
    for number in row.layout.mark_M.tolist():
        spot = QPointF(row.layout.x[number], row.base - row.layout.y[number])
        if bool(called[number]) is row.truth:
            paint_marker(painter, "circle", spot, MARK_PX, right)
        else:
            paint_marker(painter, shape, spot, WRONG_PX, wrong)
    _caption(painter, strip, row, theme)


def _bar(painter: QPainter, strip: ScoreStrip, row: Row, bar: Bar, colours: tuple[QColor, QColor]) -> None:
    """A bar, parted by the line: full where the model is right, hatched where it is wrong."""
    whole = QRectF(bar.left + 0.5, row.base - bar.high, STEP - 1, bar.high)
    line = strip.axis.x_of(strip.threshold) if strip.threshold is not None else strip.axis.left
    silent, called = QRectF(whole), QRectF(whole)
    silent.setRight(min(max(line, whole.left()), whole.right()))
    called.setLeft(silent.right())
    for part, is_right in ((silent, not row.truth), (called, row.truth)):
        if part.width() <= 0:
            continue
        if is_right:
            painter.fillRect(part, colours[0])
            continue
        pale = QColor(colours[1])
        pale.setAlpha(70)
        painter.fillRect(part, pale)
        painter.fillRect(part, QBrush(colours[1], Qt.BrushStyle.BDiagPattern))
        painter.setPen(QPen(colours[1], 1))
        painter.drawLine(part.topLeft(), part.topRight())


def _caption(painter: QPainter, strip: ScoreStrip, row: Row, theme: Theme) -> None:
    """What the row is, and how many of it are on which side; the legend of the shapes at the same time."""
    assert strip.scored is not None
    total = len(row.layout.places)
    wrong = strip.scored.wrong(strip.threshold, row.truth) if strip.threshold is not None else 0
    y = row.base - row.layout.high - CAPTION_PX / 2 + 1
    bold = QFont(strip.font())
    bold.setBold(True)
    x = _text(painter, strip.axis.left, y, "With the label" if row.truth else "Without the label", bold, theme.text)
    x = _text(painter, x + 8, y, f"{total:,}", strip.font(), theme.muted)
    shape, colour = wrong_sign(row.truth, theme)
    paint_marker(painter, shape, QPointF(x + 20, y), WRONG_PX + 0.6, colour)
    words = "missed" if row.truth else "false alarm" if wrong == 1 else "false alarms"
    x = _text(painter, x + 29, y, f"{wrong:,} {words}", strip.font(), theme.text)
    paint_marker(painter, "circle", QPointF(x + 20, y), MARK_PX + 0.6, theme.mix(theme.muted, theme.panel, 0.75))
    words = "found" if row.truth else "rightly silent"
    _text(painter, x + 29, y, f"{total - wrong:,} {words}", strip.font(), theme.muted)


def _text(painter: QPainter, x: float, y: float, text: str, font: QFont, colour: str) -> float:
    """Write text with its middle at a height; gives back where it ends."""
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    painter.drawText(QPointF(x, y + metrics.capHeight() / 2), text)
    return x + metrics.horizontalAdvance(text)


def _axis(painter: QPainter, strip: ScoreStrip, theme: Theme) -> None:
    base, metrics = strip.rows[-1].base, QFontMetricsF(strip.font())
    for value in strip.axis.ticks():
        x, text = strip.axis.x_of(value), f"{value:.6g}".replace("-", MINUS)
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.drawLine(QPointF(x, base), QPointF(x, base + 4))
        half = metrics.horizontalAdvance(text) / 2
        if half <= x <= strip.width() - half:
            _text(painter, x - half, base + 14, text, strip.font(), theme.muted)


def _line(painter: QPainter, strip: ScoreStrip, theme: Theme) -> None:
    """The threshold, with a grip on the axis."""
    if strip.threshold is None:
        return
    x, base = strip.axis.x_of(strip.threshold), strip.rows[-1].base
    accent = QColor(theme.accent)
    painter.setPen(QPen(accent, 1.5))
    for row in strip.rows:
        painter.drawLine(QPointF(x, row.base - row.layout.high), QPointF(x, row.base))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(accent)
    painter.drawPolygon(QPolygonF([QPointF(x, base), QPointF(x + 6, base + 8), QPointF(x - 6, base + 8)]))


def _ring(painter: QPainter, strip: ScoreStrip, theme: Theme) -> None:
    for place, colour in ((strip.hovered, theme.muted), (strip.current, theme.text)):
        spot = None if place is None else strip.spot_of(place)
        if spot is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colour), 1.5))
            painter.drawEllipse(spot, RING_PX, RING_PX)
