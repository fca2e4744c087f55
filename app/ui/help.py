"""Shortcut help, made from the table of actions, and the box that says what this program is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.ui.actions import ACTIONS
from engine.contract.version import VERSION

ECG_KEYS = (
    ("Left, Right", "Move in time by a tenth of the view"),
    ("Page up, Page down", "Move in time by a whole view"),
    ("Home, End", "Go to the start or the end"),
    ("Up, Down", "Larger or smaller gain"),
    ("[ and ]", "Slower or faster paper"),
    ("+ and -", "Zoom in or out; the wheel does the same"),
    ("0", "Fit ten seconds at 25 mm/s to the width"),
    ("1", "True size on this screen"),
    ("L", "Next layout"),
    ("C", "Caliper on or off; then drag, or use the arrows"),
    ("Shift + arrow", "Move the caliper whole"),
    ("Esc", "Remove the caliper"),
)
"""Keys of the ECG view, while it has the focus."""

MISTAKE_KEYS = (
    ("1 to 4", "Judge: model wrong, label wrong, recording poor, cannot tell"),
    ("0", "Take the verdict back"),
    ("Space", "Go on to the next one that is not yet reviewed"),
    ("N", "Write a note; Enter keeps it, Esc leaves it as it was"),
    ("Enter", "Open the trace"),
    ("Ctrl+C", "Copy the list with verdicts and notes"),
)
"""Keys of a model's worst mistakes, while their list has the focus."""

SCORE_KEYS = (
    ("Left, Right", "The neighbouring recording by score"),
    ("Up, Down", "The nearest one in the other row"),
    ("Enter", "Open the trace"),
)
"""Keys of the strip of scores at a threshold, while it has the focus."""

ABOUT = f"""<h3>Isoline {VERSION}</h3>
<p>Vets ECG models on your own recordings and writes what was found into a dossier that can be verified.</p>
<p>For research use and technical due diligence. It is a review tool, not an electrocardiograph, and gives no
diagnosis, clinical validation or approval.</p>
<p>Apache-2.0. Uses Qt through PySide6 under the LGPL-3.0, as libraries that you may replace.
Fonts: Noto, SIL Open Font License 1.1.</p>"""


class ShortcutHelp(QDialog):
    """Lists: the window's shortcuts, and the keys of the ECG view, of a model's worst mistakes and of its scores."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setColumnStretch(1, 1)
        window = [
            (QKeySequence(entry.shortcut).toString(QKeySequence.SequenceFormat.NativeText), entry.text.rstrip("…"))
            for entry in ACTIONS
            if entry.shortcut
        ]
        _fill(grid, "Window", window)
        _fill(grid, "ECG view", ECG_KEYS)
        _fill(grid, "Worst mistakes of a model", MISTAKE_KEYS)
        _fill(grid, "Scores at a threshold", SCORE_KEYS)
        body = QWidget()
        body.setLayout(grid)
        scroll = QScrollArea()
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        _close_below(self, scroll)
        self.resize(520, 640)


class AboutBox(QDialog):
    """Version, purpose, licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Isoline")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        text = QLabel(ABOUT)
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.RichText)
        _close_below(self, text)
        self.resize(460, 300)


def _fill(grid: QGridLayout, title: str, rows: Sequence[tuple[str, str]]) -> None:
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
    for keys, text in rows:
        line = grid.rowCount()
        grid.addWidget(QLabel(keys), line, 0)
        grid.addWidget(QLabel(text), line, 1)


def _close_below(dialog: QDialog, body: QWidget) -> None:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    column = QVBoxLayout(dialog)
    column.addWidget(body, 1)
    column.addWidget(buttons)
