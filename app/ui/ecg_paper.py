"""What stands still under the traces: paper, millimetre grid, calibration pulses, lead names, caption."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from app.core.rows import SignalView
from app.ui.ecg_layout import LEAD_IN_MM, Sheet
from app.ui.theme import FONT_FAMILY, Theme

CAPTION_PX = 26
FINEST_GRID_PX = 2.4
"""Below this many pixels a millimetre only the bold lines are drawn: finer ones would fill the paper."""
NAME_INSET_PX = 3.0
NAME_RISE_MM = 19.0
"""How far above its baseline a lead's name stands where there is room: above most R waves."""


def draw_grid(painter: QPainter, whole: QRect, paper: QRectF, px: float, colours: Theme) -> None:
    """Paper with a line each millimetre and a bold one each five."""
    painter.fillRect(whole, QColor(colours.panel))
    painter.fillRect(paper, QColor(colours.paper))
    if px >= FINEST_GRID_PX:
        # The denser the lines, the fainter each: the paper must not turn into a red field.
        faint = QColor(colours.grid_fine)
        faint.setAlphaF(min(1.0, (px - 1.2) / 3))
        _draw_lines(painter, paper, px, 1, faint)
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
    left = sheet.scale.pulse_zone_mm - LEAD_IN_MM - wide
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
        if strip.x_mm > sheet.scale.pulse_zone_mm:
            x, y = round(strip.x_mm * px), strip.y_mm * px
            painter.drawLine(QLineF(x, y - 6 * px, x, y - 3 * px))
            painter.drawLine(QLineF(x, y + 3 * px, x, y + 6 * px))


def draw_names(painter: QPainter, sheet: Sheet, px: float, signal: SignalView, colours: Theme) -> None:
    """The lead's name above the start of each strip; a star marks a derived lead, a word an absent one."""
    font = QFont(FONT_FAMILY, 10)
    font.setBold(True)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    backing = QColor(colours.paper)
    backing.setAlpha(215)
    for strip in sheet.strips:
        absent = strip.lead not in signal.leads
        text = strip.lead + ("*" if strip.lead in signal.derived_leads else "") + (" not recorded" if absent else "")
        box = metrics.boundingRect(text).adjusted(-2, 0, 2, 0)
        rise = min(sheet.pitch_mm * px * 0.5 - 2, max(NAME_RISE_MM * px, metrics.height()))
        box.moveTopLeft(QPointF(strip.x_mm * px + NAME_INSET_PX, max(strip.y_mm * px - rise, 1)))
        painter.fillRect(box, backing)
        painter.setPen(QColor(colours.muted if absent else colours.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


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
