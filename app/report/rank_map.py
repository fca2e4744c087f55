"""Ranks of models on every task as a map: one row a task, one column a model, the rank printed in every cell."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.lib.colors import white

from app.report import style
from app.report.charts import heat_color
from app.report.drawn import Drawn, draw_text
from app.report.figure import Figure
from app.report.figure_numbers import csv_text
from engine.contract.ranking import Ranking, TaskRanks

ROW, HEAD, TITLE = 15.0, 76.0, 20.0
DARKEST = 0.72
"""Colour of rank 1; below half of it the cell's text is dark."""


def ranks_by_task(ranking: Ranking) -> Figure | None:
    """The rank of every model on every task, tasks of a category together; None where no model is ranked."""
    tasks = [task for task in ranking.tasks if any(one.rank is not None for one in task.models)]
    if not tasks:
        return None
    told = (
        f"Rank of each model on each task, 1 is best; a model {ranking.rule}. A dash: the score is undefined. Tasks in "
        "brackets do not count in averages, since a model has no score there."
    )
    rows = [(task.category, task.task, one.model, one.score, one.rank) for task in ranking.tasks for one in task.models]
    numbers = csv_text(("category", "task", "model", "score", "rank"), rows)
    return Figure("ranks-by-task", "Ranks by task", told, RankMap(ranking.models, tasks), numbers)


class RankMap(Drawn):
    """Rows of ranks, the better the darker."""

    def __init__(self, models: Sequence[str], tasks: Sequence[TaskRanks], width: float = style.WIDTH) -> None:
        super().__init__()
        self.models, self.tasks = list(models), list(tasks)
        widest = max(style.text_width(_name(task), style.SANS, 8) for task in tasks)
        self._left = min(0.35 * width, widest + 10)
        self._cell = min(64.0, (width - self._left) / len(models))
        self.width = width
        self.height = TITLE + HEAD + ROW * len(tasks)

    def draw(self) -> None:
        """Draw the title, the names of the models aslant, and the rows."""
        draw_text(self.canv, 0, self.height - 9, "Ranks by task", style.BOLD, 9, style.INK)
        for column, model in enumerate(self.models):
            self._head(column, model)
        for row, task in enumerate(self.tasks):
            self._row(task, self.height - TITLE - HEAD - ROW * (row + 1))

    def _head(self, column: int, model: str) -> None:
        canvas = self.canv
        canvas.saveState()
        canvas.translate(self._left + (column + 0.5) * self._cell, self.height - TITLE - HEAD + 4)
        canvas.rotate(40)
        draw_text(canvas, 0, 0, style.fit_text(model, style.SANS, 7.5, 106), style.SANS, 7.5, style.INK)
        canvas.restoreState()

    def _row(self, task: TaskRanks, y: float) -> None:
        canvas = self.canv
        name = style.fit_text(_name(task), style.SANS, 8, self._left - 6)
        draw_text(canvas, 0, y + 4.5, name, style.SANS, 8, style.INK)
        by_model = {one.model: one.rank for one in task.models}
        for column, model in enumerate(self.models):
            rank, x = by_model.get(model), self._left + column * self._cell
            depth = 0.0 if rank is None else DARKEST * (1 - (rank - 1) / max(1, len(self.models) - 1))
            canvas.setFillColor(heat_color(depth) if rank is not None else white)
            canvas.rect(x + 0.5, y + 0.5, self._cell - 1, ROW - 1, stroke=0, fill=1)
            ink = white if depth > DARKEST / 2 else style.INK
            told = "–" if rank is None else str(rank)
            draw_text(canvas, x + self._cell / 2, y + 4.6, told, style.SANS, 8, ink, "center")


def _name(task: TaskRanks) -> str:
    return task.task if task.counted else f"({task.task})"
