"""The button *Add model*: comparators, a vendor's scores, a checkpoint; registered once, then offered everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton

from app.core.changes import Changes
from app.core.rows import ModelRow
from app.ui.background import Background
from app.ui.model_adding import AddExternal
from app.ui.model_predictions import AddPredictions
from engine.contract.config import AnyBackboneConfig, BackboneConfig

if TYPE_CHECKING:
    from app.workspace import Workspace

BACKBONE: TypeAdapter[AnyBackboneConfig] = TypeAdapter(BackboneConfig)


class AddModel(QPushButton):
    """Registers a model of a kind that the menu names."""

    added = Signal(object)
    """The ModelRow."""
    refused = Signal(object)
    """The exception, for the dialog to tell."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.setText("Add model")
        self.setAccessibleName("Add model")
        menu = QMenu(self)
        self.untrained = self._action(menu, "Untrained twin of the chosen model", self._add_untrained)
        self.baseline = self._action(menu, "Age and sex alone", partial(self._add, workspace.add_baseline))
        menu.addSeparator()
        self.external = self._action(menu, "Vendor's model…", self.add_external)
        self.scores = self._action(menu, "Predictions from a table…", self._ask_scores)
        self.checkpoint = self._action(menu, "Checkpoint folder…", self._ask_checkpoint)
        self.untrained.setToolTip("The same architecture with random weights: what pretraining has to beat")
        self.external.setToolTip(
            "ONNX, TorchScript, torch.export, safetensors, a program, or a service on this machine"
        )
        self.scores.setToolTip("Columns record, label, score, or one column a label: what a vendor's model said")
        self.setMenu(menu)
        self._model: ModelRow | None = None
        self.choose(None)

    def choose(self, model: ModelRow | None) -> None:
        """The model that a twin would be made of."""
        self._model = model
        self.untrained.setEnabled(model is not None and model.source == "native")

    def add_scores(self, file: str) -> AddPredictions:
        """Ask what the answers of a table are."""
        dialog = AddPredictions(self.workspace, self.background, self.window(), Path(file))
        dialog.added.connect(self.added)
        dialog.open()
        return dialog

    def add_checkpoint(self, folder: str) -> None:
        """Register a checkpoint."""
        self._add(partial(self.workspace.add_checkpoint, Path(folder)))

    def add_external(self, paths: Sequence[Path] = ()) -> AddExternal:
        """Ask for a vendor's model and its card."""
        dialog = AddExternal(self.workspace, self.background, self.window(), paths)
        dialog.added.connect(self.added)
        dialog.open()
        return dialog

    def _add_untrained(self) -> None:
        if self._model is not None:
            self._add(partial(add_untrained_twin, self.workspace, self._model))

    def _add(self, register: Callable[[], ModelRow]) -> None:
        self.background.write(register, self.added.emit, touches=Changes.MODELS, failed=self.refused.emit)

    def _ask_scores(self) -> None:
        dialog = QFileDialog(self, "Predictions of a model", "", "Tables (*.csv *.tsv *.txt *.parquet)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.add_scores)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_checkpoint(self) -> None:
        dialog = QFileDialog(self, "Checkpoint folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.add_checkpoint)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _action(self, menu: QMenu, text: str, call: Callable[[], object]) -> QAction:
        action = menu.addAction(text)
        action.triggered.connect(lambda _on=False: call())
        return action


def add_untrained_twin(workspace: Workspace, model: ModelRow) -> ModelRow:
    """Register the architecture of a native model, wherever it was pretrained, with random weights.

    Called off the window's thread.

    Raises:
        UsageError: it is no checkpoint of Isoline.
        WorldError: its files are missing or damaged.
    """
    settled = workspace.parent_settings(model.name)
    backbone = BACKBONE.validate_python(settled["backbone"])
    signal = {name: settled[name] for name in ("rate_hz", "window_s")}
    return workspace.add_random_model(f"{model.name} untrained", backbone, seed=0, **signal)
