"""The Dossier page: the PDF as it will be, its claims and limits; export it, verify one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.changes import Changes
from app.core.rows import JobRow, ReportRow, Verification
from app.governance.dossier import Dossier
from app.ui.background import Background
from app.ui.comparison_choice import ComparisonChoice, finished_comparisons
from app.ui.dossier_side import Side
from app.ui.empty import EmptyState
from app.ui.messages import message_of
from app.ui.page import Page
from app.ui.page_frame import bar, button, frame
from app.ui.pdf_view import PdfView
from app.ui.quiet_combo import QuietCombo
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.workspace import Workspace

ZOOMS: tuple[tuple[str, float | None], ...] = (("Fit width", None), ("75 %", 0.75), ("100 %", 1.0), ("150 %", 1.5))
HEAD_HEIGHT = 28


@dataclass(frozen=True)
class Preview:
    """A dossier and the PDF that its export would give."""

    dossier: Dossier
    pdf: bytes


def load_preview(workspace: Workspace, job_id: str, title: str | None) -> Preview:
    """Collect a dossier and typeset it in memory; called off the window's thread."""
    from app.report.build import (
        render,  # ReportLab costs a quarter of a second that the start of the window can do without
    )

    dossier = workspace.dossier(job_id, title)
    return Preview(dossier, render(dossier))


