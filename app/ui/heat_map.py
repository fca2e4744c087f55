"""A heat map of CKA between the layers of two models: every cell says its number, a bar says what the colours mean."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui.theme import Theme
from engine.contract.results import CKA

CELL_MIN, CELL_MAX = 30.0, 168.0
BAR_WIDTH, BAR_GAP, BAR_TEXT = 14.0, 18.0, 30.0


class HeatMap(QWidget):
    """Layers of one model down, of the other across; 0 to 1."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._cka: CKA | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours."""
        self._theme = theme
        self.update()

    def show_cka(self, cka: CKA | None) -> None:
        """Draw this comparison of layers."""
        self._cka = cka
        if cka is not None:
            self.setAccessibleName(f"CKA of the layers of {cka.rows} (down) and {cka.columns} (across)")
            self.setAccessibleDescription(spoken(cka))
        self.updateGeometry()
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Room for legible cells."""
        if self._cka is None:
            return QSize(200, 120)
        left, below = self._margins(self._cka)
        wide = left + CELL_MIN * len(self._cka.column_layers) + BAR_GAP + BAR_WIDTH + BAR_TEXT
        return QSize(round(wide), round(below + CELL_MIN * len(self._cka.row_layers) + 8))

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where a cell stands, in pixels."""
        grid, cell = self._grid()
        return QRectF(grid.left() + column * cell, grid.top() + row * cell, cell, cell)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint cells, numbers, names and the colour bar."""
        if self._cka is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for row, line in enumerate(self._cka.values):
            for column, value in enumerate(line):
                self._paint_cell(painter, self.cell_rect(row, column), value)
        self._paint_names(painter)
        self._paint_bar(painter)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell the cell under the cursor in words."""
        if self._cka is None:
            return
        for row, line in enumerate(self._cka.values):
            for column, value in enumerate(line):
                if self.cell_rect(row, column).contains(event.position()):
                    QToolTip.showText(event.globalPosition().toPoint(), cell_text(self._cka, row, column, value), self)
                    return
        QToolTip.hideText()

    def _margins(self, cka: CKA) -> tuple[float, float]:
        metrics = QFontMetricsF(self.font())
        left = max(metrics.horizontalAdvance(name) for name in cka.row_layers) + metrics.height() + 20
        return left, 2 * metrics.height() + 14

    def _grid(self) -> tuple[QRectF, float]:
        assert self._cka is not None
        left, below = self._margins(self._cka)
        rows, columns = len(self._cka.row_layers), len(self._cka.column_layers)
        wide = (self.width() - left - BAR_GAP - BAR_WIDTH - BAR_TEXT) / columns
        high = (self.height() - below - 6) / rows
        cell = float(int(min(max(min(wide, high), CELL_MIN), CELL_MAX)))
        return QRectF(round(left), 2.0, cell * columns, cell * rows), cell

    def _paint_cell(self, painter: QPainter, rect: QRectF, value: float | None) -> None:
        inner = rect.adjusted(0, 0, -1, -1)
        if value is None:
            painter.setPen(QColor(self._theme.border))
            painter.setBrush(Qt.BrushStyle.BDiagPattern)
            painter.drawRect(inner)
            return
        colour = ramp_colour(self._theme.ramp, value)
        painter.fillRect(inner, colour)
        painter.setPen(readable_on(colour))
        painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, f"{value:.2f}")

    def _paint_names(self, painter: QPainter) -> None:
        assert self._cka is not None
        grid, cell = self._grid()
        metrics = QFontMetricsF(self.font())
        painter.setPen(QColor(self._theme.text))
        middle = Qt.AlignmentFlag.AlignVCenter
        for row, name in enumerate(self._cka.row_layers):
            rect = QRectF(0, grid.top() + row * cell, grid.left() - 8, cell)
            painter.drawText(rect, middle | Qt.AlignmentFlag.AlignRight, name)
        for column, name in enumerate(self._cka.column_layers):
            rect = QRectF(grid.left() + column * cell - 20, grid.bottom() + 4, cell + 40, metrics.height())
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, cell - 2)
            painter.drawText(rect, Qt.AlignmentFlag.AlignHCenter, shown)
        self._paint_titles(painter, grid, metrics)

    def _paint_titles(self, painter: QPainter, grid: QRectF, metrics: QFontMetricsF) -> None:
        assert self._cka is not None
        painter.setPen(QColor(self._theme.muted))
        below = QRectF(grid.left(), grid.bottom() + metrics.height() + 6, grid.width(), metrics.height() + 2)
        across = metrics.elidedText(f"layers of {self._cka.columns}", Qt.TextElideMode.ElideRight, grid.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, across)
        painter.save()
        painter.translate(QPointF(metrics.height(), grid.center().y()))
        painter.rotate(-90)
        down = metrics.elidedText(f"layers of {self._cka.rows}", Qt.TextElideMode.ElideRight, grid.height())
        painter.drawText(QPointF(-metrics.horizontalAdvance(down) / 2, 0), down)
        painter.restore()

    def _paint_bar(self, painter: QPainter) -> None:
        grid, _cell = self._grid()
        left = grid.right() + BAR_GAP
        for line in range(int(grid.height())):
            value = 1 - line / max(grid.height() - 1, 1)
            painter.fillRect(QRectF(left, grid.top() + line, BAR_WIDTH, 1), ramp_colour(self._theme.ramp, value))
        painter.setPen(QColor(self._theme.muted))
        for mark in (0.0, 0.5, 1.0):
            y = grid.bottom() - mark * grid.height()
            rect = QRectF(left + BAR_WIDTH + 4, min(max(y - 8, 0), grid.bottom() - 15), BAR_TEXT, 16)
            painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, f"{mark:g}")


def ramp_colour(ramp: tuple[str, ...], value: float) -> QColor:
    """Colour of a value from 0 to 1 (clipped), interpolated between the ramp's tokens."""
    place = min(max(value, 0.0), 1.0) * (len(ramp) - 1)
    low = min(int(place), len(ramp) - 2)
    share, a, b = place - low, QColor(ramp[low]), QColor(ramp[low + 1])
    parts = zip((a.red(), a.green(), a.blue()), (b.red(), b.green(), b.blue()), strict=True)
    return QColor(*(round(x + (y - x) * share) for x, y in parts))


def readable_on(colour: QColor) -> QColor:
    """Black or white, whichever stands out more from a colour (WCAG relative luminance)."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return QColor("#101418") if light > 0.179 else QColor("#FFFFFF")


def cell_text(cka: CKA, row: int, column: int, value: float | None) -> str:
    """One cell in words."""
    told = "not estimable" if value is None else f"{value:.3f}"
    return f"{cka.rows} {cka.row_layers[row]}, {cka.columns} {cka.column_layers[column]}: {told}"


def spoken(cka: CKA) -> str:
    """The whole map in words, for those who cannot see it."""
    cells = [
        cell_text(cka, row, column, value) for row, line in enumerate(cka.values) for column, value in enumerate(line)
    ]
    return "; ".join(cells)
