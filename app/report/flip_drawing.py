"""What became of the recordings of one kind: old calls at the left, new ones at the right, ribbons between them."""

from __future__ import annotations

from reportlab.lib.colors import Color

from app.report import style
from app.report.drawn import Drawn, draw_text
from engine.contract.version_change import Flips

STATES = ("positive", "negative", "no output")
_COUNTS = (
    ("stayed_positive", "to_negative", "positive_to_none"),
    ("to_positive", "stayed_negative", "negative_to_none"),
    ("none_to_positive", "none_to_negative", "stayed_none"),
)
NEW_ERROR, MENDED, LOST, SAME = style.SERIES[1], style.SERIES[2], style.SERIES[6], style.RULE


class FlipDrawing(Drawn):
    """Nine counts as ribbons; each ribbon's height is its share, and every flip is counted in words below."""

    HEAD, FOOT, SIDE, BAR, GAP = 16.0, 22.0, 60.0, 7.0, 3.0

    def __init__(self, title: str, flips: Flips, width: float, height: float = 128.0) -> None:
        super().__init__()
        self.title, self.flips, self.width, self.height = title, flips, width, height
        self._count = [[int(getattr(flips, name)) for name in row] for row in _COUNTS]

    def draw(self) -> None:
        """Draw title, bars, ribbons and the line of counts."""
        told = f"{self.title} ({self.flips.records:,})"
        draw_text(self.canv, 0, self.height - 9, style.fit_text(told, style.BOLD, 8, self.width), style.BOLD, 8)
        old = [sum(row) for row in self._count]
        new = [sum(row[place] for row in self._count) for place in range(3)]
        scale = self._scale()
        left, right = self._tops(old, scale), self._tops(new, scale)
        self._ribbons(list(left), list(right), scale)
        self._bars(old, left, scale, self.SIDE, "right")
        self._bars(new, right, scale, self.width - self.SIDE - self.BAR, "left")
        words = self._words()
        draw_text(self.canv, 0, 4, style.fit_text(words, style.SANS, 7, self.width), style.SANS, 7, style.MUTED)

    def _scale(self) -> float:
        room = self.height - self.HEAD - self.FOOT - 2 * self.GAP
        return room / max(1, self.flips.records)

    def _tops(self, counts: list[int], scale: float) -> list[float]:
        top, tops = self.height - self.HEAD, []
        for count in counts:
            tops.append(top)
            top -= count * scale + (self.GAP if count else 0)
        return tops

    def _bars(self, counts: list[int], tops: list[float], scale: float, x: float, side: str) -> None:
        for name, count, top in zip(STATES, counts, tops, strict=True):
            if not count:
                continue
            self.canv.setFillColor(style.INK)
            self.canv.rect(x, top - count * scale, self.BAR, count * scale, stroke=0, fill=1)
            at = x - 4 if side == "right" else x + self.BAR + 4
            y = top - count * scale / 2 - 2.5
            draw_text(self.canv, at, y, f"{name} {count:,}", style.SANS, 7, style.INK, side)

    def _ribbons(self, left: list[float], right: list[float], scale: float) -> None:
        for old in range(3):
            for new in range(3):
                high = self._count[old][new] * scale
                if high:
                    self._ribbon(left[old], right[new], high, self._color(old, new))
                left[old] -= high
                right[new] -= high

    def _ribbon(self, left: float, right: float, high: float, color: Color) -> None:
        start, end = self.SIDE + self.BAR, self.width - self.SIDE - self.BAR
        path = self.canv.beginPath()
        path.moveTo(start, left)
        steps = [(n / 12, (n / 12) ** 2 * (3 - 2 * n / 12)) for n in range(13)]
        for along, risen in steps:
            path.lineTo(start + along * (end - start), left + risen * (right - left))
        for along, risen in reversed(steps):
            path.lineTo(start + along * (end - start), left + risen * (right - left) - high)
        path.close()
        self.canv.setFillColor(color)
        self.canv.drawPath(path, stroke=0, fill=1)

    def _color(self, old: int, new: int) -> Color:
        if old == new:
            return SAME
        if 2 in (old, new):
            return LOST
        wrong = 1 if self.flips.name == "with label" else 0
        if self.flips.name == "label unknown":
            return LOST
        return NEW_ERROR if new == wrong else MENDED

    def _words(self) -> str:
        told = self.flips
        error, mended = told.to_negative, told.to_positive
        if told.name == "without label":
            error, mended = mended, error
        if told.name == "label unknown":
            return f"{told.to_positive + told.to_negative:,} flip"
        return f"{error:,} newly wrong, {mended:,} mended"
