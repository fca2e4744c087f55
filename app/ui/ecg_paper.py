"""The strokes of the ECG view: paper, millimetre grid, calibration pulses, lead names, caption, and a trace."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import shiboken6
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from app.core.rows import SignalView
from app.ui.ecg_envelope import Points
from app.ui.ecg_layout import LEAD_IN_MM, Sheet, Strip
from app.ui.theme import FONT_FAMILY, Theme

CAPTION_PX = 26
FINEST_GRID_PX = 2.0
"""Below this many pixels a millimetre only the bold lines are drawn: finer ones would fill the paper."""
NAME_INSET_PX = 3.0
NAME_RISE_MM = 19.0
"""How far above its baseline a lead's name stands where there is room: above most R waves."""


def draw_grid(painter: QPainter, whole: QRect, paper: QRectF, px: float, colours: Theme) -> None:
    """Paper with a line each millimetre and a bold one each five."""
    painter.fillRect(whole, QColor(colours.panel))
    painter.fillRect(paper, QColor(colours.paper))
    if px >= FINEST_GRID_PX:
        # The denser the lines, the fainter each: the paper must not turn into a red field. Mixed beforehand: lines that
        # let the paper through cost five times as much, with every recording that is shown.
        _draw_lines(painter, paper, px, 1, colours.mix(colours.grid_fine, colours.paper, min(1.0, (px - 1.2) / 3)))
    _draw_lines(painter, paper, px, 5, QColor(colours.grid_bold))


def _draw_lines(painter: QPainter, paper: QRectF, px: float, every_mm: int, colour: QColor) -> None:
    painter.setPen(QPen(colour, 0))
    wide, high = int(paper.width() / px / every_mm) + 1, int(paper.height() / px / every_mm) + 1
    # Whole pixels: a smoothed hairline would be a grey band.
    columns = [round(i * every_mm * px) + 0.5 for i in range(wide)]
    rows = [round(i * every_mm * px) + 0.5 for i in range(high)]
    lines = [QLineF(x, paper.top(), x, paper.bottom()) for x in columns]
    lines += [QLineF(paper.left(), y, paper.right(), y) for y in rows]
    painter.drawLines(lines)


def draw_placeholder(painter: QPainter, paper: QRectF, text: str, colours: Theme) -> None:
    """Words on empty paper."""
    painter.setPen(QColor(colours.muted))
    painter.setFont(QFont(FONT_FAMILY, 11))
    painter.drawText(paper, Qt.AlignmentFlag.AlignCenter, text)


def draw_pulses(painter: QPainter, sheet: Sheet, px: float, colours: Theme) -> None:
    """1 mV for 200 ms at the start of each row, and a mark where one column ends and the next begins."""
    wide, high = sheet.scale.pulse_mm
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(colours.trace), 1.0))
    left = sheet.left_mm - LEAD_IN_MM - wide
    for y in sheet.baselines_mm:
        corners = (
            (left - LEAD_IN_MM, y),
            (left, y),
            (left, y - high),
            (left + wide, y - high),
            (left + wide, y),
            (left + wide + LEAD_IN_MM, y),
        )
        painter.drawPolyline(QPolygonF([QPointF(round(a * px), round(b * px)) for a, b in corners]))
    painter.setPen(QPen(QColor(colours.muted), 1.0))
    for strip in sheet.strips:
        if strip.x_mm > sheet.left_mm:
            x, y = round(strip.x_mm * px), strip.y_mm * px
            painter.drawLine(QLineF(x, y - 6 * px, x, y - 3 * px))
            painter.drawLine(QLineF(x, y + 3 * px, x, y + 6 * px))


def draw_names(
    painter: QPainter, sheet: Sheet, px: float, signal: SignalView, absent: Collection[str], colours: Theme
) -> None:
    """The lead's name above the start of its strip or left of it; a star marks a derived lead, a word an absent one."""
    font = QFont(FONT_FAMILY, 10)
    font.setBold(True)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    for strip in sheet.strips:
        missing = strip.lead in absent
        text = strip.lead + ("*" if strip.lead in signal.derived_leads else "")
        box = _name_box(sheet, strip, px, metrics.boundingRect(text).adjusted(-2, 0, 2, 0))
        painter.fillRect(box, QColor(colours.paper))
        painter.setPen(QColor(colours.muted if missing else colours.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        if missing:
            beside = QPointF((strip.x_mm + 2) * px, strip.y_mm * px - 3)
            painter.drawText(beside, "not recorded")


def _name_box(sheet: Sheet, strip: Strip, px: float, box: QRectF) -> QRectF:
    if sheet.names_left:
        box.moveTopLeft(QPointF(NAME_INSET_PX, strip.y_mm * px - box.height()))
    else:
        rise = min(sheet.pitch_mm * px * 0.5 - 2, max(NAME_RISE_MM * px, box.height()))
        box.moveTopLeft(QPointF(strip.x_mm * px + NAME_INSET_PX, max(strip.y_mm * px - rise, 1)))
    return box


def draw_caption(painter: QPainter, whole: QRect, text: str, span: str, colours: Theme) -> None:
    """The line below the paper: scale and filters on the left, the span of time on the right."""
    line = QRectF(whole.left(), whole.bottom() + 1 - CAPTION_PX, whole.width(), CAPTION_PX)
    painter.setPen(QPen(QColor(colours.border), 0))
    painter.drawLine(QLineF(line.left(), line.top() + 0.5, line.right(), line.top() + 0.5))
    font = QFont(FONT_FAMILY, 9)
    painter.setFont(font)
    painter.setPen(QColor(colours.muted))
    metrics = QFontMetricsF(font)
    room = line.adjusted(8, 0, -8, 0)
    left = room.adjusted(0, 0, -(metrics.horizontalAdvance(span) + 16), 0)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, left.width())
    painter.drawText(left, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, span)


def draw_run(painter: QPainter, points_P2: Points) -> None:
    """One unbroken line; the points go into Qt's own memory without a Python object for each."""
    polygon = QPolygonF()
    polygon.resize(len(points_P2))
    memory: Any = shiboken6.VoidPtr(polygon.data(), points_P2.size * 8, True)  # type: ignore[call-arg, arg-type]
    np.frombuffer(memory, np.float64).reshape(-1, 2)[:] = points_P2
    if len(points_P2) == 1:
        painter.drawPoint(QPointF(points_P2[0, 0], points_P2[0, 1]))
    else:
        painter.drawPolyline(polygon)
