"""Public corpora: which there are and how to get them, whether a folder holds one, and its import."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.corpus_facts import CorpusFacts
from app.ui.corpus_tasks import CorpusTasks
from app.ui.dialog_size import open_at
from app.ui.label_words import role_label, tell
from app.ui.messages import message_of
from app.ui.rows_table import Column, RowsTable
from app.ui.signs import sign
from app.ui.tiles import Figure, Tiles
from app.ui.workspace_dialogs import choose_folder
from engine.datasets.registry import DATASETS, tasks_of

if TYPE_CHECKING:
    from app.core.corpora import CorpusRead
    from app.core.corpus_check import CorpusCheck
    from app.workspace import Workspace
    from engine.datasets.dataset import Dataset

WAIT_MS = 500


class CorpusDialog(QDialog):
    """The corpora on the left; on the right what is known of one, its folder, its tasks, and the button."""

    queued = Signal(str)
    """The id of the import job."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self.setWindowTitle("Import a public corpus")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.corpora = RowsTable(_columns(), lambda corpus: corpus.name, "Public corpora")
        self.facts, self.tasks = CorpusFacts(), CorpusTasks()
        self.folder, self.tiles = QLineEdit(), Tiles("What the folder holds")
        self.note, self.fault = role_label("muted"), role_label("bad")
        self.checked: CorpusCheck | None = None
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start = self.buttons.addButton("&Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self._later = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._dress()
        self._lay_out()
        self._connect()
        self.corpora.rows.set_rows(list(DATASETS.values()))
        self.corpora.selectRow(0)

    @property
    def corpus(self) -> Dataset | None:
        """The corpus that is chosen."""
        return self.corpora.current()

    def check(self) -> None:
        """Look off the window's thread whether the folder holds the corpus."""
        self.checked = None
        self._clear()
        corpus, folder = self.corpus, self.folder.text().strip()
        if corpus is None or not folder:
            tell(self.note, "Choose the folder that the corpus was unpacked to. Nothing is downloaded.")
            return
        tell(self.note, "Reading its tables…")
        ask = partial(self.workspace.check_dataset, corpus.name, Path(folder))
        self.background.read(ask, self.show_check, key="corpus.check", failed=self._refused, slow=True)

    def show_check(self, told: CorpusCheck) -> None:
        """Show what the folder holds."""
        corpus = self.corpus
        if corpus is None or told.dataset != corpus.name:
            return
        self.checked = told
        self.tiles.show_figures(figures(told))
        self.tiles.show()
        self.tasks.show_check(told.tasks)
        below = Path(self.folder.text().strip()) != told.folder
        found = (f"Found below it, in {told.folder.name}.",) if below else ()
        tell(self.note, " ".join((*found, *told.notes)))
        self._judge()

    def launch(self) -> None:
        """Put the import into the queue."""
        corpus, told = self.corpus, self.checked
        if corpus is None or told is None or not self.start.isEnabled():
            return
        self.start.setEnabled(False)
        self.start.setText("Reading its tables…")
        # Tables of a large corpus take minutes to read: not on the writer, which the queue waits for.
        ask = partial(self.workspace.read_dataset, corpus.name, told.folder, self.tasks.chosen())
        self.background.read(ask, self._queue, key="corpus.read", failed=self._refused, slow=True)

    def _queue(self, read: CorpusRead) -> None:
        ask = partial(self.workspace.import_dataset, read.name, read)
        self.background.write(ask, self._launched, touches=Changes.JOBS, failed=self._refused)

    def _launched(self, job_id: str) -> None:
        self.queued.emit(job_id)
        self.accept()

    def _refused(self, error: Exception) -> None:
        told = message_of(error)
        tell(self.note, "")
        tell(self.fault, f"{told.title} {told.text} {told.detail}".strip())
        self._judge()

    def _show_corpus(self, corpus: Dataset | None) -> None:
        if corpus is not None:
            self.facts.show_corpus(corpus)
            self.tasks.show_tasks(tasks_of(corpus.name))
            self.check()

    def _clear(self) -> None:
        self.tiles.hide()
        tell(self.fault, "")
        if self.corpus is not None:
            self.tasks.show_tasks(tasks_of(self.corpus.name))
        self._judge()

    def _judge(self) -> None:
        self.start.setText("&Import")
        self.start.setEnabled(self.checked is not None and self.tasks.is_ready())

    def _choose_folder(self) -> None:
        choose_folder(self, "Folder of the corpus", lambda path: self.folder.setText(str(path)), self.folder.text())

    def _dress(self) -> None:
        self.start.setProperty("role", "primary")
        self.folder.setAccessibleName("Folder of the corpus")
        self.folder.setPlaceholderText("Where it was unpacked to")
        self.folder.setClearButtonEnabled(True)
        for widget in (self.tiles, self.fault):
            widget.hide()

    def _connect(self) -> None:
        self.corpora.selected.connect(self._show_corpus)
        self.folder.textChanged.connect(lambda _text: self._later.start())
        self._later.timeout.connect(self.check)
        self.tasks.changed.connect(self._judge)
        self.buttons.accepted.connect(self.launch)
        self.buttons.rejected.connect(self.reject)

    def _lay_out(self) -> None:
        split = QSplitter()
        split.addWidget(self.corpora)
        split.addWidget(self._detail())
        split.setSizes([500, 530])
        split.setHandleWidth(12)
        split.setChildrenCollapsible(False)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(split, 1)
        column.addWidget(self.buttons)
        open_at(self, 1040, 680)

    def _detail(self) -> QWidget:
        choose = QPushButton("Choose &folder…")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose_folder)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(choose)
        scroll = QScrollArea()
        scroll.setWidget(self.facts)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setAccessibleName("About the corpus")
        detail = QWidget()
        column = QVBoxLayout(detail)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(scroll, 1)
        column.addWidget(self.tasks)
        column.addLayout(row)
        for widget in (self.tiles, self.note, self.fault):
            column.addWidget(widget)
        return detail


def figures(told: CorpusCheck) -> list[Figure]:
    """What the folder holds, in figures."""
    missing = f"{told.absent:,} files are absent" if told.absent else "every file is there"
    return [
        Figure("Recordings", f"{told.recordings:,}", f"of {told.published:,} published"),
        Figure("Patients", f"{told.patients:,}" if told.patients else "not told"),
        Figure("Files", f"{told.looked_for - told.absent:,}", missing, "bad" if told.absent else "good"),
    ]


def _columns() -> Sequence[Column]:
    def tried(corpus: Dataset) -> bool:
        return corpus.verified == "real data"

    return [
        Column("Corpus", lambda corpus: corpus.title, 0, tip=lambda corpus: f"{corpus.title}\n{corpus.name}"),
        Column("Recordings", lambda corpus: f"{corpus.records:,}", 92, numeric=True),
        Column("Tasks", lambda corpus: str(len(tasks_of(corpus.name)) or ""), 50, numeric=True),
        Column(
            "Tried on",
            lambda corpus: corpus.verified,
            108,
            icon=lambda corpus: sign(
                "done" if tried(corpus) else "warning",
                themes.current().good if tried(corpus) else themes.current().warn,
            ),
            header_tip="Whether its reader was tried on files of the corpus itself, or on made-up files of its layout",
        ),
    ]
