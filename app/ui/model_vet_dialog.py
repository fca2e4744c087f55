"""*Vet a model*: with which numbers of its maker it is compared, on whose recordings its contract is made wrong."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QFormLayout, QLabel, QLineEdit, QPushButton, QWidget

from app.core.rows import CohortRow, LabelSummary
from app.core.words import counted
from app.ui.background import Background
from app.ui.choosers import add_cohorts, beside, choosers, combo
from app.ui.form import SchemaForm
from app.ui.form_fields import TicksEditor
from app.ui.messages import message_of
from app.ui.model_rows import ListedModel
from app.ui.quiet_combo import QuietCombo
from app.ui.run_dialog import RunDialog
from engine.contract.answers import answered
from engine.contract.card import Output
from engine.contract.vetting import VetConfig

if TYPE_CHECKING:
    from app.workspace import Workspace

SETTINGS = ("tolerance", "loss", "most", "repeats", "resamples", "seed")
SAME_NAME = "the class of its own name"


class VetModel(RunDialog):
    """Asks for what is beside the model itself: the vendor's numbers, and recordings with labels.

    Args:
        workspace: the open workspace.
        background: the workers.
        parent: the page.
        model: the external model.
    """

    def __init__(
        self, workspace: Workspace, background: Background, parent: QWidget | None, model: ListedModel
    ) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            f"Vet {model.name}",
            "Holds the card against the model, runs shipped ECGs through it, and makes every item of its contract wrong"
            " on purpose. The model runs in the sandbox.",
            height=660,
            width=820,
        )
        self.model = model
        self.reference, self.browse, self.golden = (
            QLineEdit(),
            QPushButton("File…"),
            QPushButton("ECGs for the vendor…"),
        )
        self.cohort, self.labels = combo("Cohort"), TicksEditor([])
        self.classes = AnsweredBy(model.card.outputs if model.card else ())
        self.form = SchemaForm(VetConfig, only=SETTINGS)
        self._dress()
        self.body.addWidget(
            choosers(
                ("Vendor's numbers", beside(beside(self.reference, self.browse), self.golden)),
                ("Recordings", self.cohort),
                ("Labels", self.labels),
                ("Answered by", self.classes),
            )
        )
        self.body.addWidget(self.form, 1)
        self._connect()
        background.read(partial(_offered, workspace), self._offer)
        self._judge()

    def launch(self) -> None:
        """Queue the vetting."""
        value = self.form.value()
        reference = self.reference.text().strip()
        labels = self.chosen_labels
        ask = partial(
            self.workspace.vet,
            self.model.name,
            self.cohort.currentData(),
            labels,
            Path(reference) if reference else None,
            {label: name for label, name in self.classes.value().items() if label in labels},
            {name: value[name] for name in SETTINGS},
        )
        self._submit(ask)

    @property
    def chosen_labels(self) -> list[str]:
        """Labels that are ticked; without a cohort there are none."""
        return [str(label) for label in self.labels.get()] if self.cohort.currentData() else []

    def export_golden(self, folder: str) -> None:
        """Write the shipped ECGs for the vendor into a new folder here."""
        write = partial(self.workspace.export_golden, self.model.name, Path(folder) / f"golden {self.model.name}")
        self.background.write(write, self._exported, failed=self._not_exported)

    def _exported(self, files: Sequence[Path]) -> None:
        self.golden.setText(f"{counted(len(files), 'file')} written")

    def _not_exported(self, error: Exception) -> None:
        told = message_of(error)
        self.tell_fault(f"{told.title} {told.text}")

    def _offer(self, known: tuple[list[CohortRow], list[LabelSummary]]) -> None:
        cohorts, labels = known
        add_cohorts(self.cohort, cohorts)
        self.labels.offer([(one.label, one.label) for one in labels])
        self._judge()

    def _judge(self) -> None:
        """Labels need a cohort, and each a class that answers it."""
        there = bool(self.cohort.currentData())
        self.labels.setEnabled(there)
        self.classes.show_labels(self.chosen_labels)
        unanswered = self.classes.unanswered()
        told = f"Say which class of the model answers: {', '.join(unanswered)}" if unanswered else ""
        self.tell_fault(told)
        self.start.setEnabled(not self.form.errors and not unanswered)

    def _connect(self) -> None:
        self.cohort.currentIndexChanged.connect(lambda _row: self._judge())
        self.labels.changed.connect(self._judge)
        self.classes.changed.connect(self._judge)
        self.form.changed.connect(self._judge)
        self.browse.clicked.connect(lambda _on=False: self._ask_reference())
        self.golden.clicked.connect(lambda _on=False: self._ask_folder())

    def _dress(self) -> None:
        self.reference.setAccessibleName("File with the vendor's numbers")
        self.reference.setPlaceholderText("None: parity is not told. CSV, JSON or NPZ")
        self.golden.setToolTip("Write the shipped ECGs and a template into a folder: the vendor runs them and answers")
        self.cohort.addItem("The shipped ECGs alone", None)
        self.labels.list.setAccessibleName("Labels")
        for one in (self.browse, self.golden):
            one.setAutoDefault(False)

    def _ask_reference(self) -> None:
        dialog = QFileDialog(self, "Vendor's numbers", "", "Numbers (*.csv *.json *.npz)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.reference.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_folder(self) -> None:
        dialog = QFileDialog(self, "Where the ECGs for the vendor go")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.export_golden)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


class AnsweredBy(QWidget):
    """For each label the class of the model's own outputs that answers it.

    Args:
        outputs: of the model's card; embeddings answer nothing by themselves.
    """

    changed = Signal()

    def __init__(self, outputs: Sequence[Output]) -> None:
        super().__init__()
        self.outputs = [output for output in outputs if output.kind != "embedding"]
        self.choices: dict[str, QuietCombo] = {}
        self._asked: tuple[str, ...] = ()
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._none = QLabel("No labels are ticked")
        self._none.setProperty("role", "muted")
        self._form.addRow(self._none)

    def show_labels(self, labels: Sequence[str]) -> None:
        """Ask for these labels; what was chosen stays."""
        self._asked = tuple(labels)
        for label, choice in self.choices.items():
            self._form.setRowVisible(choice, label in labels)
        for label in labels:
            if label not in self.choices and self.outputs:
                self.choices[label] = self._choice(label)
                self._form.addRow(label, self.choices[label])
        self._none.setVisible(not labels or not self.outputs)
        if labels and not self.outputs:
            self._none.setText("A linear probe on its embedding: it has no answers of its own")

    def value(self) -> dict[str, str]:
        """By label the class, where one was chosen."""
        return {label: str(one.currentData()) for label, one in self.choices.items() if one.currentData()}

    def unanswered(self) -> list[str]:
        """Labels that no class answers yet."""
        shown = [label for label in self.choices if label in self._asked]
        found = answered(self.outputs, shown, {k: v for k, v in self.value().items() if k in shown})
        return [label for label in shown if label not in found]

    def _choice(self, label: str) -> QuietCombo:
        choice = combo(f"Class that answers {label}")
        alone = answered(self.outputs, [label])
        choice.addItem(SAME_NAME if alone else "choose a class", "")
        for output in self.outputs:
            for name in output.classes:
                choice.addItem(f"{output.name}: {name}", f"{output.name}: {name}")
        choice.currentIndexChanged.connect(lambda _row: self.changed.emit())
        return choice


def _offered(workspace: Workspace) -> tuple[list[CohortRow], list[LabelSummary]]:
    """Cohorts, and labels of two classes; called off the window's thread."""
    numbers = workspace.measured_numbers()
    labels = [one for one in workspace.labels() if one.label not in numbers and one.positives and one.negatives]
    return workspace.cohorts(), labels
