import io

import pytest
from fake_workspace import FakeWorkspace
from pypdf import PdfReader
from PySide6.QtWidgets import QFileDialog
from window_cases import settle, shown

from app.core.changes import Changes
from app.governance.dossier import Dossier
from app.report import build
from app.ui.dossier_page import DossierPage
from app.ui.pdf_view import render_pages
from engine.contract.errors import WorldError


@pytest.fixture
def workspace() -> FakeWorkspace:
    return FakeWorkspace()


@pytest.fixture(autouse=True)
def _typeset_once(monkeypatch) -> None:
    """The real typesetter, asked once for each title: it takes a second, and every test needs a PDF."""
    monkeypatch.setattr(build, "render", lambda dossier: typeset(dossier.title, dossier))


TYPESET: dict[str, bytes] = {}


def typeset(title: str, dossier: Dossier, render=build.render) -> bytes:
    if title not in TYPESET:
        TYPESET[title] = render(dossier)
    return TYPESET[title]


def shown_page(qtbot, workspace, background) -> DossierPage:
    return shown(qtbot, DossierPage(workspace, background), background)


@pytest.fixture
def page(qtbot, workspace, background) -> DossierPage:
    return shown_page(qtbot, workspace, background)


def test_the_preview_shows_every_page_of_the_pdf_that_would_be_exported(page):
    reader = PdfReader(io.BytesIO(page.preview.pdf))
    assert len(page.pdf.pages.images) == len(reader.pages) > 1
    assert page.page_label.text() == f"Page 1 of {len(reader.pages)}"
    assert "PTB-XL" in page.pdf.pages.texts[0]


def test_claims_and_limits_stand_beside_the_preview(page):
    assert page.side.claims.texts == list(page.preview.dossier.claims)
    assert page.side.limits.texts == list(page.preview.dossier.limits)
    assert page.side.claims.isVisible()


def test_a_title_is_typeset_once_it_was_entered(qtbot, page, workspace, background):
    page.title_line.setText("Vendor A on ward 7")
    page.title_line.editingFinished.emit()
    settle(qtbot, background)
    assert "Vendor A on ward 7" in page.pdf.pages.texts[0]
    page.title_line.editingFinished.emit()
    settle(qtbot, background)
    assert [call[2] for call in workspace.calls if call[0] == "dossier"] == [None, "Vendor A on ward 7"]


def test_what_was_made_of_a_mistake_meanwhile_stands_in_the_next_preview(qtbot, page, workspace, background):
    asked = [call for call in workspace.calls if call[0] == "dossier"]
    page.refresh(Changes.RESULTS)
    settle(qtbot, background)
    assert [call for call in workspace.calls if call[0] == "dossier"] == asked
    page.refresh(Changes.REVIEWS)
    settle(qtbot, background)
    assert [call for call in workspace.calls if call[0] == "dossier"] == [*asked, asked[-1]]


def test_nothing_is_typeset_while_the_page_is_out_of_sight(qtbot, workspace, background):
    hidden = DossierPage(workspace, background)
    qtbot.addWidget(hidden)
    hidden.refresh(Changes.ALL)
    settle(qtbot, background)
    assert workspace.calls == []


def test_an_export_tells_the_hash_that_the_trail_now_holds(qtbot, page, workspace, background, tmp_path):
    page.title_line.setText("Vendor A")
    with qtbot.waitSignal(background.changed) as told:
        page.export_to(str(tmp_path / "out.pdf"))
    settle(qtbot, background)
    assert told.args[0] & Changes.REPORTS
    assert ("export_report", tmp_path / "out.pdf", "J0007", "Vendor A") in workspace.calls
    assert "9f2c9f2c 9f2c9f2c" in page.side.export.texts[0]


def test_an_export_that_fails_is_told_and_can_be_tried_again(qtbot, page, workspace, background, tmp_path):
    workspace.refuse = WorldError("report out.pdf", "the disk is full", "Choose another place")
    with qtbot.waitSignal(background.failed):
        page.export_to(str(tmp_path / "out.pdf"))
    assert page.export_button.isEnabled()


def test_a_verification_tells_every_line_and_its_verdict_in_words(qtbot, page, background):
    page.verify_file("due-diligence.pdf")
    settle(qtbot, background)
    assert page.side.verification.heading.text() == (
        "due-diligence.pdf does not match this workspace: 1 of 3 checks failed"
    )
    assert len(page.side.verification.texts) == 3


def test_what_does_not_match_stands_first(qtbot, page, background):
    page.verify_file("due-diligence.pdf")
    settle(qtbot, background)
    assert page.side.verification.texts[0].startswith("results of J0004: ")


def test_an_export_asked_for_before_the_preview_stands_is_offered_as_soon_as_it_does(qtbot, workspace, background):
    page = DossierPage(workspace, background)
    qtbot.addWidget(page)
    page.show()
    assert page.export_report() is None
    page.refresh(Changes.ALL)
    settle(qtbot, background)
    dialogs = page.findChildren(QFileDialog)
    assert [dialog.windowTitle() for dialog in dialogs] == ["Export dossier"]
    dialogs[0].reject()


def test_a_dossier_that_cannot_be_made_says_why_and_cannot_be_exported(qtbot, workspace, background):
    workspace.refuse = WorldError("comparison J0007", "an evaluation is missing", "Start it again")
    page = shown_page(qtbot, workspace, background)
    assert "an evaluation is missing" in page.no_preview.sentence.text()
    assert not page.can("dossier.export")
    assert page.export_report() is None


def test_without_a_comparison_the_page_says_where_to_make_one(qtbot, background):
    page = shown_page(qtbot, FakeWorkspace(jobs=[]), background)
    assert page.stack.currentIndex() == 1
    assert page.can("dossier.verify")


def test_pages_are_rendered_at_the_width_asked_for_and_sharp_on_dense_screens(page):
    content = page.preview.pdf
    plain, dense = render_pages(content, 400, 1.0, None), render_pages(content, 400, 2.0, None)
    assert plain.images[0].width() == 400
    assert dense.images[0].width() == 800
    assert dense.images[0].devicePixelRatio() == 2.0


def test_zoom_of_100_percent_shows_a_page_at_96_dots_per_inch(page):
    width = float(PdfReader(io.BytesIO(page.preview.pdf)).pages[0].mediabox.width)
    image = render_pages(page.preview.pdf, 400, 1.0, 1.0).images[0]
    assert image.width() == pytest.approx(width * 96 / 72, abs=1)


def test_the_page_in_view_is_told_while_scrolling(page):
    page.pdf.go_to_page(3)
    assert page.page_label.text().startswith("Page 3 of ")
