"""The dialog *New study*: choose a grid, see every run of it and which cannot work, then start."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QLabel, QPushButton, QWidget

from app.core.changes import Changes
from app.core.rows import CohortRow, JobRow, ModelRow
from app.grid_cost import grid_cost
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.choosers import add_cohorts, beside, choosers, combo
from app.ui.estimate_strip import answer_of
from app.ui.form import SchemaForm
from app.ui.messages import message_of
from app.ui.rows_table import Column, RowsTable
from app.ui.run_dialog import RunDialog
from app.ui.signs import sign
from app.ui.study_rows import count_text, grid_text
from engine.contract.config import StudyConfig, explain
from engine.contract.results import EstimateResults, StudyRow

if TYPE_CHECKING:
    from PySide6.QtGui import QIcon

    from app.workspace import Workspace

DUPLICATE = "*duplicate"
"""Stands for an earlier study in the list of studies; no file is called so."""
OWN_FIELDS = ("name", "budget", "epochs", "layout", "directions", "subset_seed", "parallel", "refused")
FOLDED = frozenset({"layout", "directions", "subset_seed", "parallel", "refused"})


class NewStudy(RunDialog):
    """A shipped study, an earlier one or a TOML file, the recordings, the probe; below it the grid as it would run.

    Args:
        workspace: the open workspace.
        background: its workers.
        parent: the widget it stands before.
        like: id of a study whose settings are taken over.
    """

    def __init__(
        self, workspace: Workspace, background: Background, parent: QWidget | None = None, like: str = ""
    ) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "New study",
            "A grid of pretrainings that differ in named ways, on the same recordings. "
            "Runs that cannot work are left out, with the reason.",
            height=840,
            width=860,
        )
        self.recipe, self.cohort, self.probe = combo("Study"), combo("Recordings"), combo("Probe")
        self.origin = combo("Weights")
        self.file = QPushButton("TOML file…")
        self.axes, self.count, self.cost = QLabel(), QLabel(), QLabel()
        self.estimate = self.buttons.addButton("Estimate", QDialogButtonBox.ButtonRole.ActionRole)
        self._estimate_job, self._runs = "", list[StudyRow]()
        self.form = SchemaForm(StudyConfig, only=OWN_FIELDS, folded=FOLDED)
        self.preview = RowsTable(_columns(), lambda row: str(row.number), "Runs that the study would have")
        self._like = like
        self._recipe: dict[str, Any] | None = None
        self._planned = False
        self._lay_out_body()
        self._connect()
        background.read(lambda: (workspace.studies(), workspace.cohorts(), workspace.models()), self._offer)

    def launch(self) -> None:
        """Queue the study."""
        config = self._config()
        if config is not None:
            self._submit(partial(self.workspace.study, config, self.cohort.currentData()))

    def ask_estimate(self) -> None:
        """Measure the largest run, to tell what all of them cost."""
        config = self._config()
        if config is not None:
            self.estimate.setEnabled(False)
            self._tell_cost("Measuring the largest run…")
            ask = partial(self.workspace.estimate_study, config, self.cohort.currentData())
            self.background.write(ask, self._estimating, touches=Changes.JOBS, failed=self._refused)

    def take_file(self, file: str) -> None:
        """Use a study that somebody wrote."""
        self.recipe.addItem(Path(file).name, file)
        self.recipe.setCurrentIndex(self.recipe.count() - 1)
        self._load()

    def _ask_file(self) -> None:
        dialog = QFileDialog(self, "Study", "", "TOML (*.toml)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.take_file)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # What there is to choose from.

    def _offer(self, known: tuple[list[str], list[CohortRow], list[ModelRow]]) -> None:
        names, cohorts, models = known
        if self._like:
            self.recipe.addItem(f"Settings of {self._like}", DUPLICATE)
        self.origin.addItem("Random: start fresh", "")
        for model in models:
            if model.source == "native":
                self.origin.addItem(f"Go on from {model.name}", model.name)
        for name in names:
            self.recipe.addItem(name, name)
        self.cohort.addItem("All recordings", None)
        add_cohorts(self.cohort, cohorts)
        self.probe.addItem("None", None)
        for cohort in cohorts:
            self.probe.addItem(f"On {cohort.name}, {cohort.split_kind}", cohort.name)
        self._load()

    def _load(self) -> None:
        name = self.recipe.currentData()
        if name:
            of_like = partial(self.workspace.duplicate, self._like)
            ask = of_like if name == DUPLICATE else partial(self.workspace.study_recipe, name)
            self.background.read(ask, self._take_recipe, key="study.recipe", failed=self._refused_plan)

    def _take_recipe(self, recipe: dict[str, Any]) -> None:
        self._recipe = recipe
        self.form.set_value({name: recipe[name] for name in OWN_FIELDS if name in recipe})
        known = recipe.get("base", {}).get("probe") or {}
        self.origin.setCurrentIndex(max(self.origin.findData(recipe.get("base", {}).get("parent") or ""), 0))
        self.probe.setItemText(0, f"On {known['cohort']}, as the study says" if known.get("cohort") else "None")
        self.axes.setText(grid_text(recipe.get("axes", {})))
        self._plan()

    # The grid.

    def _config(self) -> StudyConfig | None:
        """The study as it would be started; None, with the reason told, while it cannot be."""
        if self._recipe is None:
            return None
        base = dict(self._recipe.get("base", {}))
        if (cohort := self.probe.currentData()) is not None:
            base["probe"] = {**(base.get("probe") or {}), "cohort": cohort}
        if self.origin.currentData():
            base["parent"] = self.origin.currentData()
        own = {name: value for name, value in self.form.value().items() if name in OWN_FIELDS}
        try:
            return StudyConfig.model_validate({**self._recipe, **own, "base": base})
        except ValidationError as error:
            self.tell_fault(self.form.faults or f"The study cannot be read: {explain(error)}.")
            return None

    def _plan(self) -> None:
        self.tell_fault("")
        self._forget_estimate()
        self._planned = False
        config = self._config()
        self._judge()
        if config is not None:
            ask = partial(self.workspace.study_preview, config, self.cohort.currentData())
            self.background.read(ask, self._show_plan, key="study.plan", failed=self._refused_plan)

    def _show_plan(self, rows: list[StudyRow]) -> None:
        self._runs = rows
        self.preview.rows.set_rows(rows)
        self.count.setText(f"{count_text(rows)}.")
        self._planned = True
        self._judge()

    def _estimating(self, job_id: str) -> None:
        self._estimate_job = job_id
        self._look(Changes.JOBS)

    def _look(self, changes: Changes) -> None:
        if self._estimate_job and changes & (Changes.JOBS | Changes.RESULTS):
            ask = partial(answer_of, self.workspace, self._estimate_job)
            self.background.read(ask, self._tell_estimate, key="study.estimate")

    def _tell_estimate(self, answer: tuple[JobRow, EstimateResults | None]) -> None:
        job, results = answer
        if job.job_id != self._estimate_job or job.active:
            return
        self._estimate_job = ""
        parallel = int(self.form.value().get("parallel") or 0)
        told = f"No estimate. {job.message}" if results is None else grid_cost(results, self._runs, parallel)
        self._tell_cost(told)
        self._judge()

    def _forget_estimate(self) -> None:
        """The settings have changed, or nobody waits for it any more. It may have ended: then nothing is to be told."""
        self._tell_cost("")
        if self._estimate_job:
            stop, self._estimate_job = partial(self.workspace.stop, self._estimate_job), ""
            self.background.write(stop, touches=Changes.JOBS, failed=lambda _error: None)

    def done(self, result: int) -> None:
        """Close; an estimate that is under way is not waited for any more."""
        self._forget_estimate()
        super().done(result)

    def _tell_cost(self, text: str) -> None:
        self.cost.setText(text)
        self.cost.setVisible(bool(text))

    def _refused_plan(self, error: Exception) -> None:
        message = message_of(error)
        self.preview.rows.set_rows([])
        self.count.setText("No run.")
        self.tell_fault(" ".join(part for part in (message.title, message.text, message.detail) if part))
        self._judge()

    def _refused(self, error: Exception) -> None:
        super()._refused(error)
        self._judge()

    def _judge(self) -> None:
        fine = self._planned and not self.form.errors
        self.start.setEnabled(fine)
        self.estimate.setEnabled(fine and not self._estimate_job)

    def _lay_out_body(self) -> None:
        self.axes.setProperty("role", "muted")
        self.axes.setWordWrap(True)
        self.count.setProperty("role", "heading")
        self.preview.setMinimumHeight(260)
        self.body.addWidget(
            choosers(
                ("Study", beside(self.recipe, self.file)),
                ("", self.axes),
                ("Weights", self.origin),
                ("Recordings", self.cohort),
                ("Linear probe", self.probe),
            )
        )
        self.body.addWidget(self.form)
        self.body.addWidget(self.count)
        self.body.addWidget(self.preview, 1)
        self.cost.setWordWrap(True)
        self.cost.setAccessibleName("Cost of the study")
        self.estimate.setToolTip("Runs a few steps of the largest run and tells what all of them cost at most")
        self.footer.addWidget(self.cost)

    def _connect(self) -> None:
        self.recipe.activated.connect(self._load)
        self.file.clicked.connect(self._ask_file)
        self.cohort.activated.connect(self._plan)
        self.probe.activated.connect(self._plan)
        self.origin.activated.connect(self._plan)
        self.form.changed.connect(self._plan)
        self.estimate.clicked.connect(self.ask_estimate)
        self.background.changed.connect(self._look)


def _columns() -> tuple[Column, ...]:
    def icon(row: StudyRow) -> QIcon:
        """A cross for a run that is refused, a tick for one that will run."""
        theme = themes.current()
        return sign("failed", theme.bad) if row.state == "refused" else sign("done", theme.good)

    def steps(row: StudyRow) -> str:
        """Steps of the run, with thousands separators."""
        return f"{row.metrics['steps']:,.0f}" if row.metrics.get("steps") else "–"

    return (
        Column("Run", lambda row: str(row.number), 44, numeric=True),
        Column("Name", lambda row: row.name, 260),
        Column("Steps", steps, 72, numeric=True),
        Column("", lambda row: row.message or "will run", 0, icon=icon),
    )
