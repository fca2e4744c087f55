"""The dialogs that look further than an evaluation: *New stress bench*, *New drift check*, *Measure efficiency*."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, get_args

from PySide6.QtWidgets import QLabel, QWidget

from app.core.rows import CohortRow, LabelSummary, ModelRow
from app.ui.background import Background
from app.ui.choosers import add_cohorts, choosers, combo
from app.ui.fault_tree import FaultTree
from app.ui.form import SchemaForm
from app.ui.form_fields import TicksEditor
from app.ui.own_classes import OwnClasses, answered_by, embeds, outputs_of
from app.ui.run_dialog import RunDialog
from engine.contract.drift import DriftConfig, GroupedBy
from engine.contract.efficiency import EfficiencyConfig
from engine.contract.stress import StressConfig

if TYPE_CHECKING:
    from app.workspace import Workspace

TAKE_RECORDINGS = ("native", "random", "external")
"""Sources of models that take recordings; supplied scores and baselines take none."""
ANSWERS = {"linear": "a linear probe on its embedding", "own": "its own outputs"}
"""What answers under stress."""
BATCHES = [
    (str(size), words)
    for size, words in (
        (1, "1: one ECG as it comes from the cart"),
        (8, "8: a ward's round"),
        (16, "16"),
        (32, "32"),
        (64, "64: an archive, as fast as it goes"),
        (128, "128"),
        (256, "256"),
    )
]
"""Batch sizes that are offered, with when one would meet them."""
DEVICES = [("cpu", "Processor"), ("cuda", "GPU, where there is one")]


class Offer(NamedTuple):
    """What there is to choose from."""

    models: list[ModelRow]
    cohorts: list[CohortRow]
    labels: list[LabelSummary]


def offer(workspace: Workspace) -> Offer:
    """Networks, cohorts and labels of two classes; called off the window's thread."""
    numbers = workspace.measured_numbers()
    labels = [one for one in workspace.labels() if one.label not in numbers and one.positives and one.negatives]
    return Offer([one for one in workspace.models() if one.source in TAKE_RECORDINGS], workspace.cohorts(), labels)


class Examination(RunDialog):
    """Base: asks the workspace for networks, and starts only with everything that a run needs."""

    needs_cohort = True
    sources: tuple[str, ...] = TAKE_RECORDINGS

    def __init__(
        self,
        workspace: Workspace,
        background: Background,
        parent: QWidget | None,
        title: str,
        sentence: str,
        height: int = 600,
        width: int = 780,
    ) -> None:
        super().__init__(workspace, background, parent, title, sentence, height, width)
        self.model, self.cohort, self.labels = combo("Model"), combo("Cohort"), TicksEditor([])
        self.labels.list.setAccessibleName("Labels")
        self._known: dict[str, ModelRow] = {}

    def _ask(self) -> None:
        """Fetch what can be chosen, once everything that shows it stands."""
        self.background.read(partial(offer, self.workspace), self._offer)

    def _offer(self, known: Offer) -> None:
        self._known = {model.name: model for model in known.models if model.source in self.sources}
        for name in self._known:
            self.model.addItem(name, name)
        add_cohorts(self.cohort, known.cohorts)
        self.labels.offer([(one.label, one.label) for one in known.labels])
        if not self._known:
            self.tell_fault("There is no model that takes recordings yet. Pretrain one, or add one, first.")
        elif self.needs_cohort and not known.cohorts:
            self.tell_fault("There is no cohort yet. Make one on the page Cohorts.")
        self._judge()

    def _judge(self) -> None:
        """Start only what can run; where a choice stands in the way, say which."""
        chosen = bool(self.model.currentData()) and (not self.needs_cohort or bool(self.cohort.currentData()))
        missing = self._missing()
        if chosen:
            self.tell_fault(missing)
        self.start.setEnabled(chosen and not missing and self._well_formed())

    def _missing(self) -> str:
        """What stands in the way of a start beside model and cohort, in a sentence; empty when nothing does."""
        return ""

    def _well_formed(self) -> bool:
        """Whether the form below holds only what its schema takes; it tells its own faults."""
        return True

    @property
    def chosen_labels(self) -> list[str]:
        """The labels that are ticked."""
        return [str(label) for label in self.labels.get()]