class DossierPage(Page):
    """One comparison as a dossier."""

    title = "Dossier"
    icon = "dossier"
    watches = Changes.RESULTS | Changes.JOBS | Changes.REPORTS | Changes.REVIEWS

    def __init__(self, workspace: Workspace, background: Background) -> None:
        super().__init__(workspace, background)
        self.choice, self.title_line, self.side = ComparisonChoice(), QLineEdit(), Side()
        self.pdf, self.zoom, self.page_label = PdfView(background), QuietCombo(), QLabel()
        self.export_button = button("Export PDF…", self.export_report, primary=True)
        self.verify_button = button("Verify a PDF…", self.verify_report)
        self.stack, self.preview_stack = QStackedWidget(), QStackedWidget()
        self.no_preview = EmptyState("Typesetting the preview", "")
        self.preview: Preview | None = None
        self._asked: tuple[str, str] = ("", "")
        self._export_asked = False
        self._wanted = ""
        self._lay_out()
        self._connect()

    def refresh(self, changes: Changes) -> None:
        """Ask which comparisons are finished; what was made of mistakes stands in a dossier, which is typeset anew."""
        if changes & Changes.REVIEWS:
            self._asked = ("", "")
            self._load()
        if changes & self.watches:
            self.background.read(partial(finished_comparisons, self.workspace), self._offer, key="dossier.list")

    def showEvent(self, event: QShowEvent) -> None:
        """Typeset what was finished while the page was out of sight."""
        super().showEvent(event)
        self._load()

    def apply_theme(self, theme: Theme) -> None:
        """Take over the signs of the verification."""
        self.side.apply_theme(theme)

    def can(self, action: str) -> bool:
        """Export needs a dossier that could be typeset."""
        return self.preview is not None if action == "dossier.export" else True

    def show_item(self, item: str) -> None:
        """Show the dossier of a comparison, by job id, now or as soon as it is finished."""
        self._wanted = item
        if (row := self.choice.findData(item)) >= 0:
            self._wanted = ""
            self.choice.setCurrentIndex(row)

    def export_report(self) -> QFileDialog | None:
        """Ask for a file and write the PDF; asked for before the preview stands, as soon as it does."""
        self._export_asked = self.preview is None
        if self.preview is None:
            return None
        name = f"isoline-{self.choice.currentData()}.pdf"
        dialog = QFileDialog(self, "Export dossier", name, "PDF (*.pdf)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        dialog.fileSelected.connect(self.export_to)
        dialog.open()
        return dialog

    def verify_report(self) -> QFileDialog:
        """Ask for a PDF and hold it against the workspace."""
        dialog = QFileDialog(self, "Verify a dossier", "", "PDF (*.pdf)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.verify_file)
        dialog.open()
        return dialog

    def export_to(self, file: str) -> None:
        """Write the PDF to a file; its hash goes into the audit trail."""
        ask = partial(self.workspace.export_report, Path(file), self.choice.currentData(), self._title())
        self.export_button.setEnabled(False)
        self.background.write(ask, self._exported, touches=Changes.REPORTS, failed=self._export_failed)

    def verify_file(self, file: str) -> None:
        """Recompute the hashes of a PDF and compare them with the workspace."""
        self.background.read(partial(self.workspace.verify_report, Path(file)), self._verified, slow=True)

    def _offer(self, jobs: list[JobRow]) -> None:
        self.choice.offer_jobs(jobs)
        self.stack.setCurrentIndex(0 if jobs else 1)
        self._export_asked = self._export_asked and bool(jobs)
        if self._wanted:
            self.show_item(self._wanted)
        self._load()

    def _title(self) -> str | None:
        return self.title_line.text().strip() or None

    def _load(self) -> None:
        """Typeset the chosen comparison under the title as it stands, unless that was asked for already."""
        job_id, title = self.choice.currentData(), self._title()
        if self.isVisible() and job_id and (job_id, title or "") != self._asked:
            self._asked = (job_id, title or "")
            ask = partial(load_preview, self.workspace, job_id, title)
            self.background.read(ask, self._show, key="dossier.preview", failed=self._no_preview, slow=True)

    def _show(self, preview: Preview) -> None:
        self.preview = preview
        self.title_line.setPlaceholderText(preview.dossier.title)
        self.side.show_dossier(preview.dossier)
        self.pdf.show_pdf(preview.pdf)
        self.preview_stack.setCurrentIndex(0)
        self._tell_buttons()
        if self._export_asked:
            self.export_report()

    def _no_preview(self, error: Exception) -> None:
        self.preview, self._asked, self._export_asked = None, ("", ""), False
        message = message_of(error)
        self.no_preview.tell("No preview", " ".join(p for p in (message.title, message.text, message.detail) if p))
        self.preview_stack.setCurrentIndex(1)
        self._tell_buttons()

    def _exported(self, row: ReportRow) -> None:
        self.side.show_export(row)
        self._tell_buttons()

    def _export_failed(self, error: Exception) -> None:
        self._tell_buttons()
        self.background.failed.emit(error)

    def _verified(self, verification: Verification) -> None:
        self.side.show_verification(verification)

    def _tell_buttons(self) -> None:
        self.export_button.setEnabled(self.preview is not None)
        self.state_changed.emit()

    def _connect(self) -> None:
        self.choice.currentIndexChanged.connect(self._load)
        self.title_line.editingFinished.connect(self._load)
        self.zoom.currentIndexChanged.connect(lambda _row: self.pdf.set_zoom(self.zoom.currentData()))
        self.pdf.page_changed.connect(lambda page, count: self.page_label.setText(f"Page {page} of {count}"))

    def _lay_out(self) -> None:
        self.export_button.setEnabled(False)
        self.preview_stack.addWidget(self.pdf)
        self.preview_stack.addWidget(self.no_preview)
        self.preview_stack.setCurrentIndex(1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self._left())
        split.addWidget(self._right())
        split.setSizes([360, 760])
        split.setStretchFactor(1, 1)
        split.setChildrenCollapsible(False)
        self.stack.addWidget(split)
        self.stack.addWidget(
            EmptyState(
                "No dossier yet",
                "A dossier is made from a finished comparison: evaluate your models on one cohort, then compare them "
                "on the page Compare.",
                ("Verify a PDF…", self.verify_report),
            )
        )
        frame(self, bar(self.title, self.choice, [self.verify_button, self.export_button]), self.stack)

    def _left(self) -> QWidget:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 8, 0)
        label = QLabel("Title on the cover")
        label.setProperty("role", "heading")
        label.setBuddy(self.title_line)
        label.setFixedHeight(HEAD_HEIGHT)
        self.title_line.setAccessibleName("Title on the cover")
        self.title_line.setMaxLength(120)
        column.addWidget(label)
        column.addWidget(self.title_line)
        column.addWidget(self.side, 1)
        left.setMinimumWidth(280)
        return left

    def _right(self) -> QWidget:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(8, 0, 0, 0)
        head = QHBoxLayout()
        name = QLabel("Preview")
        name.setProperty("role", "heading")
        self.page_label.setProperty("role", "muted")
        self.zoom.setFixedHeight(HEAD_HEIGHT)
        for text, zoom in ZOOMS:
            self.zoom.addItem(text, zoom)
        self.zoom.setAccessibleName("Zoom")
        head.addWidget(name)
        head.addStretch(1)
        head.addWidget(self.page_label)
        head.addWidget(self.zoom)
        column.addLayout(head)
        column.addWidget(self.preview_stack, 1)
        return right
