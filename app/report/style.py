"""How a dossier looks: page measures, colours, type, and how numbers are written.

Lengths are points unless a name ends in `_MM`. Colours are told apart by people with any form of colour blindness
(series: Okabe and Ito 2008), and no meaning rests on colour alone: each series has a marker shape too.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from xml.sax.saxutils import escape as escape_xml

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from app.assets import asset

MM = 72 / 25.4
PAGE, PAGE_LANDSCAPE = A4, landscape(A4)
MARGIN = 22 * MM
TOP, BOTTOM = 25 * MM, 23 * MM
WIDTH = PAGE[0] - 2 * MARGIN

SANS, BOLD, ITALIC, MONO = "NotoSans", "NotoSans-Bold", "NotoSans-Italic", "NotoSansMono"
_FILES = {SANS: "NotoSans-Regular", BOLD: "NotoSans-Bold", ITALIC: "NotoSans-Italic", MONO: "NotoSansMono-Regular"}

INK = HexColor("#16202c")
MUTED = HexColor("#5a6675")
FAINT = HexColor("#97a1ad")
RULE = HexColor("#d3d9e1")
TINT = HexColor("#f2f5f8")
ACCENT = HexColor("#0b5a7d")
DANGER = HexColor("#b3261e")
SERIES = tuple(HexColor(code) for code in ("#0072b2", "#d55e00", "#009e73", "#b0578d", "#a67400", "#3d8fc4", "#4d4d4d"))
MARKERS = ("circle", "square", "diamond", "triangle")
GRID_FINE, GRID_BOLD, TRACE = HexColor("#f7dbd8"), HexColor("#eaaaa5"), HexColor("#101418")

FOOTER = "Research use and technical due diligence, not a clinical validation or an approval"


@functools.cache
def register_fonts() -> None:
    """Make the shipped fonts known to ReportLab. Raises WorldError when a font file is missing."""
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(asset("fonts", f"{file}.ttf"))))
    pdfmetrics.registerFontFamily(SANS, normal=SANS, bold=BOLD, italic=ITALIC, boldItalic=BOLD)
    pdfmetrics.registerFontFamily(MONO, normal=MONO, bold=MONO, italic=MONO, boldItalic=MONO)


def _style(name: str, size: float, leading: float, **more: object) -> ParagraphStyle:
    look: dict[str, object] = {
        "fontName": SANS,
        "bulletFontName": SANS,
        "textColor": INK,
        "splitLongWords": 1,
        "allowWidows": 0,
        "allowOrphans": 0,
        **more,
    }
    return ParagraphStyle(name, fontSize=size, leading=leading, **look)


TITLE = _style("title", 25, 30, fontName=BOLD, spaceAfter=5)
TITLE_LONG = _style("long title", 17, 22, fontName=BOLD, spaceAfter=5)
LONG = 48
KICKER = _style("kicker", 8.2, 11, fontName=BOLD, textColor=ACCENT)
H1 = _style("h1", 15.5, 20, fontName=BOLD, spaceBefore=20, spaceAfter=5, keepWithNext=1)
H2 = _style("h2", 10.4, 14, fontName=BOLD, spaceBefore=10, spaceAfter=3, keepWithNext=1)
BODY = _style("body", 9.2, 13.4, spaceAfter=5)
FINDING = _style("finding", 9.2, 13, spaceAfter=3, leftIndent=11, bulletIndent=0)
ITEM = _style("item", 9.2, 13.4, spaceAfter=4, leftIndent=11, bulletIndent=0)
CAPTION = _style("caption", 7.8, 10.8, textColor=MUTED, spaceBefore=6, spaceAfter=3)
LEGEND = _style("legend", 7.8, 10.8, textColor=MUTED, spaceBefore=4, spaceAfter=8)
NOTE = _style("note", 7.6, 10.6, textColor=MUTED, spaceAfter=4)
CELL = _style("cell", 8, 10.4)
CELL_BOLD = _style("cell bold", 8, 10.4, fontName=BOLD)
CELL_RIGHT = _style("cell right", 8, 10.4, alignment=TA_RIGHT)
CELL_TIGHT = _style("cell tight", 8, 9.3, alignment=TA_RIGHT)
CELL_SMALL = _style("cell small", 7.5, 9.8)
CELL_MUTED = _style("cell muted", 7.2, 9.6, textColor=MUTED)
CELL_MUTED_RIGHT = _style("cell muted right", 7.2, 9.6, textColor=MUTED, alignment=TA_RIGHT)
HEAD = _style("head", 7, 9, fontName=BOLD, textColor=MUTED)
HEAD_RIGHT = _style("head right", 7, 9, fontName=BOLD, textColor=MUTED, alignment=TA_RIGHT)
CODE = _style("code", 5.4, 6.8, fontName=MONO)
CODE_ENTRY = _style("code entry", 5.4, 7.1, fontName=MONO, leftIndent=8, firstLineIndent=-8, spaceAfter=1.2)
CODE_RIGHT = _style("code right", 5.4, 6.8, fontName=MONO, alignment=TA_RIGHT)
ID_SIZE = 5.8


def text_runs(text: str, font: str) -> list[tuple[str, str]]:
    """Split text into (font, piece), since no single font holds every character.

    A character that is in none of the shipped fonts is written as its code point, so that nothing prints as a box.
    """
    register_fonts()
    runs: list[tuple[str, str]] = []
    for char in _printable(text):
        name, piece = _font_for(char, font)
        if runs and runs[-1][0] == name:
            runs[-1] = (name, runs[-1][1] + piece)
        else:
            runs.append((name, piece))
    return runs


@functools.cache
def _font_for(char: str, font: str) -> tuple[str, str]:
    for name in (font, MONO):
        if ord(char) in pdfmetrics.getFont(name).face.charToGlyph:
            return name, char
    return font, f"[U+{ord(char):04X}]"


def _printable(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+", " ", text)


def markup(text: str, font: str = SANS) -> str:
    """Foreign text as paragraph markup: escaped, and every character in a font that has it."""
    pieces = [
        escape_xml(piece) if name == font else f'<font name="{name}">{escape_xml(piece)}</font>'
        for name, piece in text_runs(text, font)
    ]
    return "".join(pieces)


def text_width(text: str, font: str, size: float) -> float:
    """Width of one line of text in points."""
    return float(sum(pdfmetrics.stringWidth(piece, name, size) for name, piece in text_runs(text, font)))


def fit_text(text: str, font: str, size: float, width: float) -> str:
    """The text, cut with an ellipsis where it is wider than `width` points."""
    if text_width(text, font, size) <= width:
        return text
    while text and text_width(text + "…", font, size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def decimal(value: float, places: int = 3, sign: bool = False) -> str:
    """A number with fixed decimals and a true minus; a rounded zero carries no sign."""
    written = f"{abs(value):,.{places}f}"
    if not written.strip("0.,"):
        return written
    if value < 0:
        return "−" + written
    return ("+" if sign else "") + written


def interval(low: float, high: float, places: int = 3, sign: bool = False) -> str:
    """An interval in words: `0.712 to 0.893`."""
    return f"{decimal(low, places, sign)} to {decimal(high, places, sign)}"


def count(number: int | None) -> str:
    """A count with thousands separated; `unknown` where there is none."""
    return "unknown" if number is None else f"{number:,}"


def share(part: int, whole: int) -> str:
    """A count with its percentage: `61 (50.8 %)`."""
    return f"{part:,} ({100 * part / whole:.1f} %)" if whole else f"{part:,}"


SHORT_RANGE = len("E0001–E0002")
"""A range that fits its column in one line."""


def evidence_mark(ids: str) -> str:
    """Paragraph markup of an evidence id: small, muted, never in the way; long ranges may break at their dash."""
    ids = ids if len(ids) <= SHORT_RANGE else ids.replace("–", "– ")
    return (
        f'<font name="{MONO}" size="{ID_SIZE}" color="#{ACCENT.hexval()[2:]}">{escape_xml(ids)}</font>' if ids else ""
    )


def span_ids(ids: list[str]) -> str:
    """Evidence ids of numbers that stand together, in short: `E0012–E0018`."""
    return f"{ids[0]}–{ids[-1]}" if len(set(ids)) > 1 else "".join(ids[:1])


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round tick values within [low, high], at most `most` of them."""
    if high <= low:
        return [low]
    for exponent in range(-9, 10):
        for step in (1, 2, 2.5, 5):
            size = step * 10.0**exponent
            first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
            if last - first < most:
                return [round(k * size, 10) for k in range(first, last + 1)]
    return [low, high]


def places_of(marks: Sequence[float], most: int = 4) -> int:
    """Fewest decimal places that tell all marks exactly, `most` where none do: never two marks of one text."""
    return next((n for n in range(most) if all(abs(mark - round(mark, n)) < 1e-9 for mark in marks)), most)
