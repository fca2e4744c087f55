"""A table of a few hundred frozen rows: columns as data, numbers to the right, copy and CSV built in.

For tables that may hold every recording of a hospital see the Records page, which asks for pages of rows instead.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication, QIcon, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
"""Role under which a cell hands out its whole row."""
CHOOSE = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows


@dataclass(frozen=True)
class Column:
    """One column: what it shows of a row and how.

    Args:
        title: in the header and in what is copied; a column without one is a picture and is not copied.
        text: the cell's text.
        width: in pixels; 0 takes what is left.
        numeric: to the right, with figures of one width.
        tip: the cell's tooltip; without it the text, which matters where a cell is cut short.
        icon: a sign before the text.
        raw: what goes to CSV instead of the text, at full precision.
        header_tip: tooltip of the header.
        header_sign: a sign in the header in place of the title (`app.ui.signs`), for columns that are a sign wide.
    """

    title: str
    text: Callable[[Any], str]
    width: int = 100
    numeric: bool = False
    tip: Callable[[Any], str] | None = None
    icon: Callable[[Any], QIcon] | None = None
    raw: Callable[[Any], str] | None = None
    header_tip: str = ""
    header_sign: str = ""


class RowsModel(QAbstractTableModel):
    """Rows under columns. A refresh that keeps the row ids keeps selection and scroll position."""

    def __init__(self, columns: Sequence[Column], identity: Callable[[Any], str]) -> None:
        super().__init__()
        self.columns, self.identity = tuple(columns), identity
        self.rows: list[Any] = []

    def set_rows(self, rows: Sequence[Any]) -> None:
        """Show these rows."""
        rows = list(rows)
        if [self.identity(row) for row in rows] == [self.identity(row) for row in self.rows]:
            self._replace(rows)
        else:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns of the same rows."""
        self.beginResetModel()
        self.columns = tuple(columns)
        self.endResetModel()

    def _replace(self, rows: list[Any]) -> None:
        before, self.rows = self.rows, rows
        for line, (old, new) in enumerate(zip(before, rows, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(line, 0), self.index(line, len(self.columns) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        """Number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        """Number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """What a cell shows, in Qt's roles."""
        row, column = self.rows[index.row()], self.columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip(row) if column.tip else column.text(row)
        if role == Qt.ItemDataRole.DecorationRole:
            return column.icon(row) if column.icon else None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.numeric else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == ROW:
            return row
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Titles above the columns, set to the side of their cells."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.header_tip or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.numeric else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def as_text(self, delimiter: str, rows: Sequence[int] | None = None) -> str:
        """The table as delimited text with a header line; `rows` picks some of them."""
        lines = range(len(self.rows)) if rows is None else rows
        told = [column for column in self.columns if column.title]
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow([column.title for column in told])
        for line in lines:
            row = self.rows[line]
            writer.writerow([(column.raw or column.text)(row) for column in told])
        return out.getvalue()


class RowsTable(QTableView):
    """The view: whole rows are selected, Enter activates, Ctrl+C copies with the header."""

    selected = Signal(object)
    """The current row, or None."""

    def __init__(
        self, columns: Sequence[Column], identity: Callable[[Any], str], name: str, model: RowsModel | None = None
    ) -> None:
        super().__init__()
        self.rows = model or RowsModel(columns, identity)
        self.rows.setParent(self)
        self.setModel(self.rows)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        self._set_widths(columns)
        self.selectionModel().currentRowChanged.connect(self._tell)
        self.rows.modelAboutToBeReset.connect(self._remember)
        self.rows.modelReset.connect(self._restore)
        self._kept = ""

    def current(self) -> Any | None:
        """The row that is current, or None."""
        index = self.currentIndex()
        return self.rows.rows[index.row()] if index.isValid() and index.row() < len(self.rows.rows) else None

    def choose(self, identity: str) -> bool:
        """Make the row with this id current and bring it into view; False when there is none."""
        for line, row in enumerate(self.rows.rows):
            if self.rows.identity(row) == identity:
                # Not `selectRow`: that toggles the row while the user holds Ctrl.
                self.selectionModel().setCurrentIndex(self.rows.index(line, 0), CHOOSE)
                self.scrollTo(self.rows.index(line, 0))
                return True
        return False

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns of the same rows."""
        self.rows.set_columns(columns)
        self._set_widths(columns)

    def copy(self) -> None:
        """Put the selected rows (all, if none is) on the clipboard, parted by tabs."""
        lines = sorted({index.row() for index in self.selectionModel().selectedRows()})
        QGuiApplication.clipboard().setText(self.rows.as_text("\t", lines or None))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+C copies whole rows instead of one cell."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def _set_widths(self, columns: Sequence[Column]) -> None:
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(36)
        for place, column in enumerate(columns):
            if column.width:
                header.setSectionResizeMode(place, QHeaderView.ResizeMode.Interactive)
                header.resizeSection(place, column.width)
            else:
                header.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)

    def _tell(self) -> None:
        self.selected.emit(self.current())

    def _remember(self) -> None:
        row = self.current()
        self._kept = "" if row is None else self.rows.identity(row)

    def _restore(self) -> None:
        if not self.choose(self._kept) and self._kept:
            self.selected.emit(None)


def fixed_font() -> QFont:
    """The shipped font with letters of one width, for logs and configs."""
    font = QFont("Noto Sans Mono", 9)
    font.setStyleHint(QFont.StyleHint.Monospace)
    return (
        font
        if "Noto Sans Mono" in QFontDatabase.families()
        else QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    )
