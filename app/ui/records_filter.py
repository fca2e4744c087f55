"""The filter bar above the table of recordings: search field, the popover of filters, a chip for each that is set."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.core.record_query import Facets, RecordQuery
from app.ui import theme as themes
from app.ui.icons import icon, themed
from app.ui.records_filter_panel import FilterPanel
from app.ui.records_filter_words import Chip, chips, without_filters
from app.ui.wrapped_row import WrappedRow

TYPING_PAUSE_MS = 150
BESIDE_PX = 10


class FilterBar(QWidget):
    """Holds the query; whatever changes it is shown in all its parts."""

    changed = Signal(RecordQuery)
    """The user asks for other recordings."""
    numbers_asked = Signal(RecordQuery)
    """The popover, which is open, needs the numbers beside its choices."""

    def __init__(self) -> None:
        super().__init__()
        self.query = RecordQuery()
        self.search, self.more, self.clear = QLineEdit(), QToolButton(), QToolButton()
        self.panel, self.chips = FilterPanel(self), WrappedRow("Filters that are set")
        self.pause = QTimer(self, singleShot=True, interval=TYPING_PAUSE_MS)
        self._dress()
        self._lay_out()
        self.search.textChanged.connect(lambda _text: self.pause.start())
        self.search.returnPressed.connect(self._take_text)
        self.pause.timeout.connect(self._take_text)
        self.more.clicked.connect(self.open_panel)
        self.panel.changed.connect(self._ask)

    @property
    def narrowed(self) -> bool:
        """Whether anything is filtered out."""
        return self.query != without_filters(self.query)

    def put(self, query: RecordQuery) -> None:
        """Show a query without asking for it."""
        self.query = query
        if self.search.text().strip() != query.text:
            self.search.setText(query.text)
            self.pause.stop()
        self.panel.show_query(query)
        self._show_chips()
        self._ask_numbers()

    def offer(self, facets: Facets) -> None:
        """Take over what there is to filter by."""
        self.panel.offer(facets)
        self._ask_numbers()

    def number(self, query: RecordQuery, left: Facets) -> None:
        """Take over the numbers that belong to a query, unless another one is asked by now."""
        if query == self.query:
            self.panel.number(left)

    def open_panel(self) -> None:
        """Show all filters beside the table, so that it can be watched."""
        beside = self.mapToGlobal(QPoint(self.width() + BESIDE_PX, 0))
        room = self.screen().availableGeometry()
        self.panel.adjustSize()
        x, y = min(beside.x(), room.right() - self.panel.width()), min(beside.y(), room.bottom() - self.panel.height())
        self.panel.move(max(x, room.left()), max(y, room.top()))
        self.panel.show()
        self.panel.label.setFocus(Qt.FocusReason.PopupFocusReason)
        self._ask_numbers()

    def apply_theme(self) -> None:
        """Draw the icons in the theme's colours."""
        self.more.setIcon(themed("filter", themes.current()))
        self._show_chips()

    def _ask(self, query: RecordQuery) -> None:
        if query != self.query:
            self.put(query)
            self.changed.emit(query)

    def _ask_numbers(self) -> None:
        if self.panel.isVisible():
            self.numbers_asked.emit(self.query)

    def _take_text(self) -> None:
        self.pause.stop()
        self._ask(replace(self.query, text=self.search.text().strip()))

    def _show_chips(self) -> None:
        told = chips(self.query)
        made: list[QWidget] = [self._chip(chip, place) for place, chip in enumerate(told)]
        if len(told) > 1:
            made.append(self._clear_all())
        self.chips.show_widgets(made)
        self.more.setText(f"Filters ({len(told)})" if told else "Filters")

    def _chip(self, chip: Chip, place: int) -> QToolButton:
        button = QToolButton()
        button.setText(chip.words)
        button.setProperty("role", "chip")
        button.setIcon(icon("close", themes.current().muted))
        button.setIconSize(QSize(12, 12))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # The cross stands behind the words.
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        button.setToolTip("Take this filter away")
        button.setAccessibleName(f"Take the filter away: {chip.words}")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self._take_away(chip, place))
        return button

    def _clear_all(self) -> QToolButton:
        button = QToolButton()
        button.setText("Clear all")
        button.setProperty("role", "link")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self._take_away(Chip("", without_filters(self.query)), 0))
        return button

    def _take_away(self, chip: Chip, place: int) -> None:
        """Ask without this filter; the focus goes to the next one, so that several can be taken away in a row."""
        self._ask(chip.without)
        left = self.chips.held
        (left[min(place, len(left) - 1)] if left else self.search).setFocus(Qt.FocusReason.OtherFocusReason)

    def _dress(self) -> None:
        self.search.setPlaceholderText("Search name, id, patient, dataset")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search recordings")
        self.more.setText("Filters")
        self.more.setToolTip("Narrow by label, quality, device, age, sex, year …")
        self.more.setIconSize(QSize(16, 16))
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setProperty("role", "toggle")
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.setMinimumHeight(self.search.sizeHint().height())

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.search, 1)
        row.addWidget(self.more)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.chips)
