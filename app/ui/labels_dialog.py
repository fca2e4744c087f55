"""Labels from a table: what its columns mean, what would come of it, and then the import itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.core.words import counted
from app.ui.background import Background
from app.ui.banner import Banner
from app.ui.dialog_size import open_at
from app.ui.empty import EmptyState
from app.ui.label_words import JOIN_WORDS, role_label, tell
from app.ui.labels_columns import MOST_COLUMNS, LabelColumns
from app.ui.labels_preview import LabelsPreview
from app.ui.messages import message_of
from app.ui.quiet_combo import QuietCombo

if TYPE_CHECKING:
    from app.core.label_import import LabelPreview
    from app.core.label_look import LabelLook
    from app.core.label_values import LabelMapping
    from app.workspace import Workspace

WAIT_MS = 250
TABLES = ["Tables (*.csv *.tsv *.txt *.xlsx)", "All files (*)"]


class LabelsDialog(QDialog):
    """Reads a table, lets its columns be explained, shows what would come of it, and imports it."""

    imported = Signal(object)
    """The LabelPreview that tells what was written."""

    def __init__(self, workspace: Workspace, background: Background, table: Path | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self.setWindowTitle("Import labels")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self.look: LabelLook | None = None
        self.told: LabelPreview | None = None
        self.name, self.banner, self.written = QLabel(), Banner(), role_label("good")
        self.on, self.way = QuietCombo(), QuietCombo()
        self.likelihood, self.characters = QSpinBox(), QuietCombo()
        self.columns, self.preview = LabelColumns(), LabelsPreview()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.bring = self.buttons.addButton("&Import labels", QDialogButtonBox.ButtonRole.AcceptRole)
        self._later = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._dress()
        self._lay_out()
        self._connect()
        if table is not None:
            self.open_table(table)

    # The table.

    def open_table(self, table: Path) -> None:
        """Read a table off the window's thread and show what it seems to hold."""
        self.name.setText(f"Reading {table.name}…")
        self._head.show()
        self.written.hide()
        self._forget()
        look = partial(self.workspace.look_at_labels, table)
        self.background.read(look, self.show_look, key="labels.look", failed=self._unread, slow=True)

    def show_look(self, look: LabelLook) -> None:
        """Show a table that was read, with what is suggested for it."""
        self.look = look
        self.name.setText(f"{look.table.name}: {counted(len(look.table.rows), 'row')}")
        self.on.clear()
        for column in look.table.columns:
            self.on.addItem(column, column)
        self.on.setCurrentIndex(self.on.findData(look.mapping.on))
        self.way.setCurrentIndex(self.way.findData(look.mapping.join))
        self.columns.show_look(look)
        self._stack.setCurrentIndex(1)
        self.look_again()

    def mapping(self) -> LabelMapping:
        """What the columns mean, as chosen."""
        from app.core.label_values import LabelMapping

        return LabelMapping(
            join=self.way.currentData(),
            on=self.on.currentData(),
            columns=self.columns.meanings(),
            complete=self.columns.complete(),
            minimum_likelihood=float(self.likelihood.value()),
            icd_characters=self.characters.currentData(),
        )

    # The preview.

    def look_again(self) -> None:
        """Ask again what would come of the table."""
        if self.look is None:
            return
        self.told = None
        self._judge()
        self.preview.wait()
        ask = partial(self.workspace.preview_labels, self.look.table, self.mapping())
        self.background.read(ask, self.show_preview, key="labels.preview", failed=self._unread, slow=True)

    def show_preview(self, told: LabelPreview) -> None:
        """Show what would come of the table."""
        self.told = told
        self.preview.show_preview(told)
        self._tell_join(told)
        self._judge()

    def launch(self) -> None:
        """Write the labels; the result is told here, and the dialog stays open."""
        if self.look is None or not self.bring.isEnabled():
            return
        self.bring.setEnabled(False)
        write = partial(self.workspace.import_labels, self.look.table, self.mapping())
        self.background.write(write, self._written, touches=Changes.RECORDS, failed=self._unwritten)

    def _written(self, told: LabelPreview) -> None:
        self.preview.show_preview(told)
        tell(self.written, result_words(told))
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setText("Close")
        cancel.setFocus()
        self.imported.emit(told)

    def _unwritten(self, error: Exception) -> None:
        self._say(error)
        self._judge()

    def _unread(self, error: Exception) -> None:
        self._say(error)
        self.told = None
        self.preview.clear()
        self._head.setVisible(self.look is not None)
        self._judge()

    def _say(self, error: Exception) -> None:
        told = message_of(error)
        self.banner.tell("bad", told.title, f"{told.text} {told.detail}".strip())

    def _tell_join(self, told: LabelPreview) -> None:
        if told.matched:
            beyond = len(self.look.table.columns) - MOST_COLUMNS if self.look is not None else 0
            words = f"The table has {beyond:,} columns more than are shown; they are left out."
            self.banner.tell("warn", words if beyond > 0 else "")
        else:
            step = "Choose the column that does, and what it names: recordings, files or patients."
            self.banner.tell("warn", f"No row joins: '{told.mapping.on}' names no recording of the workspace.", step)

    def _forget(self) -> None:
        self.look = self.told = None
        self.banner.clear()
        self.preview.clear()
        self._stack.setCurrentIndex(0)
        self._judge()

    def _judge(self) -> None:
        told = self.told
        self.bring.setEnabled(told is not None and told.matched > 0 and bool(told.mapping.columns))
        meanings = set(self.columns.meanings().values()) if self.look is not None else set()
        self._scp.setVisible("scp" in meanings)
        self._icd.setVisible("icd10" in meanings)

    def _rejoin(self) -> None:
        self.columns.set_join(self.on.currentData())
        self._changed()

    def _changed(self) -> None:
        self.written.hide()
        self.told = None  # what was counted is not what would be imported now
        self._judge()
        self._later.start()

    # Files.

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A table may be dropped here."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Read the table that was dropped; of several, the first."""
        self.open_table(next(Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()))
        event.acceptProposedAction()

    def ask_table(self) -> None:
        """Ask for a table."""
        dialog = QFileDialog(self, "Label table")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(TABLES)
        dialog.fileSelected.connect(lambda file: self.open_table(Path(file)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # Frame.

    def _dress(self) -> None:
        self.bring.setProperty("role", "primary")
        self.name.setProperty("role", "heading")
        self.written.hide()
        self.on.setAccessibleName("Column that names the recordings")
        self.way.setAccessibleName("What the column names")
        self.on.setMinimumContentsLength(18)
        self.way.setMinimumContentsLength(24)
        for way, words in JOIN_WORDS.items():
            self.way.addItem(words, way)
        self.likelihood.setRange(0, 100)
        self.likelihood.setSuffix(" %")
        self.likelihood.setAccessibleName("Least likelihood of SCP-ECG statements")
        self.characters.setAccessibleName("Characters of ICD-10 codes")
        for characters in (5, 4, 3):
            self.characters.addItem(f"{characters} characters", characters)

    def _connect(self) -> None:
        self._later.timeout.connect(self.look_again)
        self.on.activated.connect(lambda _place: self._rejoin())
        self.way.activated.connect(lambda _place: self._changed())
        self.columns.changed.connect(self._changed)
        self.likelihood.valueChanged.connect(lambda _value: self._changed())
        self.characters.activated.connect(lambda _place: self._changed())
        self.buttons.accepted.connect(self.launch)
        self.buttons.rejected.connect(self.reject)
        self._judge()

    def _lay_out(self) -> None:
        choose = QPushButton("&Choose table…")
        choose.setAutoDefault(False)
        choose.clicked.connect(self.ask_table)
        self._head = QWidget()
        head = QHBoxLayout(self._head)
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self.name, 1)
        head.addWidget(choose)
        self._head.hide()
        self._stack = QStackedLayout()
        self._stack.addWidget(
            EmptyState(
                "Labels from a table",
                "Drop a CSV or an Excel workbook here. One row names a recording, a file or a patient; the columns are "
                "labels, codes or numbers. You see what comes of it before anything is written.",
                ("Choose a table…", self.ask_table),
            )
        )
        self._stack.addWidget(self._body())
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(self._head)
        column.addWidget(self.banner)
        column.addLayout(self._stack, 1)
        column.addWidget(self.written)
        column.addWidget(self.buttons)
        open_at(self, 1020, 720)

    def _body(self) -> QWidget:
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.columns)
        split.addWidget(self.preview)
        split.setSizes([280, 300])
        split.setHandleWidth(12)
        split.setChildrenCollapsible(False)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._join_row())
        column.addWidget(split, 1)
        return body

    def _join_row(self) -> QWidget:
        self._scp = _beside("SCP-ECG statements below", self.likelihood, "are unknown")
        self._icd = _beside("ICD-10 codes cut to", self.characters, "")
        rows = QWidget()
        lines = QVBoxLayout(rows)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(6)
        lines.addWidget(_in_line(_beside("The &column", self.on, ""), _beside("names the", self.way, "")))
        lines.addWidget(_in_line(self._scp, self._icd))
        return rows


def result_words(told: LabelPreview) -> str:
    """What was written, in one sentence."""
    words = f"Written: {counted(len(told.labels), 'label')} for {counted(told.recordings, 'recording')}"
    return f"{words}, {counted(told.changes, 'value')} replaced." if told.changes else f"{words}."


def _beside(before: str, widget: QWidget, after: str) -> QWidget:
    part = QWidget()
    row = QHBoxLayout(part)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    label = QLabel(before)
    label.setBuddy(widget)
    for each in (label, widget, QLabel(after)):
        row.addWidget(each)
    return part


def _in_line(*parts: QWidget) -> QWidget:
    """Side by side at the left; no higher than what is visible of them."""
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(12)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    return line
