"""What a label table would do with the meanings as they are: rows, labels with their counts, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.ui.label_words import UNKNOWN_IS_NOT_NEGATIVE, role_label, rows_left_out
from app.ui.rows_table import Column, RowsTable
from app.ui.tiles import Figure, Tiles

if TYPE_CHECKING:
    from app.core.label_import import LabelCount, LabelPreview


class LabelsPreview(QWidget):
    """Figures on top; labels on the left, words about rows and cautions on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.tiles = Tiles("What the table would do")
        self.labels = RowsTable(_columns(), lambda one: one.label, "Labels of the table")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.tiles)
        column.addWidget(self._split(), 1)
        column.addWidget(role_label("muted", UNKNOWN_IS_NOT_NEGATIVE))

    def show_preview(self, told: LabelPreview) -> None:
        """Show these counts."""
        self.tiles.show_figures(figures(told))
        self.labels.rows.set_rows(told.labels)
        self.words.setText("\n\n".join([*rows_left_out(told), *told.notes, *_replaced(told)]))

    def wait(self) -> None:
        """The counts are on their way; those that are shown are of the choice before."""
        self.words.setText("Counting…")

    def clear(self) -> None:
        """Nothing is known."""
        self.tiles.show_figures([])
        self.labels.rows.set_rows([])
        self.words.clear()

    def _split(self) -> QSplitter:
        scroll = QScrollArea()
        scroll.setWidget(self.words)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setAccessibleName("What to know about this table")
        split = QSplitter()
        split.addWidget(self.labels)
        split.addWidget(scroll)
        split.setSizes([520, 420])
        split.setHandleWidth(12)
        split.setChildrenCollapsible(False)
        return split


def figures(told: LabelPreview) -> list[Figure]:
    """Rows and recordings in figures."""
    of = f"of {told.workspace_recordings:,} in the workspace"
    return [
        Figure("Rows", f"{told.rows:,}"),
        Figure("Joined", f"{told.matched:,}", "" if told.matched else "nothing to import", "bad"),
        Figure("Not joined", f"{told.unmatched:,}", "name no recording" if told.unmatched else "", "warn"),
        Figure("Left out", f"{len(told.faults):,}", "have a fault" if told.faults else "", "bad"),
        Figure("Recordings", f"{told.recordings:,}", of),
        Figure("Labels", f"{len(told.labels):,}"),
    ]


def _replaced(told: LabelPreview) -> list[str]:
    if not told.changes:
        return []
    values, are = ("value", "is") if told.changes == 1 else ("values", "are")
    return [f"{told.changes:,} {values} that {are} known otherwise already: replaced, and kept in the audit trail."]


def _columns() -> list[Column]:
    def number(value: int) -> str:
        return f"{value:,}"

    def of_binary(name: str) -> Column:
        return Column(
            name.capitalize(),
            lambda one: number(getattr(one, f"{name}s")) if one.kind == "binary" else "",
            84,
            numeric=True,
        )

    return [
        Column("Label", lambda one: one.label, 0),
        of_binary("positive"),
        of_binary("negative"),
        Column("Unknown", lambda one: number(one.unknown), 84, numeric=True),
        Column("Range", _range, 120, numeric=True, header_tip="Of numbers: the smallest and the largest"),
    ]


def _range(one: LabelCount) -> str:
    if one.smallest is None or one.largest is None:
        return ""
    return f"{one.smallest:g} to {one.largest:g}"
