"""The list of pretrainings: a tick to compare, name and state in two lines, a thin bar, the last held-out loss."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.ui import theme as themes
from app.ui.rows_table import ROW, Column, Index, RowsModel, RowsTable
from app.ui.signs import sign, state_icon
from app.ui.training_rows import TrainingRow, decimals

TICK, RUN = 0, 1
HELD = "Newest loss on patients that the training does not see"
ROW_PX = 48


class TickedRows(RowsModel):
    """Rows of which any number are ticked, by id."""

    ticks_changed = Signal()

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(columns, lambda row: row.job.job_id)
        self.ticked: list[str] = []

    def toggle(self, line: int) -> None:
        """Tick or untick a row; the order of ticking is kept, it gives the colours."""
        identity = self.identity(self.rows[line])
        if identity in self.ticked:
            self.ticked.remove(identity)
        else:
            self.ticked.append(identity)
        self.dataChanged.emit(self.index(line, TICK), self.index(line, TICK))
        self.ticks_changed.emit()

    def clear_ticks(self) -> None:
        """Untick all."""
        self.ticked = []
        if self.rows:
            self.dataChanged.emit(self.index(0, TICK), self.index(len(self.rows) - 1, TICK))
        self.ticks_changed.emit()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The tick beside Qt's other roles."""
        if role == Qt.ItemDataRole.CheckStateRole and index.column() == TICK:
            ticked = self.identity(self.rows[index.row()]) in self.ticked
            return Qt.CheckState.Checked.value if ticked else Qt.CheckState.Unchecked.value
        return super().data(index, role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The first column can be ticked."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == TICK else flags

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """A click on the tick."""
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != TICK:
            return False
        self.toggle(index.row())
        return True


class TrainingList(RowsTable):
    """Pretrainings, the newest first; Space ticks the current one."""

    def __init__(self) -> None:
        columns = (
            Column("", lambda _row: "", 30, header_tip="Tick several to compare them in one plot"),
            Column("Pretraining", lambda row: f"{row.job.name}, {row.text}", 0),
            Column("Held-out", lambda row: decimals(row.held), 78, numeric=True, tip=_loss_tip, header_tip=HELD),
        )
        self.ticks = TickedRows(columns)
        super().__init__(columns, lambda row: row.job.job_id, "Pretrainings, the newest first", self.ticks)
        self.setSelectionMode(RowsTable.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.setItemDelegateForColumn(TICK, TickDelegate(self))
        self.setItemDelegateForColumn(RUN, RunDelegate(self))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space ticks, wherever in the row the focus is."""
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            self.ticks.toggle(self.currentIndex().row())
        else:
            super().keyPressEvent(event)


class TickDelegate(QStyledItemDelegate):
    """The tick, drawn in the theme's colours: the style's own box is lost on a dark table."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Without the style's box."""
        super().initStyleOption(option, index)
        option.features &= ~QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """A box with or without a tick, in the middle of the cell."""
        super().paint(painter, option, index)
        theme = themes.current()
        ticked = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked.value
        box = QRectF(0, 0, 15, 15)
        box.moveCenter(QRectF(option.rect).center())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(theme.accent if ticked else theme.muted))
        painter.setBrush(QColor(theme.accent if ticked else theme.panel))
        painter.drawRoundedRect(box, 3, 3)
        if ticked:
            sign("done", theme.accent_text).paint(painter, box.adjusted(2, 2, -2, -2).toRect())
        painter.restore()

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        """A click anywhere in the cell ticks it."""
        if event.type() == QEvent.Type.MouseButtonRelease:
            return model.setData(index, None, Qt.ItemDataRole.CheckStateRole)
        return event.type() == QEvent.Type.MouseButtonDblClick


class RunDelegate(QStyledItemDelegate):
    """Sign and name, state below, and how far it is as a thin bar."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Background as every cell, then two lines and the bar."""
        row: TrainingRow = index.data(ROW)
        theme, style = themes.current(), option.widget.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = QRectF(option.rect).adjusted(4, 4, -4, -4)
        state_icon(row.job.state, theme).paint(
            painter, room.toRect().adjusted(0, 2, 0, 0).x(), int(room.y()) + 2, 16, 16
        )
        self._words(painter, option, room.adjusted(24, 0, 0, 0), row)
        if row.job.state == "running":
            self._bar(painter, QRectF(room.x() + 24, room.bottom() - 2, room.width() - 24, 3), row)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Two lines high."""
        return QSize(160, ROW_PX)

    @staticmethod
    def _words(painter: QPainter, option: QStyleOptionViewItem, room: QRectF, row: TrainingRow) -> None:
        theme, bold = themes.current(), QFont(option.font)
        bold.setBold(True)
        for font, colour, text, top in (
            (bold, theme.text, row.job.name, 0.0),
            (option.font, theme.warn if row.collapsed else theme.muted, row.text, 18.0),
        ):
            metrics = QFontMetricsF(font)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room.adjusted(0, top, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, shown)

    @staticmethod
    def _bar(painter: QPainter, room: QRectF, row: TrainingRow) -> None:
        theme, progress = themes.current(), row.job.progress
        share = min(progress.done / progress.total, 1.0) if progress.total else 0.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.border))
        painter.drawRoundedRect(room, 1.5, 1.5)
        painter.setBrush(QColor(theme.accent))
        painter.drawRoundedRect(QRectF(room.x(), room.y(), max(room.width() * share, 3.0), room.height()), 1.5, 1.5)


def _loss_tip(row: TrainingRow) -> str:
    if row.held is None:
        return "No look at the held-out patients yet"
    return f"{row.held:.4f}" + ("" if row.trivial is None else f", trivial level {row.trivial:.4f}")
