"""What is known of leaks into a cohort: the verdict in plain words, the pairs with both traces, models, labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.rows import Exposure
from app.ui.background import Background
from app.ui.leakage_dialogs import ExportDialog, SearchDialog
from app.ui.leakage_pair import PairPanel
from app.ui.leakage_tables import labels_table, models_table, pairs_table, searches_table, with_detail
from app.ui.leakage_words import (
    FoundPair,
    Standing,
    exposure_sentences,
    label_sentence,
    pairs_of,
    search_sentences,
    standing,
    trained_models,
    verdict,
)
from app.ui.page_frame import button
from app.ui.rows_table import RowsTable
from app.ui.signs import sign
from app.ui.theme import Theme, current
from engine.data.circularity import Circularity

if TYPE_CHECKING:
    from app.workspace import Workspace

SIGN_PX = 22
NARROW_PX = 600
TOLD_BELOW = (5, 6)
"""Columns of the pairs: overlap and patient."""
T = TypeVar("T")


class LeakageView(QWidget):
    """The leaks of one cohort; reads off the window's thread, and lists only when their tab is in view."""

    begun = Signal(str)
    """A search was queued; its job."""
    told = Signal(str)
    """A few words on what was just done."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.cohort: str | None = None
        self.standing: Standing | None = None
        self.setAccessibleName("Leaks")
        self.icon, self.headline, self.meaning = QLabel(), QLabel(), QLabel()
        self.search_button = button("Search for copies…", self.search)
        self.export_button = button("Export fingerprints…", self.export_fingerprints)
        self.pairs, self.models = pairs_table(), models_table()
        self.labels, self.searches = labels_table(), searches_table()
        self.pair = PairPanel(workspace, background)
        self.tabs = QTabWidget()
        self._notes: list[QLabel] = []
        self._stale: set[int] = set()
        self._lay_out()
        self.pairs.selected.connect(self.pair.show_pair)
        self.tabs.currentChanged.connect(lambda _place: self._load_tab())
        self.show_cohort(None)

    def show_cohort(self, name: str | None) -> None:
        """Show what is known of this cohort, or nothing."""
        self.cohort, self.standing = name, None
        for table in (self.pairs, self.models, self.labels, self.searches):
            table.rows.set_rows(())
        self.pair.show_pair(None)
        self._stale = set(range(self.tabs.count()))
        self.setEnabled(name is not None)
        self.headline.setText("No cohort is chosen" if name is None else "")
        self.meaning.setText("")
        self.icon.clear()
        self._count_tab(0, "Copies", 0)
        if name is not None:
            self.refresh()

    def refresh(self) -> None:
        """Ask again what is known; the lists are read anew only when a search has ended."""
        if self.cohort is not None:
            self.background.read(partial(standing, self.workspace, self.cohort), self._take, key="leaks.standing")

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours of signs and traces."""
        self._tell()
        self.pair.apply_theme(theme)
        for table in (self.pairs, self.models, self.labels, self.searches):
            table.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where it is narrow, leave out the columns that the line above the traces tells as well."""
        super().resizeEvent(event)
        for column in TOLD_BELOW:
            self.pairs.setColumnHidden(column, self.width() < NARROW_PX)

    def search(self) -> SearchDialog | None:
        """Ask what the cohort is to be held against, and search."""
        if self.cohort is None:
            return None
        dialog = SearchDialog(self.workspace, self.background, self.cohort, self)
        dialog.begun.connect(self._begun)
        dialog.open()
        return dialog

    def export_fingerprints(self) -> ExportDialog | None:
        """Ask for a name, terms and a file, and write the cohort's fingerprints."""
        if self.cohort is None:
            return None
        dialog = ExportDialog(self.workspace, self.background, self.cohort, self)
        dialog.written.connect(lambda name: self.told.emit(f"{name} was written"))
        dialog.open()
        return dialog

    def _begun(self, job_id: str) -> None:
        self.begun.emit(job_id)
        self.refresh()

    def _take(self, told: Standing) -> None:
        if told.state.cohort != self.cohort:
            return
        news = self.standing is None or self.standing.state != told.state
        self.standing = told
        self._tell()
        if news:
            _fill(self.searches, told.state.searches)
            self._note(3, not told.state.searches, "Nobody has looked for copies yet")
            self._stale = set(range(self.tabs.count()))
            self._load_tab()

    def _tell(self) -> None:
        if self.standing is None:
            return
        said, theme = verdict(self.standing), current()
        self.icon.setPixmap(sign(said.sign, getattr(theme, said.colour)).pixmap(SIGN_PX, SIGN_PX))
        for label, text in ((self.headline, said.headline), (self.meaning, said.meaning)):
            if label.text() != text:
                label.setText(text)
        unsearched = self.standing.state.verdict == "not searched"
        role = "primary" if unsearched and self.standing.job is None else ""
        if self.search_button.property("role") != role:
            self.search_button.setProperty("role", role)
            self.search_button.style().unpolish(self.search_button)
            self.search_button.style().polish(self.search_button)

    def _load_tab(self) -> None:
        """Read the list of the tab in view, unless it stands already."""
        place = self.tabs.currentIndex()
        if self.cohort is None or self.standing is None or place not in self._stale:
            return
        self._stale.discard(place)
        state, cohort = self.standing.state, self.cohort
        if place == 0:
            self._read(partial(pairs_of, self.workspace, state), self._show_pairs, "pairs")
        elif place == 1:
            self._read(partial(_exposures, self.workspace, cohort), self._show_models, "models")
        elif place == 2:
            self._read(partial(self.workspace.label_circularity, cohort), self._show_labels, "labels")

    def _read(self, ask: Callable[[], T], show: Callable[[T], None], name: str) -> None:
        self.background.read(ask, show, key=f"leaks.{name}", slow=True)

    def _show_pairs(self, found: Sequence[FoundPair]) -> None:
        _fill(self.pairs, found)
        self._count_tab(0, "Copies", len(found))
        self._note(0, not found, self._no_pairs())

    def _no_pairs(self) -> str:
        searched = self.standing is not None and bool(self.standing.state.searches)
        return "No two recordings are copies of each other" if searched else "Nobody has looked for copies yet"

    def _show_models(self, found: Sequence[Exposure]) -> None:
        _fill(self.models, found)
        self._note(1, not found, "The workspace holds no model that recordings have shaped")

    def _show_labels(self, found: Sequence[Circularity]) -> None:
        _fill(self.labels, found)
        self._note(2, not found, "The cohort has no labels of yes or no")

    def _count_tab(self, place: int, name: str, count: int) -> None:
        self.tabs.setTabText(place, f"{name} ({count:,})" if count else name)

    def _note(self, place: int, show: bool, text: str) -> None:
        stack = self.tabs.widget(place)
        assert isinstance(stack, QStackedWidget)
        self._notes[place].setText(text)
        stack.setCurrentIndex(1 if show else 0)

    def _lay_out(self) -> None:
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.pairs)
        split.addWidget(self.pair)
        split.setSizes([160, 340])
        split.setStretchFactor(1, 1)
        self.pairs.setMinimumHeight(64)
        listed = (
            ("Copies", split),
            ("Models", with_detail(self.models, exposure_sentences)),
            ("Labels", with_detail(self.labels, label_sentence)),
            ("Searches", with_detail(self.searches, search_sentences)),
        )
        for name, widget in listed:
            self.tabs.addTab(self._stacked(widget), name)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Kinds of leaks")
        self.tabs.tabBar().setDrawBase(False)
        # Emphasis makes it wider; without this room it would be cut when it changes.
        self.search_button.setMinimumWidth(self.export_button.sizeHint().width() + 12)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._strip())
        column.addWidget(self.tabs, 1)
        order = (self.search_button, self.export_button, self.tabs, self.pairs, self.pair.layout_choice, self.pair.view)
        for before, after in pairwise(order):
            self.setTabOrder(before, after)

    def _stacked(self, widget: QWidget) -> QStackedWidget:
        """A list, and what stands in its place while it is empty."""
        stack, note = QStackedWidget(), QLabel()
        note.setProperty("role", "muted")
        note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        note.setWordWrap(True)
        stack.addWidget(widget)
        stack.addWidget(note)
        stack.setCurrentIndex(1)
        self._notes.append(note)
        return stack

    def _strip(self) -> QFrame:
        strip = QFrame()
        strip.setProperty("role", "panel")
        self.headline.setProperty("role", "heading")
        self.meaning.setProperty("role", "muted")
        words = QVBoxLayout()
        words.setSpacing(2)
        for label in (self.headline, self.meaning):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            words.addWidget(label)
        words.addStretch(1)
        acts = QVBoxLayout()
        acts.addWidget(self.search_button)
        acts.addWidget(self.export_button)
        acts.addStretch(1)
        row = QHBoxLayout(strip)
        row.setContentsMargins(12, 10, 12, 10)
        row.setSpacing(12)
        row.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addLayout(acts)
        return strip


def _fill(table: RowsTable, rows: Sequence[object]) -> None:
    """Show rows; where none is chosen, the first one."""
    table.rows.set_rows(rows)
    if rows and table.current() is None:
        table.selectRow(0)


def _exposures(workspace: Workspace, cohort: str) -> list[Exposure]:
    return workspace.exposures(cohort, trained_models(workspace))
