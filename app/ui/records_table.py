"""The left half of the Records page: search, filters, and the table of recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.core.device_labels import PREFIX as OF_DEVICE
from app.core.rows import LabelSummary, RecordRow
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.rows_table import Column
from app.ui.signs import sign
from app.ui.table import PagedModel

if TYPE_CHECKING:
    from app.workspace import Workspace

TYPING_PAUSE_MS = 150
QUALITY_SIGNS = {
    "good": ("done", "good"),
    "limited": ("warning", "warn"),
    "unusable": ("failed", "bad"),
    "unknown": ("queued", "muted"),
}
"""Sign and colour of a verdict: a shape beside every colour."""

SEX_SIGNS = {"female": "F", "male": "M", "unknown": "?"}


@dataclass(frozen=True)
class RecordFilter:
    """What the table is narrowed to."""

    text: str = ""
    label: str | None = None
    quality: str | None = None


class RecordsTable(QWidget):
    """Search field, two filters, count, table."""

    selected = Signal(object)
    """The current RecordRow, or None."""
    counted = Signal(int)
    """How many recordings the filter keeps."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace = workspace
        self.search, self.label, self.quality = QLineEdit(), QComboBox(), QComboBox()
        self.count, self.view = QLabel(), QTableView()
        self.model = PagedModel(_columns(), background, self._count, self._fetch)
        self._told: RecordRow | None = None
        self._shown = RecordFilter()
        self._pause = QTimer(self, singleShot=True, interval=TYPING_PAUSE_MS)
        self._dress()
        self._lay_out()
        self._connect()

    @property
    def narrowed(self) -> bool:
        """Whether anything is filtered out."""
        return self._shown != RecordFilter()

    def current(self) -> RecordRow | None:
        """The row that is current, when it is held."""
        index = self.view.currentIndex()
        return self.model.row(index.row()) if index.isValid() else None

    def reload(self) -> None:
        """Count and fetch again; selection and place stay."""
        self.model.reload(keep=True)

    def offer(self, labels: list[LabelSummary], qualities: dict[str, int]) -> None:
        """Fill the filters with what the workspace holds; what is chosen stays chosen."""
        choices = [(f"{one.label} ({one.positives:,})", one.label) for one in labels]
        _fill(self.label, "Any label", choices)
        order = [verdict for verdict in QUALITY_SIGNS if qualities.get(verdict)]
        verdicts = [(f"{verdict.capitalize()} ({qualities[verdict]:,})", verdict) for verdict in order]
        _fill(self.quality, "Any quality", verdicts)

    def look_for(self, text: str) -> None:
        """Narrow the table to this text and select the first match."""
        self.label.setCurrentIndex(0)
        self.quality.setCurrentIndex(0)
        self.search.setText(text)
        self._pause.stop()
        self.narrow()

    def narrow(self) -> None:
        """Apply the filters."""
        self._shown = RecordFilter(self.search.text().strip(), self.label.currentData(), self.quality.currentData())
        self.model.reload(keep=False)

    # Both run on the reading worker and must not touch a widget.

    def _count(self) -> int:
        told = self._shown
        return self.workspace.record_count(text=told.text, label=told.label, quality=told.quality)

    def _fetch(self, limit: int, offset: int) -> list[RecordRow]:
        told = self._shown
        return self.workspace.records(
            text=told.text, label=told.label, quality=told.quality, limit=limit, offset=offset
        )

    def _tell_count(self, rows: int) -> None:
        noun = "recording" if rows == 1 else "recordings"
        self.count.setText(f"{rows:,} {noun}" + (" match" if self.narrowed else ""))
        if rows and not self.view.currentIndex().isValid():
            self.view.selectRow(0)
        self._tell()
        self.counted.emit(rows)

    def _tell(self) -> None:
        index = self.view.currentIndex()
        row = self.model.ensure(index.row()) if index.isValid() else None
        pending = index.isValid() and row is None
        if not pending and row != self._told:
            self._told = row
            self.selected.emit(row)

    def _arrived(self, first: int, last: int) -> None:
        if first <= self.view.currentIndex().row() <= last:
            self._tell()

    def _dress(self) -> None:
        self.search.setPlaceholderText("Search name, id, patient, dataset")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search recordings")
        self.label.setAccessibleName("Label")
        self.quality.setAccessibleName("Quality")
        _fill(self.label, "Any label", [])
        _fill(self.quality, "Any quality", [])
        self.count.setProperty("role", "muted")
        view, header = self.view, self.view.horizontalHeader()
        view.setModel(self.model)
        view.setAccessibleName("Recordings")
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setShowGrid(False)
        view.setAlternatingRowColors(False)
        view.setTabKeyNavigation(False)
        view.setWordWrap(False)
        view.verticalHeader().hide()
        view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        view.verticalHeader().setDefaultSectionSize(26)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(36)
        for place, column in enumerate(self.model.columns):
            if column.width:
                header.resizeSection(place, column.width)
            else:
                header.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)

    def _lay_out(self) -> None:
        filters = QHBoxLayout()
        filters.setSpacing(6)
        filters.addWidget(self.label, 1)
        filters.addWidget(self.quality, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.search)
        column.addLayout(filters)
        column.addWidget(self.view, 1)
        column.addWidget(self.count)

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda _text: self._pause.start())
        self._pause.timeout.connect(self.narrow)
        self.label.activated.connect(lambda _place: self.narrow())
        self.quality.activated.connect(lambda _place: self.narrow())
        self.model.counted.connect(self._tell_count)
        self.model.arrived.connect(self._arrived)
        self.view.selectionModel().currentRowChanged.connect(lambda _now, _before: self._tell())


