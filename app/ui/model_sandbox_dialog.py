"""What is asked before a vendor's program runs where the sandbox cannot isolate it fully."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from app.core.changes import Changes
from app.ui.background import Background
from app.ui.form_words import sentence
from app.ui.leakage_dialogs import Asking
from engine.contract.sandbox import SandboxState

if TYPE_CHECKING:
    from app.workspace import Workspace

WIDTH_PX, EDGES_PX = 560, 32


class AgreeToIncomplete(Asking):
    """Names every layer that is missing; the button waits for a tick.

    Args:
        workspace: the open workspace.
        background: the workers.
        parent: whoever asks.
        name: of the model.
        state: what isolates a vendor's process here.
    """

    def __init__(
        self, workspace: Workspace, background: Background, parent: QWidget, name: str, state: SandboxState
    ) -> None:
        super().__init__("Run it without full isolation", "Run it all the same", parent)
        self.workspace, self.background, self.name = workspace, background, name
        self.read = QCheckBox("I know what its maker could do, and take that on me")
        lines = "\n".join(f"-  {sentence(one)}" for one in state.missing)
        by = f"It is isolated by {', '.join(state.means)}" if state.means else "Nothing isolates it"
        told = (
            f"The model {name} holds code of its maker. On this computer the sandbox cannot shut it in fully:\n\n"
            f"{lines}\n\n{by}. A computer with all layers, such as Linux with bubblewrap, is the better place for it. "
            "Who agreed, and when, stands in the audit trail."
        )
        label = QLabel(told)
        label.setWordWrap(True)
        label.setMinimumHeight(label.heightForWidth(WIDTH_PX - EDGES_PX))
        column = QVBoxLayout(self)
        column.addWidget(label)
        column.addWidget(self.read)
        column.addWidget(self.fault)
        column.addWidget(self.buttons)
        self.setFixedWidth(WIDTH_PX)
        self.go.setEnabled(False)
        self.read.toggled.connect(self.go.setEnabled)
        self.buttons.accepted.connect(self.agree)

    def agree(self) -> None:
        """Keep somebody's word."""
        self.go.setEnabled(False)
        ask = partial(self.workspace.agree_to_incomplete_sandbox, self.name)
        self.background.write(ask, self._agreed, touches=Changes.MODELS, failed=self.refused)

    def _agreed(self, _row: object) -> None:
        self.accept()
