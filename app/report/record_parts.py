"""A short document as plain parts: sentences, lists, tables, boxes to tick, lines to sign; as Markdown and as PDF.

Evidence ids stand in the text as `[E0012]` or `[E0012–E0014]`; both ways of writing keep them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.platypus import CondPageBreak, KeepTogether, Paragraph, Spacer

from app.report import style
from app.report.cover import sentence
from app.report.drawn import Drawn, draw_text
from app.report.figure import Figure
from app.report.forest import ForestPlot, ForestRow
from app.report.style import MM
from app.report.tables import table


@dataclass(frozen=True)
class Sentences:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """A table; `widths` are shares of the page, the first column holds names."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]


@dataclass(frozen=True)
class Choices:
    """Boxes, one of which a person ticks."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Lines:
    """Lines that people fill in: name, date, signature, each for a role."""

    roles: tuple[str, ...]


@dataclass(frozen=True)
class Drawing:
    """A figure; Markdown names the export that holds it."""

    figure: Figure


Part = Sentences | Bullets | Rows | Choices | Lines | Drawing


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; `columns` are two narrow ones, for long lists of small things."""

    title: str
    parts: tuple[Part, ...]
    columns: bool = False


FIELDS = ("Name and role", "Date", "Signature")


def markdown(sections: Sequence[Section]) -> str:
    """The sections as Markdown text."""
    blocks: list[str] = []
    for number, section in enumerate(sections, 1):
        blocks.append(f"## {number}. {_plain(section.title)}")
        blocks += [_markdown(part) for part in section.parts]
    return "\n\n".join(blocks) + "\n"


def _markdown(part: Part) -> str:
    if isinstance(part, Sentences):
        return _plain(part.text)
    if isinstance(part, Bullets):
        return "\n".join(f"- {_plain(item)}" for item in part.items)
    if isinstance(part, Choices):
        return "\n".join(f"- [ ] {name}" for name in part.names)
    if isinstance(part, Drawing):
        return f"Figure `{part.figure.name}`: {_plain(part.figure.told)}"
    if isinstance(part, Lines):
        rows = [(role, *("" for _ in FIELDS)) for role in part.roles]
        return _pipes(("Role", *FIELDS), rows)
    return f"**{_plain(part.title)}**\n\n{_pipes(part.heads, part.rows)}"


def _pipes(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _plain(text: str) -> str:
    """Foreign text in one line that Markdown does not read as commands or as HTML."""
    return re.sub(r"([\\`*_<>#])", r"\\\1", " ".join(text.split()))


def flowables(section: Section) -> list[Any]:
    """What stands below a section's heading, as ReportLab sets it."""
    return [one for part in section.parts for one in _flowables(part, section.columns)]


def _flowables(part: Part, narrow: bool) -> list[Any]:
    if isinstance(part, Sentences):
        return [Paragraph(_set(part.text), style.BODY)]
    if isinstance(part, Bullets):
        return [Paragraph(_set(item), style.ITEM, bulletText="•") for item in part.items]
    if isinstance(part, Choices):
        return [_Boxes(part.names), Spacer(1, 6)]
    if isinstance(part, Lines):
        return [KeepTogether([_Signature(role) for role in part.roles])]
    if isinstance(part, Drawing):
        legend = Paragraph(_set(part.figure.told), style.LEGEND)
        *first, last = _sheets(part.figure.drawing)
        return [*first, KeepTogether([last, legend])]
    return _listed(part) if narrow else _table(part)


def _sheets(drawing: Drawn) -> list[Drawn]:
    """A drawing as it fits on pages: a forest that is too high is cut between its groups."""
    if not isinstance(drawing, ForestPlot) or drawing.height <= _HIGHEST:
        return [drawing]
    sheets: list[list[ForestRow]] = [[]]
    for _, rows in itertools.groupby(drawing.rows, key=lambda row: row.group):
        group = list(rows)
        if sheets[-1] and ForestPlot(drawing.axis, [*sheets[-1], *group]).height > _HIGHEST:
            sheets.append([])
        sheets[-1] += group
    return [ForestPlot(drawing.axis, rows) for rows in sheets]


_HIGHEST = 640.0


def _set(text: str) -> str:
    """Text as markup; an interval stays on one line, and so does an evidence id, beside it or below."""
    made = sentence(re.sub(r"\((\S+) to (\S+)\)", "(\\1\u00a0to\u00a0\\2)", text))
    return made.replace(f'&nbsp;<font name="{style.MONO}"', f' <font name="{style.MONO}"')


def _listed(part: Rows) -> list[Any]:
    """Rows in small print, as wide as one of two columns."""
    heads = [Paragraph(style.markup(head), style.HEAD) for head in part.heads]
    cells = [[Paragraph(style.markup(cell, style.MONO), style.CODE) for cell in row] for row in part.rows]
    wide = (style.WIDTH - 7 * MM) / 2
    tight = [("TOPPADDING", (0, 1), (-1, -1), 0.8), ("BOTTOMPADDING", (0, 1), (-1, -1), 1.2)]
    return [table([heads, *cells], [wide * share / sum(part.widths) for share in part.widths], more=tight)]


def _table(part: Rows) -> list[Any]:
    caption = Paragraph(_set(part.title), style.CAPTION)
    heads = [Paragraph(style.markup(head), style.HEAD) for head in part.heads]
    looks = (style.CELL, *(style.CELL_SMALL for _ in part.heads[1:]))
    cells = [[Paragraph(_set(cell), look) for cell, look in zip(row, looks, strict=True)] for row in part.rows]
    widths = [style.WIDTH * share / sum(part.widths) for share in part.widths]
    body = table([heads, *cells], widths)
    return [KeepTogether([caption, body])] if len(cells) <= _TOGETHER else [CondPageBreak(45 * MM), caption, body]


_TOGETHER = 8


class _Boxes(Drawn):
    """Boxes side by side."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names, self.width, self.height = names, style.WIDTH, 16.0

    def draw(self) -> None:
        """Draw them."""
        x = 0.0
        for name in self.names:
            self.canv.setStrokeColor(style.INK)
            self.canv.setLineWidth(0.7)
            self.canv.rect(x, 3, 8, 8, stroke=1, fill=0)
            draw_text(self.canv, x + 13, 4.2, name, style.SANS, 9)
            x += 13 + style.text_width(name, style.SANS, 9) + 22


class _Signature(Drawn):
    """Who signs as what: three lines under which it stands what belongs on them."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role, self.width, self.height = role, style.WIDTH, 15 * MM

    def draw(self) -> None:
        """Draw role and lines."""
        draw_text(self.canv, 0, 14, self.role, style.SANS, 8.4, style.INK)
        left, share = 46 * MM, (0.45, 0.18, 0.37)
        whole = self.width - left
        for name, part in zip(FIELDS, share, strict=True):
            self.canv.setStrokeColor(style.FAINT)
            self.canv.setLineWidth(0.5)
            self.canv.line(left, 12, left + whole * part - 6, 12)
            draw_text(self.canv, left, 4, name, style.SANS, 6.4, style.MUTED)
            left += whole * part
