"""The parts of a form: rows of one config class, variants behind a choice, and a group that can be left out.

A part takes and gives plain values, as an editor does, and knows the rows and notes that are live in it: of a choice
of backbones only the chosen one has rows, while the others keep what was typed into them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGroupBox, QLabel, QVBoxLayout

from app.ui.form_fields import ChoiceEditor, Editor, editor_for, is_fixed, nested_model, unwrap, variants_of
from app.ui.form_rows import Grid, Row, make_note
from app.ui.form_words import story_of, title_of, variant_of

Options = Mapping[str, Sequence[tuple[str, str]]]
"""(value, text) pairs to choose from, by dotted field path."""


@dataclass(frozen=True)
class Plan:
    """What a form shows and how, by dotted path.

    Args:
        hidden: not shown; they keep the value they were given.
        folded: shown below *More*.
        options: what to choose from where the schema cannot know it.
    """

    hidden: Collection[str] = ()
    folded: Collection[str] = ()
    options: Options = field(default_factory=dict)


class Part(QGroupBox):
    """Base of the parts: a titled box whose value goes in and out."""

    edited = Signal()

    def get(self) -> Any:
        """The value as the user left it; not judged."""
        raise NotImplementedError

    def put(self, value: Any) -> None:
        """Show a value."""
        raise NotImplementedError

    def rows(self) -> dict[str, Row]:
        """Rows that are live, by dotted path."""
        raise NotImplementedError

    def notes(self) -> dict[str, QLabel]:
        """Where faults of whole groups are told, by dotted path."""
        raise NotImplementedError


class Fields:
    """The editors of one config class, by field; the values of fields without one are kept beside them."""

    def __init__(self, model: type[BaseModel], prefix: str, plan: Plan) -> None:
        self.model, self.prefix, self.plan = model, prefix, plan
        self.editors: dict[str, Editor | Part] = {}
        self._rows: dict[str, Row] = {}
        self._base: dict[str, Any] = {}

    def shown(self) -> list[str]:
        """Names of the fields that get an editor, in the order of the schema."""
        fields = self.model.model_fields
        return [name for name in fields if self.path(name) not in self.plan.hidden and not is_fixed(fields[name])]

    def path(self, name: str) -> str:
        """Dotted path of a field."""
        return f"{self.prefix}.{name}" if self.prefix else name

    def add(self, name: str, grid: Grid) -> Editor:
        """A plain field, in a grid."""
        path, info = self.path(name), self.model.model_fields[name]
        editor = editor_for(name, info, self.plan.options.get(path))
        self._rows[path] = grid.add(path, info, editor, path in self.plan.folded)
        self.editors[name] = editor
        return editor

    def add_part(self, name: str) -> Part:
        """A field that holds configs of its own, as a titled box."""
        path, info = self.path(name), self.model.model_fields[name]
        kind, optional = unwrap(info.annotation)
        variants = variants_of(info)
        part = VariantPart(variants, info, path, self.plan) if variants else ModelPart(kind, path, self.plan, optional)
        self.editors[name] = part
        return part

    def is_part(self, name: str) -> bool:
        """Whether a field holds configs of its own."""
        info = self.model.model_fields[name]
        return bool(variants_of(info)) or nested_model(info.annotation) is not None

    def get(self) -> dict[str, Any]:
        """All values, hidden ones included."""
        return {**self._base, **{name: editor.get() for name, editor in self.editors.items()}}

    def put(self, values: Mapping[str, Any]) -> None:
        """Show these values, and the schema's defaults for what they leave open."""
        self._base = {**_defaults(self.model), **values}
        for name, editor in self.editors.items():
            editor.blockSignals(True)
            editor.put(self._base.get(name))
            editor.blockSignals(False)

    def rows(self) -> dict[str, Row]:
        """Rows that are live, those of parts included, in the order they were laid out."""
        told: dict[str, Row] = {}
        for name, editor in self.editors.items():
            path = self.path(name)
            told |= editor.rows() if isinstance(editor, Part) else {path: self._rows[path]}
        return told

    def notes(self) -> dict[str, QLabel]:
        """Notes of the parts."""
        told: dict[str, QLabel] = {}
        for editor in self.editors.values():
            told |= editor.notes() if isinstance(editor, Part) else {}
        return told


