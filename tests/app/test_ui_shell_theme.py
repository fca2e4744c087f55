"""Both themes: complete, legible, and worn by the application."""

import json

import pytest
from PySide6.QtGui import QColor, QFontDatabase, QIcon, QPalette

from app.assets import asset
from app.ui import theme
from app.ui.actions import ACTIONS
from app.ui.icons import icon

NAMES = ("light", "dark")
ICONS = sorted({entry.icon for entry in ACTIONS if entry.icon} | {"fit", "true-size", "isoline"})


def luminance(colour):
    """Relative luminance, WCAG 2.2."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in QColor(colour).getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("text", "panel"),
        ("text", "window"),
        ("text", "selection"),
        ("muted", "panel"),
        ("muted", "window"),
        ("muted", "raised"),
        ("accent_text", "accent"),
        ("good", "panel"),
        ("warn", "panel"),
        ("bad", "panel"),
        ("good", "window"),
        ("bad", "window"),
        ("rail_text", "rail"),
        ("rail_text", "rail_selection"),
        ("trace", "paper"),
    ],
)
def test_words_have_the_contrast_that_wcag_asks_for(name, ink, ground):
    tokens = theme.load_theme(name)
    assert contrast(getattr(tokens, ink), getattr(tokens, ground)) >= 4.5


@pytest.mark.parametrize("name", NAMES)
def test_frames_of_fields_and_the_ring_of_the_focus_are_seen(qapp, name):
    tokens = theme.load_theme(name)
    for palette in (tokens.field_palette(), tokens.list_palette()):
        frame = palette.color(QPalette.ColorRole.Window).darker(140)  # as Fusion draws it
        assert min(contrast(frame, tokens.window), contrast(frame, tokens.panel)) >= 3
    ring = tokens.focus_palette().color(QPalette.ColorRole.Highlight)
    assert min(contrast(ring, tokens.window), contrast(ring, tokens.raised)) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_curves_stand_out_from_the_panel(name):
    tokens = theme.load_theme(name)
    assert min(contrast(colour, tokens.panel) for colour in tokens.series) >= 3
    assert len(set(tokens.series)) == 6


@pytest.mark.parametrize("name", NAMES)
def test_the_trace_stands_out_from_the_grid(name):
    tokens = theme.load_theme(name)
    assert contrast(tokens.trace, tokens.grid_bold) >= 7
    assert contrast(tokens.grid_bold, tokens.paper) > contrast(tokens.grid_fine, tokens.paper) > 1.05


def test_both_themes_name_the_same_tokens():
    light, dark = (json.loads(asset("themes", f"{name}.json").read_text()) for name in NAMES)
    assert list(light) == list(dark)


@pytest.mark.parametrize("name", NAMES)
def test_an_applied_theme_is_the_current_one(qapp, name):
    theme.load_theme(name).apply(qapp)
    assert theme.current().name == name
    assert qapp.palette().color(QPalette.ColorRole.Base) == QColor(theme.load_theme(name).panel)
    assert qapp.style().objectName() == "fusion" or qapp.styleSheet()


def test_the_shipped_fonts_are_loaded(qapp):
    theme.load_fonts()
    assert {theme.FONT_FAMILY, theme.MONO_FAMILY} <= set(QFontDatabase.families())


@pytest.mark.parametrize(
    "name", sorted({entry.icon for entry in ACTIONS if entry.icon} | {"fit", "true-size", "isoline"})
)
def test_every_icon_is_drawn_in_the_colour_asked_for(qapp, name):
    image = icon(name, "#FF0000").pixmap(24, 24).toImage()
    colours = {
        image.pixelColor(x, y).name() for x in range(24) for y in range(24) if image.pixelColor(x, y).alpha() > 200
    }
    assert colours
    assert name == "isoline" or "#ff0000" in colours


def test_a_disabled_icon_is_faded(qapp):
    made = icon("stop", "#000000", "#cccccc")
    drawn = made.pixmap(24, 24, QIcon.Mode.Disabled).toImage()
    dark = [drawn.pixelColor(x, y) for x in range(24) for y in range(24) if drawn.pixelColor(x, y).alpha() > 200]
    assert min(colour.lightness() for colour in dark) > 150
