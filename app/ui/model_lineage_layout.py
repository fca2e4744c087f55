"""Where each thing of a lineage stands: what came first on the left, what came of it on the right. Pure geometry."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, QSizeF

from app.core.model_lineage import LineageGraph, LineageNode

BOX_H, GAP_Y, EDGE = 40.0, 10.0, 6.0
NARROWEST, WIDEST, ACROSS = 118.0, 200.0, 34.0
MOST_IN_COLUMN = 8
"""More examinations than these are told by the list alone; a line below the column says how many."""


@dataclass(frozen=True)
class Placed:
    """A node and its box."""

    node: LineageNode
    box: QRectF


@dataclass
class LineageDrawing:
    """Boxes, lines between them, and how many things each column leaves out."""

    size: QSizeF = field(default_factory=QSizeF)
    placed: list[Placed] = field(default_factory=list)
    lines: list[tuple[QPointF, QPointF]] = field(default_factory=list)
    left_out: list[tuple[QRectF, int]] = field(default_factory=list)

    def at(self, point: QPointF) -> LineageNode | None:
        """The node under a point."""
        return next((one.node for one in self.placed if one.box.contains(point)), None)


def lay_out(graph: LineageGraph, width: float) -> LineageDrawing:
    """Place a graph in this width, in pixels; it grows wider where the boxes would be too narrow to be read."""
    columns = _columns(graph)
    if not columns:
        return LineageDrawing()
    count = len(columns)
    across = (width - 2 * EDGE - (count - 1) * ACROSS) / count
    box_w = min(max(across, NARROWEST), WIDEST)
    tallest = max(min(len(column), MOST_IN_COLUMN) + (len(column) > MOST_IN_COLUMN) for column in columns)
    height = 2 * EDGE + tallest * (BOX_H + GAP_Y) - GAP_Y
    made = LineageDrawing(QSizeF(2 * EDGE + count * box_w + (count - 1) * ACROSS, height))
    for place, column in enumerate(columns):
        _place(made, column, EDGE + place * (box_w + ACROSS), box_w)
    _join(made, graph)
    return made


def depths(graph: LineageGraph) -> dict[str, int]:
    """How many steps lie before each node, by its key; a ring, which no lineage should have, ends the search."""
    found = {node.key: 0 for node in graph.nodes}
    for _ in graph.nodes:
        moved = False
        for edge in graph.edges:
            if edge.start in found and edge.end in found and found[edge.end] <= found[edge.start]:
                found[edge.end] = found[edge.start] + 1
                moved = True
        if not moved:
            break
    return found


def _columns(graph: LineageGraph) -> list[list[LineageNode]]:
    """Nodes by depth, those that lead to a later column right before it; the model itself heads its column."""
    depth = depths(graph)
    nearest = {edge.start: depth[edge.end] - 1 for edge in reversed(graph.edges) if edge.end in depth}
    ended = {edge.end for edge in graph.edges}
    place = {node.key: depth[node.key] if node.key in ended else nearest.get(node.key, 0) for node in graph.nodes}
    return [[node for node in graph.nodes if place[node.key] == one] for one in sorted(set(place.values()))]


def _place(made: LineageDrawing, column: list[LineageNode], x: float, box_w: float) -> None:
    """Stack a column in the middle of the height."""
    shown = column[:MOST_IN_COLUMN]
    lines = len(shown) + (len(column) > MOST_IN_COLUMN)
    y = (made.size.height() - (lines * (BOX_H + GAP_Y) - GAP_Y)) / 2
    for node in shown:
        made.placed.append(Placed(node, QRectF(x, y, box_w, BOX_H)))
        y += BOX_H + GAP_Y
    if len(column) > len(shown):
        made.left_out.append((QRectF(x, y, box_w, BOX_H), len(column) - len(shown)))


def _join(made: LineageDrawing, graph: LineageGraph) -> None:
    boxes = {one.node.key: one.box for one in made.placed}
    for edge in graph.edges:
        if edge.start in boxes and edge.end in boxes:
            start, end = boxes[edge.start], boxes[edge.end]
            made.lines.append((QPointF(start.right(), start.center().y()), QPointF(end.left(), end.center().y())))
