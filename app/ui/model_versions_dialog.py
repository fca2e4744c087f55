"""*Compare versions*: which evaluation of the version in use, which of the one that would take its place."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.core.evaluation_rows import EvaluationRow
from app.ui.background import Background
from app.ui.choosers import choosers, combo
from app.ui.form import SchemaForm
from app.ui.quiet_combo import QuietCombo
from app.ui.run_dialog import RunDialog
from engine.contract.version_change import VersionConfig

if TYPE_CHECKING:
    from app.workspace import Workspace

SETTINGS = ("margin", "brier_margin", "resamples", "seed")
NONE_YET = (
    "Two finished evaluations are needed, one of each version, on the same cohort. Evaluate both versions first: page "
    "Evaluate, mode 'the model's own outputs'."
)


class CompareVersions(RunDialog):
    """Asks for two finished evaluations of versions of one product.

    Args:
        workspace: the open workspace.
        background: the workers.
        parent: the page.
        versions: names of the models of one product, the oldest first.
    """

    def __init__(
        self, workspace: Workspace, background: Background, parent: QWidget | None, versions: Collection[str]
    ) -> None:
        super().__init__(
            workspace,
            background,
            parent,
            "Compare versions",
            "Holds a new version against the one in use on the same test recordings: which calls flip, what regresses"
            " in which group, what becomes of thresholds. The margin is set before anybody looks.",
            height=520,
        )
        self.versions = list(versions)
        self.old, self.new = combo("Version in use"), combo("New version")
        self.form = SchemaForm(VersionConfig, only=SETTINGS)
        self.rows: list[EvaluationRow] = []
        self.body.addWidget(choosers(("Version in use", self.old), ("New version", self.new)))
        self.body.addWidget(self.form, 1)
        self.old.currentIndexChanged.connect(lambda _row: self._offer_new())
        self.new.currentIndexChanged.connect(lambda _row: self._judge())
        self.form.changed.connect(self._judge)
        background.read(workspace.evaluations, self._offer)

    def launch(self) -> None:
        """Queue the comparison."""
        value = self.form.value()
        asked = {name: value[name] for name in SETTINGS}
        ask = partial(self.workspace.compare_versions, self.old.currentData(), self.new.currentData(), **asked)
        self._submit(ask)

    def _offer(self, rows: list[EvaluationRow]) -> None:
        self.rows = [row for row in rows if row.job.state == "done" and row.job.model in self.versions]
        self.rows.sort(key=lambda row: self.versions.index(row.job.model))
        _fill(self.old, self.rows)
        self._offer_new()

    def _offer_new(self) -> None:
        """Offer evaluations of other versions on the cohort and in the mode of the old one."""
        old = next((row for row in self.rows if row.job.job_id == self.old.currentData()), None)
        fits = [row for row in self.rows if old is not None and _comparable(old, row)]
        _fill(self.new, fits)
        self._judge()

    def _judge(self) -> None:
        there = bool(self.old.currentData()) and bool(self.new.currentData())
        self.tell_fault("" if there else NONE_YET)
        self.start.setEnabled(there and not self.form.errors)


def _comparable(old: EvaluationRow, new: EvaluationRow) -> bool:
    """Whether another version was scored in the same way; the workspace looks at the split itself."""
    return new.job.model != old.job.model and new.job.cohort == old.job.cohort and new.mode == old.mode


def _fill(choice: QuietCombo, rows: list[EvaluationRow]) -> None:
    choice.offer([(_words(row), row.job.job_id) for row in rows])


def _words(row: EvaluationRow) -> str:
    score = f", macro AUROC {row.macro.value:.3f}" if row.macro is not None and row.macro.value is not None else ""
    return f"{row.job.model}: {row.job.job_id} on {row.job.cohort}, {row.mode}{score}"
