"""The line below the gallery: what do you make of this mistake? Four verdicts and a short note."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.core.review_rows import LONGEST_NOTE, VERDICTS, Review
from app.ui import theme as themes
from app.ui.failure_words import VERDICT_SIGNS, VERDICT_TIPS
from app.ui.signs import sign

ASKED = "Note (optional), for instance what speaks for it"
GAP_PX, NOTE_PX, ICON_PX = 6, 160, 14
FIRST = "A note can go with a verdict"


class NoteField(QLineEdit):
    """A line to write in; Escape puts back what stood there."""

    left = Signal()
    """Enter or Escape: whoever was before it has the focus again."""

    def __init__(self) -> None:
        super().__init__()
        self.setMaxLength(LONGEST_NOTE)
        self.setAccessibleName("Note on this mistake")
        self.kept = ""
        self.returnPressed.connect(self.left)

    def put(self, text: str) -> None:
        """Show a note that is kept."""
        self.kept = text
        self.setText(text)
        self.setCursorPosition(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape gives up the change."""
        if event.key() == Qt.Key.Key_Escape:
            self.put(self.kept)
            self.left.emit()
        else:
            super().keyPressEvent(event)


class ReviewBar(QWidget):
    """Verdict and note of one mistake."""

    judged = Signal(str)
    """The verdict that was pressed; empty where the one that stands was taken back."""
    noted = Signal(str)
    """Another note for the verdict that stands."""

    def __init__(self) -> None:
        super().__init__()
        self.buttons = {verdict: QToolButton() for verdict in VERDICTS}
        self.note, self.refusal = NoteField(), QLabel()
        self._review: Review | None = None
        self.narrow = False
        self._dress()
        self._lay_out()
        for verdict, button in self.buttons.items():
            button.clicked.connect(lambda on, verdict=verdict: self.judged.emit(verdict if on else ""))
        self.note.editingFinished.connect(self._note_ended)
        self.show_review(None, False)

    def show_review(self, review: Review | None, there: bool = True) -> None:
        """Show what was made of a mistake; `there` is False where none is chosen."""
        self._review = review
        theme = themes.current()
        for verdict, button in self.buttons.items():
            on = review is not None and review.verdict == verdict
            name, token = VERDICT_SIGNS[verdict]
            button.setEnabled(there)
            button.setChecked(on)
            button.setIcon(sign(name, theme.accent_text if on else getattr(theme, token)))
        self.note.put("" if review is None else review.note)
        self.note.setEnabled(review is not None)
        self.note.setPlaceholderText(FIRST if review is None else ASKED)
        self._mark(False)

    def written(self) -> str | None:
        """What stands in the field for a note, kept or not; None where no note can be given yet."""
        return " ".join(self.note.text().split()) if self.note.isEnabled() else None

    def refuse(self, reason: str) -> None:
        """Say why a note was not kept; it stays to be mended."""
        self.refusal.setText(reason)
        self._mark(True)

    def _note_ended(self) -> None:
        text = self.written()
        if self._review is not None and text is not None and text != self._review.note:
            self._mark(False)
            self.noted.emit(text)

    def _mark(self, wrong: bool) -> None:
        self.refusal.setVisible(wrong)
        if self.note.property("wrong") != wrong:
            self.note.setProperty("wrong", wrong)
            self.note.style().polish(self.note)

    def _dress(self) -> None:
        bold = QFont(self.font())
        bold.setBold(True)
        for place, (verdict, button) in enumerate(self.buttons.items(), 1):
            button.setText(f" {place} {verdict.capitalize()}")
            button.setToolTip(f"{VERDICT_TIPS[verdict]} ({place}). Press again to take it back (0)")
            button.setAccessibleName(verdict.capitalize())
            button.setCheckable(True)
            button.setProperty("role", "toggle")
            button.setIconSize(QSize(ICON_PX, ICON_PX))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            # The style sheet sets it in bold while it is on, and Qt reckons its width without that.
            button.setMinimumWidth(QFontMetrics(bold).horizontalAdvance(button.text()) + ICON_PX + 16)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.refusal.setProperty("role", "bad")
        self.refusal.setWordWrap(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where the buttons leave no room for a note it stands below them."""
        super().resizeEvent(event)
        buttons = sum(
            max(button.sizeHint().width(), button.minimumWidth()) for button in self.buttons.values()
        ) + GAP_PX * len(self.buttons)
        self.narrow = event.size().width() < buttons + NOTE_PX
        below = self._lines.indexOf(self.note) >= 0
        if self.narrow and not below:
            self._row.removeWidget(self.note)
            self._lines.insertWidget(1, self.note)
        elif below and not self.narrow:
            self._lines.removeWidget(self.note)
            self._row.insertWidget(len(self.buttons), self.note, 1)

    def _lay_out(self) -> None:
        self._row, self._lines = QHBoxLayout(), QVBoxLayout(self)
        self._row.setSpacing(GAP_PX)
        for button in self.buttons.values():
            self._row.addWidget(button)
        self._row.addWidget(self.note, 1)
        self._row.addStretch(0)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(4)
        self._lines.addLayout(self._row)
        self._lines.addWidget(self.refusal)
