"""A strip of figures: a muted caption above each number, a second line below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

TILE_PX, MOST_PX = 84, 190


@dataclass(frozen=True)
class Figure:
    """One number with its caption; `role` names the style of the line below (good, warn, bad, muted)."""

    caption: str
    value: str
    below: str = ""
    role: str = "muted"
    tip: str = ""


class Tile(QWidget):
    """One figure."""

    def __init__(self) -> None:
        super().__init__()
        self.caption, self.value, self.below = QLabel(), QLabel(), QLabel()
        self.caption.setProperty("role", "muted")
        self.value.setProperty("role", "figure")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for label in (self.caption, self.value, self.below):
            label.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
            column.addWidget(label)
        column.addStretch(1)

    def show_figure(self, figure: Figure) -> None:
        """Take over a figure."""
        for label, text in ((self.caption, figure.caption), (self.value, figure.value), (self.below, figure.below)):
            if label.text() != text:
                label.setText(text)
        if self.below.property("role") != figure.role:
            self.below.setProperty("role", figure.role)
            self.below.style().unpolish(self.below)
            self.below.style().polish(self.below)
        self.setToolTip(figure.tip)
        self.setAccessibleName(" ".join(part for part in (figure.caption, figure.value, figure.below) if part))


class Tiles(QFrame):
    """Figures side by side in a panel, the most telling first: those that would be cut are left out."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setAccessibleName(name)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 6, 12, 6)
        self._row.setSpacing(18)
        # What few figures leave free stays at the end.
        self._row.addStretch(0)
        self._tiles: list[Tile] = []
        self._figures: list[Figure] = []

    def set_bare(self) -> None:
        """Without a frame of its own, inside another panel."""
        self.setProperty("role", "")
        self._row.setContentsMargins(0, 0, 0, 0)

    def show_figures(self, figures: Sequence[Figure]) -> None:
        """Show these figures and no others."""
        self._figures = list(figures)
        while len(self._tiles) < len(figures):
            tile = Tile()
            self._tiles.append(tile)
            tile.setMaximumWidth(MOST_PX)
            self._row.insertWidget(len(self._tiles) - 1, tile, 1)
        for tile, figure in zip(self._tiles, figures, strict=False):
            tile.show_figure(figure)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """One figure wide: the others go when there is no room."""
        return QSize(TILE_PX, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what would be cut."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        margins = self._row.contentsMargins()
        room, used = self.width() - margins.left() - margins.right(), 0
        for place, tile in enumerate(self._tiles):
            used += max(tile.sizeHint().width(), TILE_PX) + (self._row.spacing() if place else 0)
            tile.setVisible(place < len(self._figures) and (used <= room or not place))

    def texts(self) -> dict[str, str]:
        """Value of each figure in view, by its caption."""
        return {tile.caption.text(): tile.value.text() for tile in self._tiles if not tile.isHidden()}
