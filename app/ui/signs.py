"""Small painted signs: states of runs, outcomes of checks, markers of series.

They are painted, not typed: the shipped fonts lack most symbols, and a shape beside every colour keeps the meaning for
those who cannot tell the colours apart. Coordinates are in a unit square, y downwards.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from app.ui.theme import Theme

Draw = Callable[[QPainter, QColor], None]

STATE_WORDS = {
    "queued": "Waiting",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "stopped": "Stopped",
    "interrupted": "Interrupted",
}
"""A job's state in the user's words."""

_STATE_TOKENS = {
    "queued": "muted",
    "running": "accent",
    "done": "good",
    "failed": "bad",
    "stopped": "muted",
    "interrupted": "warn",
}

MARKERS = ("circle", "square", "diamond", "triangle", "down", "bar")
"""Shapes of series, in the order of the theme's series colours."""


def state_colour(state: str, theme: Theme) -> str:
    """The colour of a job's state; never its only sign."""
    return str(getattr(theme, _STATE_TOKENS[state]))


def state_icon(state: str, theme: Theme) -> QIcon:
    """The sign of a job's state."""
    return sign(state, state_colour(state, theme))


def check_icon(ok: bool, theme: Theme) -> QIcon:
    """A tick or a cross."""
    return sign("done" if ok else "failed", theme.good if ok else theme.bad)


@lru_cache(maxsize=128)
def sign(name: str, colour: str, size: int = 16) -> QIcon:
    """A sign by name as an icon, sharp on high-density screens."""
    icon = QIcon()
    for scale in (1, 2, 3):
        pixmap = QPixmap(QSize(size * scale, size * scale))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(size * scale, size * scale)
        _SIGNS[name](painter, QColor(colour))
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
            icon.addPixmap(pixmap, mode)
    return icon


def paint_marker(painter: QPainter, shape: str, centre: QPointF, radius: float, colour: QColor) -> None:
    """Paint a filled series marker around a point."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    x, y, r = centre.x(), centre.y(), radius
    if shape == "circle":
        painter.drawEllipse(centre, r, r)
    elif shape in ("square", "bar"):
        wide = r * (0.88 if shape == "square" else 0.42)
        painter.drawRect(QRectF(x - wide, y - r * 0.88, 2 * wide, 2 * r * 0.88))
    else:
        corners = {
            "diamond": [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)],
            "triangle": [(0, -1.1), (1.1, 0.85), (-1.1, 0.85)],
            "down": [(0, 1.1), (1.1, -0.85), (-1.1, -0.85)],
        }[shape]
        painter.drawPolygon(QPolygonF([QPointF(x + r * dx, y + r * dy) for dx, dy in corners]))


def _stroke(painter: QPainter, colour: QColor, width: float) -> None:
    pen = QPen(colour, width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _line(painter: QPainter, *points: tuple[float, float]) -> None:
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))


def _queued(painter: QPainter, colour: QColor) -> None:
    _stroke(painter, colour, 0.1)
    painter.drawEllipse(QPointF(0.5, 0.5), 0.37, 0.37)
    _line(painter, (0.5, 0.27), (0.5, 0.52), (0.67, 0.62))


def _running(painter: QPainter, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([QPointF(0.24, 0.12), QPointF(0.88, 0.5), QPointF(0.24, 0.88)]))


def _done(painter: QPainter, colour: QColor) -> None:
    _stroke(painter, colour, 0.14)
    _line(painter, (0.14, 0.55), (0.4, 0.8), (0.87, 0.22))


def _failed(painter: QPainter, colour: QColor) -> None:
    _stroke(painter, colour, 0.14)
    _line(painter, (0.2, 0.2), (0.8, 0.8))
    _line(painter, (0.8, 0.2), (0.2, 0.8))


def _stopped(painter: QPainter, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(QRectF(0.2, 0.2, 0.6, 0.6), 0.06, 0.06)


def _interrupted(painter: QPainter, colour: QColor) -> None:
    _stroke(painter, colour, 0.12)
    _line(painter, (0.6, 0.08), (0.28, 0.55), (0.7, 0.47), (0.38, 0.92))


def _warning(painter: QPainter, colour: QColor) -> None:
    _stroke(painter, colour, 0.09)
    _line(painter, (0.5, 0.12), (0.92, 0.86), (0.08, 0.86), (0.5, 0.12))
    _line(painter, (0.5, 0.42), (0.5, 0.6))
    painter.drawPoint(QPointF(0.5, 0.74))


def _question(painter: QPainter, colour: QColor) -> None:
    _stroke(painter, colour, 0.11)
    hook = QPainterPath(QPointF(0.28, 0.32))
    hook.cubicTo(QPointF(0.3, 0.02), QPointF(0.74, 0.04), QPointF(0.74, 0.32))
    hook.cubicTo(QPointF(0.74, 0.5), QPointF(0.5, 0.46), QPointF(0.5, 0.68))
    painter.drawPath(hook)
    painter.drawPoint(QPointF(0.5, 0.9))


def _pulse(painter: QPainter, colour: QColor) -> None:
    _stroke(painter, colour, 0.1)
    _line(painter, (0.04, 0.6), (0.3, 0.6), (0.42, 0.12), (0.58, 0.9), (0.68, 0.6), (0.96, 0.6))


def _grip(painter: QPainter, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    for x in (0.36, 0.64):
        for y in (0.22, 0.5, 0.78):
            painter.drawEllipse(QPointF(x, y), 0.085, 0.085)


def _marker_sign(shape: str) -> Draw:
    return lambda painter, colour: paint_marker(painter, shape, QPointF(0.5, 0.5), 0.32, colour)


_SIGNS: dict[str, Draw] = {
    "queued": _queued,
    "running": _running,
    "done": _done,
    "failed": _failed,
    "stopped": _stopped,
    "interrupted": _interrupted,
    "warning": _warning,
    "question": _question,
    "pulse": _pulse,
    "grip": _grip,
    **{shape: _marker_sign(shape) for shape in MARKERS},
}
