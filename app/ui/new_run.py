"""The dialogs *New pretraining*, *New evaluation* and *New comparison*; their forms are made from the config schema."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QGroupBox, QHBoxLayout, QLabel, QWidget

from app.core.rows import CohortRow, LabelSummary, ModelRow
from app.ui.add_model import AddModel
from app.ui.background import Background
from app.ui.form import LABEL_WIDTH, SchemaForm
from app.ui.form_fields import QuietCombo, TicksEditor
from app.ui.run_dialog import RunDialog
from engine.contract.config import CompareConfig, EvaluateConfig, PretrainConfig
from engine.contract.results import EvaluateResults

if TYPE_CHECKING:
    from app.workspace import Workspace

PRETRAIN_SECTIONS = {
    "Training": ("steps", "batch_size", "learning_rate", "backbone_factor", "stem_factor", "weight_decay"),
    "Signal": ("rate_hz", "window_s", "clip_mv"),
    "Looks and checkpoints": ("validation_fraction", "evaluate_every", "checkpoint_every", "keep_checkpoints"),
    "Machine": ("device", "threads", "seed"),
}
DEFAULT_RECIPE = "demo"


class NewPretraining(RunDialog):
    """A recipe, a cohort, and every field of the config to change."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "New pretraining",
            "A backbone learns from your recordings alone, without labels. "
            "Begin with a recipe and change what you like.",
            height=720,
        )
        self.recipe, self.cohort = _combo("Recipe"), _combo("Recordings")
        self.form = SchemaForm(PretrainConfig, sections=PRETRAIN_SECTIONS, hidden={"store"})
        self.body.addWidget(_choosers(("Recipe", self.recipe), ("Recordings", self.cohort)))
        self.body.addWidget(self.form, 1)
        self.form.changed.connect(self._judge)
        self.recipe.activated.connect(self._load_recipe)
        background.read(lambda: (workspace.recipes(), workspace.cohorts()), self._offer)

    def launch(self) -> None:
        """Queue the pretraining."""
        config = PretrainConfig.model_validate(self.form.value())
        self._submit(partial(self.workspace.pretrain, config, self.cohort.currentData()))

    def _offer(self, known: tuple[list[str], list[CohortRow]]) -> None:
        recipes, cohorts = known
        for name in recipes:
            self.recipe.addItem(name, name)
        self.recipe.setCurrentIndex(max(self.recipe.findData(DEFAULT_RECIPE), 0))
        self.cohort.addItem("All recordings", None)
        _add_cohorts(self.cohort, cohorts)
        self._load_recipe()

    def _load_recipe(self) -> None:
        name = self.recipe.currentData()
        if name:
            self.background.read(partial(self.workspace.recipe, name), self._take_recipe)
        self._judge()

    def _take_recipe(self, recipe: dict[str, Any]) -> None:
        self.form.set_value(recipe)
        self._judge()

    def _judge(self) -> None:
        self.tell_fault(self.form.faults)
        self.start.setEnabled(not self.form.errors)


