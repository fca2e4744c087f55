"""The dialog *New evaluation*: models, cohort, labels or measured numbers, modes, and what it would cost."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QGroupBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.core.rows import CohortRow, LabelSummary, ModelRow
from app.ui.add_model import AddModel
from app.ui.background import Background
from app.ui.choosers import add_cohorts, choosers, combo
from app.ui.evaluation_plan import UNTRAINED, Wish, cost_text, costs, launch, scores_itself, task_text
from app.ui.form import SchemaForm
from app.ui.form_fields import TicksEditor
from app.ui.given_thresholds import GivenThresholds
from app.ui.local_prevalence import LocalPrevalence
from app.ui.own_classes import OwnClasses
from app.ui.run_dialog import RunDialog
from engine.contract.config import EvaluationSettings
from engine.contract.evaluation import MODES

if TYPE_CHECKING:
    from app.core.evaluation_cost import EvaluationCost
    from app.core.tasks import TaskRow
    from app.workspace import Workspace

ASKED = (
    *("subgroups", "gap_margin", "confirmatory", "decision_range", "resamples", "seed", "confidence"),
    *("batch_size", "threads", "device", "token_gb", "threshold", "few_labels", "training"),
)
FOLDED = (
    *("confidence", "batch_size", "threads", "device", "token_gb"),
    *("training.batch_size", "training.weight_decay", "training.crops"),
)
OWN_CHOICE = "labels and numbers that are ticked below"
NO_TASK = "none: no corpus of the study is in this workspace"
PAUSE_MS = 350
"""How long nothing has to change before the cost is reckoned anew."""


class Offer(NamedTuple):
    """What there is to choose from."""

    models: list[ModelRow]
    cohorts: list[CohortRow]
    labels: list[LabelSummary]
    numbers: dict[str, int]
    tasks: list[TaskRow]


def offer(workspace: Workspace) -> Offer:
    """Ask the workspace what there is; called off the window's thread."""
    numbers = workspace.measured_numbers()
    labels = [label for label in workspace.labels() if label.label not in numbers]
    tasks = [task for task in workspace.tasks() if task.here]
    return Offer(workspace.models(), workspace.cohorts(), labels, numbers, tasks)


