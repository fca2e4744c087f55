"""The icons of `assets/icons`, drawn in the colours of the theme and sharp at every density."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.assets import asset
from app.ui.theme import Theme

SIZES = (16, 20, 24, 32, 48)


@lru_cache(maxsize=256)
def icon(name: str, colour: str, faded: str = "", checked: str = "") -> QIcon:
    """An icon in one colour, `#RRGGBB`; `faded` while disabled, `checked` while on. An empty name gives no icon."""
    made = QIcon()
    if not name:
        return made
    drawing = asset("icons", f"{name}.svg").read_text(encoding="utf-8")
    normal, on = QIcon.Mode.Normal, QIcon.State.On
    inks = [(normal, QIcon.State.Off, colour), (QIcon.Mode.Disabled, QIcon.State.Off, faded or colour)]
    for mode, state, ink in [*inks, (normal, on, checked)] if checked else inks:
        renderer = QSvgRenderer(QByteArray(drawing.replace("currentColor", ink).encode()))
        for size in SIZES:
            for ratio in (1, 2):
                made.addPixmap(_pixmap(renderer, size, ratio), mode, state)
    return made


def themed(name: str, theme: Theme) -> QIcon:
    """An icon in the theme's text colour."""
    return icon(name, theme.text, theme.mix(theme.muted, theme.panel, 0.45).name())


def toggled(name: str, theme: Theme) -> QIcon:
    """As `themed`; while its button is on, in the colour that stands on the accent."""
    return icon(name, theme.text, theme.mix(theme.muted, theme.panel, 0.45).name(), theme.accent_text)


def _pixmap(renderer: QSvgRenderer, size: int, ratio: int) -> QPixmap:
    pixmap = QPixmap(size * ratio, size * ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, size * ratio, size * ratio))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
