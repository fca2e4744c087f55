"""One cohort: its figures, who was left out and why, its split, how it was made, and what is known of leaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QTabWidget, QVBoxLayout, QWidget

from app.core.cohort_plan import plan_of
from app.core.rows import CohortFlow, CohortRow
from app.ui.background import Background
from app.ui.cohort_split import SplitTables
from app.ui.cohort_words import rule_words
from app.ui.flow_diagram import FlowView
from app.ui.leakage_view import LeakageView
from app.ui.rows_table import fixed_font
from app.ui.run_facts import local_time
from app.ui.theme import Theme
from app.ui.tiles import Figure, Tiles
from engine.contract.eligibility import parse_rule
from engine.data.splits import Part

if TYPE_CHECKING:
    from app.workspace import Workspace

FINAL = "In the cohort"
"""What the diagram of a cohort that there is calls those who are left."""
LEAK_WORDS = {
    "not searched": ("Not searched", "warn"),
    "searching": ("Searching", "muted"),
    "none found": ("None found", "good"),
    "leaks": ("Leaks found", "bad"),
}


@dataclass(frozen=True)
class CohortSeen:
    """What is shown of a cohort."""

    row: CohortRow
    flow: CohortFlow
    parts: list[Part]


def look(workspace: Workspace, name: str) -> CohortSeen:
    """Read what is shown of a cohort; for the reading worker."""
    return CohortSeen(workspace.cohort(name), workspace.cohort_flow(name), workspace.cohort_parts(name))


class CohortView(QWidget):
    """Figures above, tabs below."""

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__()
        self.workspace = workspace
        self.seen: CohortSeen | None = None
        self.tiles, self.tabs = Tiles("Figures of the cohort"), QTabWidget()
        self.flow, self.split = FlowView(), SplitTables()
        self.asked, self.command, self.copy = QLabel(), QLineEdit(), QPushButton("Cop&y")
        self.leaks = LeakageView(workspace, background)
        self._lay_out()
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.text()))

    def show_row(self, row: CohortRow | None) -> None:
        """Show at once what the list knows of a cohort; what was seen of another one is gone."""
        if self.seen is not None and (row is None or self.seen.row.name != row.name):
            self.seen = None
            self.flow.show_flow(None)
            self.split.show_parts(())
        if row is None:
            return
        self.tiles.show_figures(_figures(row, None if self.seen is None else self.seen.flow))
        self.asked.setText(asked_words(row))
        self.command.setText(plan_of(row).command(str(self.workspace.path)))
        self.command.setCursorPosition(0)
        if self.leaks.cohort != row.name:
            self.leaks.show_cohort(row.name)
        else:
            self.leaks.refresh()

    def show_seen(self, seen: CohortSeen) -> None:
        """Show what was read of the cohort."""
        self.seen = seen
        self.flow.show_flow(seen.flow, seen.parts, FINAL)
        self.split.show_parts(seen.parts)
        self.tiles.show_figures(_figures(seen.row, seen.flow))

    def apply_theme(self, theme: Theme) -> None:
        """Repaint the diagram; hand the theme on."""
        self.flow.diagram.update()
        self.leaks.apply_theme(theme)

    def _lay_out(self) -> None:
        panel = QFrame()
        panel.setProperty("role", "panel")
        inside = QVBoxLayout(panel)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.flow)
        self.tabs.addTab(_padded(panel), "Who is in it")
        self.tabs.addTab(self.split, "Split and labels")
        self.tabs.addTab(self._how(), "How it was made")
        self.tabs.addTab(_padded(self.leaks), "Leaks")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Parts of what is known of the cohort")
        self.tabs.tabBar().setDrawBase(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tiles)
        column.addWidget(self.tabs, 1)

    def _how(self) -> QWidget:
        self.asked.setWordWrap(True)
        self.asked.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.asked.setTextFormat(Qt.TextFormat.PlainText)
        self.asked.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.command.setReadOnly(True)
        self.command.setFont(fixed_font())
        self.command.setAccessibleName("The command line that makes the same cohort")
        caption = QLabel("The command line that makes the same cohort of the same recordings")
        caption.setProperty("role", "muted")
        row = QHBoxLayout()
        row.addWidget(self.command, 1)
        row.addWidget(self.copy)
        panel = QFrame()
        panel.setProperty("role", "panel")
        column = QVBoxLayout(panel)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        column.addWidget(self.asked)
        column.addSpacing(8)
        column.addWidget(caption)
        column.addLayout(row)
        column.addStretch(1)
        return _padded(panel)


def asked_words(row: CohortRow) -> str:
    """What was asked for when a cohort was made, line by line."""
    labels = ", ".join(row.labels)
    lines = [
        f"Made {local_time(row.created)}",
        f"Collection: {row.dataset or 'all'}",
        f"Labels: one of these must be known: {labels}" if labels else "Labels: none asked for",
        f"Split: {row.split_kind}, seed {row.seed}",
        f"Split id: {row.split_id}",
        "Always left out: unusable signals, recordings shorter than 2.5 s",
    ]
    rules = [f"    {place}. {rule_words(parse_rule(rule))}" for place, rule in enumerate(row.rules, start=1)]
    return "\n".join([*lines, "Rules, applied in this order:" if rules else "Rules: none", *rules])


def _figures(row: CohortRow, flow: CohortFlow | None) -> list[Figure]:
    out = None if flow is None else flow.considered - flow.records
    leaks, role = LEAK_WORDS[row.leaks]
    return [
        Figure("Recordings", f"{row.records:,}", "" if out is None else f"{out:,} left out"),
        Figure("Patients", f"{row.patients:,}"),
        Figure("Copies", leaks, "" if row.leaks != "not searched" else "see the tab Leaks", role),
        Figure("Scored", f"{row.openings:,} ×", "test part used", tip="How often a model was scored on it"),
        Figure("Split", row.split_id, row.split_kind, tip=f"sha256 {row.split_sha256}"),
    ]


def _padded(inside: QWidget) -> QWidget:
    """With room below the tabs."""
    outside = QWidget()
    column = QVBoxLayout(outside)
    column.setContentsMargins(0, 8, 0, 0)
    column.addWidget(inside)
    return outside
