"""One pair of recordings: what is known of it in a line, and both traces on one paper."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui import theme as themes
from app.ui.background import Background
from app.ui.ecg_layout import DEFAULT_LAYOUT, LAYOUTS
from app.ui.ecg_pair import EcgPair, Pair, pair_of
from app.ui.leakage_words import FoundPair, pair_sentence, part_words
from app.ui.messages import message_of
from app.ui.quiet_combo import QuietCombo
from app.ui.theme import Theme
from engine.contract.errors import UsageError
from engine.contract.leakage import AGAINST

if TYPE_CHECKING:
    from app.workspace import Workspace

ABSENT = "The corpus' recording is not here: a fingerprint pack holds no ECG"


class PairPanel(QWidget):
    """Shows the pair that is chosen in the table."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.found: FoundPair | None = None
        self.sentence, self.legend, self.layout_choice = QLabel(), QLabel(), QuietCombo()
        self.view = EcgPair()
        self.view.setMinimumSize(280, 110)
        for name in LAYOUTS:
            self.layout_choice.addItem(name, name)
        self.layout_choice.setCurrentText(DEFAULT_LAYOUT)
        self.layout_choice.setAccessibleName("Layout")
        self.layout_choice.activated.connect(lambda _place: self.view.set_layout(self.layout_choice.currentData()))
        self._lay_out()

    def show_pair(self, found: FoundPair | None) -> None:
        """Show another pair; its traces follow when they are read."""
        self.found = found
        self.sentence.setText("" if found is None else pair_sentence(found))
        self.view.show_pair(None)
        self.view.placeholder = "Select a pair" if found is None else "Reading both recordings"
        self._tell()
        if found is not None:
            ask = partial(_read, self.workspace, found)
            self.background.read(ask, self._show, key="leaks.pair", failed=self._unread)

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours of the legend."""
        self._tell()
        self.view.update()

    def _show(self, read: tuple[FoundPair, Pair | None]) -> None:
        found, pair = read
        if found is self.found:
            self.view.placeholder = ABSENT
            self.view.show_pair(pair)
            self._tell()

    def _unread(self, error: Exception) -> None:
        told = message_of(error)
        self.view.placeholder = told.title
        self.view.show_pair(None)

    def _tell(self) -> None:
        """Which colour is which recording."""
        if self.found is None or self.view.pair is None:
            self.legend.setText("")
            return
        copies, colours, pair = self.found.copies, themes.current(), self.view.pair
        inks = (colours.accent, colours.trace) if pair.turned else (colours.trace, colours.accent)
        sides = ((copies.record, copies.part), (copies.other, part_words(copies.other_part)))
        marks = [
            f'<span style="color:{ink}">&#9644;</span> {record}, {escape(part)}'
            for ink, (record, part) in zip(inks, sides, strict=True)
        ]
        self.legend.setText("&nbsp;&nbsp;&nbsp;".join(marks))

    def _lay_out(self) -> None:
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.sentence.setWordWrap(True)
        for label in (self.sentence, self.legend):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setMinimumWidth(40)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.sentence)
        words.addWidget(self.legend)
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 0, 0)
        row.setSpacing(16)
        row.addLayout(words, 1)
        row.addWidget(self.layout_choice)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.view, 1)


def _read(workspace: Workspace, found: FoundPair) -> tuple[FoundPair, Pair | None]:
    """Both recordings set to each other; none where the other one is not in this workspace."""
    copies = found.copies
    record = workspace.signal(copies.record)
    if copies.other_part.startswith(AGAINST) and not _is_here(workspace, copies.other):
        return found, None
    return found, pair_of(record, workspace.signal(copies.other), copies.shift_s)


def _is_here(workspace: Workspace, record_id: str) -> bool:
    try:
        workspace.record(record_id)
    except UsageError:
        return False
    return True
