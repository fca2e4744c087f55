"""The tab Versions: all models of one product, the newest last, and the way to compare two of them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.core.rows import JobRow
from app.core.words import counted
from app.ui.model_rows import ListedModel
from app.ui.rows_table import Column, RowsTable
from app.ui.run_facts import local_time
from app.ui.signs import STATE_WORDS

ALONE = (
    "No other version of it is registered here. Models with the same product on their card are versions of it: an "
    "update is registered as a model of its own, and then held against the one before it."
)


class VersionsView(QWidget):
    """Reads no workspace: it is given the versions."""

    wanted = Signal(str)
    """The name of a model that is to be looked at."""
    comparison_wanted = Signal(str)
    """The job of a version regression whose results are to be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.told, self.compare = QLabel(), QPushButton("Compare versions…")
        self.told.setProperty("role", "muted")
        self.told.setWordWrap(True)
        self.table = RowsTable(_columns(), lambda model: model.name, "Versions of the product")
        self.table.setSelectionMode(RowsTable.SelectionMode.SingleSelection)
        self.table.activated.connect(lambda _index: self._open())
        self.compared, self.comparisons = (
            QLabel("Held against each other"),
            RowsTable(_comparison_columns(), lambda job: job.job_id, "Comparisons of versions, the newest first"),
        )
        self.compared.setProperty("role", "heading")
        self.comparisons.setSelectionMode(RowsTable.SelectionMode.SingleSelection)
        self.comparisons.activated.connect(lambda _index: self._open_comparison())
        self.show_comparisons(())
        head = QHBoxLayout()
        head.addWidget(self.told, 1)
        head.addWidget(self.compare)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        column.addWidget(self.compared)
        column.addWidget(self.comparisons, 1)
        column.addStretch(0)

    def show_versions(self, model: ListedModel, versions: Sequence[ListedModel]) -> None:
        """Show the versions of a model's product."""
        several = len(versions) > 1
        self.told.setText(f"{counted(len(versions), 'version')} of {model.product}." if several else ALONE)
        self.table.setVisible(several)
        self.compare.setEnabled(several)
        self.table.rows.set_rows(versions)
        if several and self.table.current() is None:
            self.table.choose(model.name)

    def show_comparisons(self, comparisons: Sequence[JobRow]) -> None:
        """Show the version regressions between models of the product; a double click leads to what one found."""
        self.comparisons.rows.set_rows(comparisons)
        for part in (self.compared, self.comparisons):
            part.setVisible(bool(comparisons))

    def _open_comparison(self) -> None:
        job = self.comparisons.current()
        if job is not None:
            self.comparison_wanted.emit(job.job_id)

    def _open(self) -> None:
        model = self.table.current()
        if model is not None:
            self.wanted.emit(model.name)


def _columns() -> tuple[Column, ...]:
    return (
        Column("Version", lambda model: model.row.version, 110),
        Column("Model", lambda model: model.name, 0),
        Column("Registered", lambda model: local_time(model.row.created), 140),
        Column("Source", lambda model: model.source, 150),
        Column(
            "sha256", lambda model: model.row.sha256[:12], 120, tip=lambda m: m.row.sha256, raw=lambda m: m.row.sha256
        ),
    )


def _comparison_columns() -> tuple[Column, ...]:
    return (
        Column("Run", lambda job: job.job_id, 110),
        Column("New in place of old", lambda job: job.name, 0),
        Column("Cohort", lambda job: job.cohort, 140),
        Column("State", lambda job: STATE_WORDS[job.state], 150),
        Column("Finished", lambda job: local_time(job.finished), 120),
    )
