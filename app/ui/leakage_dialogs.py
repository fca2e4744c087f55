"""What a cohort is held against, and passing its fingerprints on: what is asked before either is done."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.core.words import counted
from app.ui.background import Background
from app.ui.messages import message_of

if TYPE_CHECKING:
    from app.workspace import Workspace

CAUTION = (
    "A pack holds no ECG, no name, no date and no label. But heart rate and rhythm can be read from it, and whoever "
    "has both the pack and an ECG of a person can tell whether that ECG is in it. It is pseudonymous data of persons: "
    "pass it on under an agreement only, or not at all."
)
NAMED_FILES = "Fingerprints (*.isofp)"


class Asking(QDialog):
    """A small dialog that works off the window's thread and tells its faults itself."""

    def __init__(self, title: str, act: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fault = QLabel()
        self.fault.setProperty("role", "bad")
        self.fault.setWordWrap(True)
        self.fault.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go = self.buttons.addButton(act, QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setProperty("role", "primary")
        self.buttons.rejected.connect(self.reject)

    def refused(self, error: Exception) -> None:
        """Tell what stood against it, and let it be tried again."""
        told = message_of(error)
        self.fault.setText(f"{told.title} {told.text} {told.detail}".strip())
        self.fault.show()
        self.go.setEnabled(True)


class SearchDialog(Asking):
    """The cohort's parts are always held against each other; ticked here is what else."""

    begun = Signal(str)
    """The job."""

    def __init__(self, workspace: Workspace, background: Background, cohort: str, parent: QWidget) -> None:
        super().__init__("Search for copies", "Search", parent)
        self.workspace, self.background, self.cohort = workspace, background, cohort
        self.choice, self.add = QListWidget(), QPushButton("Add fingerprint &file…")
        self.choice.setAccessibleName("Also hold it against")
        self.add.clicked.connect(lambda _on=False: self.choose_files())
        self.buttons.accepted.connect(self.launch)
        column = QVBoxLayout(self)
        column.addWidget(_text(f"The parts of '{cohort}' are held against each other. Also hold them against:"))
        column.addWidget(self.choice, 1)
        column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(_text("Cohorts, models with a known pretraining, and fingerprint packs of corpora.", "muted"))
        column.addWidget(self.fault)
        column.addWidget(self.buttons)
        self.resize(520, 420)
        background.read(partial(_others, workspace, cohort), self._offer)

    def choose_files(self) -> QFileDialog:
        """Ask for fingerprint packs."""
        dialog = QFileDialog(self, "Fingerprint packs", "", NAMED_FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self.add_files)
        dialog.open()
        return dialog

    def add_files(self, files: Sequence[str]) -> None:
        """Offer packs, ticked."""
        for file in files:
            self._add(f"{Path(file).name}  (fingerprint pack)", file, True)

    def chosen(self) -> list[str]:
        """What is ticked."""
        items = [self.choice.item(line) for line in range(self.choice.count())]
        ticked = [item for item in items if item.checkState() is Qt.CheckState.Checked]
        return [str(item.data(Qt.ItemDataRole.UserRole)) for item in ticked]

    def launch(self) -> None:
        """Queue the search."""
        self.go.setEnabled(False)
        ask = partial(self.workspace.leakage, self.cohort, self.chosen())
        self.background.write(ask, self._launched, touches=Changes.JOBS, failed=self.refused)

    def _launched(self, job_id: str) -> None:
        self.begun.emit(job_id)
        self.accept()

    def _offer(self, rows: Sequence[tuple[str, str]]) -> None:
        for text, word in rows:
            self._add(text, word)

    def _add(self, text: str, word: str, ticked: bool = False) -> None:
        item = QListWidgetItem(text, self.choice)
        item.setData(Qt.ItemDataRole.UserRole, word)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)


class ExportDialog(Asking):
    """The fingerprints of a cohort as a file for another house, after the caution was read."""

    written = Signal(str)
    """The file's name."""

    def __init__(self, workspace: Workspace, background: Background, cohort: str, parent: QWidget) -> None:
        super().__init__("Export fingerprints", "Choose file…", parent)
        self.workspace, self.background, self.cohort = workspace, background, cohort
        self.corpus, self.licence, self.note = QLineEdit(cohort), QLineEdit(), QLineEdit()
        self.agreed = QCheckBox("I &may pass these fingerprints on")
        self.licence.setPlaceholderText("under which terms, and whom to name")
        self.note.setPlaceholderText("what whoever searches it must know")
        self.go.setEnabled(False)
        self.agreed.toggled.connect(self.go.setEnabled)
        self.buttons.accepted.connect(self.choose_file)
        form = QFormLayout()
        for name, field in (("&Name", self.corpus), ("&Licence", self.licence), ("N&ote", self.note)):
            form.addRow(name, field)
        column = QVBoxLayout(self)
        column.addWidget(_text("Another house can search its recordings for copies of these, without having them."))
        column.addLayout(form)
        column.addWidget(_text(CAUTION, "warn"))
        column.addWidget(self.agreed)
        column.addWidget(self.fault)
        column.addStretch(1)
        column.addWidget(self.buttons)
        self.resize(540, 340)

    def choose_file(self) -> QFileDialog:
        """Ask where the file goes."""
        dialog = QFileDialog(self, "Export fingerprints", f"{self.cohort}.isofp", NAMED_FILES)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("isofp")
        dialog.fileSelected.connect(self.export_to)
        dialog.open()
        return dialog

    def export_to(self, file: str) -> None:
        """Write the pack; it is noted in the trail."""
        self.go.setEnabled(False)
        self.go.setText("Writing…")
        texts = (self.corpus.text().strip(), self.licence.text().strip(), self.note.text().strip())
        ask = partial(self.workspace.export_fingerprints, self.cohort, Path(file), *texts)
        # Minutes for a large cohort: not on the writing worker, which keeps the queue going.
        self.background.read(ask, self._written, failed=self.refused, slow=True)

    def refused(self, error: Exception) -> None:
        """Tell what stood against it."""
        super().refused(error)
        self.go.setText("Choose file…")

    def _written(self, made: tuple[Path, object]) -> None:
        self.written.emit(made[0].name)
        self.accept()


def _others(workspace: Workspace, cohort: str) -> list[tuple[str, str]]:
    """What a cohort can be held against, as it is shown and as it is named."""
    told = [
        (f"{row.name}  (cohort, {counted(row.records, 'recording')})", row.name)
        for row in workspace.cohorts()
        if row.name != cohort
    ]
    trained = {job.job_id for job in workspace.jobs() if job.kind in ("pretrain", "study")}
    for model in workspace.models():
        line = model.card.get("lineage") or {}
        if model.job_id in trained or line.get("run_id") in trained:
            told.append((f"{model.name}  (model, what it was pretrained on)", model.name))
    return told


def _text(text: str, role: str = "") -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    if role:
        label.setProperty("role", role)
    return label
