"""Figures of the report in the colours of the window: their ink becomes its text, their paper its panel.

The report draws dark on white. Every other shade keeps its hue and its place between paper and ink: lightness in OKLab
(Ottosson 2020, "A perceptual color space for image processing") is stretched from the report's pair of ends to the
theme's, so a pale band stays nearer to the paper than its line in a dark theme, too.
"""

from __future__ import annotations

import re
from functools import cache

from app.ui.theme import Theme, load_theme

REPORT_SERIES = ("#0072b2", "#d55e00", "#009e73", "#b0578d", "#a67400")
"""Series colours of `app.report.style` that the window's tables show in a series colour of their own."""
INK, PAPER = "#16202c", "#ffffff"

_TAG = re.compile(r"<[^>]*>")
_COLOUR = re.compile(r'(fill|stroke)="(#[0-9a-fA-F]{6})"')
_FAMILY = re.compile(r"font-family=\"'?([^\"',]*)'?[^\"]*\"")
Lab = tuple[float, float, float]


def themed_svg(svg: str, theme: Theme) -> str:
    """An SVG figure of the report in a theme's colours, for Qt to draw."""

    def paint(tag: re.Match[str]) -> str:
        """A tag in the theme's colours; what stands between tags is text."""
        return _COLOUR.sub(lambda found: f'{found[1]}="{themed(found[2].lower(), theme.name)}"', tag[0])

    return qt_fonts(_TAG.sub(paint, svg))


def qt_fonts(svg: str) -> str:
    """An SVG figure with one font family where it names several: Qt takes the list for the name of one."""
    return _FAMILY.sub(r'font-family="\1"', svg)


@cache
def themed(colour: str, theme_name: str) -> str:
    """One colour of the report, `#rrggbb`, in a theme."""
    theme = load_theme("dark" if theme_name == "dark" else "light")
    if colour == PAPER:
        return theme.panel
    if colour in REPORT_SERIES:
        return theme.series[REPORT_SERIES.index(colour)]
    light, a, b = _lab(colour)
    ink, paper = _lab(INK)[0], _lab(PAPER)[0]
    new_ink, new_paper = _lab(theme.text)[0], _lab(theme.panel)[0]
    share = (light - ink) / (paper - ink)
    return _hex((new_ink + share * (new_paper - new_ink), a, b))


def _lab(colour: str) -> Lab:
    """OKLab of a colour in sRGB."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _hex(lab: Lab) -> str:
    """The colour in sRGB; what it cannot show is cut at its edges."""
    light, a, b = lab
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    parts = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(max(part, 0.0), 1.0))):02x}" for part in parts)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _gamma(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else float(1.055 * part ** (1 / 2.4) - 0.055)
