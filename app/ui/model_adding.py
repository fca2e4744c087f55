"""*Add a vendor's model*: which file, program or service; what its card says; what is still missing. Then it is kept.

Nothing of a model runs while it is added: its format is told by content, its card is judged, its files are copied.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.card_files import plain_card, read_text
from app.core.changes import Changes
from app.core.cohort_choices import CohortChoices
from app.core.rows import ModelRow
from app.core.words import counted
from app.ui.background import Background
from app.ui.banner import Banner
from app.ui.choosers import combo
from app.ui.dialog_size import open_at
from app.ui.messages import message_of
from app.ui.model_card_editors import RulesEditor
from app.ui.model_card_form import CardForm
from app.ui.model_file import (
    FileLook,
    graph_words,
    is_readable,
    look_at,
    read_in_sandbox,
    sorted_out,
    told_fields,
    window_fault,
)
from app.ui.model_published import architectures, published_fields, published_words
from engine.contract.errors import WorldError

if TYPE_CHECKING:
    from app.workspace import Workspace

WIDE, TALL = 1060, 740


class AddExternal(QDialog):
    """Registers a model of somebody else's.

    Args:
        workspace: the open workspace.
        background: the workers.
        parent: whoever asks.
        paths: what was dropped: a model, and its card where there is one.
    """

    added = Signal(object)
    """The ModelRow."""

    def __init__(
        self, workspace: Workspace, background: Background, parent: QWidget | None, paths: Sequence[Path] = ()
    ) -> None:
        super().__init__(parent)
        self.workspace, self.background = workspace, background
        self.look: FileLook | None = None
        self.told, self.open_file, self.open_folder = QLabel(), QPushButton("File…"), QPushButton("Folder…")
        self.open_card, self.architecture = QPushButton("Card from file…"), combo("Architecture")
        self.command, self.address = QLineEdit(), QLineEdit()
        self.read = QPushButton("Read the file")
        self.trouble, self.form, self.state = Banner(), CardForm(), QLabel()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.add = self.buttons.addButton("&Add model", QDialogButtonBox.ButtonRole.AcceptRole)
        self.busy = False
        self._dress()
        self._lay_out()
        self._connect()
        self._show_source()
        background.read(workspace.cohort_choices, self._offer_rules, slow=True)
        if paths:
            self.take(list(paths))

    # What is added.

    def take(self, paths: list[Path]) -> None:
        """Look at files or folders, off the window's thread."""
        self.trouble.clear()
        try:
            path, card = sorted_out(paths)
        except WorldError as error:
            self._refuse(error)
            return
        self.told.setText("Looking at it…")
        self.background.read(partial(look_at, path, card), self._show_look, key="model.look", failed=self._refused_look)

    def take_card(self, path: Path) -> None:
        """Read a card from a TOML or JSON file into the form."""
        read = partial(lambda file: plain_card(read_text(file)), path)
        self.background.read(read, self._show_card, key="model.card", failed=self._refuse)

    def launch(self) -> None:
        """Register it; what the workspace refuses is told here."""
        card = self.form.card()
        if card is None or not self.add.isEnabled():
            return
        self.busy = True
        self.trouble.clear()
        self._judge()
        if self.look is not None and self.look.format == "safetensors":
            card = card.model_copy(update={"architecture": self.architecture.currentData()})
        path = None if self.look is None else self.look.path
        ask = partial(self.workspace.add_external, path, card, address=self._address, command=self._command)
        self.background.write(ask, self._added, touches=Changes.MODELS, failed=self._refuse)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A model or its card may be dropped here."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Look at what was dropped."""
        self.drop([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()

    def drop(self, paths: list[Path]) -> None:
        """A card alone belongs to the model that is here."""
        if len(paths) == 1 and paths[0].suffix.lower() in (".toml", ".json"):
            self.take_card(paths[0])
        else:
            self.take(paths)

    @property
    def _command(self) -> tuple[str, ...]:
        """Program and arguments, where the model is a program."""
        if self.look is None or self.look.kind != "program":
            return ()
        try:
            return tuple(shlex.split(self.command.text()))
        except ValueError:
            return ()

    @property
    def _address(self) -> str:
        return self.address.text().strip() if self.look is None else ""

    def _show_look(self, look: FileLook) -> None:
        if look.kind in ("predictions", "checkpoint"):
            self._refuse(WorldError(look.path.name, f"it is a {look.told[:1].lower()}{look.told[1:]}", OTHER_WAY))
            return
        self.look = look
        if look.card is not None:
            self.form.put(look.card)
        else:
            self._prefill(look)
        self._show_source()

    def _prefill(self, look: FileLook) -> None:
        """What the file tells by itself; what somebody has typed already stays."""
        told = {"name": look.path.stem, **told_fields(look)}
        for path, value in told.items():
            if not self.form.rows[path].told():
                self.form.put_field(path, value)

    def _fill_published(self) -> None:
        """What is published of the chosen network; what somebody has typed already stays."""
        name = self.architecture.currentData()
        for path, value in published_fields(name).items():
            if not self.form.rows[path].told():
                self.form.put_field(path, value)
        self._tell_origin(published_words(name))
        self._judge()

    def _tell_origin(self, words: str) -> None:
        self.form.graph.setText(words)
        self.form.graph.setVisible(bool(words))

    def _offer_rules(self, choices: CohortChoices) -> None:
        """Rules offer the words that the workspace's recordings have."""
        rules = self.form.rows["eligibility"].editor
        assert isinstance(rules, RulesEditor)
        rules.rules.offer(choices)

    def _show_card(self, card: dict[str, object]) -> None:
        self.trouble.clear()
        self.form.put(card)

    def read_file(self) -> None:
        """Let the engine read what the file says of itself, in the sandbox."""
        if self.look is None:
            return
        self.read.setEnabled(False)
        self.read.setText("Reading it in the sandbox…")
        ask = partial(read_in_sandbox, self.look)
        self.background.read(ask, self._show_read, key="model.read", failed=self._unread, slow=True)

    def _show_read(self, look: FileLook) -> None:
        if self.look is not None and look.path == self.look.path:
            self.look = look
            self._prefill(look)
            self._show_source()
            # A TorchScript program shows what its answers are called in its first answer alone.
            self.form.tell_outputs("" if look.outputs else FIRST_ANSWER)

    def _unread(self, error: Exception) -> None:
        self._show_source()
        self._refuse(error)

    # What is said.

    def _judge(self) -> None:
        """Say what is still missing, and let it be added once nothing is."""
        missing = [*self._source_missing(), *(title.lower() for title in self.form.missing())]
        card = self.form.card()
        fits = window_fault(self.look, card.preprocessing.samples) if self.look and card and card.preprocessing else ""
        if self.busy:
            text = "Copying its files…"
        elif missing:
            text = f"Still missing or wrong: {', '.join(missing)}."
        elif fits:
            text = f"{fits[:1].upper()}{fits[1:]}."
        else:
            open_fields = self.form.unknown()
            text = "Every field of its card is known."
            if open_fields:
                text = f"{counted(open_fields, 'field')} of its card not known: each will be a finding."
        self.state.setText(text)
        self.add.setEnabled(not self.busy and not missing and not fits)
        self.form.setEnabled(not self.busy)

    def _source_missing(self) -> list[str]:
        if self.look is None:
            return [] if self.address.text().strip() else ["its file, folder or address"]
        if self.look.kind == "program" and not self._command:
            return ["the command"]
        if self.look.format == "safetensors" and not self.architecture.currentData():
            return ["its architecture"]
        return []

    def _show_source(self) -> None:
        look = self.look
        self.told.setText(
            "Drop a file or folder here, or choose one" if look is None else f"{look.path.name}: {look.told}"
        )
        self._rows.setRowVisible(self.command, look is not None and look.kind == "program")
        self._rows.setRowVisible(self.architecture, look is not None and look.format == "safetensors")
        self._rows.setRowVisible(self.address, look is None)
        self.read.setVisible(is_readable(look))
        self.read.setEnabled(True)
        self.read.setText("Read the file")
        self._tell_origin("" if look is None else graph_words(look))
        self._judge()

    def _added(self, row: ModelRow) -> None:
        self.added.emit(row)
        self.accept()

    def _refused_look(self, error: Exception) -> None:
        self._show_source()
        self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        told = message_of(error)
        self.busy = False
        self._judge()
        self.trouble.tell("bad", told.title, " ".join(part for part in (told.text, told.detail) if part))

    # Frame.

    def _connect(self) -> None:
        self.form.changed.connect(self._judge)
        for line in (self.command, self.address):
            line.textChanged.connect(lambda _text: self._judge())
        self.architecture.currentIndexChanged.connect(lambda _row: self._fill_published())
        self.read.clicked.connect(lambda _on=False: self.read_file())
        self.open_file.clicked.connect(lambda _on=False: self._ask("Model", QFileDialog.FileMode.ExistingFile))
        self.open_folder.clicked.connect(lambda _on=False: self._ask("Folder", QFileDialog.FileMode.Directory))
        self.open_card.clicked.connect(lambda _on=False: self._ask("Model card", QFileDialog.FileMode.ExistingFile))
        self.buttons.accepted.connect(self.launch)
        self.buttons.rejected.connect(self.reject)

    def _ask(self, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
        dialog = QFileDialog(self, title, "", "Cards (*.toml *.json)" if title == "Model card" else "")
        dialog.setFileMode(mode)
        take = self.take_card if title == "Model card" else lambda path: self.take([path])
        dialog.fileSelected.connect(lambda path: take(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _dress(self) -> None:
        self.setWindowTitle("Add a vendor's model")
        self.setAcceptDrops(True)
        self.setMinimumSize(880, 480)
        self.told.setProperty("role", "heading")
        self.state.setWordWrap(True)
        self.state.setProperty("role", "muted")
        self.add.setProperty("role", "primary")
        self.open_card.setToolTip(
            "Fill the form from a card as TOML or JSON; isoline model card new writes an empty one"
        )
        for line, name, hint in (
            (self.command, "Command", "predict --model weights.bin"),
            (self.address, "Or a service on this machine", "http://127.0.0.1:8000/predict"),
        ):
            line.setAccessibleName(name)
            line.setPlaceholderText(hint)
        self.read.setToolTip(
            "Asks the engine for the names of its inputs and outputs; the file is loaded in the sandbox"
        )
        for one in (self.read, self.open_file, self.open_folder, self.open_card):
            one.setAutoDefault(False)
        self.architecture.addItem("Which network do the weights belong to?", "")
        for name in architectures():
            self.architecture.addItem(name, name)
        open_at(self, WIDE, TALL)

    def _lay_out(self) -> None:
        head, foot = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.told, 1)
        for one in (self.read, self.open_file, self.open_folder, self.open_card):
            head.addWidget(one)
        self._rows = QFormLayout()
        for line in (self.command, self.architecture, self.address):
            self._rows.addRow(line.accessibleName(), line)
        foot.addWidget(self.state, 1)
        foot.addWidget(self.buttons)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(self._rows)
        column.addWidget(self.trouble)
        column.addWidget(self.form, 1)
        column.addLayout(foot)


FIRST_ANSWER = (
    "A TorchScript program names its outputs in its first answer alone: a single tensor is output_0, several are "
    "output_0, output_1 and so on, and those of a dictionary have its keys."
)
OTHER_WAY = "Add it on the page Models: drop it there, or choose its kind in the menu Add model"
