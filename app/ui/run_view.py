"""One run in full: state, curve against the trivial level, results, config, log, console, fresh while it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.rows import JobDetail, JobRow, MetricSeries
from app.ui import theme as themes
from app.ui.background import Background
from app.ui.banner import Banner
from app.ui.change_record_button import ChangeRecordButton
from app.ui.interval_table import IntervalTable, evaluation_rows
from app.ui.rows_table import Column, RowsTable, fixed_font
from app.ui.run_facts import (
    BROKEN,
    KIND_WORDS,
    LogLine,
    config_lines,
    facts,
    left_text,
    local_time,
    log_lines,
    loss_unit,
    progress_text,
    with_level,
)
from app.ui.run_figures import DRAWN, RunFigures
from app.ui.signs import STATE_WORDS, sign, state_icon
from app.ui.theme import Theme
from engine.contract.results import EvaluateResults

if TYPE_CHECKING:
    from app.ui.plots import CurvePlot
    from app.workspace import Workspace

EVENTS_A_LOOK = 500
_LOG_TOKENS = {"warning": "warn", "failed": "bad", "done": "good", "running": "accent", "stopped": "muted"}


@dataclass(frozen=True)
class Look:
    """All that one look at a run brings back; `log` holds only what came after the look before."""

    detail: JobDetail
    series: tuple[MetricSeries, ...]
    log: tuple[LogLine, ...]
    last_seq: int
    stage: str


def look(workspace: Workspace, job_id: str, after_seq: int, stage: str) -> Look:
    """Ask the workspace for everything a run's view shows; called off the window's thread.

    Args:
        workspace: the open workspace.
        job_id: the run.
        after_seq: the last event that the view knows.
        stage: what that event was about.
    """
    lines: list[LogLine] = []
    while events := workspace.events(job_id, after_seq, EVENTS_A_LOOK):
        more, stage = log_lines(events, stage)
        lines += more
        after_seq = events[-1].seq
    return Look(workspace.job_detail(job_id), tuple(workspace.metrics(job_id)), tuple(lines), after_seq, stage)


class RunView(QWidget):
    """Shows one run. Keeps the log it has and asks only for what is new."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.job_id = ""
        self.figures = RunFigures(workspace, background)
        self.record = ChangeRecordButton(workspace, background)
        self.last_seq, self.stage = -1, ""
        self._log: list[LogLine] = []
        theme = themes.current()
        self.state, self.heading, self.message, self.trouble = QLabel(), QLabel(), QLabel(), Banner()
        self.curve: CurvePlot | None = None
        self._seen: Look | None = None
        self.intervals = IntervalTable("AUROC", False, "AUROC of the run with intervals")
        self.facts = RowsTable(_fact_columns(170), lambda fact: fact.name + fact.value, "Results of the run")
        self.config = RowsTable(_fact_columns(200), lambda fact: fact.name, "Config of the run")
        self.log = RowsTable(_log_columns(), lambda line: str(line.seq), "Events of the run")
        self.console = QPlainTextEdit()
        self.console.setReadOnly(True)
        self.console.setAccessibleName("Console of the run")
        self.tabs = QTabWidget()
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self._lay_out()
        self.apply_theme(theme)

    def show_job(self, job: JobRow) -> bool:
        """Take over another run; False when it is the one shown already."""
        fresh = job.job_id != self.job_id
        if fresh:
            self.job_id, self.last_seq, self.stage, self._log = job.job_id, -1, "", []
            self._clear()
        self._tell_head(job)
        return fresh

    def _clear(self) -> None:
        """Nothing of another run may stand under this run's name, however short."""
        self._seen = None
        for table in (self.log, self.facts, self.config):
            table.rows.set_rows([])
        self.console.clear()
        self.intervals.setVisible(False)
        self.tabs.setTabVisible(self.tabs.indexOf(self.figures), False)
        if self.curve is not None:
            self.curve.setVisible(False)

    def show_look(self, seen: Look) -> None:
        """Take over what a look brought back; a look at another run is passed over."""
        if seen.detail.job.job_id != self.job_id:
            return
        self._tell_head(seen.detail.job)
        self._seen = seen
        self._tell_curve(seen)
        self._tell_intervals(seen.detail)
        self._tell_figure(seen.detail)
        self.facts.rows.set_rows(facts(seen.detail, seen.series))
        self.config.rows.set_rows(config_lines(seen.detail.config))
        self._tell_log(seen)
        self._tell_console(seen.detail.console_tail)

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours of the curve."""
        if self.curve is not None:
            self.curve.apply_theme(theme)
        self.figures.apply_theme(theme)
        self.console.setFont(fixed_font())
        self.trouble.repaint_sign()

    def _lay_out(self) -> None:
        self.state.setFixedSize(QSize(18, 18))
        self.heading.setProperty("role", "heading")
        self.message.setProperty("role", "muted")
        self.message.setWordWrap(True)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.state)
        head.addWidget(self.heading, 1)
        head.addWidget(self.record)
        # A log may hold thousands of lines: those in view are enough to tell the width of a time.
        self.log.horizontalHeader().setResizeContentsPrecision(0)
        self.log.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        for name, page in (("Results", self.facts), ("Config", self.config), ("Log", self.log)):
            page.horizontalHeader().setVisible(False)
            page.verticalHeader().setDefaultSectionSize(22)
            self.tabs.addTab(page, name)
        self.facts.setWordWrap(True)
        self.facts.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.tabs.addTab(self.console, "Console")
        self.tabs.insertTab(1, self.figures, "Figures")
        self.tabs.setTabVisible(1, False)
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Parts of what is known of the run")
        self.tabs.tabBar().setDrawBase(False)
        self.split.addWidget(self.intervals)
        self.split.addWidget(self.tabs)
        self.split.setSizes([560, 440])
        self.split.setChildrenCollapsible(False)
        self.intervals.setVisible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.message)
        column.addWidget(self.trouble)
        column.addWidget(self.split, 1)

    def _tell_head(self, job: JobRow) -> None:
        self.state.setPixmap(state_icon(job.state, themes.current()).pixmap(16, 16))
        self.state.setAccessibleName(STATE_WORDS[job.state])
        self.heading.setText(f"{job.job_id}  {KIND_WORDS[job.kind]}: {job.name}")
        self.message.setText(head_text(job))
        tell_trouble(self.trouble, job)
        self.record.offer(job)

    def add_curve(self, curve: CurvePlot) -> None:
        """Take the plot, which is made once its library has been loaded off the window's thread."""
        self.curve = curve
        self.split.insertWidget(0, curve)
        self.split.setSizes([560, 560, 440])
        curve.setVisible(False)
        if self._seen is not None:
            self._tell_curve(self._seen)

    def _tell_curve(self, seen: Look) -> None:
        if self.curve is not None:
            unit = loss_unit(seen.detail.config) if seen.detail.job.kind == "pretrain" else ""
            self.curve.name_axis(f"loss ({unit})" if unit else "loss")
            self.curve.show_series(with_level(seen.series), _total_steps(seen.detail))
            self.curve.setVisible(not self.curve.is_empty())

    def _tell_intervals(self, detail: JobDetail) -> None:
        scored = detail.job.kind == "evaluate" and detail.results is not None
        self.intervals.setVisible(scored)
        if scored:
            self.intervals.show_rows(evaluation_rows(EvaluateResults.model_validate(detail.results)))

    def _tell_figure(self, detail: JobDetail) -> None:
        """What an examination found, drawn; evaluations and comparisons have pages of their own for figures."""
        drawn = detail.job.kind in DRAWN and detail.results is not None
        self.tabs.setTabVisible(self.tabs.indexOf(self.figures), drawn)
        if drawn:
            self.figures.show_run(detail.job.job_id)

    def _tell_log(self, seen: Look) -> None:
        if seen.last_seq == self.last_seq:
            return
        known = self._log[-1].seq if self._log else -1
        self._log += [line for line in seen.log if line.seq > known]
        if seen.last_seq > self.last_seq:
            self.last_seq, self.stage = seen.last_seq, seen.stage
        self.log.rows.set_rows(self._log)
        self.log.scrollToBottom()

    def _tell_console(self, text: str) -> None:
        if text != self.console.toPlainText():
            self.console.setPlainText(text)
            bar = self.console.verticalScrollBar()
            bar.setValue(bar.maximum())
        self.console.setPlaceholderText("The process has printed nothing.")


