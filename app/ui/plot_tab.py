"""One tab of figures of a comparison: which figure, of what, and a reading of the point that was pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from app.ui.background import Background
from app.ui.choosers import combo
from app.ui.compare_loading import Comparison
from app.ui.curve_reading import Reading, Way, first, nearest
from app.ui.figure_view import FigureView
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.report.figure import Figure
    from app.workspace import Workspace

Choices = Callable[[Comparison], list[tuple[str, str]]]
SHORTEST, LONGEST = 10, 44
"""Letters that a choice has room for."""
NARROW_PX = 760
"""Width below which there is room for the figure alone."""
HINT = "Press a point of a curve to read its threshold; the arrow keys move along it."


def nothing_to_choose(comparison: Comparison) -> list[tuple[str, str]]:
    """The choices of a figure that there is one of."""
    return []


@dataclass(frozen=True)
class Plot:
    """One kind of figure.

    Attributes:
        title: as offered: "ROC".
        make: draws it, off the window's thread, for a choice; gives None where there is nothing to draw.
        empty: heading and sentence that stand there instead: what is missing, and what to run.
        choices: of what it can be drawn, as (text, value).
        of: what the choice is, for screen readers: "Label".
        way: which curve its points lie on, where they can be read.
    """

    title: str
    make: Callable[[Workspace, Comparison, str], Figure | None]
    empty: tuple[str, str]
    choices: Choices = nothing_to_choose
    of: str = "Label"
    way: Way | None = None


class PlotTab(QWidget):
    """Figures of a comparison, one at a time; drawn off the window's thread when seen."""

    read_off = Signal(object)
    """The reading of the point that was pressed or stepped to; None where there is none any more."""

    def __init__(self, workspace: Workspace, background: Background, name: str, plots: Sequence[Plot]) -> None:
        super().__init__()
        self.workspace, self.plots = workspace, list(plots)
        self.kind, self.choice = combo(f"Kind of figure: {name}"), combo("Label")
        self.view = FigureView(workspace, background, name)
        self.reading = QLabel()
        self._of, self._comparison = QLabel(), None  # type: tuple[QLabel, Comparison | None]
        self._read: Reading | None = None
        self.beside: QWidget | None = None
        self._elsewhere = ""
        self._lay_out()
        self.kind.currentIndexChanged.connect(lambda _row: self._offer())
        self.choice.currentIndexChanged.connect(lambda _row: self._draw())
        self.view.clicked.connect(self._press)
        self.view.sheet.stepped.connect(self._step)

    @property
    def plot(self) -> Plot:
        """The kind of figure that is chosen."""
        return self.plots[max(self.kind.currentIndex(), 0)]

    def show_comparison(self, comparison: Comparison) -> None:
        """Draw another comparison; kind and choice stay where they can."""
        self._comparison = comparison
        self._offer()

    def set_beside(self, widget: QWidget, width: int, elsewhere: str) -> None:
        """Put what tells more of a reading to the right of the figure.

        Args:
            widget: what tells more.
            width: its width at first, in pixels.
            elsewhere: where the same is told when the tab is too narrow for both.
        """
        self.beside, self._elsewhere = QWidget(), elsewhere
        column = QVBoxLayout(self.beside)
        column.setContentsMargins(0, 8, 0, 0)
        column.addWidget(widget)
        self.room.addWidget(self.beside)
        self.room.setStretchFactor(0, 1)
        self.room.setSizes([2 * width, width])
        self._say()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow tab is the figure's: beside anything else its text could not be read."""
        super().resizeEvent(event)
        self._say()

    def _say(self) -> None:
        """Tell the reading, and more of it where there is room."""
        wide = self.width() >= NARROW_PX
        if self.beside is not None:
            self.beside.setVisible(wide)
        words = HINT if self._read is None else self._read.words
        more = f" {self._elsewhere}" if self._read is not None and self.beside is not None and not wide else ""
        self.reading.setText(words + more)

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours."""
        self.view.apply_theme(theme)

    def _offer(self) -> None:
        if self._comparison is None:
            return
        choices = self.plot.choices(self._comparison)
        self.choice.offer(choices)
        longest = max((len(text) for text, _ in choices), default=0)
        self.choice.setMinimumContentsLength(min(max(longest, SHORTEST), LONGEST))
        for widget in (self.choice, self._of):
            widget.setVisible(len(choices) > 1)
        self._of.setText(self.plot.of)
        self.choice.setAccessibleName(self.plot.of)
        self._draw()

    def _draw(self) -> None:
        comparison, plot = self._comparison, self.plot
        if comparison is None:
            return
        self._tell(None)
        readable = Qt.FocusPolicy.StrongFocus if plot.way else Qt.FocusPolicy.NoFocus
        self.view.sheet.setFocusPolicy(readable)
        self.view.tell_empty(*plot.empty)
        self.view.draw(partial(plot.make, self.workspace, comparison, self.choice.currentData() or ""))

    def _press(self, x: float, y: float) -> None:
        at = self._plane()
        if at is not None and self._comparison is not None and self.plot.way is not None:
            label = self.choice.currentData() or ""
            self._tell(nearest(self._comparison.evaluations, label, self.plot.way, at, (x, y)))

    def _step(self, step: int) -> None:
        if self._comparison is None or self.plot.way is None:
            return
        begun = first(self._comparison.evaluations, self.choice.currentData() or "")
        self._tell(begun if self._read is None else self._read.moved(step))

    def _tell(self, read: Reading | None) -> None:
        self._read = read
        self._say()
        self.reading.setVisible(self.plot.way is not None)
        at = self._plane()
        mark = None if read is None or at is None or self.plot.way is None else at(*read.at(self.plot.way))
        self.view.sheet.mark(mark)
        self.read_off.emit(read)

    def _plane(self) -> Callable[[float, float], tuple[float, float]] | None:
        """Where a point of the plane lies in the drawing, for figures that are one plane."""
        from app.report.curve_plot import CurvePlot  # here: it brings ReportLab, which the window starts without

        drawing = None if self.view.figure is None else self.view.figure.drawing
        return drawing.place if isinstance(drawing, CurvePlot) else None

    def _lay_out(self) -> None:
        self.kind.offer([(plot.title, plot.title) for plot in self.plots])
        self.reading.setProperty("role", "muted")
        self.reading.setWordWrap(True)
        self.reading.setAccessibleName("Threshold read off the curve")
        self.reading.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._of.setBuddy(self.choice)
        self.kind.setVisible(len(self.plots) > 1)
        self.view.lead(self.kind, self._of, self.choice)
        self.kind.setMinimumContentsLength(max(len(plot.title) for plot in self.plots))
        self.choice.setVisible(False)
        self._of.setVisible(False)
        self.reading.setVisible(False)
        self.room = QSplitter()
        self.room.setChildrenCollapsible(False)
        self.room.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.room, 1)
        column.addWidget(self.reading)
