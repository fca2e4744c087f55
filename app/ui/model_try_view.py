"""The tab *Try it*: one recording as it was made, beside it what the model saw of it, and what it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.core.rows import JobRow, RecordRow, SignalView
from app.core.trying import Tried
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.choosers import combo
from app.ui.form_words import sentence
from app.ui.messages import message_of
from app.ui.model_rows import ListedModel
from app.ui.model_windows import MarkedEcg, SeenWindow
from app.ui.rows_table import ROW, Column, Index, RowsTable
from engine.contract.output_types import OutputType
from engine.contract.trying import TriedOutput

if TYPE_CHECKING:
    from app.workspace import Workspace

MOST_RECORDS = 100
"""Recordings that are offered at a time; words narrow them."""
PAUSE_MS = 250
HINT = "Choose a recording and try the model on it: a few seconds in the engine's process, or in the sandbox."


OUTPUT, WHOLE, WINDOW = 0, 2, 3
"""Columns of the table."""
BOTH_PX = 290
LEFT, RIGHT = Qt.ArrowType.LeftArrow, Qt.ArrowType.RightArrow


@dataclass(frozen=True)
class Said:
    """One class: its number of the recording, and of the window that is shown."""

    output: str
    name: str
    judged_as: OutputType
    whole: float | None
    window: float | None


class TryView(QWidget):
    """Asks for a trial, waits for it, shows it. A trial of another model is gone when another model is shown."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.model: ListedModel | None = None
        self.job_id = ""
        self.tried: Tried | None = None
        self.words, self.record, self.go = QLineEdit(), combo("Recording"), QPushButton("Try it")
        self.state, self.original, self.seen = QLabel(HINT), MarkedEcg(), SeenWindow()
        self.back, self.on = _arrow("Window before (Left)", LEFT), _arrow("Next window (Right)", RIGHT)
        self.table = SaidTable()
        self.pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._offered = False
        self._lay_out()
        self._connect()

    def show_model(self, model: ListedModel) -> None:
        """Take over another model; what was tried with one before is gone."""
        if self.model is None or model.name != self.model.name:
            self.model, self.job_id, self.tried = model, "", None
            self.seen.show_windows(None, None)
            self.original.show_signal(None)
            self.original.span_s = None
            self.table.rows.set_rows([])
            self._tell(HINT)
        if self.isVisible():
            self.offer()

    def offer(self) -> None:
        """Ask once for recordings to choose from."""
        if not self._offered:
            self._offered = True
            self._ask_records()

    def show_jobs(self, jobs: list[JobRow]) -> None:
        """Follow the trial that was asked for."""
        job = next((job for job in jobs if job.job_id == self.job_id), None)
        if job is None or (self.tried is not None and self.tried.job_id == job.job_id):
            return
        if job.state == "done":
            self.background.read(partial(self.workspace.tried, job.job_id), self._show_tried, key="models.tried")
        elif not job.active:
            self.job_id = ""
            self._tell(f"{sentence(job.message)} {sentence(job.next_step)}", "bad")
            self._judge()
        elif job.state == "queued":
            self._tell("It waits for its turn: the run that works now goes first.")

    def launch(self) -> None:
        """Have the chosen recording shown to the model."""
        record = self.record.currentData()
        if self.model is None or record is None:
            return
        self.job_id, self.tried = "waiting", None
        self._judge()
        self._tell("Asking the model…")
        ask = partial(self.workspace.try_model, self.model.name, record)
        self.background.write(ask, self._launched, touches=Changes.JOBS, failed=self._refused)

    # What comes back.

    def _launched(self, job_id: str) -> None:
        self.job_id = job_id

    def _refused(self, error: Exception) -> None:
        told = message_of(error)
        self.job_id = ""
        self._tell(f"{told.title} {told.text} {told.detail}".strip(), "bad")
        self._judge()

    def _show_tried(self, tried: Tried) -> None:
        if tried.job_id != self.job_id:
            return
        self.tried = tried
        told = tried.results
        self._tell(
            f"It cannot be fed: {sentence(told.refused)}" if told.refused else " ".join(map(sentence, told.notes))
        )
        ask = partial(self.workspace.signal, told.record_id)
        self.background.read(ask, self._show_original, key="models.original", failed=self._refused)
        self.seen.show_windows(told, tried.x_NCL)
        self._judge()

    def _show_original(self, signal: SignalView) -> None:
        if self.tried is not None and signal.record_id == self.tried.results.record_id:
            self.original.show_signal(signal)
            self._mark(self.seen.number)

    def _mark(self, number: int) -> None:
        """Another window: its span on the original, its numbers in the table."""
        if self.tried is None or self.tried.x_NCL is None:
            return
        told = self.tried.results
        self.original.mark(told.starts_s[number], told.window_s)
        self.back.setEnabled(number > 0)
        self.on.setEnabled(number + 1 < len(told.starts_s))
        self.table.show_outputs(told.outputs, number)

    # Recordings.

    def _ask_records(self) -> None:
        ask = partial(self.workspace.records, self.words.text().strip(), limit=MOST_RECORDS)
        self.background.read(ask, self._offer, key="models.records")

    def _offer(self, rows: list[RecordRow]) -> None:
        self.record.offer([(f"{row.source_name}  {row.age_text} {row.sex}".strip(), row.record_id) for row in rows])
        self._judge()

    def _judge(self) -> None:
        waiting = bool(self.job_id) and self.tried is None
        self.go.setEnabled(self.record.currentData() is not None and not waiting)

    def _tell(self, text: str, role: str = "muted") -> None:
        self.state.setText(text)
        if self.state.property("role") != role:
            self.state.setProperty("role", role)
            self.state.style().unpolish(self.state)
            self.state.style().polish(self.state)

    def _connect(self) -> None:
        self.words.textChanged.connect(lambda _text: self.pause.start())
        self.pause.timeout.connect(self._ask_records)
        self.record.currentIndexChanged.connect(lambda _row: self._judge())
        self.go.clicked.connect(lambda _on=False: self.launch())
        self.seen.moved.connect(self._mark)
        self.back.clicked.connect(lambda _on=False: self.seen.go(self.seen.number - 1))
        self.on.clicked.connect(lambda _on=False: self.seen.go(self.seen.number + 1))

    def _lay_out(self) -> None:
        self.words.setPlaceholderText("Search recordings")
        self.words.setAccessibleName("Search recordings to try")
        self.words.setClearButtonEnabled(True)
        self.words.setMaximumWidth(200)
        self.record.setMaximumWidth(320)
        self.state.setWordWrap(True)
        self.original.placeholder = "The recording as it was made"
        self.original.setMinimumSize(300, 160)
        self.go.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.state.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        for arrow in (self.back, self.on):
            arrow.setEnabled(False)
        self._judge()
        head = QHBoxLayout()
        head.addWidget(self.words)
        head.addWidget(self.record, 1)
        head.addWidget(self.go)
        head.addWidget(self.state, 2)
        head.addWidget(self.back)
        head.addWidget(self.on)
        split = QSplitter()
        for part, stretch in ((self.original, 5), (self.seen, 4), (self.table, 3)):
            split.addWidget(part)
            split.setStretchFactor(split.count() - 1, stretch)
        split.setSizes([460, 340, 340])
        split.setChildrenCollapsible(False)
        split.setHandleWidth(10)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.addLayout(head)
        column.addWidget(split, 1)


