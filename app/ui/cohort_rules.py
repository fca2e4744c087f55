"""The list of rules in the cohort builder: rows to be edited, put in order and taken away."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeySequence, QMouseEvent, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.cohort_choices import CohortChoices
from app.ui.cohort_rule_editors import RuleEditor, editor_of, kind_of
from app.ui.cohort_words import TITLES
from app.ui.icons import icon
from app.ui.signs import sign
from app.ui.theme import Theme, current
from engine.contract.eligibility import AnyRule, parse_rule
from engine.contract.errors import UsageError
from engine.data.eligibility import Step

UNSAID = "Nothing is chosen yet: it leaves out nobody"


class RuleRow(QFrame):
    """One rule: what it is about, how many it leaves out, its editor, and what is wrong with it."""

    changed = Signal()
    moved = Signal(int)
    """Up (-1) or down (+1)."""
    dropped = Signal()
    dragged = Signal(QPoint)
    """Where the mouse, which holds the row, is now: a point of the row."""

    def __init__(self, editor: RuleEditor) -> None:
        super().__init__()
        self.editor, self.gone, self.note, self.grip = editor, QLabel(), QLabel(), QLabel()
        self._held_at: QPoint | None = None
        title = TITLES[editor.what]
        self.up = _tool(f"Move the rule {title} up (Alt+Up)", Qt.ArrowType.UpArrow)
        self.down = _tool(f"Move the rule {title} down (Alt+Down)", Qt.ArrowType.DownArrow)
        self.drop = _tool(f"Take the rule {title} away")
        self._lay_out(title)
        editor.changed.connect(self._edited)
        self.up.clicked.connect(lambda: self.moved.emit(-1))
        self.down.clicked.connect(lambda: self.moved.emit(1))
        self.drop.clicked.connect(lambda: self.dropped.emit())
        for keys, by in (("Alt+Up", -1), ("Alt+Down", 1)):
            shortcut = QShortcut(QKeySequence(keys), self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda by=by: self.moved.emit(by))
        self.judge()

    @property
    def fault(self) -> str:
        """What is wrong with the words; empty when they are a rule, or when nothing is chosen yet."""
        words = self.editor.words()
        try:
            if words:
                parse_rule(words)
        except UsageError as error:
            return error.reason[:1].upper() + error.reason[1:]
        return ""

    def tell(self, step: Step | None) -> None:
        """Say how many recordings the rule leaves out; None while that is not known."""
        gone = 0 if step is None else sum(step.excluded.values())
        self.gone.setText("" if step is None else f"−{gone:,}" if gone else "leaves out nobody")

    def apply_theme(self, theme: Theme) -> None:
        """Draw cross and grip in the theme's colour."""
        self.drop.setIcon(icon("close", theme.muted))
        self.grip.setPixmap(sign("grip", theme.muted).pixmap(14, 14))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the row, wherever there is nothing else to press."""
        self._held_at = event.position().toPoint() if event.button() is Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell where the row is pulled to; a hand that trembles moves nothing."""
        at = event.position().toPoint()
        far = self._held_at is not None and (at - self._held_at).manhattanLength() >= QApplication.startDragDistance()
        if far or self.property("dragged"):
            self._mark_dragged(True)
            self.dragged.emit(at)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let the row go where it is."""
        self._held_at = None
        self._mark_dragged(False)

    def _mark_dragged(self, on: bool) -> None:
        if bool(self.property("dragged")) != on:
            self.setProperty("dragged", on)
            self.style().unpolish(self)
            self.style().polish(self)

    def _edited(self) -> None:
        self.judge()
        self.changed.emit()

    def judge(self) -> None:
        """Say below the editor what is wrong, or that nothing is chosen yet."""
        fault, unsaid = self.fault, not self.editor.words()
        self.note.setText(fault or (UNSAID if unsaid else ""))
        self.note.setVisible(bool(self.note.text()))
        self.note.setProperty("role", "bad" if fault else "warn")
        self.note.style().unpolish(self.note)
        self.note.style().polish(self.note)
        self.editor.mark(bool(fault))

    def _lay_out(self, title: str) -> None:
        self.setProperty("role", "panel")
        self.setAccessibleName(f"Rule: {title}")
        heading = QLabel(title)
        heading.setProperty("role", "heading")
        self.gone.setProperty("role", "muted")
        self.note.setWordWrap(True)
        for part in (self.grip, heading):
            part.setCursor(Qt.CursorShape.SizeVerCursor)
            part.setToolTip("Drag to change the order (Alt+Up, Alt+Down)")
        top = QHBoxLayout()
        top.setSpacing(2)
        top.addWidget(self.grip)
        top.addWidget(heading, 1)
        top.addWidget(self.gone)
        top.addSpacing(6)
        for button in (self.up, self.down, self.drop):
            top.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 6, 8)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self.editor)
        column.addWidget(self.note)


class RuleList(QWidget):
    """Rules in the order in which they are applied, and a button that offers more."""

    changed = Signal()
    pulled = Signal(QPoint)
    """A row is dragged: where the mouse is in the list, so that whoever scrolls it can follow."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[RuleRow] = []
        self.add = QPushButton("Add rule")
        self._menu = QMenu(self)
        self._choices = CohortChoices()
        for what, title in TITLES.items():
            self._menu.addAction(title).triggered.connect(lambda _on=False, what=what: self.add_rule(what))
        self.add.setMenu(self._menu)
        self.setFocusProxy(self.add)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)

    def offer(self, choices: CohortChoices) -> None:
        """Take over what the workspace holds; rows that stand keep what they offer."""
        self._choices = choices

    def add_rule(self, what: str) -> RuleRow:
        """Add an empty rule of a kind, and go to it."""
        row = self._row(what)
        row.editor.setFocus(Qt.FocusReason.OtherFocusReason)
        self._settle()
        return row

    def put(self, rules: Sequence[str]) -> None:
        """Show these rules and no others. Raises UsageError for words that are no rule."""
        told = [parse_rule(rule) for rule in rules]
        for row in self.rows:
            self._remove(row)
        self.rows = []
        for rule in told:
            self._show(rule)
        self._settle()

    def words(self) -> tuple[str, ...]:
        """The rules as the command line takes them; those of which nothing is chosen yet are left out."""
        return tuple(words for row in self.rows if (words := row.editor.words()))

    def obstacle(self) -> str:
        """Why the rules cannot be applied as they stand; empty when they can."""
        wrong = next((row for row in self.rows if row.fault), None)
        return "" if wrong is None else f"The rule on {TITLES[wrong.editor.what].lower()} cannot be applied"

    def unsaid(self) -> str:
        """Which rule says nothing yet; empty when all do."""
        empty = next((row for row in self.rows if not row.editor.words()), None)
        return "" if empty is None else f"The rule on {TITLES[empty.editor.what].lower()} says nothing yet"

    def show_steps(self, steps: Sequence[Step] | None) -> None:
        """Tell beside each rule how many it leaves out; None while it is being counted."""
        said = [row for row in self.rows if row.editor.words()]
        own: Sequence[Step | None] = [None] * len(said) if steps is None else steps[len(steps) - len(said) :]
        for row, step in zip(said, own, strict=True):
            row.tell(step)
        for row in self.rows:
            if row not in said:
                row.tell(None)

    def apply_theme(self, theme: Theme) -> None:
        """Hand the theme on."""
        for row in self.rows:
            row.apply_theme(theme)

    def _show(self, rule: AnyRule) -> None:
        what = kind_of(rule)
        row = self._row("leads" if what == "measured" else what)
        row.editor.put(rule)
        row.judge()

    def _row(self, what: str) -> RuleRow:
        row = RuleRow(editor_of(what, self._choices))
        row.apply_theme(current())
        row.changed.connect(self.changed)
        row.moved.connect(lambda by: self._move(row, by))
        row.dropped.connect(lambda: self._take_away(row))
        row.dragged.connect(lambda at: self._pull(row, row.mapTo(self, at)))
        self._column.insertWidget(len(self.rows), row)
        self.rows.append(row)
        return row

    def _move(self, row: RuleRow, by: int) -> None:
        place = self.rows.index(row)
        to = place + by
        if not 0 <= to < len(self.rows):
            return
        focus = self.focusWidget() if row.isAncestorOf(self.window().focusWidget() or self) else None
        self.rows.insert(to, self.rows.pop(place))
        self._column.removeWidget(row)
        self._column.insertWidget(to, row)
        self._settle()
        if focus is not None and row.isAncestorOf(focus):
            focus.setFocus(Qt.FocusReason.OtherFocusReason)

    def _pull(self, row: RuleRow, at: QPoint) -> None:
        """Move a row past each neighbour of which the mouse has passed the middle."""
        middles = [one.geometry().center().y() for one in self.rows]
        place = to = self.rows.index(row)
        while to > 0 and at.y() < middles[to - 1]:
            to -= 1
        while to < len(self.rows) - 1 and at.y() > middles[to + 1]:
            to += 1
        if to != place:
            self._move(row, to - place)
            self._column.activate()  # the next move of the mouse is measured against the rows as they stand then
        self.pulled.emit(at)

    def _take_away(self, row: RuleRow) -> None:
        place = self.rows.index(row)
        self.rows.remove(row)
        self._remove(row)
        beside = self.rows[min(place, len(self.rows) - 1)].drop if self.rows else self.add
        beside.setFocus(Qt.FocusReason.OtherFocusReason)
        self._settle()

    def _remove(self, row: RuleRow) -> None:
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()

    def _settle(self) -> None:
        """Buttons and Tab follow the order; whoever listens hears of it."""
        before: QWidget | None = None
        for place, row in enumerate(self.rows):
            row.up.setEnabled(place > 0)
            row.down.setEnabled(place < len(self.rows) - 1)
            for widget in _tabbed(row):
                if before is not None:
                    QWidget.setTabOrder(before, widget)
                before = widget
        if before is not None:
            QWidget.setTabOrder(before, self.add)
        self.changed.emit()


def _tabbed(row: RuleRow) -> list[QWidget]:
    """What the keyboard reaches in a row, in the order in which it is read."""
    inside = [
        widget
        for widget in row.editor.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not widget.focusProxy()
        and widget.window() is row.window()  # the list of a combo box is a window of its own
    ]
    return [*inside, row.up, row.down, row.drop]


def _tool(name: str, arrow: Qt.ArrowType = Qt.ArrowType.NoArrow) -> QToolButton:
    button = QToolButton()
    button.setAutoRaise(True)
    button.setArrowType(arrow)
    button.setFixedSize(24, 24)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setToolTip(name)
    button.setAccessibleName(name)
    return button
