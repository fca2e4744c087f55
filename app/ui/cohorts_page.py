"""The Cohorts page: the cohorts of the workspace in a list, and the chosen one in full beside it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QPushButton, QStackedWidget

from app.core.changes import Changes
from app.core.cohort_plan import CohortPlan, free_name, plan_of
from app.core.rows import CohortRow
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.cohort_builder import CohortBuilder
from app.ui.cohort_export import write_flow, write_split
from app.ui.cohort_view import CohortSeen, CohortView, look
from app.ui.empty import EmptyState
from app.ui.leakage_dialogs import ExportDialog, SearchDialog
from app.ui.page import Page
from app.ui.page_frame import bar, button, divided, frame
from app.ui.rows_table import Column, RowsTable
from app.ui.signs import sign
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.workspace import Workspace

LEAK_SIGNS = {
    "not searched": ("question", "warn", "Not searched for copies"),
    "searching": ("running", "accent", "Being searched for copies"),
    "none found": ("done", "good", "No copies found between its parts"),
    "leaks": ("warning", "bad", "Copies stand in two of its parts"),
}
LEAKS_TAB = 3
NO_RECORDINGS = ("No recordings yet", "A cohort is a fixed set of recordings. Import some first.")
NO_COHORTS = (
    "No cohorts yet",
    "A cohort fixes which recordings count and divides their patients, so that a result can be repeated.",
)


class CohortsPage(Page):
    """List on the left, the chosen cohort on the right."""

    title = "Cohorts"
    icon = "cohort"
    watches = Changes.RECORDS | Changes.COHORTS | Changes.JOBS

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.table = RowsTable(_columns(), lambda row: row.name, "Cohorts, the newest first")
        self.view = CohortView(workspace, background)
        self.stack = QStackedWidget()
        self.empty = EmptyState(*NO_COHORTS, ("New cohort…", self.new_cohort))
        self.bare = EmptyState(*NO_RECORDINGS, ("Go to Records", lambda: self.go_to.emit("Records", "")))
        self.records = 0
        self._wanted = ""
        self._verbs: dict[str, QPushButton] = {}
        self._lay_out()
        self.table.selected.connect(self._look)
        self.view.leaks.told.connect(self.told)

    # What the window calls.

    def refresh(self, changes: Changes) -> None:
        """Ask again for the list; the chosen cohort follows."""
        if changes & self.watches:
            self.background.read(self._ask, self._show, key="cohorts.list")

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs and diagram."""
        self.table.viewport().update()
        self.view.apply_theme(theme)

    def can(self, action: str) -> bool:
        """A new cohort needs recordings; all else needs a chosen cohort."""
        if action == "cohorts.new":
            return self.records > 0
        if action in ("cohorts.flow", "cohorts.split"):
            return self.view.seen is not None
        return self.table.current() is not None

    def show_item(self, item: str) -> None:
        """Select a cohort by its name, now or as soon as the list holds it."""
        self._wanted = "" if self.table.choose(item) else item

    # Actions.

    def new_cohort(self) -> CohortBuilder:
        """Open the builder with an empty form."""
        return self._build(CohortPlan(free_name("all recordings", self._names())))

    def duplicate_cohort(self) -> CohortBuilder | None:
        """Open the builder with what the chosen cohort asked for, under a free name."""
        row = self.table.current()
        return None if row is None else self._build(plan_of(row, free_name(row.name, self._names())))

    def export_flow(self) -> None:
        """Ask where the flow diagram goes, as SVG or PNG."""
        if self.view.seen is not None:
            kinds = ["SVG drawing (*.svg)", "PNG picture (*.png)"]
            self._ask_file("Export flow diagram", "flow", kinds, partial(self.write_flow, self.view.seen))

    def export_split(self) -> None:
        """Ask where the table of the split goes, as CSV."""
        if self.view.seen is not None:
            self._ask_file(
                "Export split table", "split", ["CSV table (*.csv)"], partial(self.write_split, self.view.seen)
            )

    def search_leaks(self) -> SearchDialog | None:
        """Ask what the chosen cohort is to be held against, and search."""
        self.view.tabs.setCurrentIndex(LEAKS_TAB)
        return self.view.leaks.search()

    def export_fingerprints(self) -> ExportDialog | None:
        """Ask for a name, terms and a file, and write the chosen cohort's fingerprints."""
        self.view.tabs.setCurrentIndex(LEAKS_TAB)
        return self.view.leaks.export_fingerprints()

    def write_flow(self, seen: CohortSeen, path: Path) -> None:
        """Write the flow diagram of a cohort; the status bar tells when it is done."""
        self.background.write(partial(write_flow, self.workspace, path, seen), self._tell_file)

    def write_split(self, seen: CohortSeen, path: Path) -> None:
        """Write the split table of a cohort; the status bar tells when it is done."""
        self.background.write(partial(write_split, self.workspace, path, seen), self._tell_file)

    def _build(self, plan: CohortPlan) -> CohortBuilder:
        builder = CohortBuilder(self.workspace, self.background, self, plan, self._names())
        builder.made.connect(self._tell_made)
        builder.open()
        return builder

    def _tell_made(self, row: CohortRow) -> None:
        self.show_item(row.name)
        self.told.emit(f"Cohort {row.name}: {row.records:,} recordings of {row.patients:,} patients, {row.split_kind}")

    def _tell_file(self, path: Path) -> None:
        self.told.emit(f"Written to {path}")

    def _ask_file(self, title: str, what: str, kinds: list[str], write: partial[None]) -> None:
        dialog = QFileDialog(self, title, f"{what}-{self._names_file()}{Path(kinds[0].rstrip(')')).suffix}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(kinds)
        dialog.setDefaultSuffix(Path(kinds[0].rstrip(")")).suffix.lstrip("."))
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(kind.rstrip(")").rpartition(".")[2]))
        dialog.fileSelected.connect(lambda path: write(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # The list.

    def _ask(self) -> tuple[list[CohortRow], int]:
        return self.workspace.cohorts()[::-1], self.workspace.record_count()

    def _show(self, told: tuple[list[CohortRow], int]) -> None:
        rows, self.records = told
        self.table.rows.set_rows(rows)
        self.stack.setCurrentIndex(0 if rows else 1 if self.records else 2)
        if self._wanted:
            self.show_item(self._wanted)
        elif rows and self.table.current() is None:
            self.table.selectRow(0)
        self._look(self.table.current())

    def _look(self, row: CohortRow | None) -> None:
        self.view.show_row(row)
        self.view.setVisible(row is not None)
        self._tell_buttons()
        if row is not None and (self.view.seen is None or self.view.seen.row != row):
            self.background.read(partial(look, self.workspace, row.name), self._seen, key="cohorts.look", slow=True)

    def _seen(self, seen: CohortSeen) -> None:
        row = self.table.current()
        if row is not None and row.name == seen.row.name:
            self.view.show_seen(seen)
            self._tell_buttons()

    def _names(self) -> list[str]:
        return [row.name for row in self.table.rows.rows]

    def _names_file(self) -> str:
        """The chosen cohort's name as part of a file's name."""
        row = self.table.current()
        return "".join(sign if sign.isalnum() else "-" for sign in ("" if row is None else row.name))

    def _tell_buttons(self) -> None:
        for action, one in self._verbs.items():
            one.setEnabled(self.can(action))
        self.state_changed.emit()

    def _lay_out(self) -> None:
        self._verbs = {
            "cohorts.flow": button("Export flow…", self.export_flow),
            "cohorts.split": button("Export split…", self.export_split),
            "cohorts.duplicate": button("Duplicate…", self.duplicate_cohort),
            "cohorts.new": button("New cohort…", self.new_cohort, primary=True),
        }
        self.stack.addWidget(divided(self.table, self.view, (400, 860)))
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.bare)
        verbs = list(self._verbs.values())
        frame(self, bar(self.title, None, verbs[:2], verbs[2:]), self.stack)


def _columns() -> tuple[Column, ...]:
    def leaks(row: CohortRow) -> tuple[str, str, str]:
        """Sign, colour and words for what is known of leaks."""
        return LEAK_SIGNS[row.leaks]

    return (
        Column("Name", lambda row: row.name, 0, tip=lambda row: f"{row.name}: {row.split_kind}"),
        Column("Recordings", lambda row: f"{row.records:,}", 88, numeric=True, raw=lambda row: str(row.records)),
        Column("Patients", lambda row: f"{row.patients:,}", 72, numeric=True, raw=lambda row: str(row.patients)),
        Column(
            "",
            lambda row: "",
            36,
            icon=lambda row: sign(leaks(row)[0], getattr(themes.current(), leaks(row)[1])),
            tip=lambda row: leaks(row)[2],
            header_tip="What is known of copies between its parts",
        ),
    )
