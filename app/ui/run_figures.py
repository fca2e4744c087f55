"""The figures of one run that looks further than an evaluation: one at a time, chosen by its title."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.background import Background
from app.ui.choosers import combo
from app.ui.figure_view import FigureView
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.report.figure import Figure
    from app.workspace import Workspace

DRAWN = ("stress", "drift", "efficiency", "version")
"""Kinds of run whose figures stand in the run's view."""


class RunFigures(QWidget):
    """Asks for all figures of a run once it is seen, shows the first, and the others as they are chosen."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace = workspace
        self.view = FigureView(workspace, background, "Figure of the run")
        self.choice = combo("Which figure")
        self.choice.setMinimumSize(QSize(180, 0))
        self.view.lead(self.choice)
        self.job_id = ""
        self._made: tuple[str, list[Figure]] = ("", [])
        self._told = ""
        self.choice.currentIndexChanged.connect(self._choose)
        self.view.drawn.connect(self._tell)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view)
        self._offer([])

    def show_run(self, job_id: str) -> None:
        """Draw the figures of a run that is done; those that stand already are left alone."""
        if job_id == self.job_id:
            return
        self.job_id = job_id
        self._offer([])
        self.view.draw(partial(self._make, job_id))

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours."""
        self.view.apply_theme(theme)

    def _make(self, job_id: str) -> Figure | None:
        """All figures, kept, and the first of them; off the window's thread."""
        made = self.workspace.run_figures(job_id)
        self._made = (job_id, made)
        return next(iter(made), None)

    def _tell(self) -> None:
        """Once the first is drawn: offer all of them by title."""
        job_id, made = self._made
        if job_id == self.job_id and self._told != job_id:
            self._told = job_id
            self._offer([one.title for one in made])

    def _offer(self, titles: list[str]) -> None:
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems(titles)
        self.choice.blockSignals(False)
        self.choice.setVisible(len(titles) > 1)
        self._told = self._told if titles else ""

    def _choose(self, place: int) -> None:
        made = self._made[1]
        if 0 <= place < len(made):
            self.view.draw(partial(_one_of, made, place))


def _one_of(made: list[Figure], place: int) -> Figure:
    return made[place]
