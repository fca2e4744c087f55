"""Badges of a recording's quality: the verdict and each finding, with the numbers behind it in the tooltip."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QToolButton, QToolTip

from app.core.rows import RecordRow
from app.ui import theme as themes
from app.ui.quality_words import VERDICTS, FindingView, findings_of, verdict_tip
from app.ui.signs import sign


class Badge(QToolButton):
    """A sign and a few words; the details come as a tooltip, on click and on Space too.

    Args:
        shape: name of the sign.
        token: name of the theme's colour for it.
        words: beside the sign.
        tip: HTML.
    """

    def __init__(self, shape: str, token: str, words: str, tip: str) -> None:
        super().__init__()
        self.shape, self.token = shape, token
        self.setProperty("role", "badge")
        self.setText(words)
        self.setToolTip(tip)
        self.setAccessibleName(words)
        self.setIconSize(QSize(12, 12))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(self._explain)
        self.dress()

    def dress(self) -> None:
        """Take over the theme's colours."""
        self.setIcon(sign(self.shape, getattr(themes.current(), self.token)))

    def _explain(self) -> None:
        below = self.mapToGlobal(QPoint(0, self.height()))
        # Without a time of its own a long tip would vanish while it is read.
        QToolTip.showText(below, self.toolTip(), self, self.rect(), 60_000)


def verdict_icon(row: RecordRow) -> QIcon:
    """The sign of a recording's verdict."""
    shape, token, *_ = VERDICTS[row.quality]
    return sign(shape, getattr(themes.current(), token))


def badges(row: RecordRow) -> list[Badge]:
    """The verdict, then what speaks against the recording."""
    shape, token, words, _ = VERDICTS[row.quality]
    told = [Badge(shape, token, words, verdict_tip(row))]
    return told + [_finding_badge(one, row.quality == "unusable") for one in findings_of(row)]


def _finding_badge(view: FindingView, unusable: bool) -> Badge:
    shape = "question" if view.suspicion else "diamond"
    return Badge(shape, "bad" if unusable and not view.suspicion else "warn", view.words, view.tip)
