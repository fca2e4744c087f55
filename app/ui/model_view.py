"""One registered model: what stands on its card, and a tab for each way to look at it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app.core.model_lineage import LineageNode
from app.core.off_label import OffLabel
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.model_card_view import CardView
from app.ui.model_lineage_view import LineageView
from app.ui.model_look import ModelLook, look
from app.ui.model_off_label import off_label_counts, off_label_words
from app.ui.model_passages import Passages
from app.ui.model_rows import ListedModel
from app.ui.model_sandbox_dialog import AgreeToIncomplete
from app.ui.model_sandbox_words import is_sandboxed, passages
from app.ui.model_try_view import TryView
from app.ui.model_versions_dialog import CompareVersions
from app.ui.model_versions_view import VersionsView
from app.ui.model_vet_dialog import VetModel
from app.ui.model_vet_view import LintTab, ParityTab, SensitivityTab
from app.ui.run_facts import local_time
from app.ui.signs import STATE_WORDS
from app.ui.theme import Theme
from engine.contract.sandbox import SandboxState

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
    told = Signal(str)
    """A few words for the status bar."""
    looked = Signal()
    """What the workspace knows of the model is here."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.model: ListedModel | None = None
        self.seen: ModelLook | None = None
        self.heading, self.about, self.vetting, self.tabs = QLabel(), QLabel(), QLabel(), QTabWidget()
        self.state: SandboxState | None = None
        self.vet, self.agree = QPushButton("Vet…"), QPushButton("Run it all the same…")
        self.card, self.lint, self.parity, self.sensitivity = CardView(), LintTab(), ParityTab(), SensitivityTab()
        self.contract, self.unvetted = QStackedWidget(), EmptyState("Not vetted yet", NOT_VETTED)
        self.sandbox, self.isolation, self.lineage = QWidget(), Passages("Licence and isolation"), LineageView()
        self.versions, self.trial = VersionsView(), TryView(workspace, background)
        self._lay_out()
        self.lineage.wanted.connect(self._open)
        self.tabs.currentChanged.connect(lambda _tab: self._begin_trial())
        self.vet.clicked.connect(lambda _on=False: self.ask_vetting())
        self.agree.clicked.connect(lambda _on=False: self.ask_agreement())
        self.versions.compare.clicked.connect(lambda _on=False: self.ask_comparison())
        self.versions.wanted.connect(lambda name: self.go_to.emit("Models", name))
        self.versions.comparison_wanted.connect(lambda job: self.go_to.emit("Runs", job))

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
            self.trial.show_model(model)
            self._tell_isolation()
            self._tell_tabs()
            self._ask_state()
            self.count_off_label()
        self.background.read(partial(look, self.workspace, model), self._show_look, key="models.look")

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs and drawings."""
        self.card.repaint_signs()
        self.isolation.repaint_signs()
        tables = (self.lint.table, self.parity.table, self.sensitivity.table, self.trial.table)
        for part in (*tables, self.lineage.drawing, self.trial.seen):
            part.update()

    def _show_look(self, seen: ModelLook) -> None:
        """Take over what a look brought back; a look at another model is passed over."""
        model = self.model
        if model is None or seen.name != model.name:
            return
        shown = self.seen.vetted if self.seen else None
        self.seen = seen
        self.lineage.show_graph(seen.lineage)
        self.versions.show_versions(model, seen.versions)
        self.versions.show_comparisons(seen.comparisons)
        self.trial.show_jobs(list(seen.jobs))
        if seen.vetted is not None and seen.vetted != shown:
            for tab in (self.lint, self.parity, self.sensitivity):
                tab.show_results(seen.vetted.results)
        self._tell_tabs()
        self.looked.emit()

    def count_off_label(self) -> None:
        """Hold the rules of the card against every cohort; of a large one it takes a while."""
        model = self.model
        if model is not None and model.card is not None and model.card.eligibility:
            count = partial(off_label_counts, self.workspace, model.name)
            show = partial(self._show_off_label, model.name)
            self.background.read(count, show, key="models.off_label", slow=True)

    def _show_off_label(self, name: str, counts: list[tuple[str, OffLabel]]) -> None:
        if self.model is not None and self.model.name == name:
            self.card.show_off_label(*off_label_words(counts))

    def _ask_state(self) -> None:
        """Ask the engine once what isolates a vendor's process here: it takes seconds."""
        if self.state is None and self.model is not None and is_sandboxed(self.model):
            ask = self.workspace.sandbox_state
            self.background.read(ask, self._show_state, key="models.sandbox", slow=True)

    def _show_state(self, state: SandboxState) -> None:
        self.state = state
        self._tell_isolation()

    def _tell_isolation(self) -> None:
        """Licence and isolation in words; what needs somebody's word has a button for it."""
        if self.model is None:
            return
        self.isolation.show_passages(passages(self.model, self.state))
        partly = self.state is not None and not self.state.complete and is_sandboxed(self.model)
        self.agree.setVisible(partly and not self.model.row.allow_incomplete)

    def _begin_trial(self) -> None:
        """Recordings are asked for when somebody first looks at the tab."""
        if self.tabs.currentWidget() is self.trial:
            self.trial.offer()

    def show_trial(self) -> None:
        """Go to the tab on which the model is tried on one recording."""
        self.tabs.setCurrentWidget(self.trial)
        self.trial.offer()
        self.trial.words.setFocus(Qt.FocusReason.OtherFocusReason)

    def ask_vetting(self) -> VetModel | None:
        """Ask with what the model is to be vetted."""
        if self.model is None or not self.model.external:
            return None
        dialog = VetModel(self.workspace, self.background, self, self.model)
        dialog.launched.connect(lambda job: self.told.emit(f"{job} vets the model"))
        dialog.open()
        return dialog

    def ask_comparison(self) -> CompareVersions | None:
        """Ask which evaluations of two versions are held against each other."""
        if self.seen is None or len(self.seen.versions) < 2:
            return None
        names = [model.name for model in self.seen.versions]
        dialog = CompareVersions(self.workspace, self.background, self, names)
        dialog.launched.connect(lambda job: self.go_to.emit("Runs", job))
        dialog.open()
        return dialog

    def ask_agreement(self) -> AgreeToIncomplete | None:
        """Say what does not isolate the model here, and ask whether it is run all the same."""
        if self.model is None or self.state is None:
            return None
        dialog = AgreeToIncomplete(self.workspace, self.background, self, self.model.name, self.state)
        dialog.open()
        return dialog

    def _tell_tabs(self) -> None:
        """Show the tabs that have something in them; what a vetting fills says so while there is none."""
        external = self.model is not None and self.model.external
        results = self.seen.vetted if self.seen else None
        for tab, shown in (
            (self.contract, external),
            (self.parity, results is not None),
            (self.sensitivity, results is not None),
            (self.versions, external),
            (self.trial, external),
        ):
            self.tabs.setTabVisible(self.tabs.indexOf(tab), shown)
        self.contract.setCurrentIndex(0 if results is None else 1)
        self.vet.setVisible(external)
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
        words = QVBoxLayout(self.sandbox)
        words.setContentsMargins(0, 0, 0, 0)
        words.addWidget(self.isolation, 1)
        words.addWidget(self.agree, 0, Qt.AlignmentFlag.AlignLeft)
        self.agree.hide()
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
            "Try it": self.trial,
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
    if seen.vetted is None or seen.newest.job_id != seen.vetted.job_id:
        return f"Vetting {seen.newest.job_id}: {STATE_WORDS[seen.newest.state].lower()}"
    return f"Vetted {local_time(seen.newest.finished)}, {seen.newest.job_id}"
