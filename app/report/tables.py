"""Tables: one quiet look, heads that repeat, intervals with their method, numbers with their evidence id."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import CondPageBreak, KeepTogether, Paragraph, Table, TableStyle

from app.report import style
from app.report.charts import Axis, IntervalCell
from app.report.evidence import Ledger
from app.report.style import MM
from engine.contract.results import Estimate, Interval

Command = tuple[Any, ...]
_LONGEST = 500
_MUTED = f"#{style.MUTED.hexval()[2:]}"


@dataclass
class Context:
    """What every section needs while it is set: the ledger, and running numbers of tables and figures."""

    ledger: Ledger
    digest: str
    numbers: dict[str, int] = field(default_factory=dict)

    def long(self, text: str, body: Table) -> list[Any]:
        """A table that may go on over pages, under its numbered caption. The text is paragraph markup."""
        return [CondPageBreak(55 * MM), self._caption("Table", text, style.CAPTION), body]

    def short(self, text: str, body: Table) -> list[Any]:
        """A table that stays on one page with its numbered caption."""
        return [KeepTogether([self._caption("Table", text, style.CAPTION), body])]

    def figure(self, drawing: Any, text: str, *more: Any) -> list[Any]:
        """A drawing over its numbered caption."""
        return [drawing, self._caption("Figure", text, style.LEGEND), *more]

    def _caption(self, kind: str, text: str, look: ParagraphStyle) -> Paragraph:
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        ink = f"#{style.INK.hexval()[2:]}"
        return Paragraph(f'<font name="{style.BOLD}" color="{ink}">{kind} {self.numbers[kind]}.</font> {text}', look)


class Methods:
    """Letters for the methods behind intervals, so that a table names each method once."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}
        self._confidence: set[float] = set()

    def letter(self, span: Interval) -> str:
        """The letter of an interval's method."""
        self._confidence.add(span.confidence)
        free = string.ascii_lowercase[len(self._letters) % 26]
        return self._letters.setdefault(span.method, free)

    def legend(self) -> str:
        """All methods as markup: `95 % intervals: a ...; b ...`. Empty when no interval was printed."""
        if not self._letters:
            return ""
        level = " and ".join(f"{100 * c:g} %" for c in sorted(self._confidence))
        named = "; ".join(f"<b>{letter}</b> {style.markup(method)}" for method, letter in self._letters.items())
        return f"{level} intervals by: {named}."


def collect_methods(estimates: Iterable[Estimate]) -> Methods:
    """Letters in order of appearance, reported intervals before those beside them."""
    methods = Methods()
    known = list(estimates)
    for one in known:
        if one.interval is not None:
            methods.letter(one.interval)
    for one in known:
        if one.beside is not None:
            methods.letter(one.beside)
    return methods


def table(
    rows: Sequence[Sequence[Any]], widths: Sequence[float], heads: int = 1, more: Iterable[Command] = ()
) -> Table:
    """A table with hairlines, a repeating head, and no column lines.

    Args:
        rows: cells: flowables or ready text.
        widths: column widths in points.
        heads: rows at the top that repeat on every page.
        more: further ReportLab table commands.
    """
    commands: list[Command] = [
        ("FONT", (0, 0), (-1, -1), style.SANS, 8, 10.4),
        ("TEXTCOLOR", (0, 0), (-1, -1), style.INK),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3.4),
        ("LINEBELOW", (0, heads), (-1, -1), 0.3, style.RULE),
        ("LINEBELOW", (0, -1), (-1, -1), 0.6, style.FAINT),
    ]
    if heads:
        commands.append(("VALIGN", (0, 0), (-1, heads - 1), "BOTTOM"))
        commands.append(("LINEBELOW", (0, heads - 1), (-1, heads - 1), 0.7, style.INK))
    made = Table(
        list(rows), colWidths=list(widths), repeatRows=heads, style=TableStyle([*commands, *more]), hAlign="LEFT"
    )
    made.spaceBefore, made.spaceAfter = 1, 8
    return made


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Two columns: names and values. Values are paragraph markup."""
    cells = [[Paragraph(style.markup(name), style.CELL_MUTED), Paragraph(value, style.CELL)] for name, value in rows]
    look = [
        ("LINEABOVE", (0, 0), (-1, 0), 0.7, style.INK),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
    ]
    return table(cells, [46 * MM, style.WIDTH - 46 * MM], heads=0, more=look)


def evidence_column(column: int) -> Command:
    """Small evidence ids stand on the line of the figures beside them."""
    return ("TOPPADDING", (column, 1), (column, -1), 5.2)


def text(value: str) -> str:
    """A foreign value as markup; `unknown` is set apart, since it is a finding. Very long texts are cut, and say so."""
    if value.strip().lower() in ("", "unknown"):
        return f'<font name="{style.ITALIC}" color="{_MUTED}">unknown</font>'
    return style.markup(short(value))


def short(value: str) -> str:
    """A text that fits a table cell: cut after 500 characters, with a note that it was cut."""
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST].rstrip()} … (cut here, {len(value):,} characters)"


def hash_text(sha256: str) -> str:
    """A hash in the mono font as markup."""
    return f'<font name="{style.MONO}" size="6.8">{style.markup(sha256, style.MONO)}</font>' if sha256 else text("")


def estimate_ids(ledger: Ledger, job_id: str, path: str, estimate: Estimate) -> str:
    """Evidence ids of all numbers printed for an estimate, in short."""
    paths = [f"{path}.value"] if estimate.value is not None else []
    for name, span in (("interval", estimate.interval), ("beside", estimate.beside)):
        if span is not None:
            paths += [f"{path}.{name}.low", f"{path}.{name}.high"]
    return style.span_ids([ledger.cite(job_id, one) for one in paths])


@dataclass(frozen=True)
class EstimateLook:
    """How estimates of one table are set."""

    axis: Axis
    width: float
    methods: Methods
    sign: bool = False


def estimate_cells(estimate: Estimate, look: EstimateLook, series: int) -> list[Any]:
    """Three cells: plot, value, interval; where there is no value, the reason (to be spanned) and two empty ones."""
    if estimate.value is None:
        reason = estimate.not_estimable or "no reason was recorded"
        return [Paragraph(f"<i>not estimable:</i> {style.markup(short(reason))}", style.CELL_MUTED), "", ""]
    span = estimate.interval
    hollow = look.sign and (span is None or span.low <= look.axis.neutral <= span.high)
    return [
        IntervalCell(estimate, look.axis, look.width, series, hollow),
        Paragraph(style.markup(style.decimal(estimate.value, sign=look.sign)), style.CELL_RIGHT),
        _interval_cell(estimate, look),
    ]


def _interval_cell(estimate: Estimate, look: EstimateLook) -> Paragraph:
    if estimate.interval is None:
        reason = estimate.not_estimable or "no reason was recorded"
        return Paragraph(f"<i>no interval:</i> {style.markup(short(reason))}", style.CELL_MUTED_RIGHT)
    lines = [_span_text(estimate.interval, look)]
    if estimate.beside is not None:
        lines.append(f'<font size="6.6" color="{_MUTED}">{_span_text(estimate.beside, look)}</font>')
    return Paragraph("<br/>".join(lines), style.CELL_TIGHT)


def _span_text(span: Interval, look: EstimateLook) -> str:
    written = style.markup(style.interval(span.low, span.high, sign=look.sign)).replace(" to ", "&nbsp;to&nbsp;")
    return f'{written}&nbsp;<super size="5.5">{look.methods.letter(span)}</super>'
