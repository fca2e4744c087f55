"""One study in full: how far it is, its grid as it fills, and what the runs say together so far."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QTabWidget, QVBoxLayout, QWidget

from app.core.law_words import law_words
from app.core.rows import JobRow
from app.ui import theme as themes
from app.ui.banner import Banner
from app.ui.choosers import combo
from app.ui.figure_files import FigureFiles
from app.ui.form_words import sentence, variant_of
from app.ui.job_head import JobHead
from app.ui.rows_table import Column, RowsTable
from app.ui.run_view import tell_trouble
from app.ui.study_rows import RANKED_BY, StudyLook, about, figures, ranked_by
from app.ui.study_tables import DifferenceTable, GridTable, RankingTable
from app.ui.theme import Theme
from app.ui.tiles import Tiles

if TYPE_CHECKING:
    from app.ui.scaling_plot import ScalingPlot

SCALING, DIFFERENCES = 2, 3
"""Tabs that not every study has: scaling where data size is an axis, differences where an axis is paired by seed."""
LOSS, ERROR = "validation_loss", "1 - probe AUROC"
WITHIN = "Losses are ranked within their objective: those of different objectives are not on one scale."
NO_RANKS = "The ranking comes when the first runs are done."


class StudyView(QWidget):
    """Shows one study; keeps tab, selection and place while its runs end."""

    scaling_shown = Signal(str, str)
    """Which number over the data size is drawn now, and of which objective."""

    def __init__(self, files: FigureFiles) -> None:
        super().__init__()
        self.files = files
        self.job_id = ""
        self.head, self.about, self.trouble = JobHead(), QLabel(), Banner()
        self.figures, self.notes = Tiles("Progress of the study"), QLabel()
        self.grid, self.ranking, self.differences = GridTable(), RankingTable(), DifferenceTable()
        self.rank_by, self.rank_note = combo("Rank by"), QLabel(NO_RANKS)
        self.scale_by = combo("Scaling of")
        self.fits = RowsTable(_fit_columns(), lambda fit: f"{fit.series}{fit.c}", "Power laws fitted")
        self.scaling: ScalingPlot | None = None
        self.tabs, self._scaling_tab = QTabWidget(), QWidget()
        self._plots: ModuleType | None = None
        self._seen: StudyLook | None = None
        self._lay_out()
        self.rank_by.currentIndexChanged.connect(lambda _row: self._tell_ranking())
        self.scale_by.currentIndexChanged.connect(lambda _row: self._tell_scaling())

    def show_job(self, job: JobRow) -> None:
        """Take over another study: nothing of the one before may stand under its name."""
        if job.job_id != self.job_id:
            self.job_id, self._seen = job.job_id, None
            self.about.setText("")
            self.grid.rows.set_rows([])
            self.ranking.rows.set_rows([])
            self.differences.rows.set_rows([])
            self.figures.setVisible(False)
            self._tell_notes([])
        self._tell_head(job)

    def show_look(self, seen: StudyLook) -> None:
        """Take over what a look brought back; a look at another study is passed over."""
        if seen.job.job_id != self.job_id:
            return
        self._seen = seen
        self._tell_head(seen.job)
        self.about.setText(about(seen))
        self.figures.show_figures(figures(seen))
        self.figures.setVisible(bool(seen.rows))
        self._tell_notes(seen.summary.notes)
        self.grid.show_runs(seen.axes, seen.rows)
        self._offer(ranked_by(seen.summary))
        self._tell_ranking()
        self.tabs.setTabVisible(SCALING, "records" in seen.axes)
        self.tabs.setTabVisible(DIFFERENCES, bool(seen.summary.differences))
        self.differences.rows.set_rows(seen.summary.differences)
        self._offer_scalings(seen)
        self._tell_scaling()

    def add_plots(self, plots: ModuleType) -> None:
        """Take the library of plots, once it is loaded."""
        self.scaling = plots.ScalingPlot(themes.current())
        self._plots = plots
        self._split.insertWidget(0, self.scaling)
        self._split.setSizes([540, 330])
        self._tell_scaling()

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs and plot."""
        self.trouble.repaint_sign()
        if self.scaling is not None:
            self.scaling.apply_theme(theme)
        for table in (self.grid, self.ranking):
            table.viewport().update()
        if self._seen is not None:
            self._tell_head(self._seen.job)

    def _tell_head(self, job: JobRow) -> None:
        self.head.show_job(job)
        tell_trouble(self.trouble, job)

    def _tell_notes(self, notes: list[str]) -> None:
        """What a reader of the figures must know: one seed, runs refused or collapsed."""
        self.notes.setText(" ".join(map(sentence, notes)))
        self.notes.setVisible(bool(notes))

    def _offer(self, metrics: list[str]) -> None:
        self.rank_by.offer([(RANKED_BY[metric], metric) for metric in metrics])

    def _offer_scalings(self, seen: StudyLook) -> None:
        """Losses of each objective by themselves: they are not on one scale; the probe's error of all together."""
        objectives = [str(value) for value in seen.detail.config.get("axes", {}).get("objective", ())] or [""]
        told = [(f"Held-out loss{f', {variant_of(name)}' if name else ''}", (LOSS, name)) for name in objectives]
        if any(row.metrics.get("probe_after") is not None for row in seen.rows):
            told.append(("Probe, 1 - macro AUROC", (ERROR, "")))
        self.scale_by.offer(told)

    def _tell_ranking(self) -> None:
        metric = self.rank_by.currentData() or ""
        if self._seen is not None:
            self.ranking.show_summary(self._seen.summary, metric)
        self.rank_by.setEnabled(bool(metric))
        self.rank_note.setText(WITHIN if metric == "validation_loss" else "" if metric else NO_RANKS)

    def _tell_scaling(self) -> None:
        if self._seen is None or self.scaling is None or self._plots is None or "records" not in self._seen.axes:
            return
        metric, objective = self.scale_by.currentData() or (LOSS, "")
        fits = self._seen.summary.fits
        self.scaling_shown.emit(metric, objective)
        series = self._plots.series_of(self._seen.rows, fits, metric, objective)
        self.scaling.show_series(series, ERROR if metric == ERROR else "held-out loss")
        names = {one.name for one in series}
        self.fits.rows.set_rows([fit for fit in fits if fit.metric == metric and fit.series in names])

    def _lay_out(self) -> None:
        for label in (self.about, self.rank_note, self.notes):
            label.setProperty("role", "muted")
        for label in (self.about, self.notes):
            label.setWordWrap(True)
        self._lay_out_tabs()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.head, self.about, self.trouble, self.figures, self.notes):
            column.addWidget(part)
        column.addWidget(self.tabs, 1)

    def _lay_out_tabs(self) -> None:
        ranking = QWidget()
        column = QVBoxLayout(ranking)
        column.setContentsMargins(0, 6, 0, 0)
        column.addLayout(_line("Rank by", self.rank_by, self.rank_note))
        column.addWidget(self.ranking, 1)
        inside = QVBoxLayout(self._scaling_tab)
        inside.setContentsMargins(0, 6, 0, 0)
        inside.addLayout(_line("Scaling of", self.scale_by, self.files))
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self.fits.setMinimumWidth(300)
        self._split.addWidget(self.fits)
        self._split.setChildrenCollapsible(False)
        inside.addWidget(self._split, 1)
        self.tabs.addTab(self.grid, "Runs")
        self.tabs.addTab(ranking, "Ranking")
        self.tabs.addTab(self._scaling_tab, "Scaling")
        self.tabs.addTab(self.differences, "Differences")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Ways to look at the study")
        self.tabs.tabBar().setAccessibleName("Views of the study")
        self.tabs.tabBar().setDrawBase(False)


def _line(text: str, choice: QWidget, note: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    label = QLabel(text)
    label.setBuddy(choice)
    choice.setMinimumWidth(180)
    row.addWidget(label)
    row.addWidget(choice)
    row.addSpacing(8)
    row.addWidget(note, 1)
    return row


def _fit_columns() -> tuple[Column, ...]:
    return (
        Column("Series", lambda fit: fit.series, 112),
        Column("Power law", law_words, 0),
        Column("R²", lambda fit: "–" if fit.r_squared is None else f"{fit.r_squared:.2f}", 52, numeric=True),
    )
