"""The view of the table of recordings: columns that can be sorted by, hidden and made wider, and remembered so."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QActionGroup, QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from app.ui import theme as themes
from app.ui.records_columns import RecordColumn
from app.ui.settings import Settings
from app.ui.signs import paint_marker
from app.ui.table import PagedModel

ROW_PX, LEAST_PX, LAST_LEAST_PX = 26, 36, 82
PAD_PX, GAP_PX, SIGN_PX = 9, 6, 15
"""Of the header: before and behind a title, between it and the sign of order, width of a sign in place of a title."""
IMPORTED = "imported"


class SortHeader(QHeaderView):
    """A header whose sign of order stands beside the title: Qt's own covers a title that is set to the right."""

    def __init__(self, view: RecordsView) -> None:
        super().__init__(Qt.Orientation.Horizontal, view)
        self.view = view

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Paint a title, and a triangle where the rows are sorted by it: down when the largest come first."""
        painter.save()
        super().paintSection(painter, rect, section)
        painter.restore()
        column = self.view.columns[section]
        if column.key != self.view.sort:
            return
        wide = SIGN_PX if column.column.header_sign else self.fontMetrics().horizontalAdvance(column.column.title)
        left = rect.right() - PAD_PX - wide - GAP_PX if column.column.numeric else rect.left() + PAD_PX + wide + GAP_PX
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = "down" if self.view.descending else "triangle"
        paint_marker(painter, shape, QPointF(left, rect.center().y() + 1), 3.6, QColor(themes.current().accent))
        painter.restore()


class RecordsView(QTableView):
    """Whole rows, one at a time. The last column takes what the others leave, and never less than can be read.

    Args:
        columns: all that there are; the model has the same in the same order.
        model: the rows.
    """

    sort_asked = Signal(str, bool)
    """By which column, and whether from the end."""

    def __init__(self, columns: Sequence[RecordColumn], model: PagedModel) -> None:
        super().__init__()
        self.columns, self.settings = tuple(columns), Settings()
        self.sort, self.descending = IMPORTED, False
        self.nothing = ""
        self._placing = False
        self.setModel(model)
        self.setHorizontalHeader(SortHeader(self))
        self._dress()
        header = self.horizontalHeader()
        header.sectionClicked.connect(self._take_click)
        header.sectionResized.connect(self._take_width)
        header.customContextMenuRequested.connect(lambda at: self.menu(self).popup(header.mapToGlobal(at)))
        self.apply_settings(self.settings)

    def tell_nothing(self, words: str) -> None:
        """Say in the empty table why it is empty."""
        if words != self.nothing:
            self.nothing = words
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows, or why there are none."""
        super().paintEvent(event)
        if self.nothing and not self.model().rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(themes.current().muted))
            room = self.viewport().rect().adjusted(16, 24, -16, 0)
            painter.drawText(room, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, self.nothing)
            painter.end()

    def apply_settings(self, settings: Settings) -> None:
        """Take over which columns are shown, and how wide."""
        self.settings = settings
        keys = self.shown()
        for place, column in enumerate(self.columns):
            self.setColumnHidden(place, column.key not in keys)
        self._set_widths()

    def shown(self) -> list[str]:
        """Keys of the columns that are shown, from left to right."""
        chosen = self.settings.record_columns
        return [c.key for c in self.columns if (c.standard if chosen is None else c.key in chosen)] or [
            c.key for c in self.columns if c.standard
        ]

    def show_column(self, key: str, on: bool) -> None:
        """Show or hide a column; hiding the one that is sorted by goes back to the order of import."""
        keys = set(self.shown()) | {key} if on else set(self.shown()) - {key}
        if not keys:
            return
        self.settings.record_columns = [column.key for column in self.columns if column.key in keys]
        self.apply_settings(self.settings)
        if key == self.sort and not on:
            self.sort_by(IMPORTED, False)

    def standard_columns(self) -> None:
        """Columns and widths as they were at first."""
        self.settings.record_columns, self.settings.record_widths = None, {}
        self.apply_settings(self.settings)
        if self.sort not in (*self.shown(), IMPORTED):
            self.sort_by(IMPORTED, False)

    def sort_by(self, key: str, descending: bool) -> None:
        """Ask for another order, and show the column that it is by."""
        if key != IMPORTED and key not in self.shown():
            self.show_column(key, True)
        changed = (key, descending) != (self.sort, self.descending)
        self.sort, self.descending = key, descending
        name = next((column.name.casefold() for column in self.columns if column.key == key), "import")
        self.setAccessibleDescription(f"Sorted by {name}, {'largest' if descending else 'smallest'} first")
        if changed:
            self.horizontalHeader().viewport().update()
            self.sort_asked.emit(key, descending)

    def menu(self, parent: QWidget) -> QMenu:
        """Order and columns to choose from; what the header does with the mouse, for the keyboard too."""
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        order = menu.addMenu("Sort &by")
        by, ends = QActionGroup(order), QActionGroup(order)
        for key, name in [(IMPORTED, "As imported"), *((c.key, c.name) for c in self.columns if c.sortable)]:
            action = by.addAction(order.addAction(name))
            action.setCheckable(True)
            action.setChecked(key == self.sort)
            action.triggered.connect(lambda _on=False, key=key: self.sort_by(key, self.descending))
        order.addSeparator()
        for descending, name in ((False, "Smallest first"), (True, "Largest first")):
            action = ends.addAction(order.addAction(name))
            action.setCheckable(True)
            action.setChecked(descending == self.descending)
            action.triggered.connect(lambda _on=False, down=descending: self.sort_by(self.sort, down))
        menu.addSeparator()
        for column in self.columns:
            action = menu.addAction(column.name)
            action.setCheckable(True)
            action.setChecked(column.key in self.shown())
            action.toggled.connect(lambda on, key=column.key: self.show_column(key, on))
        menu.addSeparator()
        menu.addAction("Standard columns", self.standard_columns)
        return menu

    def open_menu(self, below: QWidget) -> None:
        """Show order and columns at a button."""
        menu = self.menu(self)
        menu.popup(below.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the last column what is left."""
        super().resizeEvent(event)
        self._fit_last()

    def updateGeometries(self) -> None:
        """A scroll bar that came or went leaves another width."""
        super().updateGeometries()
        self._fit_last()

    # The header's side.

    def _take_click(self, section: int) -> None:
        """Ascending, descending, as imported: one after the other."""
        key = self.columns[section].key
        if not self.columns[section].sortable:
            return
        if key != self.sort:
            self.sort_by(key, False)
        elif self.descending:
            self.sort_by(IMPORTED, False)
        else:
            self.sort_by(key, True)

    def _take_width(self, section: int, _before: int, width: int) -> None:
        if self._placing or not width:
            return
        if section != self._last():
            self.settings.record_widths = {**self.settings.record_widths, self.columns[section].key: width}
            self._fit_last()

    def _set_widths(self) -> None:
        self._placing = True
        for place, column in enumerate(self.columns):
            width = self.settings.record_widths.get(column.key) or column.column.width or LAST_LEAST_PX
            self.setColumnWidth(place, max(width, LEAST_PX))
        self._placing = False
        self._fit_last()

    def _last(self) -> int:
        return max((place for place in range(len(self.columns)) if not self.isColumnHidden(place)), default=-1)

    def _fit_last(self) -> None:
        last = self._last()
        if self._placing or last < 0:
            return
        others = sum(self.columnWidth(place) for place in range(last) if not self.isColumnHidden(place))
        column = self.columns[last]
        least = self.settings.record_widths.get(column.key) or column.column.width or LAST_LEAST_PX
        width = max(least, self.viewport().width() - others)
        if width != self.columnWidth(last):
            self._placing = True
            self.setColumnWidth(last, width)
            self._placing = False

    def _dress(self) -> None:
        header = self.horizontalHeader()
        self.setAccessibleName("Recordings")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(LEAST_PX)
        header.setSectionsClickable(True)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.setToolTip("Click to sort; click with the right button to choose columns")
