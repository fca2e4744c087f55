"""A table over as many rows as a hospital has: the model knows how many there are and holds the pages in view.

Rows come from the workspace in pages of frozen dataclasses, asked for on the reading worker when a cell of theirs is
painted. A cell whose page is under way shows an ellipsis. After another filter or order the old rows stay painted until
the first page of the new ones is there, so that nothing flickers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app.ui import theme as themes
from app.ui.background import Background
from app.ui.rows_table import ROW, Column
from app.ui.signs import sign

Index = QModelIndex | QPersistentModelIndex
PAGE_ROWS = 100
PAGES_HELD = 12
"""Few: a page comes back in a hundredth of a second, and every row that is held makes Python's search for garbage
longer, which may fall into the window's thread."""
PAGES_WAITING = 2
"""Pages that may wait while one is fetched: who drags through the table wants the last ones, and not all on the way."""
IN_VIEW = 60
"""Rows of a tall window: what is fetched at least when the rows are others."""
PENDING = "…"
_ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.DecorationRole,
    Qt.ItemDataRole.AccessibleTextRole,
    ROW,
)


@dataclass(frozen=True)
class Chosen:
    """The row that is current when a table is loaded again.

    Attributes:
        identity: what tells the row from all others; None when no row is current.
        line: where it stands now.
        above: how many rows above it are in view.
    """

    identity: object = None
    line: int | None = None
    above: int = 0


@dataclass(frozen=True)
class _Look:
    """What the reading worker found: rows, the line of the chosen one, and pages when the rows are others."""

    rows: int
    line: int | None
    pages: dict[int, list[Any]] | None


