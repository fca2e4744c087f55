"""Numbers with their intervals as a table whose middle column draws them.

A forest plot that can be copied and walked through with the keyboard. Each row is one estimate. The drawn column
shares one axis, whose ticks stand in its header.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QIcon, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem

from app.ui import theme as themes
from app.ui.rows_table import ROW, Column, Index, RowsTable
from app.ui.signs import MARKERS, paint_marker, sign
from app.ui.theme import Theme
from engine.contract.results import Estimate, EvaluateResults

LABEL, MODEL, PICTURE, VALUE, INTERVAL, METHOD, PATIENTS, P_VALUE = range(8)
"""The columns; PICTURE is drawn, P_VALUE only of differences."""
LEAST_WIDTH = {METHOD: 930, PATIENTS: 560}
"""Columns that are left out of a table narrower than this, in pixels; the tooltip still tells them."""
ROW_LOW, ROW_HIGH = 26, 38
"""Least and greatest height of a row, in pixels."""
MINUS = "\N{MINUS SIGN}"
"""As wide as a plus, unlike the hyphen; files and the clipboard keep the hyphen."""
P_TIP = "That the difference is 0, corrected over the differences that are told together"
EDGE = 14
"""Pixels left free on both sides of the axis."""


@dataclass(frozen=True)
class IntervalRow:
    """One estimate of one model for one label.

    Args:
        group: the label, or "macro".
        model: the model's name.
        series: its place in the theme's series colours and markers.
        estimate: value, interval and counts.
        leads: whether it is the first row of its group.
        p_value: that the number is its level of no effect, as it is told: corrected; None where nobody tests it.
        note: what else is known of it, a line.
    """

    group: str
    model: str
    series: int
    estimate: Estimate
    leads: bool = False
    p_value: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Axis:
    """The shared axis: its range, its ticks, and the level that means *nothing there*."""

    low: float
    high: float
    ticks: tuple[float, ...]
    level: float

    def place(self, value: float, rect: QRect | QRectF) -> float:
        """Horizontal place of a value inside a cell, in pixels."""
        share = (value - self.low) / (self.high - self.low)
        return float(rect.left() + EDGE + share * (rect.width() - 2 * EDGE))


class IntervalTable(RowsTable):
    """The table; `quantity` names the number ("AUROC", "difference")."""

    def __init__(self, quantity: str, signed: bool, name: str) -> None:
        show = partial(value_text, signed=signed)
        super().__init__(_columns(quantity, signed, show), lambda row: f"{row.group}\t{row.model}", name)
        self.axis = Axis(0, 1, (0, 0.5, 1), 0.5)
        self.signed = signed
        self.setItemDelegate(RowDelegate(self))
        self.setItemDelegateForColumn(PICTURE, IntervalDelegate(self))
        header = AxisHeader(self)
        header.setStretchLastSection(False)
        self.setHorizontalHeader(header)
        self._set_widths(self.rows.columns)
        header.setFixedHeight(30)

    def show_rows(self, rows: Sequence[IntervalRow]) -> None:
        """Show these estimates, in order, with an axis that holds all of them."""
        self.axis = axis_for([row.estimate for row in rows], self.signed)
        self.rows.set_rows(rows)
        self._fit_columns()
        self._fit_rows()
        self.horizontalHeader().viewport().update()
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the rows the room there is."""
        super().resizeEvent(event)
        self._fit_columns()
        self._fit_rows()

    def _fit_columns(self) -> None:
        """Give names the width they need and the drawn column the rest; leave out what a narrow table cannot hold."""
        wide = self.viewport().width()
        names = {row.model for row in self.rows.rows}
        self.setColumnHidden(MODEL, len(names) < 2)
        for column, least in LEAST_WIDTH.items():
            self.setColumnHidden(column, wide < least)
        need = max((self.fontMetrics().horizontalAdvance(name) for name in names), default=0) + 56
        self.setColumnWidth(MODEL, min(max(need, 110), max(wide // 5, 142)))

    def _fit_rows(self) -> None:
        count = max(len(self.rows.rows), 1)
        height = min(max(self.viewport().height() // count, ROW_LOW), ROW_HIGH)
        if height != self.verticalHeader().defaultSectionSize():
            self.verticalHeader().setDefaultSectionSize(height)


class RowDelegate(QStyledItemDelegate):
    """Plain cells, with a line above each group and the macro rows in bold."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Macro rows in bold."""
        super().initStyleOption(option, index)
        if index.data(ROW).group == "macro":
            option.font.setBold(True)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The cell, and the line of its group."""
        super().paint(painter, option, index)
        if index.row() and index.data(ROW).leads:
            painter.setPen(QColor(themes.current().border))
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())


class IntervalDelegate(RowDelegate):
    """Draws interval and value on the table's axis."""

    def __init__(self, table: IntervalTable) -> None:
        super().__init__(table)
        self._table = table

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Background and selection as every cell, then axis lines, whisker and marker."""
        super().paint(painter, option, index)
        row: IntervalRow = index.data(ROW)
        painter.save()
        painter.setClipRect(option.rect)
        _paint_axis(painter, self._table.axis, option.rect, themes.current())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_estimate(painter, self._table.axis, option.rect, row)
        painter.restore()


class AxisHeader(QHeaderView):
    """A header whose drawn column shows the ticks of the axis."""

    def __init__(self, table: IntervalTable) -> None:
        super().__init__(Qt.Orientation.Horizontal, table)
        self._table = table

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """The section as ever; ticks instead of a title over the drawn column."""
        painter.save()
        super().paintSection(painter, rect, section)
        painter.restore()
        if section == PICTURE:
            painter.save()
            self._paint_ticks(painter, rect)
            painter.restore()

    def _paint_ticks(self, painter: QPainter, rect: QRect) -> None:
        axis, metrics = self._table.axis, QFontMetricsF(self.font())
        painter.setPen(QColor(themes.current().muted))
        widest = max(metrics.horizontalAdvance(tick_text(tick)) for tick in axis.ticks)
        for tick in shown_ticks(axis, rect.width(), widest + 8):
            text, x = tick_text(tick), axis.place(tick, rect)
            place = QRectF(x - widest / 2 - 2, rect.top() + 4, widest + 4, metrics.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
            painter.drawLine(QPointF(x, rect.bottom() - 4), QPointF(x, rect.bottom()))


def evaluation_rows(results: EvaluateResults) -> list[IntervalRow]:
    """The estimates of one evaluation, macro first."""
    told = [("macro", results.macro), *((one.label, one.auroc) for one in results.labels)]
    return [IntervalRow(group, results.model, 0, estimate, leads=True) for group, estimate in told]


def axis_for(estimates: Sequence[Estimate], signed: bool) -> Axis:
    """An axis that holds all values and intervals: AUROC from 0.5 (or lower) to 1, differences with 0 inside."""
    numbers = [n for e in estimates for n in _numbers(e)]
    if signed:
        reach = max([abs(n) for n in numbers], default=0.1)
        step = 0.05 if reach <= 0.2 else 0.1 if reach <= 0.5 else 0.25
        first, last = (math.ceil(max([*(sign * n for n in numbers), step]) / step - 1e-9) for sign in (-1, 1))
        ticks = tuple(round(i * step, 2) for i in range(-first, last + 1))
        return Axis(ticks[0], ticks[-1], ticks, 0.0)
    low = min(-_up(-min(numbers, default=0.5), 0.1), 0.5)
    low = max(low, 0.0)
    ticks = tuple(round(low + 0.1 * i, 1) for i in range(round((1 - low) / 0.1) + 1))
    return Axis(low, 1.0, ticks, 0.5)


def shown_ticks(axis: Axis, width: int, room: float) -> list[float]:
    """The ticks that get a number: every nth, counted from the level, so that they stand `room` pixels apart."""
    between = (width - 2 * EDGE) / max(len(axis.ticks) - 1, 1)
    every = max(math.ceil(room / max(between, 1)), 1)
    start = axis.ticks.index(axis.level) if axis.level in axis.ticks else 0
    return [tick for place, tick in enumerate(axis.ticks) if (place - start) % every == 0]


def value_text(value: float | None, signed: bool = False) -> str:
    """A number with three decimals, with its sign where that matters."""
    if value is None:
        return "n/e"
    if not signed:
        return f"{value:.3f}"
    told = f"{value:+.3f}"
    return "0.000" if told[1:] == "0.000" else told.replace("-", MINUS)


def tick_text(value: float) -> str:
    """A tick without needless zeros."""
    return f"{value:g}".replace("-", MINUS)


def method_short(method: str) -> str:
    """The family of an interval's method, short enough for a column; the whole method is in the tooltip."""
    for word, short in (
        ("bootstrap", "bootstrap"),
        ("Obuchowski", "analytic, clustered"),
        ("DeLong", "analytic, DeLong"),
    ):
        if word in method:
            return short
    return "analytic" if "analytic" in method else method.partition(",")[0]


def _columns(quantity: str, signed: bool, show: Callable[[float | None], str]) -> tuple[Column, ...]:
    tested = (Column("p", _p_text, 64, numeric=True, header_tip=P_TIP, raw=lambda r: _raw(r.p_value)),)
    return (
        Column("Label", lambda r: r.group if r.leads else "", 88, tip=lambda r: r.group, raw=lambda r: r.group),
        Column("Minus" if signed else "Model", lambda r: r.model, 142, icon=_marker),
        Column("", lambda r: "", 0, tip=partial(estimate_text, signed=signed)),
        Column(quantity, lambda r: show(r.estimate.value), 84, numeric=True, raw=lambda r: _raw(r.estimate.value)),
        Column("95 % interval", partial(interval_text, show), 146, numeric=True, raw=_raw_interval),
        Column("Method", _method, 136, tip=partial(estimate_text, signed=signed), raw=_whole_method),
        Column("Patients", _patients, 84, numeric=True, header_tip="Patients with the label / without it"),
        *(tested if signed else ()),
    )


def interval_text(show: Callable[[float | None], str], row: IntervalRow) -> str:
    """The reported interval: "0.812 to 0.930"."""
    interval = row.estimate.interval
    return "none" if interval is None else f"{show(interval.low)} to {show(interval.high)}"


def estimate_text(row: IntervalRow, signed: bool = False) -> str:
    """All that is known of one number, in lines."""
    e, show = row.estimate, partial(value_text, signed=signed)
    lines = [f"{row.group}, {'minus ' if signed else ''}{row.model}: {show(e.value)}"]
    for name, interval in (("reported", e.interval), ("beside it", e.beside)):
        if interval is not None:
            lines.append(f"{show(interval.low)} to {show(interval.high)} {name}: {interval.method}")
    if row.note:
        lines.append(row.note)
    if e.not_estimable:
        lines.append(f"not estimable: {e.not_estimable}")
    counts = f"{e.records:,} records of {e.patients:,} patients"
    if e.positive_patients is not None and e.negative_patients is not None:
        counts += f", {e.positive_patients:,} patients with the label, {e.negative_patients:,} without"
    return "\n".join([*lines, counts])


def p_text(p_value: float | None) -> str:
    """A p value as it is printed: "<0.001", "0.034", "0.41"; a dash where there is none."""
    if p_value is None:
        return "–"
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}" if p_value < 0.1 else f"{p_value:.2f}"


def _p_text(row: IntervalRow) -> str:
    return p_text(row.p_value)


def _marker(row: IntervalRow) -> QIcon:
    series = themes.current().series
    return sign(MARKERS[row.series % len(MARKERS)], series[row.series % len(series)])


def _method(row: IntervalRow) -> str:
    interval = row.estimate.interval
    return method_short(interval.method) if interval else row.estimate.not_estimable or "none"


def _whole_method(row: IntervalRow) -> str:
    return row.estimate.interval.method if row.estimate.interval else row.estimate.not_estimable


def _patients(row: IntervalRow) -> str:
    e = row.estimate
    if e.positive_patients is None or e.negative_patients is None:
        return f"{e.patients:,}"
    return f"{e.positive_patients:,} / {e.negative_patients:,}"


def _raw(value: float | None) -> str:
    return "" if value is None else repr(value)


def _raw_interval(row: IntervalRow) -> str:
    interval = row.estimate.interval
    return "" if interval is None else f"{interval.low!r} to {interval.high!r}"


def _numbers(estimate: Estimate) -> list[float]:
    told = [] if estimate.value is None else [estimate.value]
    return told if estimate.interval is None else [*told, estimate.interval.low, estimate.interval.high]


def _up(value: float, step: float) -> float:
    return round(math.ceil(value / step - 1e-9) * step, 6)


def _paint_axis(painter: QPainter, axis: Axis, rect: QRect, theme: Theme) -> None:
    faint = theme.mix(theme.border, theme.panel, 0.55)
    for tick in axis.ticks:
        painter.setPen(QPen(faint, 1))
        x = axis.place(tick, rect)
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom() + 1))
    painter.setPen(QPen(QColor(theme.muted), 1, Qt.PenStyle.DashLine))
    x = axis.place(axis.level, rect)
    painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom() + 1))


def _paint_estimate(painter: QPainter, axis: Axis, rect: QRect, row: IntervalRow) -> None:
    series = themes.current().series
    colour, y = QColor(series[row.series % len(series)]), rect.center().y() + 0.5
    if row.estimate.interval is not None:
        left, right = (axis.place(v, rect) for v in (row.estimate.interval.low, row.estimate.interval.high))
        painter.setPen(QPen(colour, 1.6))
        painter.drawLine(QPointF(left, y), QPointF(right, y))
        for x in (left, right):
            painter.drawLine(QPointF(x, y - 4), QPointF(x, y + 4))
    if row.estimate.value is not None:
        shape = MARKERS[row.series % len(MARKERS)]
        paint_marker(painter, shape, QPointF(axis.place(row.estimate.value, rect), y), 4.6, colour)
