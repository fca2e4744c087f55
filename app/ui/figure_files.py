"""Buttons that write a figure to files: the drawing as SVG and PNG on white, the numbers behind it as CSV."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from app.core.whole_file import write_file
from app.ui.background import Background
from app.ui.figure_colours import qt_fonts

if TYPE_CHECKING:
    from app.report.figure import Figure
    from app.workspace import Workspace

BUTTONS = ((".svg", "SVG…"), (".png", "PNG…"), (".csv", "Numbers…"))
FILTERS = {".svg": "SVG (*.svg)", ".png": "PNG (*.png)", ".csv": "CSV (*.csv)"}
MARGIN = 10.0
"""Around a drawing, in points."""
PNG_SCALE = 300 / 72
"""Pixels a point of a PNG: 300 to the inch, as journals ask for."""
MOST_PIXELS, MOST_SIDE = 40_000_000, 30_000
"""Of a PNG, and along its longer side: beyond, programs that show pictures give up."""


class FigureFiles(QWidget):
    """One button for each kind of file that a figure can be written to.

    Args:
        workspace: refuses to let out what names somebody.
        background: writes.
        name: what the figure is, for screen readers: "ROC curves".
    """

    def __init__(self, workspace: Workspace, background: Background, name: str) -> None:
        super().__init__()
        self.workspace, self.background, self.name = workspace, background, name
        self.figure: Figure | None = None
        self.buttons = {ending: QPushButton(text) for ending, text in BUTTONS}
        self._svg = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        for ending, one in self.buttons.items():
            one.setAccessibleName(f"Export {name} as {ending[1:].upper()}")
            one.clicked.connect(lambda _on=False, ending=ending: self.save_as(ending))
            row.addWidget(one)
        self.offer(None)

    def offer(self, figure: Figure | None, svg: str = "") -> None:
        """Take the figure that is on the screen now, and its SVG where it is made already; none takes the buttons away.

        Args:
            figure: the figure.
            svg: what `figure_svg` gave for it.
        """
        self.figure, self._svg = figure, svg or figure_svg(figure)
        for ending, one in self.buttons.items():
            one.setVisible(figure is not None and (ending != ".csv" or bool(figure.numbers)))

    def save_as(self, ending: str) -> QFileDialog | None:
        """Ask for a file of this kind (".svg", ".png", ".csv") and write it."""
        if self.figure is None:
            return None
        dialog = QFileDialog(self, f"Export {self.name}", f"{self.figure.name}{ending}", FILTERS[ending])
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(ending[1:])
        dialog.fileSelected.connect(lambda file: self.write(Path(file), ending))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def write(self, path: Path, ending: str) -> None:
        """Write figure or numbers, whole or not at all, unless they name somebody."""
        if self.figure is None:
            return
        save = partial(_write, self.workspace, path, ending, self.figure, self._svg)
        self.background.write(save)


def figure_svg(figure: Figure | None) -> str:
    """A figure as SVG text; empty where there is none."""
    if figure is None:
        return ""
    from app.report.svg import svg_text  # here: it brings ReportLab, which the window starts without

    return svg_text(figure.drawing, figure.title, figure.told, MARGIN)


def png(svg: str) -> bytes:
    """An SVG figure as a PNG on white, 300 pixels to the inch, fewer where that would give more than can be opened."""
    renderer = QSvgRenderer(QByteArray(qt_fonts(svg).encode()))
    size = renderer.viewBoxF().size()
    scale = min(PNG_SCALE, math.sqrt(MOST_PIXELS / (size.width() * size.height())), MOST_SIDE / size.height())
    image = QImage((size * scale).toSize(), QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    per_metre = round(scale * 72 / 0.0254)
    image.setDotsPerMeterX(per_metre)
    image.setDotsPerMeterY(per_metre)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, image.width(), image.height()))
    painter.end()
    content = QBuffer()
    content.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(content, "PNG")  # type: ignore[call-overload]
    return bytes(content.data().data())


def _write(workspace: Workspace, path: Path, ending: str, figure: Figure, svg: str) -> None:
    """Write a file unless it would name somebody; called off the window's thread."""
    from app.core.leaving import cells_of_csv, shown_of_svg  # here: it brings the database

    what = "the CSV file" if ending == ".csv" else "the figure"
    texts = {"figure": shown_of_svg(svg), "numbers": cells_of_csv(figure.numbers)}
    workspace.refuse_identifiers(what, path, texts)
    makers: dict[str, Callable[[], bytes]] = {".png": partial(png, svg), ".csv": figure.numbers.encode}
    write_file(what, path, makers.get(ending, svg.encode)())
