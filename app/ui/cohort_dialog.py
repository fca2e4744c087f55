"""A new cohort: which recordings, and how their patients are split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.core.rows import CohortRow, LabelSummary
from app.ui.background import Background
from app.ui.messages import message_of

if TYPE_CHECKING:
    from app.workspace import Workspace

FOLDS, HOLDOUT = "folds", "holdout"


class CohortDialog(QDialog):
    """Name, labels, split, seed. The split is by patient: no patient stands on both sides."""

    made = Signal(object)
    """The CohortRow."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self.setWindowTitle("New cohort")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.name, self.labels, self.kind = QLineEdit("all recordings"), QListWidget(), QComboBox()
        self.folds, self.share, self.seed = QSpinBox(), QSpinBox(), QSpinBox()
        self.fault = QLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.make = self.buttons.addButton("Make cohort", QDialogButtonBox.ButtonRole.AcceptRole)
        self._dress()
        self._lay_out()
        self.buttons.accepted.connect(self.launch)
        self.buttons.rejected.connect(self.reject)
        background.read(workspace.labels, self._offer)

    def launch(self) -> None:
        """Have the cohort made; faults are told here."""
        name, seed = self.name.text().strip(), self.seed.value()
        labels = tuple(
            item.data(Qt.ItemDataRole.UserRole)
            for item in (self.labels.item(line) for line in range(self.labels.count()))
            if item.checkState() is Qt.CheckState.Checked
        )
        by_folds = self.kind.currentData() == FOLDS
        folds, holdout = (self.folds.value(), None) if by_folds else (None, self.share.value() / 100)
        self.make.setEnabled(False)
        self.background.write(
            lambda: self.workspace.create_cohort(
                name, labels=labels, folds=folds, holdout=holdout, seed=seed, search=True
            ),
            self._made,
            touches=Changes.COHORTS | Changes.JOBS,
            failed=self._refused,
        )

    def _made(self, row: CohortRow) -> None:
        self.made.emit(row)
        self.accept()

    def _refused(self, error: Exception) -> None:
        told = message_of(error)
        self.fault.setText(f"{told.title} {told.text} {told.detail}".strip())
        self.fault.show()
        self.make.setEnabled(True)

    def _offer(self, labels: list[LabelSummary]) -> None:
        for one in labels:
            text = f"{one.label}: {one.positives:,} yes, {one.negatives:,} no, {one.unknown:,} unknown"
            item = QListWidgetItem(text)
            item.setData(Qt.ItemDataRole.UserRole, one.label)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            self.labels.addItem(item)
        if not labels:
            self.labels.addItem(QListWidgetItem("The workspace holds no label: every recording is taken"))
            self.labels.setEnabled(False)

    def _dress(self) -> None:
        self.make.setProperty("role", "primary")
        self.fault.setProperty("role", "bad")
        self.fault.setWordWrap(True)
        self.fault.hide()
        self.kind.addItem("Patient folds: every patient is scored once", FOLDS)
        self.kind.addItem("Held-out test patients", HOLDOUT)
        self.folds.setRange(2, 20)
        self.folds.setValue(5)
        self.share.setRange(5, 80)
        self.share.setValue(30)
        self.share.setSuffix(" % of patients")
        self.seed.setRange(0, 2**31 - 1)
        for box in (self.folds, self.share, self.seed):
            box.setMinimumHeight(26)
            box.setMaximumWidth(180)
        self.name.textChanged.connect(lambda text: self.make.setEnabled(bool(text.strip())))

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Name", self.name)
        form.addRow("Labels", self.labels)
        form.addRow("", _muted("Keeps recordings in which at least one of the ticked labels is known."))
        form.addRow("Split", self.kind)
        form.addRow("Folds", self.folds)
        form.addRow("Test share", self.share)
        form.addRow("Seed", self.seed)
        self.kind.currentIndexChanged.connect(lambda _place: self._show_split(form))
        self._show_split(form)
        column = QVBoxLayout(self)
        column.addLayout(form, 1)
        column.addWidget(self.fault)
        column.addWidget(self.buttons)
        self.resize(560, 460)

    def _show_split(self, form: QFormLayout) -> None:
        by_folds = self.kind.currentData() == FOLDS
        form.setRowVisible(self.folds, by_folds)
        form.setRowVisible(self.share, not by_folds)


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    return label
