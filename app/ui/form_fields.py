"""One editor for each kind of config field: text, number with its unit, range, choice, tick, list.

An editor takes and gives plain values. It never judges them: the schema does, so that the form, the command line and
a recipe refuse the same things with the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QWidget,
)

from app.ui.form_words import choice_of, is_range, unit_of, without_bounds
from app.ui.quiet_combo import QuietCombo

UNIT_WIDTH = 24


class Editor(QWidget):
    """Base of all editors: a value that goes in and out, and a signal when the user changed it."""

    changed = Signal()
    tall = False
    """Whether it has many lines, so that its label stands at the first."""

    def get(self) -> object:
        """The value as the user left it; text that is no number is handed on as text."""
        raise NotImplementedError

    def put(self, value: object) -> None:
        """Show a value."""
        raise NotImplementedError

    def mark(self, wrong: bool) -> None:
        """Tell the style sheet (property `wrong`) whether the value is refused."""
        _mark(self.focusProxy() or self, wrong)

    def name(self, title: str, description: str) -> None:
        """Tell a screen reader what this is."""
        target = self.focusProxy() or self
        target.setAccessibleName(title)
        target.setAccessibleDescription(description)

    def _hold(self, widget: QWidget, unit: str = "", *, beside_unit: bool = True) -> None:
        """Lay the widget out, with the same room for a unit behind each so that all ends stand in one line."""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(widget, 1)
        if beside_unit:
            label = QLabel(unit)
            label.setFixedWidth(UNIT_WIDTH)
            row.addWidget(label)
        self.setFocusProxy(widget)


class TextEditor(Editor):
    """A line of text."""

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.textEdited.connect(lambda _text: self.changed.emit())
        self._hold(self.line)

    def get(self) -> object:
        """The text without blanks around it."""
        return self.line.text().strip()

    def put(self, value: object) -> None:
        """Show a text."""
        self.line.setText("" if value is None else str(value))


class NumberEditor(Editor):
    """A number with its unit. A plain line: no spinning wheel changes a value in passing, and 3e-3 can be typed."""

    def __init__(self, whole: bool, unit: str, optional: bool = False) -> None:
        super().__init__()
        self.whole, self.optional = whole, optional
        self.line = QLineEdit()
        self.line.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.line.textEdited.connect(lambda _text: self.changed.emit())
        self._hold(self.line, unit)

    def get(self) -> object:
        """An int or float, None for an empty optional field, else the text as it stands."""
        text = "".join(self.line.text().replace(",", "").split())
        if not text and self.optional:
            return None
        try:
            return int(text) if self.whole else float(text)
        except ValueError:
            return self.line.text()

    def put(self, value: object) -> None:
        """Show a number in its shortest form."""
        self.line.setText("" if value is None else f"{value:g}" if isinstance(value, float) else str(value))


class ListEditor(Editor):
    """Several values in one line, parted by commas."""

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.whole = whole
        self.line = QLineEdit()
        self.line.textEdited.connect(lambda _text: self.changed.emit())
        self._hold(self.line)

    def get(self) -> object:
        """The parts, as whole numbers where they are."""
        parts = [part.strip() for part in self.line.text().split(",") if part.strip()]
        return [int(part) if self.whole and part.lstrip("-").isdigit() else part for part in parts]

    def put(self, value: object) -> None:
        """Show the parts."""
        self.line.setText(", ".join(str(part) for part in _sequence(value)))


class RangeEditor(Editor):
    """Two numbers, the first and the last of a range."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = QLineEdit(), QLineEdit()
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for line, word in ((self.first, "to"), (self.last, "")):
            line.setAlignment(Qt.AlignmentFlag.AlignRight)
            line.textEdited.connect(lambda _text: self.changed.emit())
            row.addWidget(line, 1)
            if word:
                row.addWidget(QLabel(word))
        self._hold(both)
        self.setFocusProxy(self.first)

    def name(self, title: str, description: str) -> None:
        """Both ends are told to a screen reader."""
        for line, end in ((self.first, "first"), (self.last, "last")):
            line.setAccessibleName(f"{title}, {end}")
            line.setAccessibleDescription(description)

    def get(self) -> object:
        """Both numbers; text that is none is handed on as it stands."""
        return [_decimal(line.text()) for line in (self.first, self.last)]

    def put(self, value: object) -> None:
        """Show both numbers."""
        for line, number in zip((self.first, self.last), _sequence(value), strict=False):
            line.setText(f"{number:g}")

    def mark(self, wrong: bool) -> None:
        """Both ends are marked: together they are refused."""
        for line in (self.first, self.last):
            _mark(line, wrong)


