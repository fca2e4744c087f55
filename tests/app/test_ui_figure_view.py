from pathlib import Path
from threading import Event

import pytest
from fake_workspace import FakeWorkspace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from window_cases import settle

from app.report import style
from app.report.curve_plot import CurvePlot, Plane, Series
from app.report.figure import Figure
from app.ui.figure_colours import INK, PAPER, REPORT_SERIES, qt_fonts, themed, themed_svg
from app.ui.figure_files import MARGIN, png
from app.ui.figure_view import FigureView
from app.ui.theme import load_theme
from engine.contract.errors import WorldError


def figure(name: str = "roc") -> Figure:
    plane = Plane("ROC", "1 - specificity", "sensitivity", square=True, guides=[((0, 0), (1, 1))])
    drawing = CurvePlot(plane, [Series("demo", [(0, 0), (0.2, 0.7), (1, 1)], 0, marked=True)])
    return Figure(name, "ROC of MI", "One model on 140 recordings.", drawing, "x,y\n0.2,0.7\n")


@pytest.fixture
def workspace() -> FakeWorkspace:
    return FakeWorkspace()


@pytest.fixture
def view(qtbot, workspace, background) -> FigureView:
    made = FigureView(workspace, background, "ROC curves", ("No curves", "Evaluate a model."))
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


def test_a_figure_is_drawn_only_once_it_is_seen(qtbot, view, background):
    asked = []
    view.hide()
    view.draw(lambda: asked.append(1) or figure())
    settle(qtbot, background)
    assert asked == []
    view.show()
    settle(qtbot, background)
    assert asked == [1]
    assert view.told.text() == "One model on 140 recordings."
    assert view.sheet.accessibleName() == "ROC of MI"


def test_without_a_figure_the_view_says_why_and_offers_no_export(qtbot, view, background):
    view.draw(lambda: None)
    settle(qtbot, background)
    view.tell_empty("No curves", "Run an evaluation.")
    assert view.empty.isVisible()
    assert not any(one.isVisible() for one in view.files.buttons.values())
    assert view.files.save_as(".svg") is None


def test_while_a_figure_is_drawn_nothing_is_said_to_be_missing(qtbot, view, background):
    going = Event()
    view.draw(lambda: figure() if going.wait(60) else None)
    assert view.waiting.isVisible()
    going.set()
    settle(qtbot, background)
    assert not view.waiting.isVisible()
    assert view.sheet.isVisible()


def test_a_figure_that_cannot_be_drawn_is_told_and_leaves_the_view_empty(qtbot, view, background):
    def fail() -> Figure:
        raise WorldError("figure", "its results are damaged", "Evaluate again")

    with qtbot.waitSignal(background.failed) as told:
        view.draw(fail)
    settle(qtbot, background)
    assert "damaged" in str(told.args[0])
    assert view.empty.isVisible()


def test_svg_png_and_numbers_are_written_from_the_same_figure(qtbot, view, background, workspace, tmp_path):
    view.show_figure(figure())
    for ending in view.files.buttons:
        view.files.write(tmp_path / f"roc{ending}", ending)
    settle(qtbot, background)
    assert (tmp_path / "roc.svg").read_text().startswith("<svg")
    assert (tmp_path / "roc.csv").read_text() == "x,y\n0.2,0.7\n"
    picture = QImage(str(tmp_path / "roc.png"))
    assert picture.width() == round((view.figure.drawing.width + 2 * MARGIN) * 300 / 72)
    assert QColor(picture.pixel(2, 2)).name() == PAPER
    searched = [call for call in workspace.calls if call[0] == "refuse_identifiers"]
    assert [call[2:] for call in searched] == [("figure", "numbers")] * 3


def test_a_figure_that_would_name_somebody_is_not_written(qtbot, view, background, workspace, tmp_path, monkeypatch):
    def refuse(what: str, path: Path, texts: dict[str, str]) -> None:
        assert "demo" in texts["figure"]
        raise WorldError(what, "it names somebody", "Rename the model")

    monkeypatch.setattr(workspace, "refuse_identifiers", refuse)
    view.show_figure(figure())
    with qtbot.waitSignal(background.failed):
        view.files.write(tmp_path / "roc.svg", ".svg")
    assert list(tmp_path.iterdir()) == []


