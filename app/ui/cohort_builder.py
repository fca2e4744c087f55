"""The cohort builder: what is asked on the left, and beside it at once who is left and who is left out, and why.

The flow is counted in the background after a short pause in the changes. Each answer belongs to one question; an answer
to an older question than the one that the form now asks is thrown away.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.core.cohort_choices import CohortChoices
from app.core.cohort_plan import CohortPlan
from app.core.rows import CohortFlow, CohortRow
from app.core.words import counted
from app.ui.background import Background
from app.ui.cohort_form import CohortForm
from app.ui.flow_diagram import FlowView
from app.ui.messages import message_of
from app.ui.rows_table import fixed_font

if TYPE_CHECKING:
    from app.workspace import Workspace

PAUSE_MS = 200
"""After the last change of the form, before the flow is counted again."""
AGAIN_MS = 1000
"""After recordings have come or changed; an import tells of them four times a second."""
WIDTH, HEIGHT = 1180, 820
COUNTING, NOT_COUNTED = "Counting…", "These figures are of before: what is marked cannot be applied"
EMPTY = CohortPlan()

Question = tuple[tuple[str, ...], str | None, tuple[str, ...], bool]
"""What the flow depends on: labels, collection, rules, whether the official parts are taken."""


class CohortBuilder(QDialog):
    """Makes a cohort from scratch, or from what another one asked for.

    Args:
        workspace: the open workspace.
        background: the workers.
        parent: the page.
        plan: what the form shows first.
        taken: names that cohorts have already.
    """

    made = Signal(object)
    """The CohortRow."""

    def __init__(
        self,
        workspace: Workspace,
        background: Background,
        parent: QWidget | None,
        plan: CohortPlan = EMPTY,
        taken: Collection[str] = (),
    ) -> None:
        super().__init__(parent)
        self.workspace, self.background, self.taken = workspace, background, set(taken)
        self.answered: Question | None = None
        self.answer: CohortFlow | None = None
        self.making = self.counting = False
        self.form, self.view = CohortForm(), FlowView()
        self.left, self.state, self.reason, self.fault = QLabel(), QLabel(), QLabel(), QLabel()
        self.command, self.copy = QLineEdit(), QPushButton("Cop&y")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.make = self.buttons.addButton("&Make cohort", QDialogButtonBox.ButtonRole.AcceptRole)
        self.pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self.again = QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._dress()
        self._lay_out()
        self.form.begin(plan)
        self._connect()
        self._judge()
        background.read(workspace.cohort_choices, self._offer, failed=self._refused_choices, slow=True)

    def launch(self) -> None:
        """Have the cohort made; what the workspace refuses is told here."""
        if not self.make.isEnabled():
            return
        plan = self.form.plan()
        self.making = True
        self._tell_fault("")
        self._judge()
        self.background.write(
            partial(
                self.workspace.create_cohort,
                plan.name,
                labels=plan.labels,
                dataset=plan.dataset,
                folds=plan.asked_folds,
                holdout=plan.holdout,
                official=plan.official,
                seed=plan.seed,
                rules=plan.rules,
                search=True,
            ),
            self._made,
            touches=Changes.COHORTS | Changes.JOBS,
            failed=self._refused,
        )

    # Live flow.

    def question(self) -> Question:
        """What the form asks now."""
        plan = self.form.plan()
        return plan.labels, plan.dataset, plan.rules, plan.official

    def _offer(self, choices: CohortChoices) -> None:
        self.form.offer(choices)
        self._ask()

    def _changed(self) -> None:
        self._tell_fault("")
        self._judge()
        if self.question() != self.answered:
            self.pause.start()

    def _refused_choices(self, error: Exception) -> None:
        told = message_of(error)
        self._tell_fault(f"{told.title} {told.text}")
        self._judge()

    def _hear(self, changes: Changes) -> None:
        """Count again a second after recordings have changed, however often they do."""
        if changes & Changes.RECORDS and not self.again.isActive():
            self.again.start()

    def _ask_again(self) -> None:
        if self.counting:
            self.again.start()
        elif self.answered is not None:
            self._ask()

    def _ask(self) -> None:
        self.pause.stop()
        if self.form.rules.obstacle():
            return
        asked, self.counting = self.question(), True
        labels, dataset, rules, official = asked
        self.background.read(
            partial(self.workspace.eligible, labels, dataset, rules, official),
            partial(self._take, asked),
            key="cohort.flow",
            failed=partial(self._refused_flow, asked),
            slow=True,
        )

    def _take(self, asked: Question, flow: CohortFlow) -> None:
        self.counting = False
        if asked != self.question():
            return
        self.answered, self.answer = asked, flow
        self._tell_fault("")
        self.view.show_flow(flow)
        self._judge()

    def _refused_flow(self, asked: Question, error: Exception) -> None:
        self.counting = False
        if asked == self.question():
            told = message_of(error)
            self._tell_fault(f"{told.title} {told.text}")
            self._judge()

    # What can be done.

    def _judge(self) -> None:
        """Say what the form comes to: figures, the reason why no cohort can be made, the command line."""
        plan, fresh = self.form.plan(), self.answer is not None and self.answered == self.question()
        blocked = self.form.obstacle(self.taken)
        nobody = plan.obstacle(self.answer) if fresh and self.answer is not None else ""
        if self.making:
            reason = "Making the cohort…"
        elif not fresh:
            reason = blocked or ("" if self.fault.text() else COUNTING)
        else:
            reason = blocked or nobody
        self.form.tell_split("" if self.answer is not None and not self.answer.records else nobody)
        self.reason.setText(reason)
        self.make.setEnabled(not reason and fresh)
        self.make.setToolTip(reason)
        self.form.setEnabled(not self.making)
        self._tell_figures(fresh)
        self.command.setText(plan.command(str(self.workspace.path)))
        self.command.setCursorPosition(0)

    def _tell_figures(self, fresh: bool) -> None:
        flow, waiting = self.answer, NOT_COUNTED if self.form.rules.obstacle() or self.fault.text() else COUNTING
        self.view.diagram.set_stale(not fresh)
        self.form.rules.show_steps(flow.steps if flow is not None and fresh else None)
        if flow is None:
            self.left.setText("…")
            self.state.setText(waiting)
            return
        self.left.setText(f"{counted(flow.records, 'recording')} of {counted(flow.patients, 'patient')}")
        gone = flow.considered - flow.records
        self.state.setText(f"{gone:,} of {flow.considered:,} left out" if fresh else waiting)

    def _tell_fault(self, text: str) -> None:
        self.fault.setText(text)
        self.fault.setVisible(bool(text))

    def _made(self, row: CohortRow) -> None:
        self.made.emit(row)
        self.accept()

    def _refused(self, error: Exception) -> None:
        self.making = False
        told = message_of(error)
        self._tell_fault(f"{told.title} {told.text} {told.detail}".strip())
        self._judge()

    def _copy_command(self) -> None:
        QGuiApplication.clipboard().setText(self.command.text())
        self.copy.setText("Copied")
        QTimer.singleShot(1500, self.copy, lambda: self.copy.setText("Cop&y"))

    # Frame.

    def _connect(self) -> None:
        self.form.changed.connect(self._changed)
        self.pause.timeout.connect(self._ask)
        self.again.timeout.connect(self._ask_again)
        self.background.changed.connect(self._hear)
        self.copy.clicked.connect(self._copy_command)
        self.buttons.accepted.connect(self.launch)
        self.buttons.rejected.connect(self.reject)

    def _dress(self) -> None:
        self.setWindowTitle("New cohort")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.make.setProperty("role", "primary")
        self.left.setProperty("role", "title")
        self.state.setProperty("role", "muted")
        self.reason.setProperty("role", "muted")
        self.reason.setWordWrap(True)
        self.fault.setProperty("role", "bad")
        self.fault.setWordWrap(True)
        self.fault.hide()
        self.command.setReadOnly(True)
        self.command.setFont(fixed_font())
        self.command.setAccessibleName("The same on the command line")
        self.copy.setAccessibleName("Copy the command line")
        self.copy.setMinimumWidth(76)
        self.copy.setAutoDefault(False)

    def _lay_out(self) -> None:
        head = QVBoxLayout()
        head.setSpacing(0)
        head.addWidget(self.left)
        head.addWidget(self.state)
        panel = QFrame()
        panel.setProperty("role", "panel")
        inside = QVBoxLayout(panel)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.view)
        right = QVBoxLayout()
        right.addLayout(head)
        right.addWidget(panel, 1)
        body = QHBoxLayout()
        body.setSpacing(14)
        body.addWidget(self.form, 2)
        body.addLayout(right, 3)
        command, foot = QHBoxLayout(), QHBoxLayout()
        caption = QLabel("The same on the command line")
        caption.setProperty("role", "muted")
        for widget in (caption, self.command, self.copy):
            command.addWidget(widget)
        foot.addWidget(self.reason, 1)
        foot.addWidget(self.buttons)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addLayout(body, 1)
        column.addLayout(command)
        column.addWidget(self.fault)
        column.addLayout(foot)
        room = self.screen().availableGeometry()
        self.resize(min(WIDTH, room.width() - 40), min(HEIGHT, room.height() - 60))
