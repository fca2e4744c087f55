"""A strip of figures: a muted caption above each number, a second line below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget


@dataclass(frozen=True)
class Figure:
    """One number with its caption; `role` names the style of the line below (good, warn, bad, muted)."""

    caption: str
    value: str
    below: str = ""
    role: str = "muted"


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
        self.setAccessibleName(" ".join(part for part in (figure.caption, figure.value, figure.below) if part))


class Tiles(QFrame):
    """Figures side by side in a panel."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setAccessibleName(name)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 6, 12, 6)
        self._row.setSpacing(18)
        self._tiles: list[Tile] = []

    def set_bare(self) -> None:
        """Without a frame of its own, inside another panel."""
        self.setProperty("role", "")
        self._row.setContentsMargins(0, 0, 0, 0)

    def show_figures(self, figures: Sequence[Figure]) -> None:
        """Show these figures and no others."""
        while len(self._tiles) < len(figures):
            tile = Tile()
            self._tiles.append(tile)
            self._row.addWidget(tile, 1)
        for place, tile in enumerate(self._tiles):
            tile.setVisible(place < len(figures))
            if place < len(figures):
                tile.show_figure(figures[place])

    def texts(self) -> dict[str, str]:
        """Value of each figure in view, by its caption."""
        return {tile.caption.text(): tile.value.text() for tile in self._tiles if not tile.isHidden()}
