"""Beside the preview: what the dossier claims, where it stops, what was exported, and what a verification found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.core.rows import ReportRow, Verification
from app.governance.dossier import Dossier
from app.ui import theme as themes
from app.ui.run_facts import grouped
from app.ui.signs import check_icon, sign
from app.ui.theme import Theme

BULLET = "circle"


class Lines(QWidget):
    """A heading with signed lines below it; hidden while it has none."""

    def __init__(self, heading: str) -> None:
        super().__init__()
        self.heading = QLabel(heading)
        self.heading.setProperty("role", "heading")
        self.texts: list[str] = []
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.addWidget(self.heading)
        column.addLayout(self._grid)
        self.hide()

    def show_lines(self, lines: Sequence[tuple[str, str]], theme: Theme) -> None:
        """Show (sign, text) lines; the sign is "ok", "fault", "good" or "bullet"."""
        self._clear()
        self.texts = [text for _sign, text in lines]
        for place, (mark, text) in enumerate(lines):
            icon, told = QLabel(), QLabel(text)
            bullet = mark == "bullet"
            icon.setPixmap(_icon(mark, theme).pixmap(8, 8) if bullet else _icon(mark, theme).pixmap(14, 14))
            icon.setContentsMargins(2 if bullet else 0, 6 if bullet else 3, 0, 0)
            icon.setAccessibleName({"ok": "matches", "fault": "does not match"}.get(mark, ""))
            told.setWordWrap(True)
            told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(icon, place, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(told, place, 1)
        self.setVisible(bool(lines))

    def _clear(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()


class Side(QScrollArea):
    """Four lists, one below the other: what happened last stands first."""

    def __init__(self) -> None:
        super().__init__()
        self.verification, self.export = Lines("Verification"), Lines("Exported")
        self.claims, self.limits = Lines("What it claims"), Lines("Where it stops")
        self.setAccessibleName("What the dossier claims, and how it was verified")
        self._dossier: Dossier | None = None
        self._report: ReportRow | None = None
        self._verified: Verification | None = None
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 4, 8, 4)
        column.setSpacing(10)
        for part in (self.verification, self.export, self.claims, self.limits):
            column.addWidget(part)
        column.addStretch(1)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_dossier(self, dossier: Dossier) -> None:
        """Claims and limits of a dossier."""
        self._dossier = dossier
        theme = themes.current()
        self.claims.show_lines([("bullet", text) for text in dossier.claims], theme)
        self.limits.show_lines([("bullet", text) for text in dossier.limits], theme)

    def show_export(self, row: ReportRow) -> None:
        """What was written, and the hash that the audit trail now holds."""
        self._report = row
        name = Path(row.file).name
        told = f"{name}\nSHA-256 {grouped(row.sha256)}\nEvent {row.audit_seq:,} of the audit trail"
        self.export.show_lines([("good", told)], themes.current())

    def show_verification(self, verification: Verification) -> None:
        """Every line of a verification, what does not match first; the verdict stands in the heading."""
        self._verified = verification
        faults = sum(not one.ok for one in verification.checks)
        told = f": {faults:,} of {len(verification.checks):,} checks failed" if faults else ""
        verdict = "matches this workspace" if verification.ok else f"does not match this workspace{told}"
        self.verification.heading.setText(f"{verification.file} {verdict}")
        self.verification.heading.setWordWrap(True)
        self.verification.heading.setAccessibleName(self.verification.heading.text())
        checks = sorted(verification.checks, key=lambda one: one.ok)
        lines = [("ok" if one.ok else "fault", grouped(f"{one.what}: {one.found}")) for one in checks]
        self.verification.show_lines(lines, themes.current())
        self.verticalScrollBar().setValue(0)

    def apply_theme(self, theme: Theme) -> None:
        """Paint the signs anew."""
        if self._dossier is not None:
            self.show_dossier(self._dossier)
        if self._report is not None:
            self.show_export(self._report)
        if self._verified is not None:
            self.show_verification(self._verified)


def _icon(mark: str, theme: Theme) -> QIcon:
    if mark in ("ok", "fault"):
        return check_icon(mark == "ok", theme)
    return sign("done", theme.good) if mark == "good" else sign(BULLET, theme.muted)
