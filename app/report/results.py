"""Sections of results: discrimination, paired differences, and models known by their scores alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.platypus import Paragraph

from app.governance.dossier import Dossier, ModelSection
from app.report import style
from app.report.charts import AxisCell, SeriesMark, auroc_axis, difference_axis
from app.report.further import further_differences
from app.report.style import MM
from app.report.tables import (
    Context,
    EstimateLook,
    collect_methods,
    estimate_cells,
    estimate_ids,
    evidence_column,
    facts,
    hash_text,
    short,
    table,
    text,
)
from engine.contract.results import Difference, Estimate

MACRO = "macro"

NOT_KNOWABLE = {
    "Which model made them": "No weights were examined. The hash fixes this file of scores, not the product that made "
    "it, and nothing shows that another day or another release would give the same scores.",
    "What the model has seen": "Whether these patients or recordings were part of its training cannot be checked; if "
    "they were, the figures here are too good.",
    "What it was fed": "Leads, sampling rate, filters, and whether the same recordings as here were scored, rest on "
    "the word of whoever supplied the file.",
    "How the scores were made": "Raw outputs, calibrated probabilities and scores tuned on these labels look alike; no "
    "statement on calibration or on an operating threshold follows.",
    "How it behaves elsewhere": "Without a model there are no layers to compare, no stress tests, and no scores for "
    "recordings outside this file.",
}


@dataclass(frozen=True)
class Line:
    """One line of an estimate table; `note` stands below its name, its numbers are at the paths `noted`."""

    name: str
    series: int
    estimate: Estimate
    job_id: str
    path: str
    note: str = ""
    noted: tuple[str, ...] = ()


def discrimination(dossier: Dossier, context: Context) -> list[Any]:
    """Macro and per-label AUROC of every model."""
    groups = _auroc_groups(dossier)
    estimates = [line.estimate for _, lines in groups for line in lines]
    look = EstimateLook(auroc_axis(estimates), 46 * MM, collect_methods(estimates))
    first = dossier.models[0].evaluation
    seen = f"Scores are {style.markup(first.split_kind)}. "
    told = (
        f"AUROC, macro and per label. {look.methods.legend()} Thick line and first row of figures: reported interval; "
        "thin line and small figures: the interval beside it. Dotted line: 0.5, no discrimination."
    )
    notes = _notes([note for model in dossier.models for note in model.evaluation.notes])
    body = estimate_table(groups, look, context)
    return [Paragraph(seen + _resampling(dossier), style.BODY), *context.long(told, body), *notes]


def differences(dossier: Dossier, context: Context) -> list[Any]:
    """Paired differences of the model examined and each of the others."""
    groups = _difference_groups(dossier)
    estimates = [line.estimate for _, lines in groups for line in lines]
    look = EstimateLook(difference_axis(estimates), 46 * MM, collect_methods(estimates), sign=True)
    examined = style.markup(dossier.comparison.examined)
    told = (
        f"Difference in AUROC, {examined} minus the model named in the row. {look.methods.legend()} Filled marker: the "
        "reported interval excludes zero; hollow marker: it does not, and the data do not tell the two models apart."
    )
    lead = (
        f"Above zero <b>{examined}</b> ranks better. Both models of a pair are scored on the same recordings and in "
        f"the same resamples of patients. {_adjustment(dossier)} Read the macro row first."
    )
    notes = _notes(dossier.comparison.notes)
    body = context.long(told, estimate_table(groups, look, context))
    return [Paragraph(lead, style.BODY), *body, *further_differences(dossier, context), *notes]


def supplied_scores(model: ModelSection, series: int, context: Context) -> list[Any]:
    """One model of which only scores are known: identity of the file, result, and what cannot be known."""
    card, evaluation = model.card, model.evaluation
    macro = evaluation.macro
    look = EstimateLook(auroc_axis([macro]), 46 * MM, collect_methods([macro]))
    entries = [
        ("Supplied as", text(card.name)),
        ("Developer", text(card.developer)),
        ("Kind of output", text(card.output)),
        ("sha256 of the scores", hash_text(model.sha256)),
        ("Recordings scored", style.count(evaluation.records)),
        ("Recordings without a score", style.count(evaluation.missing_scores)),
    ]
    lead = (
        "These scores were computed elsewhere and brought in as a file. They went through the same statistics, on the "
        "same recordings, as every other model of this dossier; the model behind them was not examined."
    )
    line = Line(card.name, series, macro, model.evaluation_job, MACRO)
    return [
        Paragraph(lead, style.BODY),
        facts(entries),
        *context.short(
            f"Macro AUROC of the supplied scores. {look.methods.legend()}",
            estimate_table([("Macro average over labels", [line])], look, context),
        ),
        Paragraph("What cannot be known from scores alone", style.H2),
        *[Paragraph(f"<b>{name}.</b> {why}", style.ITEM, bulletText="•") for name, why in NOT_KNOWABLE.items()],
        *_notes(card.notes),
    ]


def estimate_table(groups: Sequence[tuple[str, Sequence[Line]]], look: EstimateLook, context: Context) -> Any:
    """Estimates in groups that never break across pages, each line with plot, figures and evidence id.

    Counts stand once in the group's title where all its lines rest on the same recordings, else under each line.
    """
    rows: list[list[Any]] = [_head(look)]
    more: list[tuple[Any, ...]] = [evidence_column(5)]
    for title, lines in groups:
        start = len(rows)
        counts = list(dict.fromkeys(_counts(line.estimate) for line in lines))
        shared = f'&nbsp;&nbsp; <font name="{style.SANS}" size="7">{counts[0]}</font>' if len(counts) == 1 else ""
        rows.append([Paragraph(style.markup(short(title), style.BOLD) + shared, style.CELL_BOLD), *[""] * 5])
        more += [("SPAN", (0, start), (-1, start)), ("BACKGROUND", (0, start), (-1, start), style.TINT)]
        more.append(("TOPPADDING", (0, start), (-1, start), 3))
        for line in lines:
            if line.estimate.value is None:
                more.append(("SPAN", (2, len(rows)), (4, len(rows))))
            rows.append(_row(line, look, context, own_counts=len(counts) > 1))
        more.append(("NOSPLIT", (0, start), (-1, len(rows) - 1)))
    fixed = [5 * MM, look.width + 8, 16.5 * MM, 31 * MM, 17 * MM]
    return table(rows, [fixed[0], style.WIDTH - sum(fixed), *fixed[1:]], more=more)


def _head(look: EstimateLook) -> list[Any]:
    return [
        "",
        Paragraph("Model", style.HEAD),
        AxisCell(look.axis, look.width),
        Paragraph("Difference" if look.sign else "AUROC", style.HEAD_RIGHT),
        Paragraph("Interval", style.HEAD_RIGHT),
        Paragraph("Evidence", style.HEAD),
    ]


def _row(line: Line, look: EstimateLook, context: Context, own_counts: bool) -> list[Any]:
    name = style.markup(line.name)
    if own_counts:
        name += f'<br/><font size="6.6" color="#{style.MUTED.hexval()[2:]}">{_counts(line.estimate)}</font>'
    if line.note:
        name += f'<br/><font size="6.6" color="#{style.MUTED.hexval()[2:]}">{style.markup(line.note)}</font>'
    ids = estimate_ids(context.ledger, line.job_id, line.path, line.estimate)
    ids = " ".join([ids, *(context.ledger.cite(line.job_id, path) for path in line.noted)])
    return [
        SeriesMark(line.series),
        Paragraph(name, style.CELL),
        *estimate_cells(line.estimate, look, line.series),
        Paragraph(style.evidence_mark(ids), style.CELL),
    ]


def _counts(estimate: Estimate) -> str:
    """What an estimate rests on, in words."""
    told = f"{estimate.records:,} recordings of {estimate.patients:,} patients"
    if estimate.positive_records is None:
        return told
    told += f"; {estimate.positive_records:,} positive"
    return told if estimate.positive_patients is None else told + f", of {estimate.positive_patients:,} patients"


def _auroc_groups(dossier: Dossier) -> list[tuple[str, list[Line]]]:
    """Macro first, then the labels in the order of the first model that has them."""
    models = list(enumerate(dossier.models))
    macro = [Line(m.card.name, i, m.evaluation.macro, m.evaluation_job, MACRO) for i, m in models]
    names = list(dict.fromkeys(result.label for m in dossier.models for result in m.evaluation.labels))
    groups = [("Macro average over labels", macro)]
    for name in names:
        lines = [
            Line(m.card.name, i, result.auroc, m.evaluation_job, f"labels.{k}.auroc")
            for i, m in models
            for k, result in enumerate(m.evaluation.labels)
            if result.label == name
        ]
        groups.append((name, lines))
    return groups


def _difference_groups(dossier: Dossier) -> list[tuple[str, list[Line]]]:
    order = {model.card.name: i for i, model in enumerate(dossier.models)}
    groups: dict[str, list[Line]] = {}
    for k, one in enumerate(dossier.comparison.differences):
        line = Line(
            one.reference,
            order.get(one.reference, 0),
            one.estimate,
            dossier.comparison_job,
            f"differences.{k}.estimate",
            _corrected(one, dossier.comparison.margin),
            () if one.adjusted_p is None else (f"differences.{k}.adjusted_p",),
        )
        groups.setdefault(one.label, []).append(line)
    macro = groups.pop(MACRO, None)
    first = [("Macro average over labels", macro)] if macro else []
    return [*first, *groups.items()]


def _corrected(one: Difference, margin: float | None) -> str:
    """The corrected p value and the verdict of the margin, as far as there are any."""
    parts = []
    if one.adjusted_p is not None:
        parts.append(f"p {'< 0.001' if one.adjusted_p < 0.001 else style.decimal(one.adjusted_p)} ({one.correction})")
    if one.verdict and margin is not None:
        verdict = "non-inferiority not shown" if one.verdict == "not shown" else one.verdict
        parts.append(f"{verdict}, margin {margin:g}")
    return "; ".join(parts)


def _adjustment(dossier: Dossier) -> str:
    """Whether the number of comparisons is allowed for, and how."""
    by = sorted({one.correction for one in dossier.comparison.differences if one.correction})
    if not by:
        return "Differences are not adjusted for the number of comparisons."
    return f"p values are corrected for the number of comparisons ({' and '.join(by)}), intervals are not."


def _resampling(dossier: Dossier) -> str:
    first = dossier.models[0].evaluation
    return (
        f"Resampling draws whole patients, {first.resamples:,} times, seed {first.seed}. "
        "A label that is unknown for a recording leaves that recording out of that label; it never counts as negative."
    )


def _notes(notes: Sequence[str]) -> list[Any]:
    return [Paragraph(style.markup(note), style.NOTE) for note in dict.fromkeys(notes)]
