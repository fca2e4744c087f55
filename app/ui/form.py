"""A form made from a config schema: one row a field, one group a nested config, faults told beside their field.

The schema stays the only judge. The form shows its defaults, its descriptions and its complaints, and gives back a
plain dict that the same schema reads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QGroupBox, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.ui.form_fields import Editor, FlagEditor, TicksEditor, editor_for, is_fixed, limits_of, nested_model, title_of

Options = Mapping[str, Sequence[tuple[str, str]]]
"""(value, text) pairs to choose from, by dotted field path."""

EDITOR_WIDTH, TICKS_WIDTH = 200, 330
LABEL_WIDTH = 150

MESSAGES = {
    "int_parsing": "a whole number is needed",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_parsing": "a number is needed",
    "float_type": "a number is needed",
    "finite_number": "a finite number is needed",
    "string_too_short": "it may not be empty",
    "too_short": "choose at least one",
    "missing": "it is needed",
}
"""Pydantic's complaints in the user's words; those with a bound are phrased by `message_of`."""

BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "multiple_of": ("a multiple of", "multiple_of"),
}


@dataclass(frozen=True)
class Row:
    """One field on screen: its editor, and the note that shows its description or its fault."""

    editor: Editor
    note: QLabel
    description: str


class SchemaForm(QWidget):
    """Edits one config.

    Args:
        model: the config's class.
        sections: titles with the top-level fields below them, in order; fields named nowhere come first, untitled.
        hidden: dotted paths that are not shown; they keep the value they were given.
        options: what to choose from where the schema cannot know it, such as the labels of a workspace.
        only: when given, the only top-level fields that are shown.
    """

    changed = Signal()

    def __init__(
        self,
        model: type[BaseModel],
        *,
        sections: Mapping[str, Sequence[str]] | None = None,
        hidden: Collection[str] = (),
        options: Options | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        super().__init__()
        self._model, self._options, self._only = model, options or {}, only
        self._hidden = {"contract", *hidden}
        self._rows: dict[str, Row] = {}
        self._base: dict[str, Any] = {}
        self._notes: dict[str, QLabel] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self._build(column, sections or {})
        self.set_value({})

    def value(self) -> dict[str, Any]:
        """The config as a plain dict, hidden fields included; not yet judged."""
        told = _copy(self._base)
        for path, row in self._rows.items():
            _put(told, path, row.editor.get())
        return told

    def set_value(self, values: Mapping[str, Any]) -> None:
        """Show these values, and the schema's defaults for what they leave open."""
        self._base = _merged(_defaults(self._model), values)
        for path, row in self._rows.items():
            row.editor.blockSignals(True)
            row.editor.put(_take(self._base, path))
            row.editor.blockSignals(False)
        self._show_faults()

    @property
    def errors(self) -> dict[str, str]:
        """What the schema refuses: dotted path -> message; "" stands for the config as a whole."""
        try:
            self._model.model_validate(self.value())
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
            return {path: text for path, text in map(self._fault, faults) if self._is_ours(path)}
        return {}

    @property
    def faults(self) -> str:
        """What stands in the way of a start, in a sentence or two, wherever in the form it is; empty when nothing."""
        told = self.errors
        fields = [title_of(path.rpartition(".")[2]) for path in self._rows if path in told]
        wholes = [sentence(text) for path, text in told.items() if path not in self._rows]
        return " ".join([*([f"To put right: {', '.join(fields)}."] if fields else []), *wholes])

    def editor(self, path: str) -> Editor:
        """The editor of a field, by dotted path."""
        return self._rows[path].editor

    def note(self, path: str) -> str:
        """What stands beside a field now: its description, or what is wrong with it."""
        return self._rows[path].note.text()

    def paths(self) -> list[str]:
        """Dotted paths of the fields that are shown, top down."""
        return list(self._rows)

    def _build(self, column: QVBoxLayout, sections: Mapping[str, Sequence[str]]) -> None:
        fields = self._model.model_fields
        shown = [name for name in fields if self._only is None or name in self._only]
        plain = [name for name in shown if nested_model(fields[name].annotation) is None]
        placed = {name for names in sections.values() for name in names}
        self._add_section(column, "", [name for name in plain if name not in placed])
        for title, names in sections.items():
            self._add_section(column, title, [name for name in names if name in plain])
        for name in shown:
            nested = nested_model(fields[name].annotation)
            if nested is not None and name not in self._hidden:
                self._add_group(column, nested, name)
        self._notes[""] = _note()
        column.addWidget(self._notes[""])
        column.addStretch(1)

    def _add_section(self, column: QVBoxLayout, title: str, names: Sequence[str]) -> None:
        fields = self._model.model_fields
        chosen = {name: fields[name] for name in names if name not in self._hidden and not is_fixed(fields[name])}
        if chosen:
            box, grid = _group(title)
            for name, field in chosen.items():
                self._add_row(grid, name, field)
            column.addWidget(box)

    def _add_group(self, column: QVBoxLayout, nested: type[BaseModel], prefix: str) -> None:
        doc = (nested.__doc__ or "").strip().splitlines()
        box, grid = _group(title_of(prefix))
        box.setToolTip(doc[0] if doc else "")
        for name, field in nested.model_fields.items():
            path = f"{prefix}.{name}"
            if path not in self._hidden and not is_fixed(field) and nested_model(field.annotation) is None:
                self._add_row(grid, path, field)
        self._notes[prefix] = _note()
        grid.addWidget(self._notes[prefix], grid.rowCount(), 0, 1, 3)
        column.addWidget(box)

    def _add_row(self, grid: QGridLayout, path: str, field: FieldInfo) -> None:
        name = path.rpartition(".")[2]
        editor = editor_for(name, field, self._options.get(path))
        description = field.description or ""
        label, note = QLabel(title_of(name)), _note()
        label.setMinimumWidth(LABEL_WIDTH)
        label.setBuddy(editor)
        note.setText(description)
        _describe(editor, title_of(name), description, limits_of(field), path)
        if isinstance(editor, TicksEditor):
            editor.setMinimumWidth(TICKS_WIDTH)
        elif not isinstance(editor, FlagEditor):
            editor.setFixedWidth(EDITOR_WIDTH)
        line = grid.rowCount()
        top = Qt.AlignmentFlag.AlignTop if isinstance(editor, TicksEditor) else Qt.AlignmentFlag.AlignVCenter
        grid.addWidget(label, line, 0, top)
        grid.addWidget(editor, line, 1)
        grid.addWidget(note, line, 2)
        editor.changed.connect(self._edited)
        self._rows[path] = Row(editor, note, description)

    def _edited(self) -> None:
        self._show_faults()
        self.changed.emit()

    def _show_faults(self) -> None:
        faults = self.errors
        for path, row in self._rows.items():
            fault = faults.get(path, "")
            row.note.setText(sentence(fault) if fault else row.description)
            _restyle(row.note, bool(fault))
            row.editor.mark(bool(fault))
        for path, note in self._notes.items():
            note.setText(sentence(faults.get(path, "")))
            note.setVisible(path in faults)
            _restyle(note, path in faults)

    def _fault(self, fault: ErrorDetails) -> tuple[str, str]:
        where = [str(part) for part in fault["loc"]]
        while where and ".".join(where) not in self._rows and ".".join(where) not in self._notes:
            where.pop()
        path = ".".join(where) if where else ".".join(str(part) for part in fault["loc"])
        return path, message_of(fault)

    def _is_ours(self, path: str) -> bool:
        """Faults of fields that the form does not show are for whoever fills them in later."""
        return path in self._rows or path in self._notes