class ModelPart(Part):
    """A nested config as a titled box; one that may be absent can be ticked off.

    Args:
        model: the nested config's class.
        path: where it stands in the whole.
        plan: what is shown and how.
        optional: whether it may be absent.
    """

    def __init__(self, model: type[BaseModel], path: str, plan: Plan, optional: bool = False) -> None:
        super().__init__(title_of(path.rpartition(".")[2]))
        self._path, self.fields, self._note = path, Fields(model, path, plan), make_note()
        self.setToolTip(story_of(model))
        self.setCheckable(optional)
        column, grid = QVBoxLayout(self), Grid()
        self._grid = grid
        if optional:
            about = make_note()
            about.setText(story_of(model))
            column.addWidget(about)
        column.addWidget(grid)
        lay_out(self.fields, grid, self.edited)
        column.addWidget(self._note)
        if optional:
            self.toggled.connect(grid.setVisible)
            self.toggled.connect(lambda _on: self.edited.emit())
        self.fields.put({})

    def get(self) -> Any:
        """The nested values; None when it is left out."""
        return self.fields.get() if self._is_in() else None

    def put(self, value: Any) -> None:
        """Show nested values; None leaves it out and keeps what was typed."""
        if self.isCheckable():
            self.setChecked(value is not None)
            # The grid follows by a signal, and the form blocks this part's signals while it fills it.
            self._grid.setVisible(value is not None)
        if value is not None:
            self.fields.put(value)

    def rows(self) -> dict[str, Row]:
        """None while it is left out."""
        return self.fields.rows() if self._is_in() else {}

    def notes(self) -> dict[str, QLabel]:
        """Its own, and those below it."""
        return {**self.fields.notes(), self._path: self._note}

    def _is_in(self) -> bool:
        return not self.isCheckable() or self.isChecked()


class VariantPart(Part):
    """One of several config classes: a choice by name, and below it the fields of the chosen one.

    Args:
        variants: the classes by what tells them apart.
        info: the field that holds one of them.
        path: where it stands in the whole.
        plan: what is shown and how.
    """

    def __init__(self, variants: Mapping[str, type[BaseModel]], info: FieldInfo, path: str, plan: Plan) -> None:
        super().__init__(title_of(path.rpartition(".")[2]))
        assert isinstance(info.discriminator, str)
        self._path, self._key, self._note = path, info.discriminator, make_note()
        self._variants = variants
        self.choice = ChoiceEditor([(tag, variant_of(tag)) for tag in variants])
        self._fields = {tag: Fields(model, path, plan) for tag, model in variants.items()}
        self._grids = {tag: Grid() for tag in variants}
        column = QVBoxLayout(self)
        head = Grid()
        self._head = head.add(path, FieldInfo(description=" "), self.choice, folded=False)
        column.addWidget(head)
        for tag, fields in self._fields.items():
            lay_out(fields, self._grids[tag], self.edited)
            column.addWidget(self._grids[tag])
            fields.put({})
        column.addWidget(self._note)
        self._default = str(_defaults_of(info).get(self._key, next(iter(variants))))
        self.choice.changed.connect(self._chosen)
        self._show()

    @property
    def tag(self) -> str:
        """Which of the classes is chosen."""
        return str(self.choice.get())

    def tags(self) -> Collection[str]:
        """What tells the classes apart; pydantic names it in the place of a fault."""
        return self._variants.keys()

    def get(self) -> Any:
        """The values of the chosen class; those typed for others stay where they are."""
        return {self._key: self.tag, **self._fields[self.tag].get()} if self.tag in self._fields else {}

    def put(self, value: Any) -> None:
        """Choose the class that the values name, and show them; values that name none are for the default one."""
        values = value or {}
        tag = str(values.get(self._key, self._default))
        self.choice.blockSignals(True)
        self.choice.put(tag)
        self.choice.blockSignals(False)
        if tag in self._fields:
            self._fields[tag].put(values)
        self._show()

    def rows(self) -> dict[str, Row]:
        """The rows of the chosen class."""
        return self._fields[self.tag].rows() if self.tag in self._fields else {}

    def notes(self) -> dict[str, QLabel]:
        """One for the whole."""
        return {self._path: self._note}

    def _chosen(self) -> None:
        self._show()
        self.edited.emit()

    def _show(self) -> None:
        for tag, grid in self._grids.items():
            grid.setVisible(tag == self.tag)
        self._head.note.setText(story_of(self._variants[self.tag]) if self.tag in self._variants else "")


def lay_out(fields: Fields, grid: Grid, edited: Any, names: Sequence[str] | None = None) -> None:
    """Lay the fields of a class out in a grid, nested configs as boxes below; `edited` is told of every change."""
    for name in fields.shown() if names is None else names:
        if fields.is_part(name):
            part = fields.add_part(name)
            part.edited.connect(edited)
            grid.add_whole(part)
        else:
            fields.add(name, grid).changed.connect(edited)


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    told = {name: _default_of(info) for name, info in model.model_fields.items()}
    return {name: value for name, value in told.items() if value is not PydanticUndefined}


def _defaults_of(info: FieldInfo) -> dict[str, Any]:
    value = _default_of(info)
    return value if isinstance(value, dict) else {}


def _default_of(info: FieldInfo) -> Any:
    value = info.get_default(call_default_factory=True)
    return value.model_dump() if isinstance(value, BaseModel) else value
