"""The left half of the Records page: filter bar, the table of recordings, how many there are."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from app.core.record_query import Facets, RecordQuery
from app.core.rows import RecordRow
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.icons import themed
from app.ui.records_columns import record_columns
from app.ui.records_filter import FilterBar
from app.ui.records_filter_words import without_filters
from app.ui.records_view import RecordsView
from app.ui.settings import Settings
from app.ui.table import Chosen, PagedModel

if TYPE_CHECKING:
    from app.workspace import Workspace


NO_MATCH = "No recording matches. Take a filter away to see more."


class RecordsTable(QWidget):
    """Filters, table, count. The current recording stays current under other filters and orders while it is there."""

    selected = Signal(object)
    """The current RecordRow, or None."""
    counted = Signal(int)
    """How many recordings the filter keeps."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        columns = record_columns()
        self.bar, self.count, self.columns = FilterBar(), QLabel(), QToolButton()
        self.model = PagedModel([c.column for c in columns], background, self._count, self._fetch, self._find)
        self.view = RecordsView(columns, self.model)
        self.bar.chips.follower = self.view
        self._total = 0
        self._told: RecordRow | None = None
        self._chosen_by_hand, self._moving = False, False
        self._sought = ""
        self._above: int | None = None
        self._asked_anew = False
        self._dress()
        self._lay_out()
        self._connect()

    @property
    def narrowed(self) -> bool:
        """Whether anything is filtered out."""
        return self.bar.narrowed

    def query(self) -> RecordQuery:
        """Which recordings the table shows, and in which order."""
        return self.bar.query

    def current(self) -> RecordRow | None:
        """The row that is current, when it is held."""
        index = self.view.currentIndex()
        return self.model.row(index.row()) if index.isValid() else None

    def reload(self) -> None:
        """Count and fetch again; filters, order, selection and place stay."""
        self._load(keep=True)

    def offer(self, facets: Facets) -> None:
        """Take over what the workspace holds to filter by."""
        self._total = facets.records
        self.bar.offer(facets)
        self._say()

    def narrow(self, query: RecordQuery) -> None:
        """Show other recordings, or in another order."""
        self.bar.put(query)
        self.view.sort_by(query.sort, query.descending)
        self._load(keep=False)

    def look_for(self, record: str) -> None:
        """Bring a recording into view, without the filters where they leave it out."""
        self._sought = record
        self._load(keep=False)

    def apply_settings(self, settings: Settings) -> None:
        """Take over the columns."""
        self.view.apply_settings(settings)

    def apply_theme(self) -> None:
        """Draw signs and icons anew."""
        self.bar.apply_theme()
        self.columns.setIcon(themed("columns", themes.current()))
        self.view.viewport().update()
        self.view.horizontalHeader().viewport().update()

    def _read_numbers(self, query: RecordQuery) -> None:
        self.background.read(
            partial(self.workspace.record_facets, query),
            partial(self.bar.number, query),
            key="records.numbers",
            slow=True,
        )

    # These run on the reading worker and must not touch a widget.

    def _count(self) -> int:
        return self.workspace.found_count(self.bar.query)

    def _fetch(self, limit: int, offset: int) -> list[RecordRow]:
        return self.workspace.find_records(self.bar.query, limit, offset)

    def _find(self, record_id: str) -> int | None:
        return self.workspace.found_place(self.bar.query, record_id)

    # Loading.

    def _load(self, keep: bool) -> None:
        # A reload that overtakes another question, which then is never answered, has to ask it in its place.
        self._asked_anew = self._asked_anew or not keep or bool(self._sought)
        index, chosen, keep = self.view.currentIndex(), Chosen(), not self._asked_anew
        if self._sought:
            chosen = Chosen(self._sought)
        elif self._told is not None and index.isValid() and (keep or self._chosen_by_hand):
            above = index.row() - max(self.view.rowAt(0), 0)
            chosen = Chosen(self._told.record_id, index.row(), above)
        self._above = chosen.above if keep else None
        self.model.reload(keep, chosen)

    def _take_move(self, line: int | None) -> None:
        """The rows are others: make the same recording current, or the first."""
        sought, self._sought, self._asked_anew = self._sought, "", False
        if line is None and sought:
            if self.narrowed:
                self._sought = sought
                self.narrow(without_filters(self.bar.query))
                return
            self.bar.search.setText(sought)
        self._chosen_by_hand = line is not None and (self._chosen_by_hand or bool(sought))
        if self.model.rowCount():
            self._moving = True
            self.view.selectRow(line or 0)
            self._moving = False
        if sought and line is not None:
            self.view.scrollTo(self.view.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)
        else:
            top = 0 if line is None or self._above is None else line - self._above
            self.view.verticalScrollBar().setValue(top)

    def _take_count(self, rows: int) -> None:
        if rows and not self.view.currentIndex().isValid():
            self._moving = True
            self.view.selectRow(0)
            self._moving = False
        self._say()
        self._tell()
        self.counted.emit(rows)

    def _say(self) -> None:
        rows = self.model.rowCount()
        noun = "recording" if (self._total or rows) == 1 else "recordings"
        words = f"{rows:,} {noun}"
        if self.narrowed:
            words = f"{rows:,} of {max(self._total, rows):,} {noun}"
        self.view.tell_nothing(NO_MATCH if self.narrowed and not rows else "")
        self.count.setText(words)
        self.bar.panel.tell(words)

    def _tell(self) -> None:
        index = self.view.currentIndex()
        row = self.model.ensure(index.row()) if index.isValid() else None
        pending = index.isValid() and row is None
        if not pending and row != self._told:
            self._told = row
            self.selected.emit(row)

    def _arrived(self, first: int, last: int) -> None:
        if first <= self.view.currentIndex().row() <= last:
            self._tell()

    def _take_current(self) -> None:
        self._chosen_by_hand = self._chosen_by_hand or not self._moving
        self._tell()

    def _take_order(self, key: str, descending: bool) -> None:
        if (key, descending) != (self.bar.query.sort, self.bar.query.descending):
            self.bar.put(replace(self.bar.query, sort=key, descending=descending))
            self._load(keep=False)

    def row_menu(self) -> QMenu | None:
        """What can be done with the current recording; None without one."""
        row = self.current()
        if row is None:
            return None
        menu, clipboard = QMenu(self.view), QGuiApplication.clipboard()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        patient = RecordQuery(text=row.patient, sort="year")
        menu.addAction("All recordings of this &patient", lambda: self.narrow(patient))
        menu.addSeparator()
        menu.addAction("Copy record &id", lambda: clipboard.setText(row.record_id))
        menu.addAction("Copy &name", lambda: clipboard.setText(row.source_name))
        return menu

    def _open_row_menu(self, at: QPoint) -> None:
        menu = self.row_menu()
        if menu is not None:
            menu.popup(self.view.viewport().mapToGlobal(at))

    def _dress(self) -> None:
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.count.setProperty("role", "muted")
        self.columns.setText("Columns")
        self.columns.setToolTip("Choose the order and the columns")
        self.columns.setIconSize(QSize(16, 16))
        self.columns.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.columns.setProperty("role", "toggle")
        self.columns.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.apply_theme()

    def _lay_out(self) -> None:
        foot = QHBoxLayout()
        foot.addWidget(self.count, 1)
        foot.addWidget(self.columns)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.bar)
        column.addWidget(self.view, 1)
        column.addLayout(foot)

    def _connect(self) -> None:
        self.bar.changed.connect(lambda _query: self._load(keep=False))
        self.bar.numbers_asked.connect(self._read_numbers)
        self.view.sort_asked.connect(self._take_order)
        self.view.customContextMenuRequested.connect(self._open_row_menu)
        self.columns.clicked.connect(lambda: self.view.open_menu(self.columns))
        self.model.moved.connect(self._take_move)
        self.model.counted.connect(self._take_count)
        self.model.arrived.connect(self._arrived)
        self.view.selectionModel().currentRowChanged.connect(lambda _now, _before: self._take_current())