class NewEvaluation(RunDialog):
    """A model, a cohort, labels, resamples and seed."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "New evaluation",
            "A linear probe on the frozen model, scored on patients that the probe has not seen. "
            "Every number gets an interval clustered by patient.",
            height=440,
        )
        self.model, self.cohort = _combo("Model"), _combo("Cohort")
        self.add_model = AddModel(workspace, background)
        self.form: SchemaForm | None = None
        self._models: dict[str, ModelRow] = {}
        self.body.addWidget(_choosers(("Model", _beside(self.model, self.add_model)), ("Cohort", self.cohort)))
        self.model.currentIndexChanged.connect(self._model_chosen)
        self.add_model.added.connect(self._added)
        self.add_model.refused.connect(self._refused)
        background.read(lambda: (workspace.models(), workspace.cohorts(), workspace.labels()), self._offer)

    def launch(self) -> None:
        """Queue the evaluation."""
        assert self.form is not None
        asked = self.form.value()
        self._submit(
            partial(
                self.workspace.evaluate,
                self.model.currentData(),
                self.cohort.currentData(),
                tuple(asked["labels"]),
                asked["resamples"],
                asked["seed"],
            )
        )

    def _offer(self, known: tuple[list[ModelRow], list[CohortRow], list[LabelSummary]]) -> None:
        models, cohorts, labels = known
        for model in models:
            self._offer_model(model)
        _add_cohorts(self.cohort, cohorts)
        options = [(one.label, label_text(one)) for one in labels]
        self.form = SchemaForm(EvaluateConfig, only=("labels", "resamples", "seed"), options={"labels": options})
        self.form.set_value({"labels": [one.label for one in labels if one.positives and one.negatives]})
        self.form.changed.connect(self._judge)
        self.body.addWidget(self.form, 1)
        missing = [name for name, rows in (("model", models), ("cohort", cohorts), ("label", labels)) if not rows]
        if missing:
            self.tell_fault(f"There is no {' and no '.join(missing)} yet. {NEXT_STEPS[missing[0]]}")
        self._judge()

    def _offer_model(self, model: ModelRow) -> None:
        self._models[model.name] = model
        self.model.addItem(f"{model.name}  ({SOURCE_WORDS.get(model.source, model.source)})", model.name)

    def _added(self, model: ModelRow) -> None:
        self.tell_fault("")
        if model.name not in self._models:
            self._offer_model(model)
        self.model.setCurrentIndex(self.model.findData(model.name))
        self._judge()

    def _refused(self, error: Exception) -> None:
        super()._refused(error)
        self._judge()

    def _model_chosen(self) -> None:
        self.add_model.choose(self._models.get(self.model.currentData()))

    def _judge(self) -> None:
        complete = self.model.count() > 0 and self.cohort.count() > 0
        self.start.setEnabled(complete and self.form is not None and not self.form.errors)


SOURCE_WORDS = {
    "native": "pretrained",
    "random": "random weights",
    "baseline": "no ECG",
    "predictions": "scores from a file",
}
"""Where a model comes from, in the user's words."""

NEXT_STEPS = {
    "model": "Pretrain one, or add one here.",
    "cohort": "Make one on the page Records.",
    "label": "Import recordings together with a labels CSV.",
}


@dataclass(frozen=True)
class Candidate:
    """A finished evaluation that may be compared."""

    job_id: str
    source: str
    results: EvaluateResults

    @property
    def text(self) -> str:
        """As it stands in the list."""
        macro = self.results.macro.value
        told = "macro AUROC not estimable" if macro is None else f"macro AUROC {macro:.3f}"
        return f"{self.results.model}   ({self.job_id}, {told})"


def candidates(workspace: Workspace) -> list[Candidate]:
    """All finished evaluations, the newest first; called off the window's thread."""
    told = []
    for job in workspace.jobs():
        if job.kind == "evaluate" and job.state == "done":
            results = workspace.results(job.job_id)
            if isinstance(results, EvaluateResults):
                source = workspace.job_detail(job.job_id).config["model"]["source"]
                told.append(Candidate(job.job_id, source, results))
    return sorted(told, key=lambda one: one.job_id, reverse=True)