def message_of(fault: ErrorDetails) -> str:
    """One of pydantic's complaints in the user's words."""
    kind = fault["type"]
    if kind in BOUNDS:
        word, key = BOUNDS[kind]
        bound = fault.get("ctx", {}).get(key)
        return f"it must be {word} {bound:,}" if isinstance(bound, int) else f"it must be {word} {bound:g}"
    return MESSAGES.get(kind) or fault["msg"].removeprefix("Value error, ")


def sentence(text: str) -> str:
    """A message as a sentence."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


def _describe(editor: Editor, title: str, description: str, limits: str, path: str) -> None:
    tip = "\n".join(part for part in (description, limits.capitalize(), path) if part)
    target = editor.focusProxy() or editor
    editor.setToolTip(tip)
    target.setAccessibleName(title)
    target.setAccessibleDescription(description)
    editor.setObjectName(path)


def _group(title: str) -> tuple[QGroupBox, QGridLayout]:
    box = QGroupBox(title)
    grid = QGridLayout(box)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(2, 1)
    return box, grid


def _note() -> QLabel:
    label = QLabel()
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _restyle(label: QLabel, wrong: bool) -> None:
    label.setProperty("role", "bad" if wrong else "muted")
    label.style().unpolish(label)
    label.style().polish(label)


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        value = field.get_default(call_default_factory=True)
        if value is not PydanticUndefined:
            told[name] = value.model_dump() if isinstance(value, BaseModel) else value
    return told


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _copy(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    told = _copy(base)
    for name, value in over.items():
        both = isinstance(value, Mapping) and isinstance(told.get(name), Mapping)
        told[name] = _merged(told[name], value) if both else value
    return told


def _take(values: Mapping[str, Any], path: str) -> object:
    here: Any = values
    for part in path.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def _put(values: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for part in parents:
        values = values.setdefault(part, {})
    values[last] = value