class NewStress(Examination):
    """A model, a cohort, labels, and which faults its test recordings are given."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "New stress bench",
            "Breaks the test recordings on purpose, a little more each time, and tells at which severity the model"
            " loses what it could tell apart.",
            height=700,
            width=880,
        )
        self.faults, self.cost = FaultTree(workspace.faults()), QLabel()
        self.mode, self.classes = combo("Answered by"), OwnClasses()
        self.cost.setProperty("role", "muted")
        self.form = SchemaForm(StressConfig, only=("margin", "resamples", "seed"))
        self.body.addWidget(
            choosers(
                ("Model", self.model),
                ("Answered by", self.mode),
                ("Cohort", self.cohort),
                ("Labels", self.labels),
                ("Faults", self.faults),
                ("", self.cost),
            )
        )
        self.body.addWidget(self.classes)
        self.body.addWidget(self.form, 1)
        for editor in (self.labels, self.faults, self.form, self.classes):
            editor.changed.connect(self._judge)
        self.model.currentIndexChanged.connect(self._offer_answers)
        self.mode.currentIndexChanged.connect(self._judge)
        self._ask()

    def launch(self) -> None:
        """Queue the bench."""
        asked = {name: self.form.value()[name] for name in ("margin", "resamples", "seed")}
        model, cohort = self.model.currentData(), self.cohort.currentData()
        if self.mode.currentData() == "own":
            asked |= {"mode": "own", "classes": self.classes.value()}
        labels = list(self._watched)
        self._submit(partial(self.workspace.stress, model, cohort, labels, self.faults.get(), **asked))

    @property
    def _watched(self) -> tuple[str, ...]:
        """The ticked labels; of a model that answers itself those that a class answers."""
        labels, model = tuple(self.chosen_labels), self._known.get(str(self.model.currentData()))
        if model is None or self.mode.currentData() != "own":
            return labels
        return answered_by(model, labels, self.classes.value())

    def _offer_answers(self) -> None:
        """What the chosen model can be asked by: a probe needs an embedding, its own outputs are a vendor's alone."""
        model = self._known.get(str(self.model.currentData()))
        self.mode.clear()
        if model is not None and embeds(model):
            self.mode.addItem(ANSWERS["linear"], "linear")
        if model is not None and outputs_of(model):
            self.mode.addItem(ANSWERS["own"], "own")
        self._judge()

    def _offer(self, known: Offer) -> None:
        super()._offer(known)
        self.labels.put([one.label for one in known.labels])
        self._offer_answers()

    def _judge(self) -> None:
        self.cost.setText(self.faults.told())
        model, own = self._known.get(str(self.model.currentData())), self.mode.currentData() == "own"
        self.classes.setVisible(own and bool(self.labels.get()))
        if own and model is not None:
            self.classes.offer(self.chosen_labels, [model])
        super()._judge()

    def _missing(self) -> str:
        if not self.labels.get():
            return "No label is ticked: a bench needs at least one that it can watch."
        if not self._watched:
            return "None of the ticked labels is answered by a class of the model: choose classes for them."
        return "" if self.faults.get() else "No fault is ticked: a bench needs at least one."

    def _well_formed(self) -> bool:
        return not self.form.errors


class NewDrift(Examination):
    """A model, the recordings that it is known on, and the local ones."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "New drift check",
            "Tells whether local recordings look different to a model from those that it is known on: all of them, and"
            " every group of an attribute by itself.",
        )
        self.reference = combo("Reference cohort")
        self.by = TicksEditor([(name, name.capitalize()) for name in get_args(GroupedBy)])
        self.by.put(["device", "year"])
        self.by.list.setAccessibleName("Groups told by")
        self.form = SchemaForm(DriftConfig, only=("seed",))
        self.body.addWidget(
            choosers(
                ("Model", self.model),
                ("Local cohort", self.cohort),
                ("Reference", self.reference),
                ("Groups by", self.by),
                ("Labels whose share is told", self.labels),
            )
        )
        self.body.addWidget(self.form, 1)
        self.cohort.currentIndexChanged.connect(self._judge)
        self.reference.currentIndexChanged.connect(self._judge)
        self.form.changed.connect(self._judge)
        self._ask()

    def launch(self) -> None:
        """Queue the comparison."""
        model, cohort, reference = (one.currentData() for one in (self.model, self.cohort, self.reference))
        seed = self.form.value()["seed"]
        by = [name for name in get_args(GroupedBy) if name in self.by.get()]
        asked = partial(self.workspace.drift, model, cohort, reference, self.chosen_labels, by=by, seed=seed)
        self._submit(asked)

    def _offer(self, known: Offer) -> None:
        add_cohorts(self.reference, known.cohorts)
        self.reference.setCurrentIndex(min(1, self.reference.count() - 1))
        super()._offer(known)

    def _missing(self) -> str:
        reference = self.reference.currentData()
        if self.reference.count() < 2:
            return "A drift check needs two cohorts: the local recordings, and those to hold them against."
        if reference != self.cohort.currentData():
            return ""
        return f"'{reference}' is chosen on both sides: a cohort cannot be held against itself. Choose another one."

    def _well_formed(self) -> bool:
        return not self.form.errors


class MeasureEfficiency(Examination):
    """A model whose parameters, operations, time, memory and energy are measured on this computer."""

    needs_cohort, sources = False, TAKE_RECORDINGS

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "Measure efficiency",
            "Parameters, operations, latency, throughput, memory and energy, on the processor and, where there is one,"
            " on the GPU. Other runs under way make it slower than it is.",
            height=460,
        )
        self.form = SchemaForm(EfficiencyConfig, only=("seconds",))
        self.batches, self.devices = TicksEditor(BATCHES), TicksEditor(DEVICES)
        self.batches.put(["1", "64"])
        self.batches.list.setAccessibleName("Crops at a time")
        self.devices.put([name for name, _ in DEVICES])
        self.devices.list.setAccessibleName("Devices")
        self.body.addWidget(
            choosers(("Model", self.model), ("Crops at a time", self.batches), ("Devices", self.devices))
        )
        self.body.addWidget(self.form, 1)
        for editor in (self.batches, self.devices, self.form):
            editor.changed.connect(self._judge)
        self._ask()

    def launch(self) -> None:
        """Queue the measurement; every device that is there when all are ticked."""
        devices = [str(name) for name in self.devices.get()]
        devices = [] if len(devices) == len(DEVICES) else devices
        batches, seconds = [int(str(one)) for one in self.batches.get()], self.form.value()["seconds"]
        asked = partial(self.workspace.efficiency, self.model.currentData(), devices, batches, seconds)
        self._submit(asked)

    def _missing(self) -> str:
        if not self.batches.get():
            return "No batch size is ticked: choose how many crops are shown at a time."
        return "" if self.devices.get() else "No device is ticked: choose where it is measured."

    def _well_formed(self) -> bool:
        return not self.form.errors
