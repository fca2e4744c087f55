"""A figure of the report in the window: what an export would give, in the theme's colours, crisp at any size.

What is seen is what is written: SVG and PNG are made from the same drawing, on white, and the numbers behind it as CSV.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from app.ui import theme as themes
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.figure_colours import themed_svg
from app.ui.figure_files import MARGIN, FigureFiles, figure_svg
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.report.figure import Figure
    from app.workspace import Workspace

LEAST_SCALE, SCROLLED_SCALE, MOST_SCALE = 1.3, 1.5, 2.2
"""Pixels a point: below the first, small text cannot be read and the figure scrolls, as large as the second; above the
last, a small figure looks lost."""
MOST_PIXELS = 12_000_000
"""Of a picture that is kept: above, it would take more memory than painting takes time."""
SIDE_PX = 12
"""Around the words below a figure."""
MARK_PX = 7
"""Radius of the ring around a chosen place."""
Make = Callable[[], "Figure | None"]


class Sheet(QWidget):
    """The drawing itself, as wide as it is given room for."""

    clicked = Signal(float, float)
    """Where in the drawing, in its points, y upwards."""
    stepped = Signal(int)
    """An arrow key: one to the left or to the right."""

    def __init__(self) -> None:
        super().__init__()
        self._mark: tuple[float, float] | None = None
        self._svg, self._renderer, self._picture = "", QSvgRenderer(self), QPixmap()
        self._points = QSize(0, 0)
        self._scale = 1.0

    def show_svg(self, svg: str, points: tuple[float, float]) -> None:
        """Show an SVG figure whose drawing is this many points wide and high, margin left out."""
        self._mark = None
        self._svg, self._points = svg, QSize(round(points[0] + 2 * MARGIN), round(points[1] + 2 * MARGIN))
        self.paint_anew(themes.current())

    def paint_anew(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        if self._svg:
            self._renderer.load(QByteArray(themed_svg(self._svg, theme).encode()))
            self._picture = QPixmap()
            self.update()

    def fit(self, room: QSize) -> None:
        """Take as much of a room as helps: whole where it can be read then, else as wide as the room."""
        if self._points.isEmpty():
            return
        wide, high = room.width() / self._points.width(), room.height() / self._points.height()
        self._scale = min(wide, MOST_SCALE, high if high >= LEAST_SCALE else SCROLLED_SCALE)
        self.setFixedSize(self._points * self._scale)

    def place_of(self, spot: QPoint) -> tuple[float, float]:
        """The place in the drawing, in points with y upwards, of a place on this widget."""
        return spot.x() / self._scale - MARGIN, self._points.height() - MARGIN - spot.y() / self._scale

    def spot_of(self, x: float, y: float) -> QPoint:
        """The place on this widget of a place in the drawing."""
        down = self._points.height() - MARGIN - y
        return QPoint(round((x + MARGIN) * self._scale), round(down * self._scale))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the drawing: from a picture of it, or what is seen of one too large for that."""
        painter = QPainter(self)
        wanted = self.size() * self.devicePixelRatioF()
        if wanted.width() * wanted.height() > MOST_PIXELS:
            painter.setClipRect(event.rect())
            self._renderer.render(painter, QRectF(self.rect()))
        else:
            painter.drawPixmap(0, 0, self._rendered(wanted.expandedTo(QSize(1, 1))))
        if self._mark is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(themes.current().text), 2))
            painter.drawEllipse(self.spot_of(*self._mark), MARK_PX, MARK_PX)
        if self.hasFocus():
            painter.setPen(QPen(QColor(themes.current().accent), 1, Qt.PenStyle.DotLine))
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))

    def _rendered(self, size: QSize) -> QPixmap:
        """The drawing for this size and screen, made once."""
        if self._picture.size() != size:
            self._picture = QPixmap(size)
            self._picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._picture)
            self._renderer.render(painter, QRectF(0, 0, size.width(), size.height()))
            painter.end()
            self._picture.setDevicePixelRatio(self.devicePixelRatioF())
        return self._picture

    def mark(self, place: tuple[float, float] | None) -> None:
        """Ring a place of the drawing, or none."""
        self._mark = place
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tell a step to the left or right, where somebody listens."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step and self.focusPolicy() is not Qt.FocusPolicy.NoFocus:
            self.stepped.emit(step)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tell which place was pressed."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.clicked.emit(*self.place_of(event.position().toPoint()))


