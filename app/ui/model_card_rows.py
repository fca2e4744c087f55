"""One row of a card's form: what stands in the field, how it is known, and why it matters."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.core.card_gaps import GapState
from app.ui import theme as themes
from app.ui.form_fields import ChoiceEditor, Editor, editor_for, nested_model
from app.ui.form_rows import make_note
from app.ui.form_words import sentence
from app.ui.model_card_editors import LeadsOrder, NumbersEditor, OutputsEditor, RulesEditor
from app.ui.model_words import LEFT_EMPTY, STATE_SIGNS, STATE_WORDS, CardField, is_told
from app.ui.quiet_combo import QuietCombo
from app.ui.signs import sign
from engine.contract.card import ModelCard
from engine.signal.condition import SUPPORTED

EDITOR_PX, RULES_PX, STATE_PX = 290, 340, 158
OPEN, KNOWN, DECLINED = "open", "known", "declined"
"""What can be said of a field: nobody told it, it is known, its maker declined to tell it."""

_SPECIAL: dict[str, type[Editor]] = {
    "preprocessing.leads": LeadsOrder,
    "preprocessing.means": NumbersEditor,
    "preprocessing.deviations": NumbersEditor,
    "eligibility": RulesEditor,
    "outputs": OutputsEditor,
}
_NOT_TOLD = (None, "not known")
_OPTIONS: dict[str, list[tuple[object, str]]] = {
    **{f"preprocessing.{name}": [(text, text) for text in able] for name, able in SUPPORTED.items()},
    "preprocessing.units": [("mV", "mV, millivolts"), ("uV", "uV, microvolts")],
    "preprocessing.derived_leads": [("allowed", "may be fed"), ("refused", "are refused")],
    "non_commercial": [_NOT_TOLD, (True, "yes"), (False, "no")],
}
"""What to choose from where the schema says nothing, or too little."""


class CardRow(QObject):
    """A field's editor with its state.

    What stands in a field that nobody told is left out of the card, which marks it as assumed where the program has a
    default for it.

    Args:
        field: which field.
    """

    changed = Signal()

    def __init__(self, field: CardField, parent: QObject) -> None:
        super().__init__(parent)
        self.field, info = field, info_of(field.path)
        self.default: Any = None if info.is_required() else info.get_default(call_default_factory=True)
        self.editor = _editor(field.path, info)
        self.label, self.note, self.state_choice, self.mark = QLabel(field.title), make_note(), QuietCombo(), QLabel()
        self._dress()
        self.put(None, OPEN)
        self.editor.changed.connect(self._edited)
        self.state_choice.currentIndexChanged.connect(lambda _row: self._said())

    @property
    def state(self) -> GapState:
        """What the card will say of the field."""
        said = self.state_choice.currentData()
        if said == DECLINED:
            return "assumed" if self._has_value() else "declined"
        if (self._has_value() and said == KNOWN) or self.field.path in LEFT_EMPTY:
            return "known"
        return "assumed" if self.assumable else "missing"

    @property
    def assumable(self) -> bool:
        """Whether the program has something to feed while nobody tells: a default that is no blank."""
        return self.field.path.startswith("preprocessing.") and (is_told(self.default) or self.default is False)

    @property
    def declined(self) -> bool:
        """Whether its maker declined to tell it."""
        return bool(self.state_choice.currentData() == DECLINED)

    def told(self) -> bool:
        """Whether the card gets a value of it."""
        return self.state_choice.currentData() != OPEN and self._has_value()

    def put(self, value: object, said: str) -> None:
        """Show a value and how it is known; what nobody told, the program's own assumption."""
        unsaid = value is None and said != KNOWN
        self.editor.blockSignals(True)
        self.editor.put((self.default if self.assumable else None) if unsaid else value)
        self.editor.blockSignals(False)
        self._say(said)

    def lay_out(self, grid: QGridLayout) -> None:
        """Stand in the next line of a grid: title, editor, state, why."""
        line, tall = grid.rowCount(), isinstance(self.editor, LeadsOrder | RulesEditor)
        top = Qt.AlignmentFlag.AlignTop if tall else Qt.AlignmentFlag.AlignVCenter
        grid.addWidget(self.label, line, 0, top)
        grid.addWidget(self.editor, line, 1)
        grid.addWidget(self.mark, line, 2, top)
        grid.addWidget(self.state_choice, line, 3, top)
        grid.addWidget(self.note, line, 4, top)

    def show(self, shown: bool) -> None:
        """Stand there or not."""
        for part in self.parts:
            part.setVisible(shown)

    @property
    def parts(self) -> tuple[QWidget, ...]:
        """All widgets of the row."""
        return self.label, self.editor, self.mark, self.state_choice, self.note

    def tell_fault(self, fault: str) -> None:
        """Say what is wrong in place of why it matters; nothing is wrong where it is empty."""
        if isinstance(self.editor, OutputsEditor) and self.editor.panels:
            fault = ""  # each output tells its own
        self.note.setText(sentence(fault or self.field.why))
        role = "bad" if fault else "muted"
        if self.note.property("role") != role:
            self.note.setProperty("role", role)
            self.note.style().unpolish(self.note)
            self.note.style().polish(self.note)
        self.editor.mark(bool(fault))

    def repaint_sign(self) -> None:
        """Take over the theme's colours."""
        empty = self.state == "known" and not self._has_value()
        name, token = ("stopped", "muted") if empty else STATE_SIGNS[self.state]
        self.mark.setPixmap(sign(name, str(getattr(themes.current(), token))).pixmap(16, 16))

    def _has_value(self) -> bool:
        value = self.editor.get()
        return is_told(value) or (value is None and self.field.path == "preprocessing.clip_mv")

    def _edited(self) -> None:
        """What is typed is known, unless its maker declined to tell it; what is emptied nobody told."""
        if not self._has_value():
            self._say(self.state_choice.currentData() if self.declined else OPEN)
        elif not self.declined:
            self._say(KNOWN)
        self._tell_state()
        self.changed.emit()

    def _said(self) -> None:
        self._tell_state()
        self.changed.emit()

    def _say(self, said: str) -> None:
        self.state_choice.blockSignals(True)
        self.state_choice.setCurrentIndex(self.state_choice.findData(said))
        self.state_choice.blockSignals(False)
        self._tell_state()

    def _tell_state(self) -> None:
        declined = self.state_choice.findData(DECLINED)
        assumed = self.declined and self._has_value()
        self.state_choice.setItemText(declined, "Declined, assumed" if assumed else STATE_WORDS["declined"])
        self.mark.setAccessibleName(STATE_WORDS[self.state])
        self.repaint_sign()

    def _dress(self) -> None:
        self.editor.setObjectName(self.field.path)
        self.editor.name(self.field.title, self.field.why)
        if not isinstance(self.editor, OutputsEditor):
            self.editor.setFixedWidth(RULES_PX if isinstance(self.editor, RulesEditor) else EDITOR_PX)
        self.label.setBuddy(self.editor)
        self.label.setWordWrap(True)
        self.label.setFixedWidth(140)
        self.state_choice.setAccessibleName(f"{self.field.title}: how it is known")
        self.state_choice.setFixedWidth(STATE_PX)
        unsaid = STATE_WORDS["assumed" if self.assumable else "missing"]
        self.state_choice.addItem("Left empty" if self.field.path in LEFT_EMPTY else unsaid, OPEN)
        self.state_choice.addItem(STATE_WORDS["known"], KNOWN)
        self.state_choice.addItem(STATE_WORDS["declined"], DECLINED)
        if self.field.path in ("name", "reason"):
            self.state_choice.removeItem(self.state_choice.findData(DECLINED))
        self.tell_fault("")


def info_of(path: str) -> FieldInfo:
    """The schema's description of a field of a card, by dotted path. Raises KeyError for no field."""
    model: Any = ModelCard
    *outer, name = path.split(".")
    for part in outer:
        model = nested_model(model.model_fields[part].annotation)
    found: FieldInfo = model.model_fields[name]
    return found


def _editor(path: str, info: FieldInfo) -> Editor:
    if path in _SPECIAL:
        return _SPECIAL[path]()
    if path in _OPTIONS:
        return ChoiceEditor(_OPTIONS[path])
    return editor_for(path.rpartition(".")[2], info)
