"""The dialog *New pretraining*: begin with a recipe or an earlier run, start fresh or go on from a model, see the cost.

An estimate is a run like any other: it stands in the queue, and the strip above *Start* follows it. One that nobody
waits for any more is stopped, so that it does not hold up the training it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QDialogButtonBox, QWidget

from app.core.changes import Changes
from app.core.rows import CohortRow, JobRow, LabelSummary, ModelRow
from app.ui.background import Background
from app.ui.banner import Banner
from app.ui.choosers import add_cohorts, choosers, combo
from app.ui.estimate_strip import EstimateStrip, answer_of
from app.ui.form_words import sentence
from app.ui.messages import message_of
from app.ui.pretrain_form import OF_THE_PARENT, device_options, of_parent, pretrain_form
from app.ui.run_dialog import RunDialog
from engine.contract.config import PretrainConfig
from engine.contract.results import EstimateResults

if TYPE_CHECKING:
    from app.workspace import Workspace

DEFAULT_RECIPE = "demo"
Known = tuple[list[str], list[JobRow], list[ModelRow], list[CohortRow], list[LabelSummary]]


class NewPretraining(RunDialog):
    """Every field of the config, filled from a recipe, an earlier run or a parent model.

    Args:
        workspace: the open workspace.
        background: its workers.
        parent: the widget it stands before.
        like: id of a run whose settings are taken over.
        model: name of a model to go on from.
    """

    def __init__(
        self,
        workspace: Workspace,
        background: Background,
        parent: QWidget | None = None,
        like: str = "",
        model: str = "",
    ) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "New pretraining",
            "A backbone learns from your recordings alone, without labels. "
            "Begin with a recipe and change what you like.",
            height=840,
            width=860,
        )
        self._like, self._model = like, model
        self.begin, self.origin, self.cohort = combo("Begin with"), combo("Weights"), combo("Recordings")
        self.form, self.strip, self.notes = pretrain_form(), EstimateStrip(), Banner()
        self.estimate = self.buttons.addButton("Estimate", QDialogButtonBox.ButtonRole.ActionRole)
        self._estimate_job, self._asking = "", False
        self.body.addWidget(choosers(("Begin with", self.begin), ("Weights", self.origin), ("Recordings", self.cohort)))
        self.body.addWidget(self.form, 1)
        self.footer.addWidget(self.notes)
        self.footer.addWidget(self.strip)
        self._connect()
        background.read(partial(_known, workspace), self._offer)
        background.read(workspace.devices, self._offer_devices, slow=True, failed=_nothing)

    def launch(self) -> None:
        """Queue the pretraining."""
        self._forget_estimate()
        self._submit(partial(self.workspace.pretrain, self._config(), self.cohort.currentData(), self._origin()))

    def ask_estimate(self) -> None:
        """Measure what the settings would cost."""
        self._forget_estimate()
        self._asking = True
        self.estimate.setEnabled(False)
        ask = partial(self.workspace.estimate, self._config(), self.cohort.currentData())
        self.background.write(ask, self._estimating, touches=Changes.JOBS, failed=self._not_estimated)

    def done(self, result: int) -> None:
        """Close; an estimate that is under way is not waited for any more."""
        self._forget_estimate()
        super().done(result)

    def _config(self) -> PretrainConfig:
        return PretrainConfig.model_validate(self.form.value())

    def _origin(self) -> str | None:
        return self.origin.currentData() or None

    # What there is to choose from.

    def _offer(self, known: Known) -> None:
        recipes, jobs, models, cohorts, labels = known
        for name in recipes:
            self.begin.addItem(f"Recipe {name}", ("recipe", name))
        for job in jobs:
            if job.kind == "pretrain":
                self.begin.addItem(f"Settings of {job.job_id}, {job.name}", ("job", job.job_id))
        self.origin.addItem("Random: start fresh", "")
        for model in models:
            if model.source == "native":
                self.origin.addItem(f"Go on from {model.name}", model.name)
        self.cohort.addItem("All recordings", None)
        add_cohorts(self.cohort, cohorts)
        self.form.offer("probe.cohort", [(one.name, one.name) for one in cohorts])
        self.form.offer("probe.labels", [(one.label, one.label) for one in labels])
        self.begin.setCurrentIndex(self._beginning())
        self.origin.setCurrentIndex(max(self.origin.findData(self._model), 0))
        self._begin_with()

    def _beginning(self) -> int:
        """The line of what the dialog was asked to begin with."""
        wanted = ("job", self._like) if self._like else ("recipe", DEFAULT_RECIPE)
        known = [tuple(self.begin.itemData(row)) for row in range(self.begin.count())]
        return known.index(wanted) if wanted in known else 0

    def _offer_devices(self, devices: list[dict[str, str]]) -> None:
        self.form.offer("device", device_options(devices))

    def _begin_with(self) -> None:
        if (chosen := self.begin.currentData()) is not None:
            kind, name = chosen
            ask: Callable[[str], dict[str, Any]] = (
                self.workspace.recipe if kind == "recipe" else self.workspace.duplicate
            )
            self.background.read(partial(ask, name), self._take_settings, failed=self._refused)
        self._edited()

    def _take_settings(self, settings: dict[str, Any]) -> None:
        if (self.begin.currentData() or ("", ""))[0] == "job":
            # An earlier run went on from a model, which stands here by its name, or began afresh.
            self.origin.setCurrentIndex(max(self.origin.findData(settings.get("parent") or ""), 0))
        self.form.set_value({name: value for name, value in settings.items() if name not in ("parent", "store")})
        self._take_origin()

    def _take_origin(self) -> None:
        model = self._origin()
        self._settle(model)
        if model is not None:
            ask = partial(self.workspace.parent_settings, model)
            self.background.read(ask, self._take_parent, key="pretrain.parent", failed=self._refused)
        self._edited()

    def _take_parent(self, settings: dict[str, Any]) -> None:
        self.form.set_value(of_parent(self.form.value(), settings))
        self._settle(self._origin())
        self._edited()

    def _settle(self, model: str | None) -> None:
        """What the model that is gone on from has settled cannot be changed."""
        self.form.part("backbone").setEnabled(model is None)
        for path in OF_THE_PARENT[1:]:
            self.form.editor(path).setEnabled(model is None)

    # The estimate.

    def _estimating(self, job_id: str) -> None:
        self._asking, self._estimate_job = False, job_id
        self._look()

    def _not_estimated(self, error: Exception) -> None:
        self._asking = False
        message = message_of(error)
        self.tell_fault(" ".join(part for part in (message.title, message.text, message.detail) if part))
        self.estimate.setEnabled(True)

    def _changed(self, changes: Changes) -> None:
        if self._estimate_job and changes & (Changes.JOBS | Changes.RESULTS):
            self._look()

    def _look(self) -> None:
        ask = partial(answer_of, self.workspace, self._estimate_job)
        self.background.read(ask, self._tell_estimate, key="pretrain.estimate")

    def _tell_estimate(self, answer: tuple[JobRow, EstimateResults | None]) -> None:
        job, results = answer
        if job.job_id != self._estimate_job:
            return
        if job.active:
            self.strip.waiting(job)
        else:
            self._estimate_job = ""
            if results is None:
                self.strip.failed(job)
            else:
                self.strip.show_results(results)
        self._judge()

    def _forget_estimate(self) -> None:
        if self._estimate_job:
            stop, self._estimate_job = partial(self.workspace.stop, self._estimate_job), ""
            # It may have ended in the meantime: then there is nothing to stop, and nothing to tell.
            self.background.write(stop, touches=Changes.JOBS, failed=_nothing)
            self.strip.clear()

    # Judgement.

    def _edited(self) -> None:
        if self._estimate_job:
            self._forget_estimate()
        self.strip.set_stale()
        self._judge()
        self._ask_notes()

    def _judge(self) -> None:
        fine = not self.form.errors
        self.tell_fault(self.form.faults)
        self.start.setEnabled(fine and not self.strip.refuses)
        self.estimate.setEnabled(fine and not self._asking and not self._estimate_job)
        self.start.setToolTip("Does not fit, as measured: change the settings" if self.strip.refuses else "")

    def _ask_notes(self) -> None:
        """Leaks and shared patients are told before a start; what makes a start impossible is told by *Start*."""
        if self.form.errors:
            self._tell_notes([])
        else:
            ask = partial(self.workspace.pretraining_notes, self._config(), self.cohort.currentData())
            self.background.read(ask, self._tell_notes, key="pretrain.notes", failed=_nothing)

    def _tell_notes(self, notes: list[str]) -> None:
        self.notes.tell("warn", " ".join(sentence(note) for note in notes))

    def _connect(self) -> None:
        self.form.changed.connect(self._edited)
        self.begin.activated.connect(self._begin_with)
        self.origin.activated.connect(self._take_origin)
        self.cohort.activated.connect(self._edited)
        self.estimate.clicked.connect(self.ask_estimate)
        self.background.changed.connect(self._changed)


def _known(workspace: Workspace) -> Known:
    jobs = sorted(workspace.jobs(), key=lambda job: job.job_id, reverse=True)
    return workspace.recipes(), jobs, workspace.models(), workspace.cohorts(), workspace.labels()


def _nothing(_error: Exception) -> None:
    """The fields keep what they have."""
