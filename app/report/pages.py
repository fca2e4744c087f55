"""Page templates: what stands on every page, and the passes that learn page numbers."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from app.report import style
from app.report.drawn import draw_text
from app.report.ecg_trace import PAPER_MM
from app.report.style import MM
from engine.contract.version import VERSION

COVER, BODY, ECG, COLUMNS = "cover", "body", "ecg", "columns"
_PASSES = 5
# Text that stands for bytes is a quarter longer and slow to make; every reader has taken bytes since PDF 1.2.
rl_config.useA85 = 0


@dataclass(frozen=True)
class Entry:
    """One line of the table of contents."""

    key: str
    number: str
    title: str
    page: int


@dataclass(frozen=True)
class Layout:
    """What an earlier pass learned: number of pages, and where each section begins."""

    pages: int = 0
    contents: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Running:
    """Words that run along all pages."""

    title: str
    created: str
    digest: str


class Heading(Paragraph):  # type: ignore[misc]  # ReportLab carries no types
    """A section heading: it enters the outline and the table of contents."""

    def __init__(self, number: str, title: str) -> None:
        text = (
            f'<font color="#{style.ACCENT.hexval()[2:]}">{number}</font>&nbsp;&nbsp;{style.markup(title, style.BOLD)}'
        )
        super().__init__(text, style.H1)
        self.number, self.title, self.key = number, title, section_key(number)


def section_key(number: str) -> str:
    """Name under which links find a section."""
    return f"section-{number.lower()}"


def typeset(story: Callable[[Layout], list[Any]], running: Running, sections: Sequence[tuple[str, str]]) -> bytes:
    """Set a story in as many passes as it takes until page numbers agree with themselves.

    Args:
        story: makes fresh flowables for a layout learned in the pass before.
        running: words for header and footer.
        sections: number and title of every section, so that the first pass has contents of the right size.

    Returns:
        A PDF without attachment; the same bytes for the same input.
    """
    style.register_fonts()
    layout = Layout(0, tuple(Entry(section_key(number), number, title, 0) for number, title in sections))
    for _ in range(_PASSES):
        buffer = io.BytesIO()
        # What a layout without page numbers would draw is never seen: the first pass only measures.
        template = _Template(buffer, running, layout, drawn=layout.pages > 0)
        template.build(story(layout))
        learned = Layout(template.page, tuple(template.entries))
        if learned == layout:
            return buffer.getvalue()
        layout = learned
    raise RuntimeError("the page numbers of the report do not settle")


class _Template(BaseDocTemplate):  # type: ignore[misc]  # ReportLab carries no types
    def __init__(self, buffer: io.BytesIO, running: Running, layout: Layout, drawn: bool) -> None:
        super().__init__(
            buffer,
            pagesize=style.PAGE,
            title=running.title,
            author=f"Isoline {VERSION}",
            subject=style.FOOTER,
            creator="Isoline",
            producer=f"Isoline {VERSION}, ReportLab",
            lang="en-GB",
            invariant=1,
            pageCompression=1,
            initialFontName=style.SANS,
        )
        self.running, self.layout, self.entries = running, layout, list[Entry]()
        self._frame = _frame if drawn else _measuring_frame
        self.addPageTemplates(self._templates())

    def _templates(self) -> list[Any]:
        high = style.PAGE[1] - style.TOP - style.BOTTOM
        body = self._frame("body", style.MARGIN, style.BOTTOM, style.WIDTH, high)
        cover = self._frame("cover", style.MARGIN, style.BOTTOM, style.WIDTH, style.PAGE[1] - 37 * MM - style.BOTTOM)
        side = (style.PAGE_LANDSCAPE[0] - PAPER_MM[0] * MM) / 2
        paper = self._frame("paper", side, 14 * MM, PAPER_MM[0] * MM, style.PAGE_LANDSCAPE[1] - 28 * MM)
        gap = 7 * MM
        half = (style.WIDTH - gap) / 2
        left = self._frame("left", style.MARGIN, style.BOTTOM, half, high)
        right = self._frame("right", style.MARGIN + half + gap, style.BOTTOM, half, high)
        return [
            PageTemplate(COVER, [cover], onPage=self._cover, pagesize=style.PAGE),
            PageTemplate(BODY, [body], onPage=self._body, pagesize=style.PAGE),
            PageTemplate(ECG, [paper], onPage=self._ecg, pagesize=style.PAGE_LANDSCAPE),
            PageTemplate(COLUMNS, [left, right], onPage=self._body, pagesize=style.PAGE),
        ]

    def afterFlowable(self, flowable: Any) -> None:
        """Note where a section begins."""
        if isinstance(flowable, Heading):
            self.entries.append(Entry(flowable.key, flowable.number, flowable.title, self.page))
            self.canv.bookmarkPage(flowable.key)
            self.canv.addOutlineEntry(f"{flowable.number}  {flowable.title}", flowable.key, 0)

    def _cover(self, canvas: Canvas, _: Any) -> None:
        top = style.PAGE[1] - 22 * MM
        draw_text(canvas, style.MARGIN, top, "Isoline", style.BOLD, 13, style.ACCENT)
        _isoline(canvas, style.MARGIN + 54, style.MARGIN + style.WIDTH, top + 3)
        self._footer(canvas, style.MARGIN, style.MARGIN + style.WIDTH, 14 * MM)

    def _body(self, canvas: Canvas, _: Any) -> None:
        self._header(canvas, style.MARGIN, style.MARGIN + style.WIDTH, style.PAGE[1] - 15 * MM)
        self._footer(canvas, style.MARGIN, style.MARGIN + style.WIDTH, 14 * MM)

    def _ecg(self, canvas: Canvas, _: Any) -> None:
        side = (style.PAGE_LANDSCAPE[0] - PAPER_MM[0] * MM) / 2
        self._header(canvas, side, side + PAPER_MM[0] * MM, style.PAGE_LANDSCAPE[1] - 10 * MM)
        self._footer(canvas, side, side + PAPER_MM[0] * MM, 8 * MM)

    def _header(self, canvas: Canvas, left: float, right: float, y: float) -> None:
        title = style.fit_text(self.running.title, style.SANS, 7, 0.72 * (right - left))
        draw_text(canvas, left, y, title, style.SANS, 7, style.FAINT)
        draw_text(canvas, right, y, self.running.created, style.SANS, 7, style.FAINT, "right")

    def _footer(self, canvas: Canvas, left: float, right: float, y: float) -> None:
        canvas.setStrokeColor(style.RULE)
        canvas.setLineWidth(0.4)
        canvas.line(left, y + 10, right, y + 10)
        draw_text(canvas, left, y, style.FOOTER, style.SANS, 6.6, style.MUTED)
        page = f"page {canvas.getPageNumber()} of {self.layout.pages}"
        draw_text(canvas, right, y, page, style.SANS, 6.6, style.MUTED, "right")
        digest = f"evidence {self.running.digest[:12]}"
        draw_text(canvas, right - 62, y, digest, style.MONO, 6, style.MUTED, "right")


class _MeasuringFrame(Frame):  # type: ignore[misc]  # ReportLab carries no types
    """Gives each flowable its room and draws none: drawing takes a third of a pass."""

    def _add(self, flowable: Any, canv: Canvas, trySplit: int = 0) -> int:
        flowable.drawOn = _draws_nothing
        return int(super()._add(flowable, canv, trySplit))

    add = _add


def _draws_nothing(*_: object, **__: object) -> None:
    pass


def _frame(name: str, x: float, y: float, width: float, height: float, kind: type[Frame] = Frame) -> Any:
    return kind(x, y, width, height, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0, id=name)


_measuring_frame = partial(_frame, kind=_MeasuringFrame)


def _isoline(canvas: Canvas, left: float, right: float, y: float) -> None:
    """The line that gives the program its name, with one beat near its end."""
    beat = (
        (0, 0),
        (5, 3.4),
        (10, 0),
        (16, 0),
        (18.5, -3),
        (22.5, 20),
        (26.5, -6.5),
        (29, 0),
        (38, 0),
        (46, 5.2),
        (54, 0),
    )
    path = canvas.beginPath()
    path.moveTo(left, y)
    for dx, dy in beat:
        path.lineTo(right - 92 + dx, y + dy)
    path.lineTo(right, y)
    canvas.setStrokeColor(style.ACCENT)
    canvas.setLineWidth(0.9)
    canvas.setLineJoin(1)
    canvas.drawPath(path, stroke=1, fill=0)
