"""The Models page: what this workspace examines and compares with, each model with its card and what is known of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QSplitter, QStackedWidget

from app.core.changes import Changes
from app.core.prediction_table import is_table
from app.ui.add_model import AddModel
from app.ui.background import Background
from app.ui.empty import EmptyState
from app.ui.model_adding import AddExternal
from app.ui.model_file import is_checkpoint
from app.ui.model_list import ModelList
from app.ui.model_rows import ListedModel, listed
from app.ui.model_view import ModelView
from app.ui.page import Page
from app.ui.page_frame import bar, frame
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.workspace import Workspace


class ModelsPage(Page):
    """Models of a workspace: bring one in, read its card, find one."""

    title = "Models"
    icon = "model"
    watches = Changes.MODELS | Changes.RESULTS | Changes.JOBS | Changes.COHORTS

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.list, self.view = ModelList(), ModelView(workspace, background)
        self.search, self.stack = QLineEdit(), QStackedWidget()
        self.add = AddModel(workspace, background)
        self._wanted = ""
        self._lay_out()
        self.list.selected.connect(self._look)
        self.search.textChanged.connect(self.list.search)
        self.add.added.connect(lambda row: self.show_item(row.name))
        self.add.refused.connect(background.failed)
        self.view.go_to.connect(self._go)
        self.view.told.connect(self.told)
        self.view.looked.connect(self.state_changed)

    def refresh(self, changes: Changes) -> None:
        """Ask for the list where models have changed; what is known of the one shown follows its runs as well."""
        if changes & Changes.MODELS:
            self.background.read(partial(listed, self.workspace), self._show_models, key="models.list")
        elif changes & self.watches:
            self.view.show_model(self.list.current())
        if changes & Changes.COHORTS:
            self.view.count_off_label()

    def apply_theme(self, theme: Theme) -> None:
        """Repaint list and view."""
        self.view.apply_theme(theme)
        self.list.viewport().update()

    def can(self, action: str) -> bool:
        """To find one there have to be some; only what others made is vetted."""
        if action in ("models.vet", "models.try"):
            model = self.list.current()
            return model is not None and model.external
        if action == "models.versions":
            return self.view.seen is not None and len(self.view.seen.versions) > 1
        return self.stack.currentIndex() == 0 if action == "models.find" else True

    def show_item(self, item: str) -> None:
        """Bring a model into view, now or as soon as the list holds it."""
        self.search.clear()
        self._wanted = "" if self.list.choose(item) else item

    def find_models(self) -> None:
        """Go to the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def add_external(self) -> AddExternal:
        """Ask for a vendor's model and its card."""
        return self.add.add_external()

    def vet_selected(self) -> None:
        """Ask with what the selected model is to be vetted."""
        self.view.ask_vetting()

    def compare_versions(self) -> None:
        """Ask which evaluations of two versions of the selected model's product are held against each other."""
        self.view.ask_comparison()

    def try_selected(self) -> None:
        """Go to where the selected model is tried on one recording."""
        self.view.show_trial()

    def accept_files(self, paths: list[Path]) -> None:
        """Bring in what was dropped: a model, scores, or a checkpoint, as its content says."""
        if paths and is_table(paths[0]):
            self.add.add_scores(str(paths[0]))
        elif paths and is_checkpoint(paths[0]):
            self.add.add_checkpoint(str(paths[0]))
        elif paths:
            self.add.add_external(paths)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped anywhere on the page."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Bring in what was dropped."""
        self.accept_files([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()

    def _show_models(self, models: list[ListedModel]) -> None:
        self.list.show_models(models)
        self.stack.setCurrentIndex(0 if models else 1)
        if self._wanted and self.list.choose(self._wanted):
            self._wanted = ""
        elif self.list.current() is None and self.list.rows.rows:
            self.list.choose(self.list.rows.rows[0].name)
        else:
            self._look(self.list.current())
        self.state_changed.emit()

    def _go(self, page: str, item: str) -> None:
        """Another model is on this page already."""
        if page == self.title:
            self.show_item(item)
        else:
            self.go_to.emit(page, item)

    def _look(self, model: ListedModel | None) -> None:
        self.add.choose(None if model is None else model.row)
        self.view.setVisible(model is not None)
        self.view.show_model(model)
        self.state_changed.emit()

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        self.search.setPlaceholderText("Search name, product, licence, marks")
        self.search.setAccessibleName("Search models")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(360)
        self.add.setProperty("role", "primary")
        self.add.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.list)
        split.addWidget(self.view)
        split.setSizes([220, 480])
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 5)
        split.setHandleWidth(10)
        split.setChildrenCollapsible(False)
        self.stack.addWidget(split)
        self.stack.addWidget(
            EmptyState(
                "No models yet",
                "Drop a vendor's file or folder here: ONNX, TorchScript, torch.export, safetensors, a checkpoint, or a "
                "table of predictions. Nothing of it runs before you have told what it must be fed.",
                ("Vendor's model…", self.add_external),
            )
        )
        frame(self, bar(self.title, self.search, [self.add]), self.stack)
