"""The form of a model card: five groups of fields, each field with what is known of it, judged as one types.

The schema and the workspace's own check of cards stay the only judges; the form shows what they say beside the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from app.core.card_files import faults_of
from app.ui import theme as themes
from app.ui.form_words import sentence
from app.ui.model_card_editors import OutputsEditor
from app.ui.model_card_rows import DECLINED, KNOWN, OPEN, CardRow
from app.ui.model_rows import value_at
from app.ui.model_words import GROUPS, OUTPUTS, is_told
from app.ui.signs import sign
from engine.contract.card import ModelCard
from engine.contract.complaints import complaint, place
from engine.signal.normalise import CONSTANTS

NEEDED = ("name", "version", "preprocessing.rate_hz", "preprocessing.window_s", "outputs")
"""Without these there is nothing to run, or nothing to call it by."""
UNCLIPPED = "preprocessing.clip_mv"
"""The one field in which nothing is an answer: nothing is clipped."""
CONSTANT_FIELDS = ("preprocessing.means", "preprocessing.deviations")


class CardForm(QTabWidget):
    """Edits the card of an external model."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, CardRow] = {}
        self.graph = QLabel()
        self._faults: dict[str, str] = {}
        self._kept: dict[str, Any] = {}
        self.setAccessibleName("Model card")
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        for title, fields in GROUPS:
            self.addTab(self._page([CardRow(field, self) for field in fields], title), title)
        self.addTab(self._page([CardRow(OUTPUTS, self)], "Outputs"), "Outputs")
        for row in self.rows.values():
            row.changed.connect(self._edited)
        self._judge()

    # The card.

    def value(self) -> dict[str, Any]:
        """The card as plain data, not yet judged; what nobody told is left out."""
        card: dict[str, Any] = {"source": "external", **deepcopy(self._kept)}
        for path, row in self.rows.items():
            if row.told() and self._applies(path):
                _put_at(card, path, row.editor.get())
        declined = [path for path, row in self.rows.items() if row.declined and self._applies(path)]
        return {**card, **({"declined": declined} if declined else {})}

    def card(self) -> ModelCard | None:
        """The card, where the schema takes it as it stands."""
        try:
            return ModelCard.model_validate(self.value())
        except ValidationError:
            return None

    def put(self, card: Mapping[str, Any]) -> None:
        """Show a card: plain data as `value` gives it. Fields that the form does not show are kept as they are."""
        self._kept = _without(card, (*self.rows, "declined", "assumed", "source"))
        declined = card.get("declined", ())
        for path, row in self.rows.items():
            value = value_at(card, path)
            told = is_told(value) or (path == UNCLIPPED and _is_in(card, path))
            row.put(value if told else None, DECLINED if path in declined else KNOWN if told else OPEN)
        self._edited()

    def put_field(self, path: str, value: object) -> None:
        """Show a value that a file tells of itself."""
        self.rows[path].put(value, KNOWN)
        self._edited()

    # What is said of it.

    @property
    def faults(self) -> dict[str, str]:
        """What stands against registering a model with this card: dotted path -> why; "" for the card as a whole."""
        return dict(self._faults)

    def missing(self) -> list[str]:
        """Titles of the fields without which nothing can be run, or that are wrong."""
        return list(dict.fromkeys(self.rows[path].field.title for path in self._faults if path in self.rows))

    def unknown(self) -> int:
        """How many fields will be findings: declined, assumed or missing."""
        return sum(self._applies(path) and row.state != "known" for path, row in self.rows.items())

    def tell_outputs(self, words: str) -> None:
        """Say above the outputs what is known of their names; nothing where it is empty."""
        self.rows["outputs"].note.setText(words or sentence(OUTPUTS.why))

    def show_fault(self) -> None:
        """Go to the first field that is wrong."""
        path = next((path for path in self._faults if path in self.rows), "")
        if path:
            self.setCurrentIndex(self._page_of(path))
            self.rows[path].editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def apply_theme(self) -> None:
        """Repaint the signs."""
        for row in self.rows.values():
            row.repaint_sign()
        self._tell_tabs()

    def _applies(self, path: str) -> bool:
        if path == "reason":
            return self.rows["non_commercial"].editor.get() is True
        if path in CONSTANT_FIELDS:
            return self.rows["preprocessing.normalisation"].editor.get() == CONSTANTS
        return True

    def _edited(self) -> None:
        self._judge()
        self.changed.emit()

    def _judge(self) -> None:
        """Ask the schema, then the workspace's own check, and tell each fault beside its field."""
        self._faults = self._told_faults()
        for path, row in self.rows.items():
            row.show(self._applies(path))
            row.tell_fault(self._faults.get(path, ""))
        self._tell_tabs()

    def _told_faults(self) -> dict[str, str]:
        told = {path: "it is needed" for path in NEEDED if not self.rows[path].told()}
        try:
            card = ModelCard.model_validate(self.value())
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                told.setdefault(self._nearest(place(fault)), complaint(fault))
            return told
        for text in faults_of(card):
            where, _, what = text.partition(": ")
            told.setdefault(self._nearest(where), what)
        if card.non_commercial and not card.reason.strip():
            told["reason"] = "a licence that forbids commercial use asks for a reason"
        return told

    def _nearest(self, where: str) -> str:
        """The shown field that a fault belongs to; a fault of the whole contract is told beside its rate."""
        parts = where.replace("[", ".").split(".")
        while parts and ".".join(parts) not in self.rows:
            parts.pop()
        return ".".join(parts) or ("preprocessing.rate_hz" if where.startswith("preprocessing") else "")

    # Frame.

    def _tell_tabs(self) -> None:
        """A sign on every group with something that cannot stay as it is."""
        theme = themes.current()
        wrong = {self._page_of(path) for path in self._faults if path in self.rows}
        for number in range(self.count()):
            self.setTabIcon(number, sign("warning", theme.warn) if number in wrong else sign("done", theme.good))
            self.setTabToolTip(number, "Something is missing here" if number in wrong else "")

    def _page_of(self, path: str) -> int:
        groups = [[field.path for field in fields] for _, fields in GROUPS]
        return next((number for number, paths in enumerate(groups) if path in paths), len(groups))

    def _page(self, rows: Sequence[CardRow], title: str) -> QScrollArea:
        self.rows |= {row.field.path: row for row in rows}
        inside, grid, scroll = QWidget(), QGridLayout(), QScrollArea()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(4, 1)
        column = QVBoxLayout(inside)
        column.setContentsMargins(2, 8, 8, 2)
        if title == "Input contract":
            column.addWidget(self.graph)
            self.graph.setProperty("role", "muted")
            self.graph.setWordWrap(True)
            self.graph.hide()
        column.addLayout(grid)
        column.addStretch(1)
        for row in rows:
            if isinstance(row.editor, OutputsEditor):
                column.insertWidget(0, row.editor)
                column.insertWidget(0, row.note)
            else:
                row.lay_out(grid)
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName(f"Model card: {title}")
        return scroll


def _is_in(card: Mapping[str, Any], path: str) -> bool:
    outer, _, name = path.rpartition(".")
    table = value_at(card, outer)
    return isinstance(table, Mapping) and name in table


def _without(card: Mapping[str, Any], paths: Sequence[str], prefix: str = "") -> dict[str, Any]:
    """A copy without the values at these dotted paths."""
    kept: dict[str, Any] = {}
    for name, value in card.items():
        if f"{prefix}{name}" in paths:
            continue
        kept[name] = _without(value, paths, f"{prefix}{name}.") if isinstance(value, Mapping) else deepcopy(value)
    return {name: value for name, value in kept.items() if value != {}}


def _put_at(card: dict[str, Any], path: str, value: object) -> None:
    *outer, name = path.split(".")
    table = card
    for part in outer:
        table = table.setdefault(part, {})
    table[name] = value
