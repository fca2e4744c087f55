"""The dialog *New comparison*; its form is made from the config schema."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.ui.background import Background
from app.ui.choosers import choosers, combo
from app.ui.form import SchemaForm
from app.ui.form_fields import TicksEditor
from app.ui.run_dialog import RunDialog
from engine.contract.config import CompareConfig
from engine.contract.results import EvaluateResults

if TYPE_CHECKING:
    from app.workspace import Workspace


ASKED = ("margin", "confirmatory", "resamples", "seed")
"""What a comparison may be told beside its evaluations."""


@dataclass(frozen=True)
class Candidate:
    """A finished evaluation that may be compared."""

    job_id: str
    source: str
    results: EvaluateResults
    cohort: str
    """Name of the cohort whose split it was scored on."""

    @property
    def text(self) -> str:
        """As it stands in the list."""
        macro = self.results.macro.value
        told = "macro AUROC not estimable" if macro is None else f"macro AUROC {macro:.3f}"
        mode = "" if self.results.mode == self.results.model else f", {self.results.mode}"
        return f"{self.results.model}{mode}   ({self.job_id}, {told})"


def candidates(workspace: Workspace) -> list[Candidate]:
    """All finished evaluations, the newest first; called off the window's thread."""
    cohorts = {row.split_id: row.name for row in workspace.cohorts()}
    told = []
    for job in workspace.jobs():
        if job.kind == "evaluate" and job.state == "done":
            results = workspace.results(job.job_id)
            if isinstance(results, EvaluateResults):
                source = workspace.job_detail(job.job_id).config["model"]["source"]
                told.append(Candidate(job.job_id, source, results, cohorts.get(results.split_id, results.split_id)))
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
            height=600,
        )
        self.split, self.examined = combo("Split"), combo("Model examined")
        self.ticks = TicksEditor([])
        self.form = SchemaForm(CompareConfig, only=ASKED)
        self._known: dict[str, Candidate] = {}
        self.ticks.list.setAccessibleName("Evaluations")
        self.body.addWidget(
            choosers(("Split", self.split), ("Evaluations", self.ticks), ("Model examined", self.examined))
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
        asked = {name: self.form.value()[name] for name in ASKED}
        self._submit(partial(self.workspace.compare, [examined, *others], **asked))

    def _offer(self, known: list[Candidate]) -> None:
        self._known = {one.job_id: one for one in known}
        splits = {one.results.split_id: one for one in known}
        counts = Counter(one.results.split_id for one in known)
        for split_id, one in splits.items():
            count = "1 evaluation" if counts[split_id] == 1 else f"{counts[split_id]} evaluations"
            self.split.addItem(f"{one.cohort}, {one.results.split_kind}  ({count})", split_id)
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
        ticked = [self._known[job_id].results for job_id in self._ticked()]
        several = Counter(one.model for one in ticked)
        for job_id, one in zip(self._ticked(), ticked, strict=True):
            self.examined.addItem(f"{one.model}, {one.mode}" if several[one.model] > 1 else one.model, job_id)
        sources = [self._known[job_id].source for job_id in self._ticked()]
        usual = sources.index("native") if "native" in sources else 0
        self.examined.setCurrentIndex(self.examined.findData(kept) if kept in self._ticked() else usual)
        self.examined.blockSignals(False)
        self._judge()

    def _ticked(self) -> list[str]:
        return [str(job_id) for job_id in self.ticks.get()]

    def _judge(self) -> None:
        names = [(one.model, one.mode) for one in (self._known[job_id].results for job_id in self._ticked())]
        twice = len(set(names)) < len(names)
        self.tell_fault("One model is ticked twice in one mode: keep one of its evaluations." if twice else "")
        self.start.setEnabled(len(names) > 1 and not twice and not self.form.errors)


def newest_of_each_model(rows: list[Candidate]) -> list[str]:
    """Ids of the newest evaluation of each model; `rows` come newest first."""
    newest: dict[str, str] = {}
    for one in rows:
        newest.setdefault(one.results.model, one.job_id)
    return list(newest.values())
