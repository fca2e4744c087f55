"""What went where in a cohort's split: a table of its parts, and one of its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from app.core.words import counted
from app.ui.rows_table import Column, RowsTable
from engine.data.splits import Part

MOST_PART_COLUMNS = 10


@dataclass(frozen=True)
class LabelLine:
    """One label: who has it, who is known not to, of whom it is not known; and who has it in each part."""

    label: str
    positives: int
    negatives: int
    unknown: int
    by_part: tuple[tuple[int, int], ...]
    """Positives and known, one pair a part."""


class SplitTables(QWidget):
    """Parts above, labels below."""

    def __init__(self) -> None:
        super().__init__()
        self.parts_told: tuple[Part, ...] = ()
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.parts = RowsTable(_part_columns(0, 0), lambda part: part.name, "Parts of the split")
        self.labels = RowsTable(label_columns(()), lambda line: line.label, "Labels of the cohort")
        split = QSplitter(Qt.Orientation.Vertical)
        for table in (self.parts, self.labels):
            split.addWidget(table)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(10)
        split.setSizes([190, 400])
        split.setStretchFactor(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(self.told)
        column.addWidget(split, 1)

    def show_parts(self, parts: Sequence[Part]) -> None:
        """Show these parts and their labels."""
        self.parts_told = tuple(parts)
        records, patients = sum(part.records for part in parts), sum(part.patients for part in parts)
        names = [part.name for part in parts]
        if [column.title for column in self.labels.rows.columns] != [c.title for c in label_columns(names)]:
            self.labels.set_columns(label_columns(names))
        self.parts.set_columns(_part_columns(records, patients))
        self.parts.rows.set_rows(parts)
        self.labels.rows.set_rows(label_lines(parts))
        self.told.setText(overlap_words(parts))


def overlap_words(parts: Sequence[Part]) -> str:
    """What is sure of the patients of a split; a split that tears one apart is refused before it is shown."""
    if not parts:
        return ""
    patients = sum(part.patients for part in parts)
    return f"Patients in more than one part: 0 of {patients:,}. {counted(len(parts), 'part')}, divided by patient."


def label_lines(parts: Sequence[Part]) -> list[LabelLine]:
    """The labels of a split with their numbers, in the cohort's order."""
    records = sum(part.records for part in parts)
    lines = []
    for label in parts[0].positives if parts else ():
        pairs = tuple((part.positives[label], part.positives[label] + part.negatives[label]) for part in parts)
        positives, known = (sum(pair[place] for pair in pairs) for place in (0, 1))
        lines.append(LabelLine(label, positives, known - positives, records - known, pairs))
    return lines


def label_columns(parts: Sequence[str]) -> tuple[Column, ...]:
    """Columns of the table of labels: counts over all, then the positives of each part."""
    shown = parts if len(parts) <= MOST_PART_COLUMNS else ()
    return (
        Column("Label", lambda line: line.label, 150),
        Column("Positive", lambda line: f"{line.positives:,}", 84, numeric=True, raw=lambda line: str(line.positives)),
        Column("Negative", lambda line: f"{line.negatives:,}", 84, numeric=True, raw=lambda line: str(line.negatives)),
        Column("Unknown", lambda line: f"{line.unknown:,}", 84, numeric=True, raw=lambda line: str(line.unknown)),
        *(_share_column(name, place) for place, name in enumerate(shown)),
    )


def _share_column(name: str, place: int) -> Column:
    def text(line: LabelLine) -> str:
        """Positives of the part, and their share of the known."""
        positives, known = line.by_part[place]
        return f"{positives:,} ({positives / known:.1%})" if known else "0"

    return Column(name, text, 112, numeric=True, header_tip=f"Positives in {name}, and their share of the known")


def _part_columns(records: int, patients: int) -> tuple[Column, ...]:
    return (
        Column("Part", lambda part: part.name, 0),
        Column("Recordings", lambda part: f"{part.records:,}", 100, numeric=True, raw=lambda part: str(part.records)),
        Column("Share", lambda part: _share(part.records, records), 70, numeric=True),
        Column("Patients", lambda part: f"{part.patients:,}", 100, numeric=True, raw=lambda part: str(part.patients)),
        Column("Share", lambda part: _share(part.patients, patients), 70, numeric=True),
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""