class SaidTable(RowsTable):
    """One line a class. A narrow table keeps the numbers of the recording."""

    def __init__(self) -> None:
        super().__init__(_columns(), lambda said: f"{said.output} {said.name}", "What the model said")
        self.setItemDelegateForColumn(WHOLE, BarDelegate(self))
        self.setMinimumWidth(210)

    def show_outputs(self, outputs: Sequence[TriedOutput], window: int) -> None:
        """Show what was said of the recording, and of one of its windows."""
        told = [
            Said(output.name, name, output.judged_as, whole, output.windows[window][place])
            for output in outputs
            for place, (name, whole) in enumerate(zip(output.classes, output.values, strict=False))
        ]
        self.rows.set_rows(told)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the window's numbers out where there is no room for both."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        narrow = self.viewport().width() < BOTH_PX
        self.setColumnHidden(WINDOW, narrow)
        self.setColumnHidden(OUTPUT, narrow or len({said.output for said in self.rows.rows}) < 2)


class BarDelegate(QStyledItemDelegate):
    """A probability as a bar behind its number; other numbers have no scale to be drawn on."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The bar, then the cell's own words."""
        said: Said = index.data(ROW)
        if said.judged_as == "probability" and said.whole is not None:
            theme, room = themes.current(), QRectF(option.rect).adjusted(3, 5, -3, -5)
            painter.fillRect(room, QColor(theme.border))
            painter.fillRect(
                QRectF(room.x(), room.y(), room.width() * min(max(said.whole, 0), 1), room.height()),
                theme.mix(theme.accent, theme.panel, 0.55),
            )
        super().paint(painter, option, index)


def _arrow(name: str, arrow: Qt.ArrowType) -> QToolButton:
    button = QToolButton()
    button.setArrowType(arrow)
    button.setToolTip(name)
    button.setAccessibleName(name)
    return button


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"


def _columns() -> tuple[Column, ...]:
    return (
        Column("Output", lambda said: said.output, 78),
        Column("Class", lambda said: said.name, 0, tip=lambda said: f"{said.output}: {said.name}, {said.judged_as}"),
        Column("Recording", lambda said: _number(said.whole), 84, numeric=True, header_tip="All windows together"),
        Column("Window", lambda said: _number(said.window), 70, numeric=True, header_tip="The window that is shown"),
    )