def test_the_file_offered_is_called_like_the_figure(qtbot, view):
    view.show_figure(figure("roc-mi"))
    dialog = view.files.save_as(".png")
    assert dialog.selectedFiles()[0].endswith("roc-mi.png")
    dialog.reject()


def test_a_press_tells_the_place_in_the_drawing(qtbot, view):
    view.show_figure(figure())
    spot = view.sheet.spot_of(100.0, 50.0)
    with qtbot.waitSignal(view.clicked) as told:
        qtbot.mouseClick(view.sheet, Qt.MouseButton.LeftButton, pos=spot)
    assert told.args == pytest.approx([100.0, 50.0], abs=1.0)
    assert view.sheet.place_of(QPoint(0, 0))[0] == -MARGIN


def test_a_larger_window_gives_a_larger_figure_up_to_a_limit(view):
    view.show_figure(figure())
    small = view.sheet.width()
    view.resize(1600, 1100)
    assert view.sheet.width() > small


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_theme_turns_paper_into_its_panel_and_keeps_the_order_of_shades(name):
    theme = load_theme(name)
    assert themed(PAPER, name) == theme.panel
    shades = [INK, f"#{style.MUTED.hexval()[2:]}", f"#{style.FAINT.hexval()[2:]}", "#d3d9e1", PAPER]
    bright = [QColor(themed(shade, name)).lightnessF() for shade in shades]
    assert bright == sorted(bright, reverse=theme.dark)
    assert len(set(bright)) == len(bright)


def test_series_have_the_colours_of_the_window_s_tables():
    assert [f"#{shade.hexval()[2:]}" for shade in style.SERIES[: len(REPORT_SERIES)]] == list(REPORT_SERIES)
    assert [themed(shade, "dark") for shade in REPORT_SERIES] == list(load_theme("dark").series[: len(REPORT_SERIES)])


def test_oklab_is_that_of_its_author():
    """Ottosson's page gives white as (1, 0, 0); a shade that goes there and back is itself in the light theme."""
    from app.ui.figure_colours import _hex, _lab

    assert _lab("#ffffff") == pytest.approx((1.0, 0.0, 0.0), abs=1e-4)
    assert _lab("#ff0000") == pytest.approx((0.62796, 0.22486, 0.12585), abs=1e-4)
    for shade in ("#123456", "#d55e00", "#97a1ad", "#f2f5f8"):
        assert _hex(_lab(shade)) == shade


def test_colours_in_words_are_left_alone_and_each_text_has_one_family():
    svg = """<text font-family="'Noto Sans', Arial, sans-serif" fill="#ffffff">fill="#000000" is black</text>"""
    assert qt_fonts(svg).startswith('<text font-family="Noto Sans" fill')
    assert themed_svg(svg, load_theme("dark")).endswith('fill="#1A222A">fill="#000000" is black</text>')


def test_a_png_needs_no_widget():
    from app.report.svg import svg_text

    one = figure()
    assert png(svg_text(one.drawing, one.title, one.told)).startswith(b"\x89PNG")


def test_a_figure_of_a_thousand_rows_still_gives_a_png_that_can_be_opened(monkeypatch):
    from app.report.svg import svg_text

    monkeypatch.setattr("app.ui.figure_files.MOST_PIXELS", 100_000)
    tall = figure().drawing
    tall.height = 15_000.0
    picture = QImage.fromData(png(svg_text(tall, "", "")))
    assert 1_000 < picture.height() < 15_000
    assert picture.width() * picture.height() <= 105_000


def test_a_figure_too_large_for_a_picture_is_painted_where_it_is_seen(view, monkeypatch):
    monkeypatch.setattr("app.ui.figure_view.MOST_PIXELS", 100)
    view.show_figure(figure())
    seen = view.grab().toImage()
    assert len({seen.pixelColor(x, 200).name() for x in range(900)}) > 1
