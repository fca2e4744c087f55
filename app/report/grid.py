"""Several small drawings of one size side by side, row after row, as one drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.report import style
from app.report.drawn import Drawn


class Grid(Drawn):
    """Drawings in rows; all as wide as the first."""

    GAP = 14.0

    def __init__(self, drawings: Sequence[Drawn], columns: int, width: float = style.WIDTH) -> None:
        super().__init__()
        self.drawings, self.columns, self.width = drawings, columns, width
        self._rows = [drawings[n : n + columns] for n in range(0, len(drawings), columns)]
        self._heights = [max(one.height for one in row) for row in self._rows]
        self.height = sum(self._heights) + self.GAP * (len(self._rows) - 1)

    @staticmethod
    def cell_width(columns: int, width: float = style.WIDTH) -> float:
        """How wide each drawing should be so that `columns` fill the width."""
        return math.floor((width - Grid.GAP * (columns - 1)) / columns)

    def draw(self) -> None:
        """Draw row after row from the top, each drawing hanging from the top of its row."""
        top = self.height
        for row, high in zip(self._rows, self._heights, strict=True):
            for column, one in enumerate(row):
                self.canv.saveState()
                self.canv.translate(column * (self.drawings[0].width + self.GAP), top - one.height)
                one.canv = self.canv
                one.draw()
                self.canv.restoreState()
            top -= high + self.GAP