class NewEvaluation(RunDialog):
    """Models, a cohort, what is predicted, modes, and everything that may be set."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "New evaluation",
            "Scores models on patients that nothing was trained on. "
            "Every number gets an interval clustered by patient. Each model in each mode is a run of its own.",
            height=720,
            width=860,
        )
        self.models, self.cohort, self.modes = TicksEditor([]), combo("Cohort"), TicksEditor(list(MODES.items()))
        self.task, self.labels, self.targets = combo("Task"), TicksEditor([]), TicksEditor([])
        self.add_model, self.cost = AddModel(workspace, background), QLabel()
        self.classes, self.prevalence, self.thresholds = OwnClasses(), LocalPrevalence(), GivenThresholds()
        self.form = SchemaForm(
            EvaluationSettings,
            only=ASKED,
            folded=FOLDED,
            sections={"What is told": ASKED[:7], "": ASKED[7:11]},
            options={"subgroups": [(name, name) for name in ("sex", "age", "device", "year", "dataset")]},
        )
        self._known: dict[str, ModelRow] = {}
        self._offered = False
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._lay_out_choices()
        self._connect()
        background.read(partial(offer, workspace), self._offer)

    def launch(self) -> None:
        """Queue every model in every mode that it can take; none, where one is refused."""
        self._submit(partial(launch, self.workspace, self.wish))

    @property
    def wish(self) -> Wish:
        """What is ticked and set; a task names labels and numbers itself."""
        task = str(self.task.currentData() or "")
        return Wish(
            models=[self._known[str(name)] for name in self.models.get()],
            modes=[mode for mode in MODES if mode in self.modes.get()],
            cohort=str(self.cohort.currentData() or ""),
            labels=() if task else tuple(map(str, self.labels.get())),
            targets=() if task else tuple(map(str, self.targets.get())),
            task=task,
            settings=self.form.value(),
            classes=self.classes.value(),
            prevalence=self.prevalence.value() if not task else {},
            thresholds=self.thresholds.value() if not task else {},
        )

    def _offer(self, known: Offer) -> None:
        self._known = {model.name: model for model in known.models}
        self.models.offer([(model.name, model_text(model)) for model in known.models])
        first = [model.name for model in known.models if model.source == "native"] or list(self._known)
        self.models.put(first[-1:])
        add_cohorts(self.cohort, known.cohorts)
        self.prevalence.know(known.labels)
        self.labels.offer([(one.label, label_text(one)) for one in known.labels])
        self.labels.put([one.label for one in known.labels if one.positives and one.negatives])
        self.targets.offer([(name, f"{name}   {count:,} recordings") for name, count in known.numbers.items()])
        own = OWN_CHOICE if known.tasks else NO_TASK
        self.task.offer([(own, ""), *((task_text(task), task.name) for task in known.tasks)])
        self.task.setEnabled(bool(known.tasks))
        nothing_to_predict = not known.labels and not known.numbers
        there = {"model": known.models, "cohort": known.cohorts, "label": not nothing_to_predict}
        missing = [name for name, rows in there.items() if not rows]
        if missing:
            self.tell_fault(f"There is no {' and no '.join(missing)} yet. {NEXT_STEPS[missing[0]]}")
        self._offered = True
        self._judge()

    def _added(self, model: ModelRow) -> None:
        self.tell_fault("")
        ticked = self.models.get()
        self._known[model.name] = model
        self.models.offer([(name, model_text(row)) for name, row in self._known.items()])
        self.models.put([*ticked, model.name])

    def _refused(self, error: Exception) -> None:
        super()._refused(error)
        self._judge()

    def _judge(self) -> None:
        """Follow what is ticked: which settings say something, whether it can start, what it would cost."""
        wish = self.wish
        self.add_model.choose(next((model for model in wish.models if model.source == "native"), None))
        self._labels_row.setVisible(not wish.task and bool(self.labels.list.count()))
        self._targets_row.setVisible(not wish.task and bool(self.targets.list.count()))
        self._follow_own(wish)
        self._follow_labels(wish)
        self.form.part("training").setVisible(bool(set(wish.modes) - set(UNTRAINED)))
        self.form.part("few_labels").setVisible("linear" in wish.modes)
        complete = self._offered and bool(wish.cohort and wish.pairs and (wish.task or wish.labels or wish.targets))
        self.start.setEnabled(complete and not self.form.errors and not self._line_fault)
        many = len(wish.pairs)
        self.start.setText(f"Start {many:,} evaluations" if many > 1 else "Start")
        self.cost.setText("" if self.start.isEnabled() else self._what_is_missing(wish))
        self._pause.start()

    def _follow_own(self, wish: Wish) -> None:
        """Ask for classes where a vendor's model answers itself."""
        answering = [model for model, mode in wish.pairs if mode == "own"]
        self.classes.setVisible(bool(answering and wish.labels))
        if answering:
            self.classes.offer(wish.labels, answering)

    def _follow_labels(self, wish: Wish) -> None:
        """Ask what the ticked labels have elsewhere; a task's labels are known to the workspace alone."""
        self.prevalence.setVisible(bool(wish.labels))
        self.thresholds.setVisible(bool(wish.labels) and any(scores_itself(*pair) for pair in wish.pairs))
        for lines in (self.prevalence, self.thresholds):
            lines.offer(wish.labels)

    @property
    def _line_fault(self) -> str:
        """What is wrong with prevalences and thresholds, in a sentence; empty when nothing is or none is asked."""
        if self.task.currentData():
            return ""
        faults = [("Prevalence", self.prevalence.faults), ("Threshold", self.thresholds.faults)]
        told = (f"{what} of {label}: {fault}." for what, found in faults for label, fault in found.items())
        return next(told, "")

    def _what_is_missing(self, wish: Wish) -> str:
        if self.form.errors:
            return self.form.faults
        if self._line_fault:
            return self._line_fault
        if not self._offered:
            return ""
        asked = {"a model": wish.models, "a mode": wish.modes, "a label": wish.task or wish.labels or wish.targets}
        missing = [name for name, ticked in asked.items() if not ticked]
        return f"Tick {' and '.join(missing)}." if missing else cost_text([], [])

    def _reckon(self) -> None:
        if self.start.isEnabled():
            wish = self.wish
            tell = partial(self._tell_cost, tuple(wish.left_out))
            ask = partial(costs, self.workspace, wish)
            self.background.read(ask, tell, key="evaluate.cost", failed=self._cost_refused, slow=True)

    def _tell_cost(self, left_out: tuple[str, ...], told: list[EvaluationCost]) -> None:
        self.tell_fault("")
        self.cost.setText(cost_text(told, left_out))

    def _cost_refused(self, error: Exception) -> None:
        """What the workspace would refuse is told before *Start*."""
        self.cost.setText("")
        super()._refused(error)

    def _connect(self) -> None:
        for editor in (self.models, self.modes, self.labels, self.targets):
            editor.changed.connect(self._judge)
        for choice in (self.cohort, self.task):
            choice.currentIndexChanged.connect(self._judge)
        self.form.changed.connect(self._judge)
        self.classes.changed.connect(self._judge)
        self.prevalence.changed.connect(self._judge)
        self.thresholds.changed.connect(self._judge)
        self.add_model.added.connect(self._added)
        self.add_model.refused.connect(self._refused)
        self._pause.timeout.connect(self._reckon)

    def _lay_out_choices(self) -> None:
        for editor, name in ((self.models, "Models"), (self.modes, "Modes"), (self.labels, "Labels")):
            editor.list.setAccessibleName(name)
        self.targets.list.setAccessibleName("Measured numbers")
        self.modes.put(["linear"])
        self.form.set_value({})
        self._labels_row = titled("Labels to predict", self.labels)
        self._targets_row = titled("Measured numbers to predict", self.targets)
        rows = (("Models", self.models), ("", at_left(self.add_model)), ("Cohort", self.cohort), ("Modes", self.modes))
        self.body.addWidget(choosers(*rows, ("Task", self.task)))
        self.body.addWidget(self._labels_row)
        self.body.addWidget(self._targets_row)
        self.classes.hide()
        self.body.addWidget(self.classes)
        self.thresholds.hide()
        self.body.addWidget(self.thresholds)
        self.body.addWidget(self.prevalence)
        self.body.addWidget(self.form, 1)
        self.cost.setWordWrap(True)
        self.cost.setProperty("role", "muted")
        self.cost.setAccessibleName("Cost")
        self.footer.addWidget(self.cost)


SOURCE_WORDS = {
    "native": "pretrained",
    "random": "random weights",
    "baseline": "no ECG",
    "predictions": "scores from a file",
    "external": "a vendor's",
}
"""Where a model comes from, in the user's words."""

NEXT_STEPS = {
    "model": "Pretrain one, or add one here.",
    "cohort": "Make one on the page Cohorts.",
    "label": "Import recordings together with a labels CSV.",
}


def model_text(model: ModelRow) -> str:
    """A model with where it comes from."""
    return f"{model.name}  ({SOURCE_WORDS.get(model.source, model.source)})"


def label_text(label: LabelSummary) -> str:
    """A label with the counts that decide what an interval can say."""
    unknown = f", {label.unknown:,} unknown" if label.unknown else ""
    return f"{label.label}   patients: {label.positive_patients:,} with, {label.negative_patients:,} without{unknown}"


def titled(title: str, editor: TicksEditor) -> QGroupBox:
    """Ticks in a box of their own."""
    box = QGroupBox(title)
    QVBoxLayout(box).addWidget(editor)
    return box


def at_left(button: QWidget) -> QWidget:
    """A button that is no wider than it has to be."""
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(button)
    row.addStretch(1)
    return line
