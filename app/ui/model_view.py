"""One registered model: what stands on its card, and a tab for each way to look at it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app.core.model_lineage import LineageNode
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.model_card_view import CardView
from app.ui.model_lineage_view import LineageView
from app.ui.model_look import ModelLook, look
from app.ui.model_passages import Passages
from app.ui.model_rows import ListedModel
from app.ui.model_sandbox_words import passages
from app.ui.model_versions_view import VersionsView
from app.ui.model_vet_view import LintTab, ParityTab, SensitivityTab
from app.ui.run_facts import local_time
from app.ui.signs import STATE_WORDS
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.workspace import Workspace

NOT_VETTED = (
    "Vetting holds the card against the model, runs shipped ECGs through it, compares what it says with what its maker "
    "supplied, and makes every item of the contract wrong on purpose to see which fault nobody would notice."
)


class ModelView(QWidget):
    """Shows one model; the chosen tab stays chosen when another model is looked at."""

    go_to = Signal(str, str)
    """Another page, and what to show there."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.model: ListedModel | None = None
        self.seen: ModelLook | None = None
        self.heading, self.about, self.vetting, self.tabs = QLabel(), QLabel(), QLabel(), QTabWidget()
        self.vet = QPushButton("Vet…")
        self.card, self.lint, self.parity, self.sensitivity = CardView(), LintTab(), ParityTab(), SensitivityTab()
        self.contract, self.unvetted = QStackedWidget(), EmptyState("Not vetted yet", NOT_VETTED)
        self.sandbox, self.lineage = Passages("Licence and isolation"), LineageView()
        self.versions = VersionsView()
        self._lay_out()
        self.lineage.wanted.connect(self._open)
        self.versions.wanted.connect(lambda name: self.go_to.emit("Models", name))

    def show_model(self, model: ListedModel | None) -> None:
        """Show another model, or what has become known of this one."""
        if model is None:
            return
        if self.model is None or model.name != self.model.name:
            self.seen = None
        if model != self.model:
            self.model = model
            self.heading.setText(model.name)
            self.about.setText(about(model))
            self.card.show_model(model)
            self._tell_tabs()
        self.background.read(partial(look, self.workspace, model), self._show_look, key="models.look")

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs and drawings."""
        self.card.repaint_signs()
        self.sandbox.repaint_signs()
        for part in (self.lint.table, self.parity.table, self.sensitivity.table, self.lineage.drawing):
            part.update()

    def _show_look(self, seen: ModelLook) -> None:
        """Take over what a look brought back; a look at another model is passed over."""
        model = self.model
        if model is None or seen.name != model.name:
            return
        self.seen = seen
        self.lineage.show_graph(seen.lineage)
        self.versions.show_versions(model, seen.versions)
        sandbox = seen.results.sandbox if seen.results else None
        self.sandbox.show_passages(passages(model, sandbox, False))
        if seen.results is not None:
            for tab in (self.lint, self.parity, self.sensitivity):
                tab.show_results(seen.results)
        self._tell_tabs()

    def _tell_tabs(self) -> None:
        """Show the tabs that have something in them; what a vetting fills says so while there is none."""
        external = self.model is not None and self.model.external
        results = self.seen.results if self.seen else None
        for tab, shown in (
            (self.contract, external),
            (self.parity, results is not None),
            (self.sensitivity, results is not None),
            (self.versions, external),
        ):
            self.tabs.setTabVisible(self.tabs.indexOf(tab), shown)
        self.contract.setCurrentIndex(0 if results is None else 1)
        self.vet.setVisible(False)
        self.vetting.setText(vetting_words(self.seen) if external else "")

    def _open(self, node: LineageNode) -> None:
        """Go to what a node of the lineage stands for."""
        if node.kind == "model":
            self.go_to.emit("Models", node.name)
        elif node.kind in ("run", "examination"):
            self.go_to.emit("Evaluate" if node.told.startswith("evaluate") else "Runs", node.name)

    def _lay_out(self) -> None:
        self.heading.setProperty("role", "heading")
        for label in (self.about, self.vetting):
            label.setProperty("role", "muted")
        self.contract.addWidget(self.unvetted)
        self.contract.addWidget(self.lint)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.tabBar().setAccessibleName("Ways to look at the model")
        for name, tab in {
            "Card": self.card,
            "Contract": self.contract,
            "Parity": self.parity,
            "Sensitivity": self.sensitivity,
            "Licence and sandbox": self.sandbox,
            "Lineage": self.lineage,
            "Versions": self.versions,
        }.items():
            self.tabs.addTab(tab, name)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.heading)
        head.addWidget(self.about, 1)
        head.addWidget(self.vetting)
        head.addWidget(self.vet)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.tabs, 1)
        self._tell_tabs()


def about(model: ListedModel) -> str:
    """What a model is, in a line."""
    told = [model.source, f"version {model.row.version}"]
    told += [f"of {model.product}"] if model.product else []
    told += [f"gives: {model.output}"]
    return ", ".join(told)


def vetting_words(seen: ModelLook | None) -> str:
    """How it stands with the vetting."""
    if seen is None:
        return ""
    if seen.newest is None:
        return "Not vetted yet"
    if seen.newest is not seen.vetted:
        return f"Vetting {seen.newest.job_id}: {STATE_WORDS[seen.newest.state].lower()}"
    return f"Vetted {local_time(seen.vetted.finished)}, {seen.vetted.job_id}"