def _columns() -> list[Column]:
    return [
        Column("Recording", lambda r: r.source_name, 96, tip=lambda r: f"{r.source_name}\nid {r.record_id}"),
        Column("Age", lambda r: r.age_text, 44, numeric=True),
        Column("Sex", lambda r: SEX_SIGNS[r.sex], 46, tip=lambda r: r.sex),
        Column("Quality", lambda r: r.quality, 92, icon=quality_icon, tip=quality_tip),
        Column("Labels", labels_text, 0, tip=labels_tip),
    ]


def quality_icon(row: RecordRow) -> QIcon:
    """The sign of a verdict."""
    name, token = QUALITY_SIGNS[row.quality]
    return sign(name, getattr(themes.current(), token))


def quality_tip(row: RecordRow) -> str:
    """The verdict and its reasons."""
    return "\n".join((row.quality, *row.quality_reasons))


def labels_text(row: RecordRow) -> str:
    """The statements that are positive, once each; which scheme they are of ("ptbxl-super: MI") stands in the tip.

    What the cart itself stated keeps its mark: it is no ground truth.
    """
    positive = [name for name, value in row.labels.items() if value == 1]
    return ", ".join(dict.fromkeys(n if n.startswith(OF_DEVICE) else n.rpartition(": ")[2] for n in positive))


def labels_tip(row: RecordRow) -> str:
    """Every known label with its value."""
    if not row.labels:
        return "No label is known"
    return "\n".join(f"{name}: {_told(value)}" for name, value in row.labels.items())


def _told(value: float) -> str:
    return {1.0: "yes", 0.0: "no"}.get(value, f"{value:g}")


def _fill(combo: QComboBox, any_text: str, choices: list[tuple[str, str]]) -> None:
    chosen = combo.currentData()
    combo.blockSignals(True)
    combo.clear()
    combo.addItem(any_text, None)
    for text, value in choices:
        combo.addItem(text, value)
    place = combo.findData(chosen) if chosen is not None else 0
    if place < 0:
        # What was filtered by is gone from the workspace's counts; the filter stays until the user changes it.
        combo.addItem(f"{chosen} (0)", chosen)
        place = combo.count() - 1
    combo.setCurrentIndex(place)
    combo.blockSignals(False)
