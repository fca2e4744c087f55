"""Rows of a form: title, editor and note in three columns, the seldom used ones below *More*."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic.fields import FieldInfo
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.ui.form_fields import Editor, FlagEditor, TicksEditor
from app.ui.form_words import limits_of, title_of

EDITOR_WIDTH, TICKS_WIDTH = 200, 330
LABEL_WIDTH = 150


@dataclass(frozen=True)
class Row:
    """One field on screen: its editor, the note that shows its description or its fault, and the fold it lies in."""

    editor: Editor
    note: QLabel
    description: str
    fold: Fold | None = None


class Grid(QWidget):
    """Rows of title, editor and note below each other; the seldom used ones below *More*."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._rows, self.fold = _grid(), Fold()
        self._column.addLayout(self._rows)
        self._column.addWidget(self.fold)

    def add(self, path: str, info: FieldInfo, editor: Editor, folded: bool) -> Row:
        """Lay out one field."""
        name, description = path.rpartition(".")[2], info.description or ""
        label, note = QLabel(title_of(name)), make_note()
        label.setMinimumWidth(LABEL_WIDTH)
        label.setBuddy(editor)
        note.setText(description)
        editor.setObjectName(path)
        editor.setToolTip("\n".join(part for part in (description, limits_of(info).capitalize(), path) if part))
        editor.name(title_of(name), description)
        self._place(self.fold.grid if folded else self._rows, label, editor, note)
        self.fold.setVisible(self.fold.count() > 0)
        return Row(editor, note, description, self.fold if folded else None)

    def add_whole(self, widget: QWidget) -> None:
        """Lay out a widget over the whole width, below the rows."""
        self._column.addWidget(widget)

    @staticmethod
    def _place(grid: QGridLayout, label: QLabel, editor: Editor, note: QLabel) -> None:
        ticks = isinstance(editor, TicksEditor)
        if ticks:
            editor.setMinimumWidth(TICKS_WIDTH)
        elif not isinstance(editor, FlagEditor):
            editor.setFixedWidth(EDITOR_WIDTH)
        line = grid.rowCount()
        grid.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop if ticks else Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(editor, line, 1)
        grid.addWidget(note, line, 2)


class Fold(QWidget):
    """Fields that few people change, below a button *More* that counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.button, self.grid = QToolButton(), _grid()
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setProperty("role", "fold")
        self._inside = QWidget()
        self._inside.setLayout(self.grid)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.button)
        column.addWidget(self._inside)
        self.button.toggled.connect(self._toggle)
        self._toggle(False)
        self.setVisible(False)

    def count(self) -> int:
        """How many fields lie in it."""
        return self.grid.count() // 3

    def open(self) -> None:
        """Unfold: something in here needs to be seen."""
        self.button.setChecked(True)

    def setVisible(self, visible: bool) -> None:
        """Show or hide; the button counts what lies below it."""
        self._toggle(self.button.isChecked())
        super().setVisible(visible)

    def _toggle(self, on: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self.button.setText("Less" if on else f"More ({self.count()})")
        self._inside.setVisible(on)


def make_note() -> QLabel:
    """A muted line that wraps and never widens the form."""
    label = QLabel()
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _grid() -> QGridLayout:
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(2, 1)
    return grid