class FigureView(QWidget):
    """One figure with what it shows in a sentence, and buttons that write it and its numbers to files.

    Args:
        workspace: refuses to let out what names somebody.
        background: draws and writes.
        name: what it is, for screen readers: "ROC curves".
        empty: heading and sentence that stand here while there is no figure.
    """

    clicked = Signal(float, float)
    """A place in the drawing was pressed: in its points, y upwards."""
    drawn = Signal()
    """A figure stands, or is known not to be there."""

    def __init__(
        self,
        workspace: Workspace,
        background: Background,
        name: str,
        empty: tuple[str, str] = ("Nothing to draw yet", "It is drawn as soon as there are results."),
    ) -> None:
        super().__init__()
        self.background, self.name = background, name
        self.figure: Figure | None = None
        self.sheet, self.told, self.empty = Sheet(), QLabel(), EmptyState(*empty)
        self.waiting = QLabel("Drawing…")
        self.files = FigureFiles(workspace, background, name)
        self._scroll, self._stack = _Room(self.sheet, self.told), QStackedWidget()
        self.head = QWidget()
        self._heading = QHBoxLayout(self.head)
        self._make: Make | None = None
        self._lay_out()
        self.sheet.clicked.connect(self.clicked)
        self.show_figure(None)

    def draw(self, make: Make) -> None:
        """Make a figure off the window's thread and show it; begun once this view is seen, so hidden tabs cost nothing.

        Args:
            make: gives the figure, or None where there is none; must not touch widgets.
        """
        self._make = make
        if self.figure is None:
            self._stack.setCurrentWidget(self.waiting)
        if self.isVisible():
            self._begin()

    def show_figure(self, figure: Figure | None) -> None:
        """Show a figure that is made, or what stands here without one."""
        self._make = None
        self._take((figure, figure_svg(figure)))

    def tell_empty(self, heading: str, sentence: str) -> None:
        """Say why there is no figure, and what to run for one."""
        self.empty.tell(heading, sentence)

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours."""
        self.sheet.paint_anew(theme)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what was asked for while this was out of sight."""
        super().showEvent(event)
        self._begin()

    def _begin(self) -> None:
        make, self._make = self._make, None
        if make is not None:
            key = f"figure {id(self)}"
            self.background.read(partial(_made, make), self._take, key=key, slow=True, failed=self._fail)

    def _fail(self, error: Exception) -> None:
        self._take((None, ""))
        self.background.failed.emit(error)

    def _take(self, made: tuple[Figure | None, str]) -> None:
        figure, svg = made
        self.figure = figure
        self.files.offer(figure, svg)
        self.told.setText("" if figure is None else figure.told)
        self._stack.setCurrentWidget(self.empty if figure is None else self._scroll)
        if figure is not None:
            self.sheet.show_svg(svg, (figure.drawing.width, figure.drawing.height))
            self.sheet.setAccessibleName(figure.title)
            self.sheet.setAccessibleDescription(figure.told)
            self._scroll.fit()
        self.drawn.emit()

    def lead(self, *widgets: QWidget) -> None:
        """Put choices of what is drawn at the left of the buttons."""
        for place, widget in enumerate(widgets):
            self._heading.insertWidget(place, widget)

    def _lay_out(self) -> None:
        self._scroll.setAccessibleName(self.name)
        self.told.setProperty("role", "muted")
        self.told.setWordWrap(True)
        self.told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._heading.setContentsMargins(0, 0, 0, 0)
        self._heading.addStretch(1)
        self._heading.addWidget(self.files)
        self.waiting.setProperty("role", "muted")
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for widget in (self.empty, self._scroll, self.waiting):
            self._stack.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(self.head)
        column.addWidget(self._stack, 1)


class _Room(QScrollArea):
    """The room that a sheet fits itself into, with the words on it below, as under a printed figure."""

    def __init__(self, sheet: Sheet, told: QLabel) -> None:
        super().__init__()
        self._sheet, self._told = sheet, told
        inside = QWidget()
        inside.setBackgroundRole(self.palette().ColorRole.Base)
        self._column = column = QVBoxLayout(inside)
        column.setContentsMargins(SIDE_PX, 0, SIDE_PX, SIDE_PX)
        column.setSpacing(0)
        column.addWidget(sheet, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(told)
        column.addStretch(1)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setProperty("role", "panel")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def fit(self) -> None:
        """Fit the sheet; where it will scroll, beside the bar."""
        bar = self.verticalScrollBar().sizeHint().width()
        room = self.maximumViewportSize() - QSize(bar + 2 * SIDE_PX, 2 + SIDE_PX)
        words = self._told.heightForWidth(room.width())
        self._sheet.fit(room - QSize(0, words))
        self._column.invalidate()
        self.event(QEvent(QEvent.Type.LayoutRequest))  # at once: else the words stand on the drawing
        self._column.activate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the sheet into the new room."""
        super().resizeEvent(event)
        self.fit()


def _made(make: Make) -> tuple[Figure | None, str]:
    figure = make()
    return figure, figure_svg(figure)
