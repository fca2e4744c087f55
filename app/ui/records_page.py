"""The Records page: every recording of the workspace in a table, and the chosen one as a 12-lead trace."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from app.core.changes import Changes
from app.core.rows import RecordRow
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.import_page import ImportingPage
from app.ui.record_card import RecordCard
from app.ui.records_table import RecordsTable
from app.ui.settings import Settings
from app.ui.theme import Theme
from engine.contract.errors import WorldError

if TYPE_CHECKING:
    from app.workspace import Workspace


FILTERS_PAUSE_MS = 1000


class RecordsPage(ImportingPage):
    """Table on the left, trace on the right; an empty workspace says how to fill it."""

    title = "Records"
    icon = "records"
    watches = Changes.RECORDS | Changes.JOBS

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.table, self.card = RecordsTable(workspace, background), RecordCard()
        self.empty = EmptyState(
            "No recordings yet",
            "Drop ECG files or a folder anywhere on this window, with a table of labels if you have one.",
            ("Import recordings…", self.import_recordings),
            ("Import public corpus…", self.import_corpus),
        )
        self._filters_due = False
        self._filters_pause = QTimer(self, singleShot=True, interval=FILTERS_PAUSE_MS)
        self._filters_pause.timeout.connect(self._look_again)
        self._lay_out()
        self.table.selected.connect(self._show_record)
        self.table.counted.connect(self._show_count)

    # What the window calls.

    def refresh(self, changes: Changes) -> None:
        """Fetch again what has changed; look whether imports have ended."""
        if changes & Changes.RECORDS:
            self.table.reload()
            self._look_for_filters()
        self.watch_imports(changes)

    def apply_theme(self, theme: Theme) -> None:
        """Hand the theme on."""
        self.card.apply_theme(theme)
        self.table.apply_theme()

    def apply_settings(self, settings: Settings) -> None:
        """Hand the remembered scale and columns on."""
        self.card.apply_settings(settings)
        self.table.apply_settings(settings)

    def can(self, action: str) -> bool:
        """Export needs a chosen recording; search, filter and recheck need some."""
        if action == "records.export":
            return self.table.current() is not None
        if action in ("records.find", "records.filter", "records.recheck"):
            return self._stack.currentIndex() == 1
        return True

    def show_item(self, item: str) -> None:
        """Bring one recording into view."""
        self.table.look_for(item)

    # Actions.

    def find_recordings(self) -> None:
        """Go to the search field."""
        self.table.bar.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.table.bar.search.selectAll()

    def filter_recordings(self) -> None:
        """Open the popover of filters."""
        self.table.bar.open_panel()

    def judge_again(self) -> None:
        """Have all recordings judged again; the queue shows how far it is."""
        ask = self.workspace.recheck
        self.background.write(ask, lambda job: self.told.emit(f"{job} judges all again"), touches=Changes.JOBS)

    def export_record(self) -> None:
        """Ask where the chosen recording's samples go."""
        row = self.table.current()
        if row is None:
            return
        dialog = QFileDialog(self, "Export recording", f"{row.record_id}.npz")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["NumPy archive (*.npz)"])
        dialog.setDefaultSuffix("npz")
        dialog.fileSelected.connect(lambda path: self._export(row.record_id, Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _export(self, record_id: str, path: Path) -> None:
        write = partial(self.workspace.export_record, record_id, path)
        self.background.write(write, lambda file: self.told.emit(f"Written to {file}"))

    # The chosen recording.

    def _show_record(self, row: RecordRow | None) -> None:
        self.card.show_record(row)
        self.state_changed.emit()
        if row is not None:
            self.background.read(
                partial(self.workspace.signal, row.record_id),
                self.card.show_signal,
                key="records.signal",
                failed=self._tell_fault,
            )

    def _tell_fault(self, error: Exception) -> None:
        """Samples that the store cannot give are told where they would stand: a box for each row is in the way."""
        if isinstance(error, WorldError):
            self.card.show_fault(f"{error.reason[:1].upper()}{error.reason[1:]}. {error.next_step}.")
        else:
            self.background.failed.emit(error)

    def _show_count(self, rows: int) -> None:
        index = 1 if rows or self.table.narrowed else 0
        if index != self._stack.currentIndex():
            self._stack.setCurrentIndex(index)
        self.state_changed.emit()

    def _look_for_filters(self) -> None:
        """Ask what there is to filter by: at once, then once a second, however often an import changes it."""
        self._filters_due = self._filters_pause.isActive()
        if not self._filters_due:
            self._filters_pause.start()
            self.background.read(self.workspace.record_facets, self.table.offer, key="records.filters", slow=True)

    def _look_again(self) -> None:
        if self._filters_due:
            self._look_for_filters()

    def _lay_out(self) -> None:
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.table)
        split.addWidget(self.card)
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        split.setSizes([400, 900])
        split.setHandleWidth(10)
        split.setChildrenCollapsible(False)
        self.table.setMinimumWidth(350)
        body = QWidget()
        inner = QVBoxLayout(body)
        inner.addWidget(split)
        inner.setContentsMargins(12, 12, 12, 10)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.strip)
        self._stack = QStackedLayout()
        column.addLayout(self._stack, 1)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(body)
        self._stack.setCurrentIndex(1)
