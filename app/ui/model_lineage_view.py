"""The tab Lineage: what a model came from and what came of it, drawn, and beside it the same as a list."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.core.model_lineage import LineageGraph, LineageNode
from app.ui import theme as themes
from app.ui.model_lineage_layout import LineageDrawing, Placed, lay_out
from app.ui.page_frame import divided
from app.ui.rows_table import Column, RowsTable

KIND_WORDS = {
    "model": "Model",
    "unregistered model": "Model, not registered",
    "corpus": "Corpus",
    "run": "Run",
    "examination": "Examination",
}
HEAD = 4.0


@dataclass(frozen=True)
class LineageLine:
    """One line of the list."""

    node: LineageNode
    how: str
    own: bool


class LineageView(QWidget):
    """The drawing and the list; choosing in one marks the other, Enter or a double click leads to what is meant."""

    wanted = Signal(object)
    """A LineageNode that is to be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.drawing, self.frame = LineagePicture(), QScrollArea()
        self.list = RowsTable(_columns(), lambda line: line.node.key, "Lineage as a list")
        self.frame.setWidget(self.drawing)
        self.frame.setWidgetResizable(True)
        self.frame.setFrameShape(QFrame.Shape.StyledPanel)
        self.frame.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for part in (self.frame.viewport(), self.drawing):
            part.setBackgroundRole(QPalette.ColorRole.Base)
        self.list.setSelectionMode(RowsTable.SelectionMode.SingleSelection)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(divided(self.frame, self.list, (640, 460)))
        self.list.selected.connect(self._mark)
        self.list.activated.connect(lambda _index: self._open())
        self.drawing.chosen.connect(self.list.choose)
        self.drawing.opened.connect(self._open)

    def show_graph(self, graph: LineageGraph) -> None:
        """Show a lineage; the model's own node is its first."""
        own = graph.nodes[0].key if graph.nodes else ""
        self.drawing.show_graph(graph)
        self.list.rows.set_rows([LineageLine(node, _how(graph, node), node.key == own) for node in graph.nodes])
        if self.list.current() is None:
            self.list.choose(own)

    def _mark(self, line: LineageLine | None) -> None:
        self.drawing.mark("" if line is None else line.node.key)

    def _open(self) -> None:
        line = self.list.current()
        if line is not None:
            self.wanted.emit(line.node)


class LineagePicture(QWidget):
    """Paints boxes and lines; the keyboard reaches the same in the list beside it."""

    chosen = Signal(str)
    opened = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.graph, self.marked = LineageGraph(), ""
        self._drawing = LineageDrawing()
        self.setAccessibleName("Lineage, drawn")

    def show_graph(self, graph: LineageGraph) -> None:
        """Draw another lineage."""
        self.graph = graph
        self.setAccessibleDescription("\n".join(f"{edge.start} {edge.how} {edge.end}" for edge in graph.edges))
        self._lay_out()

    def mark(self, key: str) -> None:
        """Mark the node that is chosen in the list."""
        self.marked = key
        self.update()

    def sizeHint(self) -> QSize:
        """As large as the drawing."""
        return self._drawing.size.toSize()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place everything anew."""
        super().resizeEvent(event)
        self._lay_out()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a node."""
        if (node := self._drawing.at(event.position() - self._shift())) is not None:
            self.chosen.emit(node.key)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go to a node."""
        if self._drawing.at(event.position() - self._shift()) is not None:
            self.opened.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Lines first, boxes above them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._shift())
        for start, end in self._drawing.lines:
            self._line(painter, start, end)
        for one in self._drawing.placed:
            self._box(painter, one)
        painter.setPen(QColor(themes.current().muted))
        for room, count in self._drawing.left_out:
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), f"and {count:,} more, in the list")
        painter.end()

    def _lay_out(self) -> None:
        self._drawing = lay_out(self.graph, float(self.width()))
        self.setMinimumSize(self._drawing.size.toSize())
        self.update()

    def _shift(self) -> QPointF:
        """The drawing stands in the middle of the height."""
        return QPointF(0, max((self.height() - self._drawing.size.height()) / 2, 0))

    def _line(self, painter: QPainter, start: QPointF, end: QPointF) -> None:
        colour = themes.current().mix(themes.current().muted, themes.current().panel, 0.8)
        middle = (start.x() + end.x()) / 2
        path = QPainterPath(start)
        path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), QPointF(end.x() - HEAD, end.y()))
        painter.setPen(QPen(colour, 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        back = QPointF(-2 * HEAD, 0)
        painter.drawPolygon(QPolygonF([end, end + back + QPointF(0, HEAD), end + back - QPointF(0, HEAD)]))

    def _box(self, painter: QPainter, one: Placed) -> None:
        theme, own = themes.current(), bool(self.graph.nodes) and one.node is self.graph.nodes[0]
        pen = QPen(QColor(theme.accent if own else theme.muted), 2.0 if own or one.node.key == self.marked else 1.0)
        if one.node.kind == "unregistered model":
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(QColor(theme.selection if one.node.key == self.marked else theme.panel))
        painter.drawRoundedRect(one.box, 4, 4)
        bold = QFont(self.font())
        bold.setBold(True)
        room = one.box.adjusted(8, 3, -6, -3)
        self._words(painter, bold, theme.text, one.node.name, room.adjusted(0, 0, 0, -room.height() / 2))
        told = one.node.told or KIND_WORDS[one.node.kind]
        self._words(painter, self.font(), theme.muted, told, room.adjusted(0, room.height() / 2, 0, 0))

    @staticmethod
    def _words(painter: QPainter, font: QFont, colour: str, text: str, room: QRectF) -> None:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        cut = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), cut)


def _how(graph: LineageGraph, node: LineageNode) -> str:
    """What a thing has to do with its neighbours."""
    names = {one.key: one.name for one in graph.nodes}
    before = [f"{edge.how} {names[edge.end]}" for edge in graph.edges if edge.start == node.key and edge.end in names]
    if before and node is not graph.nodes[0]:
        return before[0]
    after = [f"from {names[edge.start]}" for edge in graph.edges if edge.end == node.key and edge.start in names]
    return ", ".join(after)


def _columns() -> tuple[Column, ...]:
    return (
        Column("What", lambda line: "This model" if line.own else KIND_WORDS[line.node.kind], 110),
        Column("Name", lambda line: line.node.name, 0),
        Column(
            "What is known", lambda line: line.node.told, 0, tip=lambda line: f"{line.node.told}\n{line.how}".strip()
        ),
    )
