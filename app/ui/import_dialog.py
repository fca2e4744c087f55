"""Import: which files and folders, with which labels, into which collection; afterwards, what became of each file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.core.inputs import is_recording
from app.core.outcome_table import write_outcomes
from app.core.rows import FileOutcome
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.import_mapping import MappingPane
from app.ui.messages import message_of
from app.ui.rows_table import Column, RowsTable
from app.ui.signs import sign
from app.ui.workspace_dialogs import choose_folder
from engine.contract.errors import WorldError

if TYPE_CHECKING:
    from app.workspace import Workspace

WIDE, TALL = 820, 760
"""Size of the dialog, in pixels, when a table asks for its mapping."""

OUTCOME_SIGNS = {"imported": ("done", "good"), "duplicate": ("stopped", "muted"), "refused": ("failed", "bad")}


class ImportDialog(QDialog):
    """Collects what is to be read and puts the import into the queue.

    The dialog stays open until the import stands in the queue: what the workspace refuses is told here.
    """

    queued = Signal(str)
    """The id of the import job."""

    def __init__(self, workspace: Workspace, background: Background, paths: Sequence[Path], parent: QWidget) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self.setWindowTitle("Import recordings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.paths, self.labels, self.dataset = QListWidget(), QLineEdit(), QLineEdit("local")
        self.fault = QLabel()
        self.mapping = MappingPane(workspace, background, self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start = self.buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self._dress()
        self._lay_out()
        self.mapping.judged.connect(self._judge)
        self.buttons.accepted.connect(self.launch)
        self.buttons.rejected.connect(self.reject)
        self.add(paths)

    def add(self, paths: Sequence[Path]) -> None:
        """Put files and folders on the list; a CSV is taken as the labels, unless it holds the samples of an ECG."""
        known = {self.paths.item(line).text() for line in range(self.paths.count())}
        for path in paths:
            if path.suffix.lower() == ".csv" and not is_recording(path):
                self.labels.setText(str(path))
            elif str(path) not in known:
                self.paths.addItem(str(path))
        self._listed()

    def chosen(self) -> list[Path]:
        """The files and folders on the list."""
        return [Path(self.paths.item(line).text()) for line in range(self.paths.count())]

    def _listed(self) -> None:
        self.mapping.set_paths(self.chosen())
        self._judge()

    def launch(self) -> None:
        """Put the import into the queue."""
        paths, mapping = self.chosen(), self.mapping.mapping()
        labels = Path(self.labels.text()) if self.labels.text().strip() else None
        dataset = self.dataset.text().strip()
        self._busy(True)
        self.background.write(
            lambda: self.workspace.import_files(paths, dataset, labels, mapping=mapping),
            self._launched,
            touches=Changes.JOBS,
            failed=self._refused,
        )

    def _launched(self, job_id: str) -> None:
        self.queued.emit(job_id)
        self.accept()

    def _refused(self, error: Exception) -> None:
        told = message_of(error)
        self.fault.setText(f"{told.title} {told.text} {told.detail}".strip())
        self.fault.show()
        self._busy(False)

    def _busy(self, busy: bool) -> None:
        self.start.setText("Looking for recordings…" if busy else "Import")
        self.start.setEnabled(not busy)
        self.paths.setEnabled(not busy)

    def _judge(self) -> None:
        self.start.setEnabled(self.paths.count() > 0 and bool(self.dataset.text().strip()) and self.mapping.is_ready())
        if self.mapping.isVisibleTo(self) and self.height() < TALL:
            self.resize(max(self.width(), WIDE), TALL)
        self.remove.setEnabled(self.paths.currentRow() >= 0)

    def _remove(self) -> None:
        self.paths.takeItem(self.paths.currentRow())
        self._listed()

    def _ask_files(self) -> None:
        dialog = QFileDialog(self, "Recordings")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(["All files (*)", "WFDB headers (*.hea)"])
        dialog.filesSelected.connect(lambda files: self.add([Path(file) for file in files]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_labels(self) -> None:
        dialog = QFileDialog(self, "Labels")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Tables (*.csv)", "All files (*)"])
        dialog.fileSelected.connect(self.labels.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _dress(self) -> None:
        self.start.setProperty("role", "primary")
        self.fault.setProperty("role", "bad")
        self.fault.setWordWrap(True)
        self.fault.hide()
        self.paths.setAccessibleName("Files and folders")
        self.paths.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.labels.setPlaceholderText("None")
        self.labels.setAccessibleName("Labels CSV")
        self.dataset.setMaxLength(60)
        self.dataset.setAccessibleName("Dataset")
        self.dataset.textChanged.connect(lambda _text: self._judge())

    def _lay_out(self) -> None:
        files, folder, self.remove = QPushButton("Add files…"), QPushButton("Add folder…"), QPushButton("Remove")
        files.clicked.connect(self._ask_files)
        folder.clicked.connect(lambda: choose_folder(self, "Folder of recordings", lambda path: self.add([path])))
        self.remove.clicked.connect(self._remove)
        self.paths.currentRowChanged.connect(lambda _row: self._judge())
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._ask_labels)
        buttons = QHBoxLayout()
        for button in (files, folder, self.remove):
            buttons.addWidget(button)
        buttons.addStretch(1)
        grid = QGridLayout()
        grid.setVerticalSpacing(8)
        grid.addWidget(QLabel("Labels CSV"), 0, 0)
        grid.addWidget(self.labels, 0, 1)
        grid.addWidget(choose, 0, 2)
        grid.addWidget(_muted("Column record, then one column a label; optionally patient_id, age, sex."), 1, 1, 1, 2)
        grid.addWidget(QLabel("Dataset"), 2, 0)
        grid.addWidget(self.dataset, 2, 1, 1, 2)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(_muted("Folders are searched for recordings. Your files are read, never changed."))
        column.addWidget(self.paths, 1)
        column.addLayout(buttons)
        column.addWidget(self.mapping, 3)
        column.addLayout(grid)
        column.addWidget(self.fault)
        column.addWidget(self.buttons)
        self.resize(640, 440)


class OutcomesDialog(QDialog):
    """One line a file: what became of it, why, and what to do."""

    def __init__(self, outcomes: Sequence[FileOutcome], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Files of the import")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.table = RowsTable(_columns(), lambda row: f"{row.file}{row.record_id}{row.reason}", "Files of the import")
        # What needs a hand comes first.
        order = {"refused": 0, "duplicate": 1, "imported": 2}
        self.table.rows.set_rows(sorted(outcomes, key=lambda row: order[row.status]))
        heading = QLabel(outcome_words(outcomes))
        heading.setProperty("role", "heading")
        copy = QPushButton("Copy as table")
        copy.clicked.connect(self.table.copy)
        save = QPushButton("Save as CSV…")
        save.clicked.connect(self._ask_where)
        self.fault = QLabel()
        self.fault.setProperty("role", "bad")
        self.fault.hide()
        self.outcomes = tuple(outcomes)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(save, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(heading)
        column.addWidget(self.table, 1)
        column.addWidget(self.fault)
        column.addWidget(buttons)
        self.resize(1080, 480)

    def save(self, path: Path) -> None:
        """Write the list as CSV; what hinders it is told here."""
        try:
            write_outcomes(self.outcomes, path)
            self.fault.hide()
        except WorldError as error:
            self.fault.setText(str(error))
            self.fault.show()

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, "Save the list of files", "files.csv")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["Tables (*.csv)"])
        dialog.fileSelected.connect(lambda file: self.save(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def outcome_words(outcomes: Sequence[FileOutcome]) -> str:
    """The import in one line: `120 imported, 2 there already, 3 refused`."""
    counts = {status: sum(row.status == status for row in outcomes) for status in OUTCOME_SIGNS}
    words = [f"{counts['imported']:,} imported"]
    words += [f"{counts['duplicate']:,} there already"] * bool(counts["duplicate"])
    words += [f"{counts['refused']:,} refused"] * bool(counts["refused"])
    return ", ".join(words)


def _columns() -> list[Column]:
    return [
        Column(
            "Outcome",
            lambda row: {"duplicate": "there already"}.get(row.status, row.status),
            144,
            icon=lambda row: sign(
                OUTCOME_SIGNS[row.status][0], getattr(themes.current(), OUTCOME_SIGNS[row.status][1])
            ),
        ),
        Column("File", lambda row: row.file, 190),
        Column("Reason", lambda row: row.reason, 400),
        Column("Next step", lambda row: row.next_step, 0),
    ]


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    return label
