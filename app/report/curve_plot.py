"""Curves in a plane: ROC, precision and recall, calibration, net benefit, sweeps of stress, labels needed.

A series is told by colour, marker and dash, and named in a key beside the plane. Bands are pale areas with their own
edges, drawn under all lines, so that bands that lie over each other can still be told apart. What leaves the plane is
cut at its edge.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reportlab.lib.colors import Color

from app.report import style
from app.report.drawn import Drawn, draw_marker, draw_text

Place = tuple[float, float]
MOST_MARKERS = 12
"""Markers on one line: more run together and hide it."""
STRIP, STRIPS = 48.0, 27.0
"""Height of a strip of counts below the plane, in points: of one alone, and of each of several."""
SIDE, LEAST_SIDE = 236.0, 188.0
"""Of a square plane, in points: what stands below it takes from it, so that the whole is seen at once."""
LEAST_BAR = 4
"""A bar of the full height stands for so many at least: where few are counted, each is a tick, not a tower."""


@dataclass(frozen=True)
class Series:
    """One line of a plot.

    Attributes:
        name: in the key.
        points: (x, y), in order of x.
        series: colour and marker; none of its own (muted, without markers) where it is None.
        told: what the key says below the name: "0.812 (0.765 to 0.850)".
        band: (x, low, high), in order of x.
        spans: (x, low, high): intervals at single points.
        chosen: points to stand out: the threshold in use.
        dash: lengths of dashes and gaps.
        stepped: y holds until the next x.
        marked: whether points carry markers.
        law: places of the law fitted to the points, a thin dashed line of its own.
    """

    name: str
    points: Sequence[Place]
    series: int | None = None
    told: str = ""
    band: Sequence[tuple[float, float, float]] = ()
    spans: Sequence[tuple[float, float, float]] = ()
    chosen: Sequence[Place] = ()
    dash: tuple[float, ...] = ()
    stepped: bool = False
    marked: bool = False
    law: Sequence[Place] = ()


@dataclass(frozen=True)
class Counts:
    """Two counts in each of equally wide parts of the x axis: upwards those with the label, downwards those without.

    Attributes:
        positives: counts upwards.
        negatives: counts downwards.
        series: colour of the series that is counted; ink where it is None, as where there is one only.
    """

    positives: Sequence[int]
    negatives: Sequence[int]
    series: int | None = None


@dataclass(frozen=True)
class Plane:
    """Axes of a plot.

    Attributes:
        title: above it.
        x_name: below the x axis, with the unit.
        y_name: above the y axis, with the unit.
        x: limits.
        y: limits.
        log_x: whether x is logarithmic.
        x_marks: where the x axis is marked; round values where left out.
        words: how a mark of the x axis is written.
        guides: lines between two places that mean *no effect*, drawn faint.
        square: whether the plane is as high as it is wide.
    """

    title: str
    x_name: str
    y_name: str
    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    log_x: bool = False
    x_marks: Sequence[float] = ()
    words: Callable[[float], str] | None = None
    guides: Sequence[tuple[Place, Place]] = ()
    square: bool = False


@dataclass(frozen=True)
class _Box:
    left: float
    right: float
    bottom: float
    top: float


class CurvePlot(Drawn):
    """Series in a plane, with a key at its right; without one (`keyed`) in a grid whose plots share theirs."""

    def __init__(
        self,
        plane: Plane,
        series: Sequence[Series],
        counts: Sequence[Counts] = (),
        width: float = style.WIDTH,
        height: float = 210.0,
        keyed: bool = True,
    ) -> None:
        super().__init__()
        self.plane, self.series, self.counts, self.keyed = plane, series, counts, keyed
        self.width = width
        key = min(0.4 * width, 24 + max((_key_width(one) for one in series), default=0.0)) + 12
        left, right = (36.0, width - key) if keyed else (26.0, width - 8.0)
        bottom = 30.0 + self._strip * len(counts)
        if plane.square:
            right = min(right, left + max(SIDE - self._strip * len(self.counts), LEAST_SIDE))
            height = bottom + (right - left) + 34
        self.height = max(height, 40.0 + sum(_key_height(one) for one in series) if keyed else 0.0)
        self._box = _Box(left, right, bottom, self.height - 34)

    @property
    def _strip(self) -> float:
        return STRIP if len(self.counts) == 1 else STRIPS

    def draw(self) -> None:
        """Draw axes, bands, lines, and the key."""
        draw_text(self.canv, 0, self.height - 9, self.plane.title, style.BOLD, 9, style.INK)
        draw_text(self.canv, 0, self.height - 24, self.plane.y_name, style.SANS, 7.5, style.MUTED)
        self._axes()
        for one in self.series:
            self._band(one)
        for one in self.series:
            self._edges(one)
        for start, end in self.plane.guides:
            self._polyline([start, end], style.FAINT, 0.8, (2.0, 2.0))
        for one in self.series:
            self._line(one)
        for place, counts in enumerate(self.counts):
            self._counts(counts, self._box.bottom - self._strip * (place + 0.5))
        if self.keyed:
            self._key()

    def place(self, x: float, y: float) -> Place:
        """Where in the drawing, in its points, a point of the plane lies."""
        return self._at(x, y)

    def _at(self, x: float, y: float) -> Place:
        box, (low, high) = self._box, self.plane.y
        up = (y - low) / (high - low)
        return box.left + (box.right - box.left) * self._across(x), box.bottom + (box.top - box.bottom) * up

    def _across(self, x: float) -> float:
        low, high = self.plane.x
        return math.log(x / low) / math.log(high / low) if self.plane.log_x else (x - low) / (high - low)

    def _axes(self) -> None:
        canvas, box, plane = self.canv, self._box, self.plane
        rows = style.ticks(*plane.y)
        places = _places(rows)
        canvas.setLineWidth(0.4)
        for value in rows:
            _, y = self._at(plane.x[0], value)
            canvas.setStrokeColor(style.RULE)
            canvas.line(box.left, y, box.right, y)
            draw_text(canvas, box.left - 5, y - 2.4, style.decimal(value, places), style.SANS, 7, style.MUTED, "right")
        foot = box.bottom - self._strip * len(self.counts)
        columns = plane.x_marks or style.ticks(*plane.x)
        words = plane.words or self._x_words(columns)
        for value in columns:
            x, _ = self._at(value, plane.y[0])
            canvas.setStrokeColor(style.FAINT)
            canvas.line(x, foot, x, foot - 3)
            draw_text(canvas, x, foot - 11, words(value), style.SANS, 7, style.MUTED, "center")
        canvas.setStrokeColor(style.FAINT)
        canvas.line(box.left, box.bottom, box.right, box.bottom)
        draw_text(canvas, (box.left + box.right) / 2, foot - 24, plane.x_name, style.SANS, 7.5, style.MUTED, "center")

    def _x_words(self, columns: Sequence[float]) -> Callable[[float], str]:
        """As many decimals at every mark; on a logarithmic axis as many as each needs."""
        places = _places(columns)
        return (lambda value: f"{value:,.10g}") if self.plane.log_x else (lambda value: style.decimal(value, places))

    def _band(self, one: Series) -> None:
        around = _cut_band(one.band, self.plane)
        if len(around) < 2:
            return
        canvas = self.canv
        canvas.setFillColor(_pale(_color(one), 0.86))
        path = canvas.beginPath()
        path.moveTo(*self._at(around[0][0], around[0][1]))
        for x, low, _ in around[1:]:
            path.lineTo(*self._at(x, low))
        for x, _, high in reversed(around):
            path.lineTo(*self._at(x, high))
        path.close()
        canvas.drawPath(path, stroke=0, fill=1)

    def _edges(self, one: Series) -> None:
        edge = _pale(_color(one), 0.55)
        for end in (1, 2):
            self._polyline([(row[0], row[end]) for row in one.band], edge, 0.5, ())

    def _line(self, one: Series) -> None:
        canvas, color = self.canv, _color(one)
        points = _stepped(one.points) if one.stepped else list(one.points)
        self._polyline(points, color, 1.3 if one.series is not None else 0.9, one.dash)
        self._polyline(one.law, color, 0.8, (3.0, 2.0))
        canvas.setStrokeColor(color)
        canvas.setLineWidth(1.1)
        for x, low, high in one.spans:
            ends = [min(max(end, self.plane.y[0]), self.plane.y[1]) for end in (low, high)]
            canvas.line(*self._at(x, ends[0]), *self._at(x, ends[1]))
        if one.marked and one.series is not None:
            for x, y in one.points[:: -(-len(one.points) // MOST_MARKERS) or 1]:
                if self._inside(x, y):
                    draw_marker(canvas, *self._at(x, y), 2.1, _shape(one), color)
        for x, y in one.chosen:
            if self._inside(x, y):
                draw_marker(canvas, *self._at(x, y), 3.2, _shape(one), color, hollow=True)

    def _inside(self, x: float, y: float) -> bool:
        return self.plane.x[0] <= x <= self.plane.x[1] and self.plane.y[0] <= y <= self.plane.y[1]

    def _polyline(self, points: Sequence[Place], color: Color, width: float, dash: tuple[float, ...]) -> None:
        canvas = self.canv
        canvas.setStrokeColor(color)
        canvas.setLineWidth(width)
        canvas.setLineJoin(1)
        canvas.setDash(list(dash))
        for piece in _cut(points, self.plane):
            path = canvas.beginPath()
            path.moveTo(*self._at(*piece[0]))
            for place in piece[1:]:
                path.lineTo(*self._at(*place))
            canvas.drawPath(path, stroke=1, fill=0)
        canvas.setDash([])

    def _counts(self, counts: Counts, middle: float) -> None:
        """Who lies where: with the label upwards, without it downwards, each side as high as its own largest part."""
        canvas, box, half = self.canv, self._box, self._strip / 2 - 3
        wide = (box.right - box.left) / max(1, len(counts.positives))
        dark = style.INK if counts.series is None else style.SERIES[counts.series % len(style.SERIES)]
        pale = style.FAINT if counts.series is None else _pale(dark, 0.55)
        for part, sign, color in ((counts.positives, 1, dark), (counts.negatives, -1, pale)):
            most = max(max(part, default=0), LEAST_BAR)
            canvas.setFillColor(color)
            for place, number in enumerate(part):
                high = max(half * number / most, 0.6)
                if number:
                    low = middle if sign > 0 else middle - high
                    canvas.rect(box.left + place * wide + 0.2, low, max(0.4, wide - 0.4), high, stroke=0, fill=1)
        canvas.setStrokeColor(style.RULE)
        canvas.setLineWidth(0.4)
        canvas.line(box.left, middle, box.right, middle)
        if self.keyed:
            for part, name, y, color in (
                (counts.positives, "with the label", middle + 3.5, dark),
                (counts.negatives, "without it", middle - 9, style.MUTED),
            ):
                told = f"{name}, at most {max(part, default=0):,} a bar"
                draw_text(canvas, box.right + 14, y, told, style.SANS, 6.5, color)

    def _key(self) -> None:
        x, y = self._box.right + 14, self.height - 34
        room = self.width - x - 18
        for one in self.series:
            color = _color(one)
            canvas = self.canv
            canvas.setStrokeColor(color)
            canvas.setLineWidth(1.3 if one.series is not None else 0.9)
            canvas.setDash(list(one.dash))
            canvas.line(x, y, x + 13, y)
            canvas.setDash([])
            if one.marked and one.series is not None:
                draw_marker(canvas, x + 6.5, y, 2.1, _shape(one), color)
            name = style.fit_text(one.name, style.BOLD, 7.5, room)
            draw_text(canvas, x + 18, y - 2.6, name, style.BOLD, 7.5, color if one.series is not None else style.MUTED)
            if one.told:
                told = style.fit_text(one.told, style.SANS, 7, room)
                draw_text(canvas, x + 18, y - 12, told, style.SANS, 7, style.MUTED)
            y -= _key_height(one)


def _key_width(one: Series) -> float:
    return max(style.text_width(one.name, style.BOLD, 7.5), style.text_width(one.told, style.SANS, 7))


def _key_height(one: Series) -> float:
    return 23.0 if one.told else 13.0


def _color(one: Series) -> Color:
    return style.FAINT if one.series is None else style.SERIES[one.series % len(style.SERIES)]


def _shape(one: Series) -> str:
    return style.MARKERS[(one.series or 0) % len(style.MARKERS)]


def _pale(color: Color, part: float) -> Color:
    """A colour mixed with `part` of white. Not transparent: archives forbid that in a PDF."""
    return Color(*(1 - (1 - shade) * (1 - part) for shade in (color.red, color.green, color.blue)))


def _stepped(points: Sequence[Place]) -> list[Place]:
    """Y holds until the next x."""
    told: list[Place] = []
    for (x, y), (following, _) in itertools.pairwise(points):
        told += [(x, y), (following, y)]
    return [*told, points[-1]] if points else []


def _cut(points: Sequence[Place], plane: Plane) -> list[list[Place]]:
    """The pieces of a line that lie inside the plane, cut where it crosses an edge of y; x is kept to its limits."""
    (left, right), (low, high) = plane.x, plane.y
    inside = [point for point in points if left <= point[0] <= right]
    pieces: list[list[Place]] = []
    piece: list[Place] = []
    for before, after in itertools.pairwise(inside):
        part = _clipped(before, after, low, high)
        if part is None or (piece and piece[-1] != part[0]):
            pieces, piece = ([*pieces, piece] if piece else pieces), []
        if part is not None:
            piece = [*piece, part[1]] if piece else list(part)
    return [*pieces, piece] if piece else pieces


def _clipped(before: Place, after: Place, low: float, high: float) -> tuple[Place, Place] | None:
    """The part of a straight line between two heights; None when it lies outside."""
    (x0, y0), (x1, y1) = before, after
    if max(y0, y1) < low or min(y0, y1) > high:
        return None
    if y0 == y1:
        return before, after

    def at(y: float) -> Place:
        """Where the line has a height."""
        return x0 + (x1 - x0) * (y - y0) / (y1 - y0), y

    start = before if low <= y0 <= high else at(low if y0 < low else high)
    end = after if low <= y1 <= high else at(low if y1 < low else high)
    return start, end


def _cut_band(band: Sequence[tuple[float, float, float]], plane: Plane) -> list[tuple[float, float, float]]:
    (left, right), (low, high) = plane.x, plane.y
    return [(x, min(max(bottom, low), high), min(max(top, low), high)) for x, bottom, top in band if left <= x <= right]


def _places(values: Sequence[float]) -> int:
    return next((places for places in range(5) if all(abs(v - round(v, places)) < 1e-9 for v in values)), 4)
