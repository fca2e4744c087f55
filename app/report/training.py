"""The section on how a model was pretrained: config, curves, last figures, collapse watch, probes along the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reportlab.platypus import KeepTogether, Paragraph, Spacer

from app.governance.dossier import PretrainingSection
from app.report import style
from app.report.charts import Axis, AxisCell, Curve, CurveChart, auroc_axis, difference_axis
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
    table,
)
from engine.contract.card import LEAK_NOTE, RESEARCH_STAMP
from engine.contract.config import AnyObjectiveConfig, PretrainConfig
from engine.contract.results import Estimate
from engine.signal.normalise import TEXTS as NORMALISATIONS

_MEASURES = {
    "effective_rank": "Effective rank of the features",
    "effective_rank_share": "The same as a share of the width",
    "target_variance": "Variance of the targets",
    "prediction_variance": "Variance of the predictions",
    "codes_used": "Codes in use",
    "code_share": "The same as a share of all codes",
    "teacher_entropy": "Entropy of the teacher's assignments, nats",
}
"""Measures of the collapse watch, as people read them; an unknown one stands under its own name."""


def pretraining(section: PretrainingSection, context: Context) -> list[Any]:
    """Config, what must be said of it, loss curve against the trivial level, and the figures at its end."""
    objective = section.config.objective
    parts = [*_warnings(section)]
    parts += context.short(f"Configuration of run {style.markup(section.job_id)}.", facts(_config_rows(section)))
    curves = _curves(section)
    if curves:
        told = (
            f"Loss over training. {style.markup(objective.trivial_text)} A low loss says that pretraining worked, not "
            "that the model is useful; losses of different objectives cannot be compared."
        )
        chart = CurveChart(curves, f"loss, {objective.loss_unit}", style.WIDTH, 58 * MM)
        parts.append(KeepTogether([Spacer(1, 4), *context.figure(chart, told)]))
    final = _figures(section, context, "final", section.results.final, figure_names(objective))
    parts += _value_table("Where pretraining ended.", "Last figure", final, context)
    watched = _figures(section, context, "collapse", section.results.collapse, _MEASURES, unknown=True)
    parts += _value_table(_collapse_verdict(section), "Collapse watch, last look", watched, context)
    return [*parts, *_probe_table(section, context), *_forgetting_table(section, context)]


def figure_names(objective: AnyObjectiveConfig) -> dict[str, str]:
    """What the last figures of a pretraining are called, by their names in its results."""
    unit, level = objective.loss_unit, objective.trivial_name
    right = "Share of true futures ranked first" if objective.name == "cpc" else "Share of codes told right"
    level = f"Level of {level}" if level.startswith("predicting") else level.capitalize()
    return {
        "loss": f"Training loss, {unit}",
        "validation_loss": f"Held-out loss, {unit}",
        "trivial_loss": level,
        "chance_loss": level,  # the same, as contract version 1 named it
        "validation_trivial_loss": "The same on held-out patients",
        "accuracy": right,
        "validation_accuracy": "The same on held-out patients",
    }


def _warnings(section: PretrainingSection) -> Iterator[Any]:
    """What a reader must know before any figure: leaks, collapse, derivation, shared patients."""
    card = section.card
    told = [LEAK_NOTE] if section.config.leaks else []
    if section.results.collapsed:
        told.append(f"collapsed while it was pretrained: {section.results.collapsed}")
    if card is not None:
        told += [card.stamp] if card.stamp != RESEARCH_STAMP else []
        told += [note for note in card.notes if note not in told and not _repeats(note, told)]
    for text in told:
        sentence = text[0].upper() + text[1:].rstrip(".")
        yield Paragraph(f"<b>Note.</b> {style.markup(sentence)}.", style.BODY)


def _repeats(note: str, told: Sequence[str]) -> bool:
    return any(text.startswith(note) for text in told)


def _config_rows(section: PretrainingSection) -> list[tuple[str, str]]:
    config, results = section.config, section.results
    rows = [
        ("Backbone", config.backbone.summary),
        ("Parameters", f"{results.parameters:,}"),
        ("Objective", config.objective.summary),
        ("Started from", _origin(section)),
        ("Input", f"crops of {config.window_s:g} s at {config.rate_hz:g} Hz, clipped at ±{config.clip_mv:g} mV"),
        ("Normalisation", NORMALISATIONS[config.normalisation]),
        ("Training", _training(section)),
        ("Learning rate", f"{config.learning_rate:g}, {_schedule(config)}, weight decay {config.weight_decay:g}"),
        ("Held out to watch the loss", f"{100 * config.validation_fraction:g} % of patients"),
        ("sha256 of the weights", ""),
    ]
    return [(name, style.markup(value) or hash_text(results.weights_sha256)) for name, value in rows]


def _origin(section: PretrainingSection) -> str:
    if not section.config.parent:
        return "random weights"
    line = section.card.lineage if section.card is not None else None
    if line is None or not line.parent_sha256:
        return "the weights of another model"
    return f"the weights of {line.parent_name or 'another model'}, sha256 {line.parent_sha256[:16]}…"


def _training(section: PretrainingSection) -> str:
    config, results = section.config, section.results
    precision = "" if config.precision == "float32" else f", {config.precision}"
    return (
        f"{results.steps:,} of {config.steps:,} steps of {config.batch_size:,} crops{results.ended}{precision}, "
        f"seed {config.seed}"
    )


def _schedule(config: PretrainConfig) -> str:
    warmup = f"after a warm-up of {config.warmup_steps:,} steps " if config.warmup_steps else ""
    return f"{warmup}{config.schedule}"


def _curves(section: PretrainingSection) -> list[Curve]:
    series = {curve.name: curve for curve in section.curves}
    looks = (
        ("trivial_loss", section.config.objective.trivial_name, style.MUTED, (2.0, 2.0), False),
        ("loss", "training", style.SERIES[0], (), False),
        ("validation_loss", "held-out patients", style.SERIES[1], (4.0, 2.0), True),
    )
    found = [
        Curve(label, series[name].steps, series[name].values, color, dash, marked)
        for name, label, color, dash, marked in looks
        if name in series
    ]
    return [curve for curve in found if curve.points()]


def _figures(
    section: PretrainingSection,
    context: Context,
    part: str,
    values: Mapping[str, float | None],
    names: Mapping[str, str],
    unknown: bool = False,
) -> list[tuple[str, float, str]]:
    """Name, value and evidence id of each number that is there, in the order of `names`."""
    order = [name for name in names if name in values]
    order += [name for name in values if name not in names] if unknown else []
    return [
        (names.get(name, name.replace("_", " ")), value, context.ledger.cite(section.job_id, f"{part}.{name}"))
        for name in order
        if (value := values[name]) is not None
    ]


def _value_table(told: str, head: str, figures: Sequence[tuple[str, float, str]], context: Context) -> list[Any]:
    if not figures:
        return []
    rows: list[list[Any]] = [
        [Paragraph(head, style.HEAD), Paragraph("Value", style.HEAD_RIGHT), Paragraph("Evidence", style.HEAD)]
    ]
    for title, value, ids in figures:
        figure = Paragraph(style.markup(style.decimal(value, 0 if _is_count(value) else 3)), style.CELL_RIGHT)
        mark = Paragraph(style.evidence_mark(ids), style.CELL)
        rows.append([Paragraph(style.markup(title), style.CELL), figure, mark])
    widths = [70 * MM, 24 * MM, style.WIDTH - 94 * MM]
    return context.short(told, table(rows, widths, more=[evidence_column(2)]))


def _is_count(value: float) -> bool:
    return value == int(value) and abs(value) > 1


def _collapse_verdict(section: PretrainingSection) -> str:
    reason = section.results.collapsed
    told = f"it counts as collapsed ({style.markup(reason.rstrip('.'))})" if reason else "no collapse was seen"
    return f"How much life is in the features: {told}."


def _probe_table(section: PretrainingSection, context: Context) -> list[Any]:
    points = section.results.probes
    if not points:
        return []
    probe = section.config.probe
    cohort = f" on cohort {style.markup(probe.cohort)}" if probe is not None and probe.cohort else ""
    entries = [(f"step {point.step:,}", point.macro, f"probes.{n}.macro") for n, point in enumerate(points)]
    told = f"Linear probe along the way{cohort}: macro AUROC of the frozen features."
    return _estimate_table(section, context, told, "Probe", entries, auroc_axis([e for _, e, _ in entries]))


def _forgetting_table(section: PretrainingSection, context: Context) -> list[Any]:
    changes = section.results.forgetting
    if not changes:
        return []
    entries = [(change.label, change.estimate, f"forgetting.{n}.estimate") for n, change in enumerate(changes)]
    told = "Forgetting: AUROC of the last probe minus that of the first, paired. Below zero, something was lost."
    axis = difference_axis([e for _, e, _ in entries])
    return _estimate_table(section, context, told, "Label", entries, axis, sign=True)


def _estimate_table(
    section: PretrainingSection,
    context: Context,
    told: str,
    head: str,
    entries: Sequence[tuple[str, Estimate, str]],
    axis: Axis,
    sign: bool = False,
) -> list[Any]:
    methods, wide = collect_methods(one for _, one, _ in entries), 46 * MM
    look = EstimateLook(axis, wide - 6, methods, sign)
    rows: list[list[Any]] = [
        [
            Paragraph(head, style.HEAD),
            AxisCell(axis, wide - 6),
            Paragraph("AUROC", style.HEAD_RIGHT),
            Paragraph("Interval", style.HEAD_RIGHT),
            Paragraph("Evidence", style.HEAD),
        ]
    ]
    spans: list[tuple[Any, ...]] = [evidence_column(4)]
    for n, (name, one, path) in enumerate(entries, start=1):
        ids = estimate_ids(context.ledger, section.job_id, path, one)
        mark = Paragraph(style.evidence_mark(ids), style.CELL)
        rows.append([Paragraph(style.markup(name), style.CELL), *estimate_cells(one, look, 0), mark])
        if one.value is None:
            spans.append(("SPAN", (1, n), (3, n)))
    widths = [34 * MM, wide, 16 * MM, 36 * MM]
    body = table(rows, [*widths, style.WIDTH - sum(widths)], more=spans)
    legend = methods.legend()
    return context.long(f"{told} {legend}".strip(), body)
