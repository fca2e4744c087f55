"""The flow diagram of a cohort on the screen, and as a file, SVG or PNG."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QBuffer, QIODevice, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontInfo,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from app.core.rows import CohortFlow
from app.ui import theme as themes
from app.ui.cohort_words import flow_words
from app.ui.flow_layout import Arrow, Drawing, FlowLayout, Kind, font_of
from app.ui.theme import Theme
from engine.data.splits import Part

FILE_WIDTH, FILE_LETTERS_PX = 900.0, 14
PNG_SCALE = 3
"""Pixels of a picture for each unit: 900 units over 23 cm are 300 dots an inch."""
WIDEST = 860.0
HEAD = 4.0
STALE_OPACITY = 0.45


class FlowDiagram(QWidget):
    """Paints one flow, as wide as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.flow: CohortFlow | None = None
        self.parts: tuple[Part, ...] = ()
        self.final, self.stale = "Eligible", False
        self._drawing = Drawing()

    def show_flow(self, flow: CohortFlow | None, parts: Sequence[Part] = (), final: str = "Eligible") -> None:
        """Show another flow, or none."""
        self.flow, self.parts, self.final, self.stale = flow, tuple(parts), final, False
        self.setAccessibleDescription("" if flow is None else "\n".join(flow_words(flow, final)))
        self.lay_out()

    def set_stale(self, stale: bool) -> None:
        """Whether the figures belong to a form that has changed since: they fade until the new ones are there."""
        if stale != self.stale:
            self.stale = stale
            self.update()

    def lay_out(self) -> None:
        """Place everything anew for the width that there is."""
        self._drawing = Drawing()
        if self.flow is not None:
            letters = QFontInfo(self.font()).pixelSize()
            width = min(float(self.width()), WIDEST)
            self._drawing = FlowLayout(width, letters, self.final).lay_out(self.flow, self.parts)
        self.setMinimumHeight(round(self._drawing.size.height()))
        self.update()

    def sizeHint(self) -> QSize:
        """As high as the diagram."""
        return QSize(520, max(round(self._drawing.size.height()), 120))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place everything anew."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.lay_out()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what was placed."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(STALE_OPACITY if self.stale else 1.0)
        if self.width() > self._drawing.size.width():
            painter.translate((self.width() - self._drawing.size.width()) / 2, 0)
        paint(painter, self._drawing, themes.current(), QFontInfo(self.font()).pixelSize())


class FlowView(QScrollArea):
    """The diagram in a frame that scrolls; Ctrl+C copies the flow as text."""

    def __init__(self) -> None:
        super().__init__()
        self.diagram = FlowDiagram()
        self.setWidget(self.diagram)
        for part in (self.viewport(), self.diagram):
            part.setBackgroundRole(QPalette.ColorRole.Base)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Flow diagram: who was left out and why")

    def show_flow(self, flow: CohortFlow | None, parts: Sequence[Part] = (), final: str = "Eligible") -> None:
        """Show another flow, or none."""
        self.diagram.show_flow(flow, parts, final)
        self.setAccessibleDescription(self.diagram.accessibleDescription())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy the flow as text; other keys scroll."""
        if event.matches(QKeySequence.StandardKey.Copy) and self.diagram.flow is not None:
            QGuiApplication.clipboard().setText(self.accessibleDescription())
        else:
            super().keyPressEvent(event)


def flow_file(suffix: str, flow: CohortFlow, parts: Sequence[Part], title: str, final: str) -> bytes:
    """A flow diagram on white, as it stands in a file: PNG for the suffix ".png", else SVG. Touches no widget."""
    drawing = FlowLayout(FILE_WIDTH, FILE_LETTERS_PX, final).lay_out(flow, parts)
    content = QBuffer()
    content.open(QIODevice.OpenModeFlag.WriteOnly)
    if suffix.lower() == ".png":
        image = QImage(drawing.size.toSize() * PNG_SCALE, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        painter.scale(PNG_SCALE, PNG_SCALE)
        _paint_on_white(painter, drawing)
        image.save(content, "PNG")  # type: ignore[call-overload]
    else:
        sheet = QSvgGenerator()
        sheet.setOutputDevice(content)
        sheet.setSize(drawing.size.toSize())
        sheet.setViewBox(QRectF(QPointF(0, 0), drawing.size))
        sheet.setTitle(title)
        sheet.setDescription("\n".join(flow_words(flow, final)))
        _paint_on_white(QPainter(sheet), drawing)
    return bytes(content.data().data())


def paint(painter: QPainter, drawing: Drawing, theme: Theme, letters_px: int) -> None:
    """Paint boxes, arrows and words in the colours of a theme."""
    line = theme.mix(theme.muted, theme.panel, 0.8)
    for arrow in drawing.arrows:
        _paint_arrow(painter, arrow, line)
    for box, kind in drawing.boxes:
        _paint_box(painter, box, kind, theme)
    inks = {"strong": theme.text, "plain": theme.text, "muted": theme.muted}
    for words in drawing.words:
        if words.backed:
            opacity = painter.opacity()
            painter.setOpacity(1.0)  # also where all else is faded the line must not go through the words
            painter.fillRect(words.room, QColor(theme.panel))
            painter.setOpacity(opacity)
        painter.setFont(font_of(words.voice, letters_px))
        painter.setPen(QColor(inks[words.voice]))
        painter.drawText(words.room, int(words.align | Qt.AlignmentFlag.AlignVCenter), words.text)


def _paint_on_white(painter: QPainter, drawing: Drawing) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint(painter, drawing, themes.load_theme("light"), FILE_LETTERS_PX)
    painter.end()


def _paint_box(painter: QPainter, box: QRectF, kind: Kind, theme: Theme) -> None:
    """Those left stand out; whom a step leaves out is filled; a step that leaves out nobody is dashed."""
    pen = QPen(QColor(theme.accent if kind == "end" else theme.mix(theme.muted, theme.panel, 0.6)))
    pen.setWidthF(2.0 if kind == "end" else 1.0)
    if kind == "nobody":
        pen.setStyle(Qt.PenStyle.DashLine)
    painter.setPen(pen)
    painter.setBrush(QColor(theme.raised if kind == "out" else theme.panel))
    painter.drawRoundedRect(box, 4, 4)


def _paint_arrow(painter: QPainter, arrow: Arrow, colour: QColor) -> None:
    painter.setPen(QPen(colour, 1.2))
    painter.drawLine(arrow.start, arrow.end)
    if not arrow.head:
        return
    across = arrow.end.y() == arrow.start.y()
    back, aside = (QPointF(-2 * HEAD, 0), QPointF(0, HEAD)) if across else (QPointF(0, -2 * HEAD), QPointF(HEAD, 0))
    painter.setBrush(colour)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(QPolygonF([arrow.end, arrow.end + back + aside, arrow.end + back - aside]))
