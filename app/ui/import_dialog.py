"""Import: which files and folders, with which labels, into which collection, and how much of dates and words stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.core.inputs import Dropped, dropped
from app.ui.background import Background
from app.ui.dialog_size import open_at
from app.ui.import_mapping import MappingPane
from app.ui.import_privacy import PrivacyRows
from app.ui.label_words import plain_words, role_label, tell
from app.ui.messages import message_of
from app.ui.workspace_dialogs import choose_folder

if TYPE_CHECKING:
    from app.core.inputs import Gathered
    from app.core.label_look import LabelLook
    from app.workspace import Workspace

WIDE, TALL = 820, 760
"""Size of the dialog, in pixels, when a table asks for its mapping."""
WAIT_MS = 300


class ImportDialog(QDialog):
    """Collects what is to be read and puts the import into the queue.

    The dialog stays open until the import stands in the queue: what the workspace refuses is told here. A label table
    whose columns must be explained first is not taken along; `later` names it, to be asked about after the import.
    """

    queued = Signal(str)
    """The id of the import job."""

    def __init__(self, workspace: Workspace, background: Background, paths: Sequence[Path], parent: QWidget) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self.setWindowTitle("Import recordings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self.later: Path | None = None
        self.paths, self.labels, self.dataset = QListWidget(), QLineEdit(), QLineEdit("local")
        self.archives, self.labels_note, self.fault = role_label("warn"), role_label("muted"), role_label("bad")
        self.privacy, self.mapping = PrivacyRows(), MappingPane(workspace, background, self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start = self.buttons.addButton("&Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self._later = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._plain, self._busy_now, self._sorting = True, False, 0
        self._dress()
        self._lay_out()
        self._connect()
        self.add(paths)

    def add(self, paths: Sequence[Path]) -> None:
        """Put files and folders on the list once it is known what each is: tables are looked into, on the worker."""
        if paths:
            self._sorting += 1
            self.background.read(partial(dropped, paths), self._sorted_out, failed=self._unsorted)
        self._judge()

    def take(self, found: Dropped) -> None:
        """Put files and folders on the list; a table that holds no samples of an ECG is taken as the labels."""
        known = {self.paths.item(line).text() for line in range(self.paths.count())}
        for path in found.recordings:
            if str(path) not in known:
                self.paths.addItem(str(path))
        for table in found.tables[-1:]:
            self.labels.setText(str(table))
        self._tell_left_out(len(found.archives), len(found.tables) - 1)
        self._listed()

    def chosen(self) -> list[Path]:
        """The files and folders on the list."""
        return [Path(self.paths.item(line).text()) for line in range(self.paths.count())]

    def launch(self) -> None:
        """Put the import into the queue."""
        if not self.start.isEnabled():
            return
        table = Path(self.labels.text().strip()) if self.labels.text().strip() else None
        labels, self.later = (table, None) if self._plain else (None, table)
        ask = partial(
            self.workspace.import_files,
            dataset=self.dataset.text().strip(),
            labels=labels,
            deidentify=self.privacy.told(),
            mapping=self.mapping.mapping(),
        )
        self._busy(True)
        # A folder of a million files takes long to search: not on the writer, which the queue waits for.
        find = partial(self.workspace.find_files, self.chosen(), self.mapping.mapping())
        self.background.read(find, partial(self._queue, ask), key="import.find", failed=self._refused, slow=True)

    def _queue(self, ask: Callable[[Gathered], str], found: Gathered) -> None:
        write = partial(ask, found)
        self.background.write(write, self._launched, touches=Changes.JOBS, failed=self._refused)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """More files and folders may be dropped here."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take them onto the list."""
        self.add([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()

    def _sorted_out(self, found: Dropped) -> None:
        self._sorting -= 1
        self.take(found)

    def _unsorted(self, error: Exception) -> None:
        self._sorting -= 1
        self._refused(error)

    def _listed(self) -> None:
        self.mapping.set_paths(self.chosen())
        self._judge()

    def _launched(self, job_id: str) -> None:
        self.queued.emit(job_id)
        self.accept()

    def _refused(self, error: Exception) -> None:
        told = message_of(error)
        tell(self.fault, f"{told.title} {told.text} {told.detail}".strip())
        self._busy(False)

    def _busy(self, busy: bool) -> None:
        self._busy_now = busy
        self.start.setText("Looking for recordings…" if busy else "&Import")
        self.paths.setEnabled(not busy)
        self._judge()

    def _judge(self) -> None:
        ready = self.paths.count() > 0 and bool(self.dataset.text().strip()) and self.mapping.is_ready()
        self.start.setEnabled(ready and not self._busy_now and not self._sorting)
        if self.mapping.isVisibleTo(self) and self.height() < TALL:
            open_at(self, max(self.width(), WIDE), TALL)
        self.remove.setEnabled(self.paths.currentRow() >= 0)

    # The label table.

    def _ask_about_labels(self) -> None:
        """Look whether the table can go along with the import, or must be explained first."""
        table = self.labels.text().strip()
        self._plain = True
        if not table:
            tell(self.labels_note, LABELS_HINT, "muted")
            return
        tell(self.labels_note, "Looking into the table…", "muted")
        look = partial(self.workspace.look_at_labels, Path(table))
        self.background.read(look, self._show_labels, key="import labels", failed=self._labels_refused)

    def _show_labels(self, look: LabelLook) -> None:
        self._plain = look.plain
        tell(self.labels_note, plain_words(look), "muted")

    def _labels_refused(self, error: Exception) -> None:
        told = message_of(error)
        tell(self.labels_note, f"{told.title} {told.text}", "bad")

    def _tell_left_out(self, archives: int, tables: int) -> None:
        words = []
        if archives:
            what = "A packed archive is" if archives == 1 else f"{archives:,} packed archives are"
            words.append(f"{what} not on the list: unpack first, then add the folder.")
        if tables > 0:
            words.append("One label table is taken at a time; bring the others in with Import labels.")
        tell(self.archives, " ".join(words))

    # Choosing.

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
        dialog.setNameFilters(["Tables (*.csv *.tsv *.txt *.xlsx)", "All files (*)"])
        dialog.fileSelected.connect(self.labels.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # Frame.

    def _dress(self) -> None:
        self.start.setProperty("role", "primary")
        for label in (self.archives, self.fault):
            label.hide()
        self.paths.setAccessibleName("Files and folders")
        self.paths.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.paths.setMinimumHeight(56)
        # It takes what is left; its own wish would make the dialog scroll before it has to.
        self.paths.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.labels.setPlaceholderText("None")
        self.labels.setAccessibleName("Label table")
        self.labels.setClearButtonEnabled(True)
        tell(self.labels_note, LABELS_HINT, "muted")
        self.dataset.setMaxLength(60)
        self.dataset.setAccessibleName("Dataset")
        self.dataset.setToolTip("The name of the collection that they belong to; tables can be filtered by it")

    def _connect(self) -> None:
        self.dataset.textChanged.connect(lambda _text: self._judge())
        self.labels.textChanged.connect(lambda _text: self._later.start())
        self._later.timeout.connect(self._ask_about_labels)
        self.paths.currentRowChanged.connect(lambda _row: self._judge())
        self.mapping.judged.connect(self._judge)
        self.buttons.accepted.connect(self.launch)
        self.buttons.rejected.connect(self.reject)

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(
            role_label("muted", "Drop files and folders here. Folders are searched; your files are never changed.")
        )
        column.addWidget(self.paths, 1)
        column.addLayout(self._list_buttons())
        column.addWidget(self.archives)
        column.addWidget(self.mapping, 3)
        column.addLayout(self._fields())
        # What a low screen has no room for is scrolled to; the buttons are always seen.
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole = QVBoxLayout(self)
        whole.setSpacing(8)
        for widget in (scroll, self.fault, self.buttons):
            whole.addWidget(widget)
        open_at(self, 680, 520)

    def _list_buttons(self) -> QHBoxLayout:
        files, folder, self.remove = QPushButton("Add &files…"), QPushButton("Add f&older…"), QPushButton("&Remove")
        files.clicked.connect(self._ask_files)
        folder.clicked.connect(lambda: choose_folder(self, "Folder of recordings", lambda path: self.add([path])))
        self.remove.clicked.connect(self._remove)
        row = QHBoxLayout()
        for button in (files, folder, self.remove):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _fields(self) -> QGridLayout:
        choose = QPushButton("&Choose…")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._ask_labels)
        grid = QGridLayout()
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for line, (text, widget) in enumerate((("&Label table", self.labels), ("", self.labels_note))):
            grid.addWidget(_buddy(text, widget), line, 0)
            grid.addWidget(widget, line, 1)
        grid.addWidget(choose, 0, 2)
        grid.addWidget(_buddy("&Dataset", self.dataset), 2, 0)
        grid.addWidget(self.dataset, 2, 1, 1, 2)
        self.privacy.lay_out(grid, 3)
        return grid


LABELS_HINT = "Optional, CSV or Excel. More can be brought in afterwards with Import labels."


def _buddy(text: str, widget: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(widget)
    return label
