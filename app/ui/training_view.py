"""One pretraining in full: what it is, what went wrong, its newest numbers, and its curves while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.core.rows import JobRow
from app.ui.banner import Banner
from app.ui.job_head import JobHead
from app.ui.run_view import tell_trouble
from app.ui.theme import Theme
from app.ui.tiles import Tiles
from app.ui.training_rows import TrainingLook, about, figures

if TYPE_CHECKING:
    from app.ui.training_plots import PlotWall


class TrainingView(QWidget):
    """Shows one run; keeps its place while new numbers come."""

    def __init__(self) -> None:
        super().__init__()
        self.job_id = ""
        self.head, self.about = JobHead(), QLabel()
        self.trouble, self.collapse = Banner(), Banner()
        self.figures = Tiles("Newest numbers of the pretraining")
        self.wall: PlotWall | None = None
        self._waits = QLabel()
        self._seen: TrainingLook | None = None
        self._lay_out()

    def show_job(self, job: JobRow) -> None:
        """Take over another run: nothing of the one before may stand under its name."""
        if job.job_id != self.job_id:
            self.job_id, self._seen = job.job_id, None
            self.about.setText("")
            self.collapse.clear()
            self.figures.setVisible(False)
            if self.wall is not None:
                self.wall.setVisible(False)
        self._tell_head(job)

    def show_look(self, seen: TrainingLook) -> None:
        """Take over what a look brought back; a look at another run is passed over."""
        if seen.job.job_id != self.job_id:
            return
        self._seen = seen
        self._tell_head(seen.job)
        self.about.setText(about(seen))
        self._tell_collapse(seen)
        told = figures(seen) if seen.series else []
        self.figures.show_figures(told)
        self.figures.setVisible(bool(told))
        self._draw(seen)

    def add_wall(self, wall: PlotWall) -> None:
        """Take the plots, once their library is loaded."""
        self.wall = wall
        self._column.insertWidget(self._column.indexOf(self._waits), wall, 1)
        wall.setVisible(False)
        if self._seen is not None:
            self._draw(self._seen)

    def apply_theme(self, theme: Theme) -> None:
        """Repaint signs and plots."""
        for banner in (self.trouble, self.collapse):
            banner.repaint_sign()
        if self.wall is not None:
            self.wall.apply_theme(theme)
        if self._seen is not None:
            self._tell_head(self._seen.job)

    def _draw(self, seen: TrainingLook) -> None:
        drawn = self.wall is not None and bool(seen.series)
        if self.wall is not None:
            self.wall.setVisible(drawn)
            if drawn:
                self.wall.show_look(seen)
        waits = {"queued": "It waits for its turn in the queue.", "running": "The first numbers are on their way."}
        self._waits.setText(waits.get(seen.job.state, "It ended before its first numbers."))
        self._waits.setVisible(not seen.series)

    def _tell_head(self, job: JobRow) -> None:
        note = job.message if job.state not in ("failed", "interrupted") else ""
        self.head.show_job(job, note)
        tell_trouble(self.trouble, job)

    def _tell_collapse(self, seen: TrainingLook) -> None:
        reason = seen.detail.collapsed
        advice = "What it has learned is of little use. Compare the variances below, then change objective or rate."
        if reason:
            self.collapse.tell("warn", f"Collapsed: {reason}", advice)
        else:
            self.collapse.clear()

    def _lay_out(self) -> None:
        for label in (self.about, self._waits):
            label.setProperty("role", "muted")
        self.about.setWordWrap(True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        for part in (self.head, self.about, self.trouble, self.collapse, self.figures, self._waits):
            self._column.addWidget(part)
        self._column.addStretch(0)
        self._waits.setVisible(False)