class PagedModel(QAbstractTableModel):
    """Columns over pages of rows.

    Args:
        columns: what is shown of a row.
        background: the workers.
        count: how many rows there are now; called on the reading worker.
        fetch: the rows `offset` to `offset + limit - 1`; called on the reading worker.
        find: on which line a row with this identity stands, or None; called on the reading worker.
    """

    arrived = Signal(int, int)
    """Rows `first` to `last` are held now."""
    counted = Signal(int)
    """The number of rows is known (again)."""
    moved = Signal(object)
    """All rows are others now; the line of the chosen one, or None when it is gone. Comes before `counted`."""

    def __init__(
        self,
        columns: Sequence[Column],
        background: Background,
        count: Callable[[], int],
        fetch: Callable[[int, int], list[Any]],
        find: Callable[[Any], int | None] = lambda _identity: None,
    ) -> None:
        super().__init__()
        self.columns, self._background = tuple(columns), background
        self._count, self._fetch, self._find = count, fetch, find
        self._rows = 0
        self._pages: OrderedDict[int, list[Any]] = OrderedDict()
        self._stale: set[int] = set()
        self._waiting: list[int] = []
        self._under_way: int | None = None
        self._sides = [_side(column) for column in columns]
        self._generation = 0

    def reload(self, keep: bool = True, chosen: Chosen = Chosen()) -> None:
        """Count again and fetch what is in view again.

        Args:
            keep: it is the same question, so selection and place stay as far as they can; False after another filter
                or order, which starts at the top.
            chosen: the current row, to be found again.
        """
        self._generation += 1
        self._waiting.clear()
        self._under_way = None
        generation, before = self._generation, self._rows
        self._background.read(
            lambda: self._look(keep, before, chosen),
            lambda look: self._take_look(look, generation),
            key=f"count-{id(self)}",
        )

    def row(self, line: int) -> Any | None:
        """The row on this line, or None while its page is under way."""
        page = self._pages.get(line // PAGE_ROWS)
        place = line % PAGE_ROWS
        return page[place] if page is not None and place < len(page) else None

    def ensure(self, line: int) -> Any | None:
        """The row on this line; when it is not held it is asked for, and `arrived` tells when it is."""
        number = line // PAGE_ROWS
        if number not in self._pages or number in self._stale:
            self._ask(number)
        else:
            self._pages.move_to_end(number)
        return self.row(line)

    # Qt's side.

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        """Number of rows."""
        return 0 if parent.isValid() else self._rows

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        """Number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """What a cell shows, in Qt's roles."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._sides[index.column()]
        if role not in _ROLES:
            return None
        column, row = self.columns[index.column()], self.ensure(index.row())
        if row is None:
            return PENDING if role == Qt.ItemDataRole.DisplayRole else None
        return _cell(column, row, role)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Titles above the columns, set to the side of their cells."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return None if column.header_sign else column.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return column.title
        if role == Qt.ItemDataRole.DecorationRole:
            return sign(column.header_sign, themes.current().muted) if column.header_sign else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.header_tip or None
        return self._sides[section] if role == Qt.ItemDataRole.TextAlignmentRole else None

    # Arrivals.

    def _look(self, keep: bool, before: int, chosen: Chosen) -> _Look:
        """On the reading worker: how many rows, and whether those in the table can stay."""
        rows = self._count()
        line = None if chosen.identity is None else self._find(chosen.identity)
        if keep and rows >= before and line == chosen.line:
            return _Look(rows, line, None)
        top = max(0, line - chosen.above) if keep and line is not None else 0
        numbers = {top // PAGE_ROWS, min(top + IN_VIEW, max(rows - 1, 0)) // PAGE_ROWS}
        return _Look(rows, line, {number: self._fetch(PAGE_ROWS, number * PAGE_ROWS) for number in sorted(numbers)})

    def _take_look(self, look: _Look, generation: int) -> None:
        if generation != self._generation:
            return
        if look.pages is None:
            self._take_more(look.rows)
        else:
            self.beginResetModel()
            self._pages = OrderedDict(look.pages)
            self._stale.clear()
            self._rows = look.rows
            self.endResetModel()
            self.moved.emit(look.line)
        self.counted.emit(look.rows)

    def _take_more(self, rows: int) -> None:
        """The rows in the table stay where they are; each page is fetched again when it is next painted."""
        self._stale = set(self._pages)
        if rows > self._rows:
            self.beginInsertRows(QModelIndex(), self._rows, rows - 1)
            self._rows = rows
            self.endInsertRows()
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(self._rows - 1, len(self.columns) - 1))

    def _ask(self, number: int) -> None:
        if number == self._under_way or number in self._waiting:
            return
        self._waiting = [*self._waiting, number][-PAGES_WAITING:]
        if self._under_way is None:
            self._fetch_next()

    def _fetch_next(self) -> None:
        """One page at a time, the newest wish first."""
        self._under_way = self._waiting.pop() if self._waiting else None
        if self._under_way is None:
            return
        number, generation = self._under_way, self._generation
        self._background.read(
            lambda: self._fetch(PAGE_ROWS, number * PAGE_ROWS),
            lambda rows: self._take_page(number, rows, generation),
            failed=lambda error: self._miss_page(error, generation),
        )

    def _miss_page(self, error: Exception, generation: int) -> None:
        """A page that cannot be read is told of once, and asked for again when it is next painted."""
        if generation == self._generation:
            self._under_way = None
        self._background.failed.emit(error)

    def _take_page(self, number: int, rows: list[Any], generation: int) -> None:
        if generation != self._generation:
            return
        self._stale.discard(number)
        self._pages[number] = rows
        self._pages.move_to_end(number)
        while len(self._pages) > PAGES_HELD:
            self._pages.popitem(last=False)
        first, last = number * PAGE_ROWS, min((number + 1) * PAGE_ROWS, self._rows) - 1
        if last >= first:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))
            self.arrived.emit(first, last)
        self._fetch_next()


def _cell(column: Column, row: Any, role: int) -> object:
    if role == ROW:
        return row
    if role == Qt.ItemDataRole.DecorationRole:
        return column.icon(row) if column.icon else None
    if role == Qt.ItemDataRole.ToolTipRole and column.tip:
        return column.tip(row)
    if role == Qt.ItemDataRole.AccessibleTextRole and column.raw:
        return column.raw(row)
    return column.text(row)


def _side(column: Column) -> int:
    side = Qt.AlignmentFlag.AlignRight if column.numeric else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