class FlagEditor(Editor):
    """Yes or no."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QCheckBox("yes")
        self.box.toggled.connect(lambda _on: self.changed.emit())
        self._hold(self.box)

    def get(self) -> object:
        """Whether it is ticked."""
        return self.box.isChecked()

    def put(self, value: object) -> None:
        """Tick or untick."""
        self.box.setChecked(bool(value))


class ChoiceEditor(Editor):
    """One of several (value, text) pairs."""

    def __init__(self, options: Sequence[tuple[object, str]]) -> None:
        super().__init__()
        self.combo = QuietCombo()
        self.offer(options)
        self.combo.currentIndexChanged.connect(lambda _row: self.changed.emit())
        self._hold(self.combo)

    def offer(self, options: Sequence[tuple[object, str]]) -> None:
        """Offer other pairs; the choice stays where it is offered again."""
        kept = self.combo.currentData()
        self.combo.blockSignals(True)
        self.combo.clear()
        for value, text in options:
            self.combo.addItem(text, value)
        if self.combo.count() and kept is not None:
            self.put(kept)
        self.combo.blockSignals(False)

    def get(self) -> object:
        """The chosen value."""
        return self.combo.currentData()

    def put(self, value: object) -> None:
        """Choose a value. One that is not offered joins the list, so that nothing is changed unseen."""
        # QComboBox.findData does not find None.
        known = [self.combo.itemData(row) for row in range(self.combo.count())]
        row = known.index(value) if value in known else -1
        if row < 0 and value not in (None, ""):
            self.combo.addItem(f"{choice_of(value)} (not here)", value)
            row = self.combo.count() - 1
        if row >= 0:
            self.combo.setCurrentIndex(row)


class TicksEditor(Editor):
    """Any number of several, each with a tick."""

    tall = True

    def __init__(self, options: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemChanged.connect(lambda _item: self.changed.emit())
        self._hold(self.list, beside_unit=False)
        self.offer(options)

    def offer(self, options: Sequence[tuple[str, str]]) -> None:
        """Offer other (value, text) pairs, none of them ticked."""
        self.list.blockSignals(True)
        self.list.clear()
        for value, text in options:
            item = QListWidgetItem(text)
            item.setToolTip(text)
            item.setData(Qt.ItemDataRole.UserRole, value)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        row_height = max(self.list.sizeHintForRow(0), 18)
        self.list.setFixedHeight(row_height * min(max(len(options), 2), 10) + 4)

    def get(self) -> list[object]:
        """The ticked values in the order shown."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.data(Qt.ItemDataRole.UserRole) for item in items if item.checkState() is Qt.CheckState.Checked]

    def put(self, value: object) -> None:
        """Tick these values and no others."""
        wanted = set(_sequence(value))
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            item = self.list.item(row)
            on = item.data(Qt.ItemDataRole.UserRole) in wanted
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self.list.viewport().update()
        self.changed.emit()


def editor_for(name: str, field: FieldInfo, options: Sequence[tuple[str, str]] | None = None) -> Editor:
    """The editor that fits a field of a config.

    Args:
        name: the field's name; its end tells the unit.
        field: pydantic's description of it.
        options: (value, text) pairs to choose from, where the schema alone cannot know them.

    Raises:
        TypeError: a kind of field that no editor stands for; a bug of ours.
    """
    kind, optional = unwrap(field.annotation)
    origin = get_origin(kind)
    if options is not None:
        return TicksEditor(options) if origin is tuple else ChoiceEditor(options)
    if origin is Literal or (kind is bool and optional):
        values = get_args(kind) if origin is Literal else (True, False)
        return ChoiceEditor([(value, choice_of(value)) for value in ((None, *values) if optional else values)])
    if is_range(kind):
        return RangeEditor()
    if origin in (tuple, list):
        return ListEditor(whole=get_args(kind)[0] is int)
    plain = {bool: FlagEditor, str: TextEditor}.get(kind)
    if plain is not None:
        return plain()
    if kind in (int, float):
        return NumberEditor(kind is int, unit_of(name), optional)
    raise TypeError(f"no editor for field {name} of type {kind}")


def unwrap(annotation: Any) -> tuple[Any, bool]:
    """A type without its `| None` and its bounds, and whether it may be None."""
    if get_origin(annotation) in (Union, UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        if len(rest) == 1 and len(rest) < len(get_args(annotation)):
            return without_bounds(rest[0]), True
    return without_bounds(annotation), False


def is_model(kind: Any) -> bool:
    """Whether a type is a config class."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def variants_of(field: FieldInfo) -> dict[str, type[BaseModel]]:
    """The config classes that a field may hold, by what tells them apart; empty for any other field."""
    key, (kind, _optional) = field.discriminator, unwrap(field.annotation)
    if not isinstance(key, str) or get_origin(kind) not in (Union, UnionType):
        return {}
    return {get_args(one.model_fields[key].annotation)[0]: one for one in get_args(kind)}


def nested_model(annotation: Any) -> type[BaseModel] | None:
    """The config class when a field holds one, else None."""
    kind, _optional = unwrap(annotation)
    return kind if is_model(kind) else None


def is_fixed(field: FieldInfo) -> bool:
    """Whether the schema leaves nothing to choose: a literal with one value."""
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def _sequence(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def _decimal(text: str) -> float | str:
    try:
        return float("".join(text.replace(",", "").split()))
    except ValueError:
        return text


def _mark(widget: QWidget, wrong: bool) -> None:
    if bool(widget.property("wrong")) == wrong:
        return
    widget.setProperty("wrong", wrong)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
