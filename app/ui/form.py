"""A form made from a config schema: one row a field, one box a nested config, faults told beside their field.

The schema stays the only judge. The form shows its defaults, its descriptions and its complaints, and gives back a
plain dict that the same schema reads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGroupBox, QLabel, QVBoxLayout, QWidget

from app.ui.form_fields import ChoiceEditor, Editor, TicksEditor
from app.ui.form_groups import Fields, Options, Part, Plan, VariantPart, lay_out
from app.ui.form_rows import Grid, Row, make_note
from app.ui.form_words import sentence, title_of
from engine.contract.complaints import complaint


class SchemaForm(QWidget):
    """Edits one config.

    Args:
        model: the config's class.
        sections: titles with the top-level fields below them, in order; fields named nowhere come first, untitled,
            and nested configs named nowhere last. A nested config gets a box of its own under its own title.
        hidden: dotted paths that are not shown; they keep the value they were given.
        options: what to choose from where the schema cannot know it, such as the labels of a workspace.
        only: when given, the only top-level fields that are shown, in this order.
        folded: dotted paths that lie below *More*.
    """

    changed = Signal()
    _edit = Signal()

    def __init__(
        self,
        model: type[BaseModel],
        *,
        sections: Mapping[str, Sequence[str]] | None = None,
        hidden: Collection[str] = (),
        options: Options | None = None,
        only: Collection[str] | None = None,
        folded: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._model = model
        self._fields = Fields(model, "", Plan({"contract", *hidden}, folded, options or {}))
        self._note = make_note()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(12)
        self._edit.connect(self._edited)
        there = self._fields.shown()
        self._build(there if only is None else [name for name in only if name in there], sections or {})
        self.set_value({})

    def value(self) -> dict[str, Any]:
        """The config as a plain dict, hidden fields included; not yet judged."""
        return self._fields.get()

    def set_value(self, values: Mapping[str, Any]) -> None:
        """Show these values, and the schema's defaults for what they leave open."""
        self._fields.put(values)
        self._show_faults()

    @property
    def errors(self) -> dict[str, str]:
        """What the schema refuses: dotted path -> message; "" stands for the config as a whole."""
        try:
            self._model.model_validate(self.value())
        except ValidationError as error:
            places = {*self._fields.rows(), *self._fields.notes(), ""}
            faults = error.errors(include_url=False, include_input=False)
            told = [(self._place(fault, places), complaint(fault)) for fault in faults]
            # Faults of fields that the form does not show are for whoever fills them in later.
            return {path: text for path, text in told if path is not None}
        return {}

    @property
    def faults(self) -> str:
        """What stands in the way of a start, in a sentence or two, wherever in the form it is; empty when nothing."""
        told, rows = self.errors, self._fields.rows()
        fields = [title_of(path.rpartition(".")[2]) for path in rows if path in told]
        wholes = [sentence(text) for path, text in told.items() if path not in rows]
        return " ".join([*([f"To put right: {', '.join(fields)}."] if fields else []), *wholes])

    def editor(self, path: str) -> Editor:
        """The editor of a field that is live, by dotted path."""
        return self._fields.rows()[path].editor

    def part(self, path: str) -> Part:
        """The box of a nested config at the top level."""
        part = self._fields.editors[path]
        assert isinstance(part, Part)
        return part

    def note(self, path: str) -> str:
        """What stands beside a field now: its description, or what is wrong with it."""
        return self._fields.rows()[path].note.text()

    def paths(self) -> list[str]:
        """Dotted paths of the fields that are live, top down."""
        return list(self._fields.rows())

    def offer(self, path: str, options: Sequence[tuple[object, str]]) -> None:
        """Offer other values to choose from in a field, in every nested config that is there, ticked off or not."""
        name = path.rpartition(".")[2]
        for editor in self.findChildren(Editor, path):
            if isinstance(editor, TicksEditor):
                kept = editor.get()
                editor.offer([(str(value), text) for value, text in options])
                editor.put(kept)
            elif isinstance(editor, ChoiceEditor):
                editor.offer(options)
            else:
                raise TypeError(f"field {name} has no choice")
        self._show_faults()

    def _build(self, shown: Sequence[str], sections: Mapping[str, Sequence[str]]) -> None:
        placed = {name for names in sections.values() for name in names}
        plain = [name for name in shown if name not in placed and not self._fields.is_part(name)]
        nested = [name for name in shown if name not in placed and self._fields.is_part(name)]
        for title, names in (("", plain), *sections.items(), ("", nested)):
            self._add_section(title, [name for name in names if name in shown])
        self._column.addWidget(self._note)
        self._column.addStretch(1)

    def _add_section(self, title: str, names: Sequence[str]) -> None:
        plain = [name for name in names if not self._fields.is_part(name)]
        if plain:
            box, grid = QGroupBox(title), Grid()
            QVBoxLayout(box).addWidget(grid)
            lay_out(self._fields, grid, self._edit, plain)
            self._column.addWidget(box)
        for name in names:
            if name not in plain:
                part = self._fields.add_part(name)
                part.edited.connect(self._edit)
                self._column.addWidget(part)

    def _edited(self) -> None:
        self._show_faults()
        self.changed.emit()

    def _show_faults(self) -> None:
        faults = self.errors
        for path, row in self._fields.rows().items():
            _tell_row(row, faults.get(path, ""))
        for path, note in {**self._fields.notes(), "": self._note}.items():
            note.setText(sentence(faults.get(path, "")))
            note.setVisible(path in faults)
            _restyle(note, path in faults)

    def _place(self, fault: ErrorDetails, places: Collection[str]) -> str | None:
        """The nearest field or group that can tell of a fault; None when no place is shown."""
        where: list[str] = []
        for part in fault["loc"]:
            # Pydantic names the variant (objective.cpc.offsets); a path does not (objective.offsets).
            if not self._is_tag(".".join(where), str(part)):
                where.append(str(part))
        if not where:
            return ""
        while where and ".".join(where) not in places:
            where.pop()
        return ".".join(where) or None

    def _is_tag(self, path: str, word: str) -> bool:
        part = self._fields.editors.get(path)
        return isinstance(part, VariantPart) and word in part.tags()


def _tell_row(row: Row, fault: str) -> None:
    row.note.setText(sentence(fault) if fault else row.description)
    _restyle(row.note, bool(fault))
    row.editor.mark(bool(fault))
    if fault and row.fold is not None:
        row.fold.open()


def _restyle(label: QLabel, wrong: bool) -> None:
    role = "bad" if wrong else "muted"
    if label.property("role") != role:
        label.setProperty("role", role)
        label.style().unpolish(label)
        label.style().polish(label)
