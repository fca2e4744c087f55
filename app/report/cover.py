"""The first page: what was asked, what was found, and room for the committee's decision."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from reportlab.lib.colors import white
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import KeepTogether, Paragraph, Spacer

from app.governance.claims import told
from app.governance.dossier import Dossier, ModelSection
from app.report import style
from app.report.charts import AxisCell, SeriesMark, auroc_axis
from app.report.drawn import Drawn, draw_text
from app.report.pages import Layout
from app.report.results import MACRO
from app.report.style import MM
from app.report.tables import (
    Context,
    EstimateLook,
    collect_methods,
    estimate_cells,
    estimate_ids,
    evidence_column,
    table,
)

_PANEL_LINES = (("Conditions", "Valid until, next review"), ("Name and role", "Date"), ("Signature", ""))
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_CHOICES = ("approve", "approve with conditions", "review again", "decline")


def cover(dossier: Dossier, context: Context, layout: Layout) -> list[Any]:
    """Title, subject, findings, macro AUROC of every model, decision panel, contents."""
    return [
        Paragraph("DUE-DILIGENCE DOSSIER", style.KICKER),
        Paragraph(style.markup(dossier.title, style.BOLD), _title_style(dossier.title)),
        _subject(dossier),
        *_glance(dossier, context),
        Paragraph("Findings", style.H2),
        *_findings(dossier, context),
        KeepTogether([Paragraph("Decision of the committee", style.H2), DecisionPanel(style.WIDTH)]),
        *_contents(layout),
    ]


def _title_style(title: str) -> ParagraphStyle:
    return style.TITLE if len(title) <= style.LONG else style.TITLE_LONG


def sentence(text: str) -> str:
    """A sentence as markup: true minus signs, and evidence ids in brackets (`[E0012–E0018]`) set small."""
    pieces = re.split(r"\s*\[(E\d+(?:–E\d+)?)\]", re.sub(r"(?<!\w)-(?=\d)", "−", text))
    return "".join(
        "&nbsp;" + style.evidence_mark(piece) if i % 2 else style.markup(piece) for i, piece in enumerate(pieces)
    )


def _findings(dossier: Dossier, context: Context) -> list[Any]:
    """The claims, each figure in them followed by its evidence id."""
    marks: dict[str, list[str]] = {}
    for model in dossier.models:
        marks.setdefault(told(model.evaluation.macro), []).append(_macro_ids(model, context))
    for k, one in enumerate(dossier.comparison.differences):
        if one.label == MACRO:
            ids = estimate_ids(context.ledger, dossier.comparison_job, f"differences.{k}.estimate", one.estimate)
            marks.setdefault(told(one.estimate, signed=True), []).append(ids)
    claims = [_marked(claim, marks) for claim in dossier.claims]
    return [Paragraph(sentence(claim), style.FINDING, bulletText="•") for claim in claims]


def _marked(claim: str, marks: dict[str, list[str]]) -> str:
    """Put ids behind figures; where two models have the same figures, claims take their ids in turn."""
    for figure, ids in marks.items():
        if figure in claim and ids[0]:
            claim = claim.replace(figure, f"{figure} [{ids[0]}]", 1)
            del ids[: len(ids) > 1]
    return claim


def _macro_ids(model: ModelSection, context: Context) -> str:
    return estimate_ids(context.ledger, model.evaluation_job, MACRO, model.evaluation.macro)


def when(created: str) -> str:
    """An ISO time for people: `22 November 2026, 14:03 UTC`. What is no ISO time stays as it is."""
    try:
        moment = datetime.fromisoformat(created.replace("Z", "+00:00"))
    except ValueError:
        return created
    clock = f", {moment:%H:%M} UTC" if moment.utcoffset() is not None and not moment.utcoffset() else ""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}{clock}"


def _subject(dossier: Dossier) -> Any:
    """Who was examined on what, in four cells under a rule."""
    names = ", ".join(style.markup(model.card.name) for model in dossier.models)
    entries = [
        ("Models", names),
        ("On", f"{style.markup(', '.join(dossier.data.datasets))}: cohort {style.markup(dossier.cohort.name)}"),
        ("Size", f"{dossier.cohort.records:,} recordings of {dossier.cohort.patients:,} patients"),
        ("Prepared", style.markup(when(dossier.created))),
    ]
    heads = [Paragraph(name, style.HEAD) for name, _ in entries]
    cells = [Paragraph(value, style.CELL) for _, value in entries]
    widths = [58 * MM, 44 * MM, 34 * MM, style.WIDTH - 136 * MM]
    made = table([heads, cells], widths, heads=0, more=[("LINEABOVE", (0, 0), (-1, 0), 0.7, style.INK)])
    made.setStyle([("LINEBELOW", (0, 0), (-1, 0), 0, style.TINT), ("BOTTOMPADDING", (0, 0), (-1, 0), 0)])
    made.setStyle([("BACKGROUND", (0, 0), (-1, -1), style.TINT)])
    return made


def _glance(dossier: Dossier, context: Context) -> list[Any]:
    """Macro AUROC of every model with its reported interval."""
    macros = [model.evaluation.macro for model in dossier.models]
    wide = 44 * MM
    look = EstimateLook(auroc_axis(macros), wide, collect_methods(macros))
    rows: list[list[Any]] = [
        [
            "",
            Paragraph("Model", style.HEAD),
            AxisCell(look.axis, wide),
            Paragraph("Macro AUROC", style.HEAD_RIGHT),
            Paragraph("Interval", style.HEAD_RIGHT),
            Paragraph("Evidence", style.HEAD),
        ]
    ]
    spans: list[tuple[Any, ...]] = []
    for i, model in enumerate(dossier.models):
        macro = model.evaluation.macro
        if macro.value is None:
            spans.append(("SPAN", (2, i + 1), (4, i + 1)))
        ids = _macro_ids(model, context)
        name = f"{style.markup(model.card.name)}<br/>{_small(model.evaluation.mode)}"
        cells = estimate_cells(macro, look, i)
        rows.append(
            [SeriesMark(i), Paragraph(name, style.CELL), *cells, Paragraph(style.evidence_mark(ids), style.CELL)]
        )
    widths = [5 * MM, 45 * MM, wide + 6, 17 * MM, 37 * MM, style.WIDTH - 104 * MM - wide - 6]
    text = f"Macro AUROC of every model. {look.methods.legend()} Below in small: the same by the second method."
    return context.short(text, table(rows, widths, more=[evidence_column(5), *spans]))


def _small(text: str) -> str:
    return f'<font size="6.8" color="#{style.MUTED.hexval()[2:]}">{style.markup(text)}</font>'


class DecisionPanel(Drawn):
    """Tick boxes and lines to be filled by hand; the program decides nothing."""

    def __init__(self, width: float) -> None:
        super().__init__()
        self.width, self.height = width, 41 * MM

    def draw(self) -> None:
        """Draw the panel."""
        canvas = self.canv
        canvas.setFillColor(style.TINT)
        canvas.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        hint = "Filled in by the committee. This dossier brings evidence and holds no verdict."
        draw_text(canvas, 9, self.height - 13, hint, style.ITALIC, 7.4, style.MUTED)
        x = 9.0
        for choice in _CHOICES:
            canvas.setStrokeColor(style.INK)
            canvas.setLineWidth(0.7)
            canvas.rect(x, self.height - 31, 8, 8, stroke=1, fill=0)
            draw_text(canvas, x + 13, self.height - 29.8, choice, style.SANS, 9)
            x += 13 + style.text_width(choice, style.SANS, 9) + 24
        for row, names in enumerate(_PANEL_LINES):
            self._line(self.height - 54 - row * 24, names)

    def _line(self, y: float, names: tuple[str, str]) -> None:
        canvas, half = self.canv, self.width * 0.62
        for name, left, right in ((names[0], 9.0, half), (names[1], half + 12, self.width - 9)):
            if not name:
                continue
            right = self.width - 9 if not names[1] else right
            canvas.setStrokeColor(style.FAINT)
            canvas.setLineWidth(0.5)
            canvas.line(left, y, right, y)
            draw_text(canvas, left, y - 7.5, name, style.SANS, 6.4, style.MUTED)


def _contents(layout: Layout) -> list[Any]:
    """Table of contents in two columns, each line a link."""
    if not layout.contents:
        return []
    lines = [
        f'<a href="#{entry.key}"><font color="#{style.ACCENT.hexval()[2:]}">{entry.number}</font>&nbsp;&nbsp;'
        f"{style.markup(entry.title)}</a>"
        for entry in layout.contents
    ]
    cells = [
        [Paragraph(line, style.CELL), Paragraph(str(entry.page), style.CELL_RIGHT)]
        for line, entry in zip(lines, layout.contents, strict=True)
    ]
    half = (len(lines) + 1) // 2
    rows = [[*cells[i], "", *(cells[half + i] if half + i < len(cells) else ["", ""])] for i in range(half)]
    column = (style.WIDTH - 10 * MM) / 2
    widths = [column - 10 * MM, 10 * MM, 10 * MM, column - 10 * MM, 10 * MM]
    plain = [
        ("LINEBELOW", (2, 0), (2, -1), 0.6, white),
        ("LINEBELOW", (0, -1), (-1, -1), 0.6, white),
        ("TOPPADDING", (0, 0), (-1, -1), 1.0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.4),
    ]
    return [Spacer(1, 3), KeepTogether([Paragraph("Contents", style.H2), table(rows, widths, heads=0, more=plain)])]