def head_text(job: JobRow) -> str:
    """State, progress, message and next step of a run in one line."""
    left = left_text(job)
    parts = [STATE_WORDS[job.state], progress_text(job), f"{left} left" if left else ""]
    told = "" if job.state == "queued" and job.message else ", ".join(part for part in parts if part)
    if job.state in BROKEN:
        return told
    return ". ".join(part for part in (told, _sentence(job.message), _sentence(job.next_step)) if part)


def tell_trouble(banner: Banner, job: JobRow) -> None:
    """Why a run failed or was interrupted, and what to do about it; nothing for any other run."""
    if job.state not in BROKEN:
        banner.clear()
        return
    reason = _sentence(job.message) or "It ended without saying why"
    fault = f" ({job.fault.replace('_', ' ')})" if job.fault else ""
    step = job.next_step or ("resume" if job.state == "interrupted" else "see its log and console")
    banner.tell(
        "bad" if job.state == "failed" else "warn",
        f"{STATE_WORDS[job.state]}{fault}: {reason}.",
        f"Next step: {step[:1].lower()}{step[1:].rstrip('.')}.",
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


def _total_steps(detail: JobDetail) -> int:
    return int(detail.config.get("steps", 0) or 0)


def _fact_columns(width: int) -> tuple[Column, ...]:
    return (Column("Name", lambda f: f.name, width), Column("Value", lambda f: f.value, 0))


def _log_columns() -> tuple[Column, ...]:
    def icon(line: LogLine) -> QIcon:
        """The sign of the event's weight in the theme's colours."""
        return sign(line.sign, str(getattr(themes.current(), _LOG_TOKENS[line.sign])))

    return (
        Column("Time", lambda line: local_time(line.time), 130),
        Column("Event", lambda line: line.text, 0, icon=icon),
    )
