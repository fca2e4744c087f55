"""One mistake as a card: what it is and what was made of it on the left, a small trace on paper beside it."""

from __future__ import annotations

from collections import OrderedDict

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.core.review_rows import ReviewedFailure
from app.ui import ecg_paper
from app.ui import theme as themes
from app.ui.ecg_layout import Layout, Scale, Sheet, arrange, fit_px_per_mm
from app.ui.ecg_strips import absent_leads, draw_strips
from app.ui.failure_traces import LEADS, SHOWN_S, Glimpse, Traces
from app.ui.failure_words import VERDICT_SIGNS, kind_text, score_text, short_share, there_text
from app.ui.rows_table import ROW
from app.ui.signs import sign
from app.ui.theme import FONT_FAMILY, Theme

LEAST_CARD_PX = 128
"""Room for six lines of words."""
EDGE_PX = 8
WORDS_PX = (188, 236)
"""Least and greatest width of the words."""
ROW_MM = 24.0
"""Height of paper below which a lead is not readable: so many leads are shown as the card has room for."""
PX_PER_MM = (1.8, 3.2)
"""Least and greatest scale; below the least the paper shows fewer seconds, not a smaller trace."""
LINE_PX = 18
PICTURES = 60
"""Painted traces that are kept."""


class FailureCards(QStyledItemDelegate):
    """Paints a row of the gallery whole."""

    def __init__(self, traces: Traces, parent: QObject) -> None:
        super().__init__(parent)
        self.traces = traces
        self._pictures: OrderedDict[tuple[object, ...], QPixmap] = OrderedDict()

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Ground, words, trace, and a line to the next card."""
        row: ReviewedFailure = index.data(ROW)
        theme, style = themes.current(), option.widget.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        glimpse = self.traces.get(row.failure.record)
        words, paper = places(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_words(painter, QRectF(words), option.font, row, glimpse, theme)
        ratio = option.widget.devicePixelRatioF()
        painter.drawPixmap(paper.topLeft(), self._picture(row.failure.record, glimpse, paper.size(), ratio, theme))
        painter.setPen(QPen(QColor(theme.border), 0))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(
                QRect(option.rect.left(), option.rect.top(), 3, option.rect.height()), QColor(theme.accent)
            )
        painter.restore()

    def _picture(self, record: str, glimpse: Glimpse | None, size: QSize, ratio: float, theme: Theme) -> QPixmap:
        """The small trace, painted once for a size, a density and a theme."""
        state = None if glimpse is None else glimpse.gone
        key = (record, state, size.width(), size.height(), ratio, theme.name)
        found = self._pictures.get(key)
        if found is None:
            found = self._pictures[key] = picture(glimpse, size, ratio, theme)
            if len(self._pictures) > PICTURES:
                self._pictures.popitem(last=False)
        self._pictures.move_to_end(key)
        return found

    def forget(self) -> None:
        """Paint all traces anew when they are next seen."""
        self._pictures.clear()


def card_px(width: int) -> int:
    """How high cards of this width are: two leads at the scale at which ten seconds fill the paper."""
    _, paper = places(QRect(0, 0, width, LEAST_CARD_PX))
    return max(int(2 * ROW_MM * _scale(paper.width())) + 1 + 2 * EDGE_PX, LEAST_CARD_PX)


def places(card: QRect) -> tuple[QRect, QRect]:
    """Where on a card the words stand, and where the paper."""
    inside = card.adjusted(EDGE_PX + 4, EDGE_PX, -EDGE_PX, -EDGE_PX)
    wide = min(max(inside.width() // 3, WORDS_PX[0]), WORDS_PX[1])
    words = QRect(inside.left(), inside.top(), wide, inside.height())
    left = words.right() + 1 + EDGE_PX
    most = int((Layout("", (LEADS[:1],)).left_mm(Scale()) + SHOWN_S * 25.0) * PX_PER_MM[1]) + 2
    return words, QRect(left, inside.top(), max(min(inside.right() - left, most), 40), inside.height())


def sheet_of(size: QSize, seconds: float = SHOWN_S) -> tuple[Sheet, float]:
    """How a small trace is laid out on paper of this size, and the pixels of one millimetre.

    Args:
        size: of the paper, in pixels.
        seconds: that there are of the recording.
    """
    px = _scale(size.width())
    high_mm = size.height() / px
    leads = LEADS[: min(max(int(high_mm / ROW_MM), 1), len(LEADS))]
    layout = Layout("small", (leads,))
    return arrange(layout, Scale(), size.width() / px, high_mm, 0.0, seconds), px


def _scale(width: int) -> float:
    """Pixels of one millimetre on paper of this width."""
    fitting = fit_px_per_mm(width, Layout("small", (LEADS[:1],)))
    return min(max(fitting, PX_PER_MM[0]), PX_PER_MM[1])


def picture(glimpse: Glimpse | None, size: QSize, ratio: float, theme: Theme) -> QPixmap:
    """A small trace; bare paper while it is read, and a sentence where its signal is gone."""
    made = QPixmap(size * ratio)
    made.setDevicePixelRatio(ratio)
    painter = QPainter(made)
    try:
        _paint_paper(painter, glimpse, QRect(0, 0, size.width(), size.height()), ratio, theme)
    finally:
        painter.end()
    return made


def _paint_paper(painter: QPainter, glimpse: Glimpse | None, whole: QRect, ratio: float, theme: Theme) -> None:
    paper = QRectF(whole)
    signal = None if glimpse is None else glimpse.signal
    if glimpse is not None and signal is None:
        painter.fillRect(whole, QColor(theme.raised))
        _paint_gone(painter, whole, glimpse.gone, theme)
    else:
        seconds = SHOWN_S if signal is None else signal.signal_CT.shape[1] / signal.rate_hz
        sheet, px = sheet_of(whole.size(), seconds)
        ecg_paper.draw_grid(painter, whole, paper, px, theme)
        if signal is not None:
            ecg_paper.draw_pulses(painter, sheet, px, theme)
            ecg_paper.draw_names(painter, sheet, px, signal, absent_leads(signal), theme)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.save()
            painter.translate(0.5, 0.5)
            draw_strips(painter, sheet, signal, px, ratio, theme.trace)
            painter.restore()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(theme.border), 0))
    painter.drawRect(paper.adjusted(0, 0, -1 / ratio, -1 / ratio))


def _paint_gone(painter: QPainter, whole: QRect, why: str, theme: Theme) -> None:
    painter.setFont(QFont(FONT_FAMILY, 10))
    painter.setPen(QColor(theme.muted))
    room = whole.adjusted(12, 8, -12, -8)
    painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), why)


def _paint_words(
    painter: QPainter, room: QRectF, font: QFont, row: ReviewedFailure, glimpse: Glimpse | None, theme: Theme
) -> None:
    """Six lines: the mistake with its score, how far it lies off, who, labels, what was made of it, the note."""
    failure, bold, slanted = row.failure, QFont(font), QFont(font)
    bold.setBold(True)
    slanted.setItalic(True)
    alarm = failure.kind == "false positive"
    mark = sign("warning", theme.warn) if alarm else sign("failed", theme.bad)
    _line(painter, room, 0, bold, theme.text, kind_text(failure), mark)
    _line(painter, room, 0, font, theme.text, score_text(failure), right=True)
    _line(painter, room, 1, font, theme.text, short_share(failure))
    person, labels = ("", "") if glimpse is None else (glimpse.person, glimpse.labels)
    _line(painter, room, 2, font, theme.muted, person)
    _line(painter, room, 3, font, theme.muted, f"{failure.record}  {labels}")
    if row.review is None:
        _line(painter, room, 4, font, theme.muted, "Not yet reviewed")
        if row.elsewhere is not None:
            name, token = VERDICT_SIGNS[row.elsewhere.review.verdict]
            _line(painter, room, 5, font, theme.muted, there_text(row.elsewhere), sign(name, getattr(theme, token)))
        return
    name, token = VERDICT_SIGNS[row.review.verdict]
    drawn = sign(name, getattr(theme, token))
    verdict, day = row.review.verdict.capitalize(), row.review.reviewed[:10]
    _line(painter, room, 4, bold, theme.text, verdict, drawn)
    if QFontMetricsF(bold).horizontalAdvance(verdict) + QFontMetricsF(font).horizontalAdvance(day) + 30 < room.width():
        _line(painter, room, 4, font, theme.muted, day, right=True)
    _line(painter, room, 5, slanted, theme.text, row.review.note)


def _line(
    painter: QPainter,
    room: QRectF,
    place: int,
    font: QFont,
    colour: str,
    text: str,
    mark: QIcon | None = None,
    right: bool = False,
) -> None:
    """One line of the words, cut where there is no room; a sign before it."""
    line = QRectF(room.left(), room.top() + place * LINE_PX + (4 if place > 3 else 0), room.width(), LINE_PX)
    if mark is not None:
        mark.paint(painter, int(line.left()), int(line.top()) + 1, 16, 16)
        line.setLeft(line.left() + 21)
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    painter.setFont(font)
    painter.setPen(QColor(colour))
    shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, line.width())
    painter.drawText(line, int(side | Qt.AlignmentFlag.AlignVCenter), shown)