class NewComparison(RunDialog):
    """Two or more evaluations of one split, and which of their models is examined against the others."""

    def __init__(self, workspace: Workspace, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "New comparison",
            "The model examined minus each of the others, on the same patients, and how alike their layers are (CKA). "
            "Only evaluations of one split can be compared.",
            height=480,
        )
        self.split, self.examined = _combo("Split"), _combo("Model examined")
        self.ticks = TicksEditor([])
        self.form = SchemaForm(CompareConfig, only=("resamples", "seed"))
        self._known: dict[str, Candidate] = {}
        self.ticks.list.setAccessibleName("Evaluations")
        self.body.addWidget(
            _choosers(("Split", self.split), ("Evaluations", self.ticks), ("Model examined", self.examined))
        )
        self.body.addWidget(self.form, 1)
        self.split.currentIndexChanged.connect(self._list_evaluations)
        self.ticks.changed.connect(self._offer_examined)
        self.examined.currentIndexChanged.connect(self._judge)
        self.form.changed.connect(self._judge)
        background.read(partial(candidates, workspace), self._offer)

    def launch(self) -> None:
        """Queue the comparison, the model examined first."""
        examined = self.examined.currentData()
        others = [job_id for job_id in self._ticked() if job_id != examined]
        asked = self.form.value()
        self._submit(partial(self.workspace.compare, [examined, *others], asked["seed"], asked["resamples"]))

    def _offer(self, known: list[Candidate]) -> None:
        self._known = {one.job_id: one for one in known}
        counts: dict[str, int] = {}
        for one in known:
            counts[one.results.split_id] = counts.get(one.results.split_id, 0) + 1
        for split_id, count in counts.items():
            self.split.addItem(f"{split_id}  ({count} evaluations)", split_id)
        if not any(count > 1 for count in counts.values()):
            self.tell_fault("A comparison needs two finished evaluations of one split. Start them first.")

    def _list_evaluations(self) -> None:
        rows = [one for one in self._known.values() if one.results.split_id == self.split.currentData()]
        self.ticks.offer([(one.job_id, one.text) for one in rows])
        self.ticks.put(newest_of_each_model(rows))
        self._offer_examined()

    def _offer_examined(self) -> None:
        kept = self.examined.currentData()
        self.examined.blockSignals(True)
        self.examined.clear()
        for job_id in self._ticked():
            self.examined.addItem(self._known[job_id].results.model, job_id)
        sources = [self._known[job_id].source for job_id in self._ticked()]
        usual = sources.index("native") if "native" in sources else 0
        self.examined.setCurrentIndex(self.examined.findData(kept) if kept in self._ticked() else usual)
        self.examined.blockSignals(False)
        self._judge()

    def _ticked(self) -> list[str]:
        return [str(job_id) for job_id in self.ticks.get()]

    def _judge(self) -> None:
        names = [self._known[job_id].results.model for job_id in self._ticked()]
        twice = len(set(names)) < len(names)
        self.tell_fault("One model is ticked twice: keep one of its evaluations." if twice else "")
        self.start.setEnabled(len(names) > 1 and not twice and not self.form.errors)


def newest_of_each_model(rows: list[Candidate]) -> list[str]:
    """Ids of the newest evaluation of each model; `rows` come newest first."""
    newest: dict[str, str] = {}
    for one in rows:
        newest.setdefault(one.results.model, one.job_id)
    return list(newest.values())


def label_text(label: LabelSummary) -> str:
    """A label with the counts that decide what an interval can say."""
    unknown = f", {label.unknown:,} unknown" if label.unknown else ""
    return f"{label.label}   {label.positive_patients:,} patients with it, {label.negative_patients:,} without{unknown}"


def _combo(name: str) -> QuietCombo:
    combo = QuietCombo()
    combo.setAccessibleName(name)
    return combo


def _choosers(*rows: tuple[str, QWidget]) -> QGroupBox:
    box = QGroupBox()
    grid = QGridLayout(box)
    grid.setHorizontalSpacing(12)
    grid.setColumnMinimumWidth(0, LABEL_WIDTH)
    grid.setColumnStretch(1, 1)
    for line, (text, widget) in enumerate(rows):
        label = QLabel(text)
        label.setBuddy(widget)
        top = isinstance(widget, TicksEditor)
        grid.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop if top else Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(widget, line, 1)
    return box


def _beside(wide: QWidget, narrow: QWidget) -> QWidget:
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(wide, 1)
    row.addWidget(narrow)
    both.setFocusProxy(wide)
    return both


def _add_cohorts(combo: QuietCombo, cohorts: list[CohortRow]) -> None:
    for cohort in cohorts:
        text = f"{cohort.name}  ({cohort.records:,} recordings of {cohort.patients:,} patients, {cohort.split_kind})"
        combo.addItem(text, cohort.name)
