"""The tables of a study: the grid that fills while its runs end, and the ranking with its intervals drawn."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QIcon, QPainter, QPen
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.ui import theme as themes
from app.ui.rows_table import ROW, Column, Index, RowsTable
from app.ui.signs import check_icon, sign, state_colour
from app.ui.study_rows import (
    RANKED_BY,
    RUN_SIGNS,
    RUN_WORDS,
    axis_text,
    axis_title,
    mean_text,
    number,
    ranking,
    works_text,
)
from engine.contract.results import Estimate, StudyCell, StudyResults, StudyRow

NUMERIC_AXES = ("records", "seed")


class GridTable(RowsTable):
    """One row a run: its place on the axes, its state, and its numbers as they come."""

    def __init__(self) -> None:
        self._shape: tuple[list[str], bool] = ([], False)
        super().__init__(_grid_columns([]), lambda row: str(row.number), "Runs of the study")

    def show_runs(self, axes: Sequence[str], rows: Sequence[StudyRow]) -> None:
        """Show these runs; a study of other axes, or with a probe, gets other columns."""
        shape = (list(axes), any("probe_before" in row.metrics for row in rows))
        if shape != self._shape:
            self._shape = shape
            self.set_columns(_grid_columns(*shape))
        self.rows.set_rows(rows)


class RankingTable(RowsTable):
    """One row a cell (its seeds together), the best first, with the interval over seeds drawn."""

    def __init__(self) -> None:
        self.ranked_by = ""
        super().__init__(_ranking_columns("probe_after"), lambda cell: cell.name, "Ranking of the study")
        self.setItemDelegateForColumn(3, MeanDelegate(self))
        self.verticalHeader().setDefaultSectionSize(28)

    def show_summary(self, summary: StudyResults, metric: str) -> None:
        """Rank the cells by a number."""
        if metric != self.ranked_by:
            self.ranked_by = metric
            self.set_columns(_ranking_columns(metric))
        self.rows.set_rows(ranking(summary, metric) if metric else [])
        self.viewport().update()

    def ends(self) -> tuple[float, float]:
        """Range of the drawn column: all means with their intervals."""
        told = [value for cell in self.rows.rows for value in _numbers(cell.metrics[self.ranked_by])]
        low, high = (min(told), max(told)) if told else (0.0, 1.0)
        room = 0.05 * (high - low) or 0.05
        return low - room, high + room


class DifferenceTable(RowsTable):
    """One row a difference: what changing one axis does, all else alike, paired by seed."""

    def __init__(self) -> None:
        columns = (
            Column("Number", lambda one: RANKED_BY.get(one.metric, one.metric.replace("_", " ")), 170),
            Column("Difference", lambda one: f"{one.examined} minus {one.reference}", 230),
            Column("Among", lambda one: one.among or "all runs", 0),
            Column("Mean over seeds", lambda one: mean_text(one.estimate, one.metric, signed=True), 200, numeric=True),
        )
        name = "Differences between values of an axis"
        super().__init__(columns, lambda one: f"{one.metric} {one.examined} {one.reference} {one.among}", name)


class MeanDelegate(QStyledItemDelegate):
    """Draws a mean and its interval over seeds on the table's range."""

    def __init__(self, table: RankingTable) -> None:
        super().__init__(table)
        self._table = table

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Background as every cell, then line and dot."""
        super().paint(painter, option, index)
        cell: StudyCell = index.data(ROW)
        estimate, theme = cell.metrics[self._table.ranked_by], themes.current()
        if estimate.value is None:
            return
        low, high = self._table.ends()
        room = QRectF(option.rect).adjusted(10, 0, -10, 0)

        def place(value: float) -> QPointF:
            """Where a value stands in the cell."""
            return QPointF(room.left() + room.width() * (value - low) / (high - low), room.center().y())

        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.series[0]), 2))
        if estimate.interval is not None:
            painter.drawLine(place(estimate.interval.low), place(estimate.interval.high))
        painter.setBrush(QColor(theme.series[0]))
        painter.drawEllipse(place(estimate.value), 4, 4)
        painter.restore()


def run_icon(row: StudyRow) -> QIcon:
    """The sign of a run's state."""
    name = RUN_SIGNS.get(row.state, row.state)
    return sign(name, state_colour(name, themes.current()))


def _grid_columns(axes: Sequence[str], probed: bool = False) -> tuple[Column, ...]:
    places = [
        Column(axis_title(axis), lambda row, axis=axis: axis_text(row, axis), 90, numeric=axis in NUMERIC_AXES)  # type: ignore[misc]
        for axis in axes
    ]
    probes = (
        _metric("AUROC before", "probe_before", 106, ".3f", tip="Macro AUROC of the probe on the untrained backbone"),
        _metric("after", "probe_after", 62, ".3f", tip="Macro AUROC of the probe on the trained backbone"),
    )
    return (
        Column("Run", lambda row: str(row.number), 42, numeric=True),
        *places,
        Column("State", lambda row: RUN_WORDS[row.state], 96, icon=run_icon, tip=lambda row: row.message),
        _metric("Held-out", "validation_loss", 76, tip="Loss on held-out patients"),
        _metric("Trivial", "validation_trivial_loss", 66, tip="The loss of a model that ignores its input"),
        _metric("Eff. rank", "effective_rank_share", 76, ".0f", 100.0, " %", "Effective rank as a share of the width"),
        *(probes if probed else ()),
        Column("Note", note_text, 0),
    )


def note_text(row: StudyRow) -> str:
    """What must be said about a run: why it failed or was refused, or that it collapsed."""
    collapsed = "collapsed" if row.metrics.get("collapsed") else ""
    return "; ".join(part for part in (collapsed, row.message) if part)


def _metric(
    title: str, name: str, width: int, form: str = "", factor: float = 1.0, unit: str = "", tip: str = ""
) -> Column:
    def text(row: StudyRow) -> str:
        """The number with its unit, as a person reads it."""
        told = number(row, name, form, factor)
        return told if told == "–" else f"{told}{unit}"

    def raw(row: StudyRow) -> str:
        """The number at full precision, as it is copied and sorted."""
        value = row.metrics.get(name)
        return "" if value is None else repr(value)

    return Column(title, text, width, numeric=True, raw=raw, header_tip=tip)


def _ranking_columns(metric: str) -> tuple[Column, ...]:
    return (
        Column("Rank", lambda cell: str(cell.ranks[metric]), 48, numeric=True, header_tip=EQUALS),
        Column("Cell", lambda cell: cell.name, 200),
        Column("Learns", works_text, 96, icon=_works_icon, tip=lambda cell: cell.shortfall or works_text(cell)),
        Column("", lambda _cell: "", 140),
        Column(
            RANKED_BY.get(metric, metric), lambda cell: mean_text(cell.metrics.get(metric), metric), 168, numeric=True
        ),
        Column("Seeds", lambda cell: str(cell.seeds), 52, numeric=True),
        Column("What it lacks", lambda cell: cell.shortfall, 0),
    )


EQUALS = "Whoever may equal the leader, by the interval over seeds, shares its rank"


def _works_icon(cell: StudyCell) -> QIcon:
    theme = themes.current()
    return sign("queued", theme.muted) if cell.works is None else check_icon(cell.works, theme)


def _numbers(estimate: Estimate) -> list[float]:
    ends = [] if estimate.interval is None else [estimate.interval.low, estimate.interval.high]
    return [value for value in (estimate.value, *ends) if value is not None]
