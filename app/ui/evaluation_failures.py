"""The recordings that a model gets most wrong on a label: a gallery of small traces, to be judged and opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QRect, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.core.changes import Changes
from app.core.review_rows import FailureVerdict, Review, ReviewedFailure, Reviews, ReviewsElsewhere, told
from app.ui.background import Background
from app.ui.cut_label import CutLabel
from app.ui.empty import EmptyState
from app.ui.failure_cards import card_px, places, sheet_of
from app.ui.failure_review import ReviewBar
from app.ui.failure_table import FailureTable
from app.ui.failure_traces import Traces
from app.ui.rows_table import Index
from app.ui.theme import Theme
from engine.contract.errors import WorldError
from engine.contract.gallery import Failure

if TYPE_CHECKING:
    from app.workspace import Workspace

KEYS = "Keys: 1 to 4 judge, 0 takes back, Space goes on to the next open one, N notes, Enter opens the trace"
NONE = ("No mistakes to look at", "No recording of this label lies on the wrong side of most others.")
ALL_SEEN = ("All are reviewed", "Every one of this label's worst mistakes carries a verdict.")


class FailuresTab(QWidget):
    """Worst false positives and false negatives of the label that is looked at, with what was made of them."""

    trace_wanted = Signal(str)
    """The id of a recording whose trace is to be seen."""
    reviewed = Signal()
    """A mark was set or taken back; `marks` holds what stands."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace, self.background = workspace, background
        self.marks: Reviews = {}
        self.traces = Traces(workspace, background, self)
        self.table, self.bar = FailureTable(self.traces), ReviewBar()
        self.count, self.told, self.open_only = CutLabel(), CutLabel(), QCheckBox("Not yet reviewed")
        self.open_button = QPushButton("Open trace")
        self._stack, self._empty, self._seen = QStackedWidget(), EmptyState(*NONE), EmptyState(*ALL_SEEN)
        self._job, self._failures = "", list[Failure]()
        self._elsewhere: ReviewsElsewhere = {}
        self._lay_out()
        self._connect()

    def show_job(self, job_id: str, marks: Reviews, elsewhere: ReviewsElsewhere | None = None) -> None:
        """Take over which evaluation the mistakes are of, the marks on them, and those of other evaluations."""
        self._job, self.marks, self._failures = job_id, dict(marks), []
        self._elsewhere = elsewhere or {}
        self.traces.forget_gone()

    def show_failures(self, failures: Sequence[Failure]) -> None:
        """Show those of one label, the false positives first."""
        self._failures = sorted(failures, key=_order)
        self._fill()
        if self.table.rows.rows and self.table.current() is None:
            self.table.choose(self.table.rows.identity(self.table.rows.rows[0]))
        self._chosen(self.table.current())

    def apply_theme(self, _theme: Theme) -> None:
        """Paint signs and traces anew."""
        self.table.cards.forget()
        self.table.viewport().update()
        self._chosen(self.table.current())

    def _every(self) -> list[ReviewedFailure]:
        keys = [(one.label, one.record) for one in self._failures]
        return [
            ReviewedFailure(one, self.marks.get(key), self._elsewhere.get(key))
            for one, key in zip(self._failures, keys, strict=True)
        ]

    def _fill(self) -> None:
        """Show what the filter leaves; the current mistake stays until another one is current, so it can be noted."""
        every, current = self._every(), self.table.current()
        kept = "" if current is None else self.table.rows.identity(current)
        shown = [
            row
            for row in every
            if not self.open_only.isChecked() or row.review is None or self.table.rows.identity(row) == kept
        ]
        self.table.show_rows(shown)
        self._stack.setCurrentWidget(self._inside if shown else self._seen if every else self._empty)
        counts = told(row.review for row in every)
        self.count.setText(counts if every else "")
        self.table.setAccessibleDescription(f"{counts}. {KEYS}")
        self._describe()

    def _chosen(self, row: ReviewedFailure | None) -> None:
        self.bar.show_review(None if row is None else row.review, row is not None)
        self.open_button.setEnabled(row is not None)
        shown = self.table.rows.rows
        if self.open_only.isChecked() and any(one.review is not None and one is not row for one in shown):
            QTimer.singleShot(0, self._fill)  # not while the table is still moving to the row

    def _judge(self, verdict: str, note: str | None = None) -> None:
        """Set or take back the mark on the current mistake; without `note` its note stays."""
        row: ReviewedFailure | None = self.table.current()
        if row is None or not self._job:
            return
        about = (self._job, row.failure.label, row.failure.record)
        before = "" if row.review is None else row.review.note
        then, failed = partial(self._keep, about), partial(self._refuse, about)
        write: Callable[[], Review | None]
        if verdict:
            mark = partial(self.workspace.review_failure, *about, cast(FailureVerdict, verdict))
            write = partial(mark, before if note is None else note)
        elif row.review is not None:
            write = partial(self.workspace.clear_review, *about)
        else:
            return
        self.background.write(write, then, touches=Changes.REVIEWS, failed=failed)

    def _press(self, verdict: str) -> None:
        """A button was pressed: what stands in the field for a note goes along."""
        self._judge(verdict, self.bar.written())
        self.table.setFocus()

    def _note(self, note: str) -> None:
        row: ReviewedFailure | None = self.table.current()
        if row is not None and row.review is not None:
            self._judge(row.review.verdict, note)

    def _keep(self, about: tuple[str, str, str], review: Review | None) -> None:
        """Take over what the workspace keeps now, also of a row that is not current any more."""
        job, *key = about
        if job != self._job:
            return
        if review is None:
            self.marks.pop((key[0], key[1]), None)
        else:
            self.marks[key[0], key[1]] = review
        self._fill()
        self._chosen(self.table.current())
        self.reviewed.emit()

    def _refuse(self, about: tuple[str, str, str], error: Exception) -> None:
        """A note that names somebody is mended where it stands; anything else is told as everywhere."""
        row: ReviewedFailure | None = self.table.current()
        current = None if row is None else (self._job, row.failure.label, row.failure.record)
        if isinstance(error, WorldError) and error.fault == "identifier" and about == current:
            self.bar.refuse(f"{error.reason[:1].upper()}{error.reason[1:]}. {error.next_step}.")
            self.bar.note.setFocus()
        else:
            self._chosen(row)
            self.background.failed.emit(error)

    def _go_on(self) -> None:
        row = self.table.next_open()
        if row is not None:
            self.table.choose(self.table.rows.identity(row))

    def _write_note(self) -> None:
        if self.bar.note.isEnabled():
            self.bar.note.setFocus()
            self.bar.note.selectAll()

    def _open(self) -> None:
        row: ReviewedFailure | None = self.table.current()
        if row is not None:
            self.trace_wanted.emit(row.failure.record)

    def _open_row(self, _index: Index) -> None:
        self._open()

    def _filter(self) -> None:
        """Rows that were judged before the filter was set are left out at once, the current one too."""
        if self.open_only.isChecked():
            self.table.setCurrentIndex(self.table.rows.index(-1, -1))
        self.show_failures(self._failures)

    def _describe(self) -> None:
        """Which leads and seconds the traces show, and the keys."""
        width = self.table.viewport().width()
        _, paper = places(QRect(0, 0, width, card_px(width)))
        sheet, _ = sheet_of(paper.size())
        leads = list(dict.fromkeys(strip.lead for strip in sheet.strips))
        self.told.setVisible(not self.bar.narrow)  # there the note takes its place
        self.told.setText(f"Leads {', '.join(leads)}, first {sheet.seconds:.3g} s, 25 mm/s, 10 mm/mV. {KEYS}")

    def _connect(self) -> None:
        self.table.activated.connect(self._open_row)
        self.table.selected.connect(self._chosen)
        self.table.judged.connect(self._judge)
        self.table.going_on.connect(self._go_on)
        self.table.note_wanted.connect(self._write_note)
        self.table.resized.connect(self._describe)
        self.bar.judged.connect(self._press)
        self.bar.noted.connect(self._note)
        self.bar.note.left.connect(self.table.setFocus)
        self.open_only.toggled.connect(lambda _on: self._filter())
        self.open_button.clicked.connect(self._open)

    def _lay_out(self) -> None:
        self.count.setProperty("role", "heading")
        self.told.setProperty("role", "muted")
        head = QHBoxLayout()
        head.addWidget(self.count, 1)
        head.addWidget(self.open_only)
        head.addWidget(self.open_button)
        self._inside = QWidget()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table, 1)
        column.addWidget(self.bar)
        column.addWidget(self.told)
        for part in (self._inside, self._empty, self._seen):
            self._stack.addWidget(part)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 8, 0, 0)
        rows.addLayout(head)
        rows.addWidget(self._stack, 1)


def _order(failure: Failure) -> tuple[bool, float, float]:
    """False positives first, and of each kind what lies furthest on the wrong side."""
    alarm = failure.kind == "false positive"
    return not alarm, -failure.share, -failure.score if alarm else failure.score
