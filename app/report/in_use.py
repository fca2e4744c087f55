"""What a model would mean in use: at its threshold, as a risk, in a decision, and for each group of patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.platypus import Paragraph, Spacer

from app.governance.dossier import ModelSection
from app.report import style
from app.report.compared_curves import SIDES, calibration_of_models, net_benefit_of_models
from app.report.curve_plot import CurvePlot
from app.report.figure import Figure
from app.report.grid import Grid
from app.report.interval_cells import IntervalCells
from app.report.prevalence_table import at_prevalences
from app.report.style import MM
from app.report.tables import Context, short, table
from engine.contract.operating import Measure, OperatingPoint
from engine.contract.output_types import OutputType
from engine.contract.results import Estimate, LabelResult
from engine.contract.subgroups import GroupResult, SubgroupResults

RATES: tuple[tuple[Measure, str], ...] = (
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
    ("ppv", "PPV"),
    ("npv", "NPV"),
)
DRAWN = 3
"""Labels whose curves are drawn: more would not be read. All are exported by `isoline figures`."""
WHOLE = 6
"""Up to so many labels every group is told; with more only groups with a gap, and how many show none."""
LACKING = "insufficient evidence"
FLAGS: tuple[OutputType, ...] = ("flag", "category")
"""Answers that are one point."""


def in_use(model: ModelSection, series: int, context: Context) -> list[Any]:
    """The section of one model of which `told_of` is true.

    Args:
        model: card and evaluation.
        series: its colour.
        context: of the report.
    """
    labels = model.evaluation.labels
    lead = (
        "What a threshold would find and miss, whether predicted risks come true, what acting on them is worth, and "
        "whether it holds for every group of patients. Thresholds were not chosen on the recordings they are judged "
        "on, unless a line says so."
    )
    return [
        Paragraph(lead, style.BODY),
        *_operating(model, context),
        *at_prevalences(model, context),
        *_flags(model, context),
        *_curves(model, series, context),
        *_risks(model, context),
        *_groups(model, context),
        *([Paragraph(_no_risks(labels), style.NOTE)] if _no_risks(labels) else []),
    ]


def told_of(model: ModelSection) -> bool:
    """Whether an evaluation tells of a threshold, of risks, or of groups."""
    return any(one.operating or one.calibration or one.subgroups for one in model.evaluation.labels)


def _operating(model: ModelSection, context: Context) -> list[Any]:
    rows = [(place, one, one.operating) for place, one in enumerate(model.evaluation.labels) if one.operating]
    points = [(place, one, point) for place, one, point in rows if point is not None]
    if not points:
        return []
    estimates = [point.measures[name] for *_, point in points for name, _ in RATES if name in point.measures]
    told = IntervalCells.of(model.evaluation_job, context, estimates)
    heads = ["Label, threshold", *(title for _, title in RATES), "Found, missed, false alarms", "Evidence"]
    body: list[list[Any]] = [[Paragraph(head, style.HEAD) for head in heads]]
    more = []
    for place, one, point in points:
        if point.not_estimable:
            more.append(("SPAN", (1, len(body)), (-1, len(body))))
            reason = Paragraph(f"<i>no threshold:</i> {style.markup(short(point.not_estimable))}", style.CELL_MUTED)
            body.append([_named(one, point), reason, *[""] * 5])
            continue
        known = [(f"labels.{place}.operating.measures.{name}", point.measures.get(name)) for name, _ in RATES]
        counts = f"{point.true_positives:,}, {point.false_negatives:,}, {point.false_positives:,}"
        body.append(
            [
                _named(one, point),
                *(told.cell(estimate or Estimate(not_estimable="not told")) for _, estimate in known),
                Paragraph(counts, style.CELL_SMALL),
                told.evidence((path, estimate) for path, estimate in known if estimate is not None),
            ]
        )
    caption = f"At the threshold: of recordings, with intervals clustered by patient. {told.methods.legend()}"
    widths = [28 * MM, *[22 * MM] * 4, 16 * MM]
    return context.long(caption, table(body, [*widths, style.WIDTH - sum(widths)], more=more))


def _flags(model: ModelSection, context: Context) -> list[Any]:
    """Flags are one point: agreement, the worth of acting on them at one risk, and what silence would cost."""
    found = [(n, one) for n, one in enumerate(model.evaluation.labels) if one.judged_as in FLAGS]
    rows = [(n, one, dict(_flag_estimates(n, one))) for n, one in found]
    rows = [(n, one, known) for n, one, known in rows if known]
    if not rows:
        return []
    estimates = [estimate for *_, known in rows for estimate in known.values()]
    told = IntervalCells.of(model.evaluation_job, context, estimates)
    heads = [
        "Label",
        "Cohen's kappa",
        "Net benefit",
        "Sensitivity, no output as missed",
        "Specificity, no output as alarm",
        "Evidence",
    ]
    body: list[list[Any]] = [[Paragraph(head, style.HEAD) for head in heads]]
    for n, one, known in rows:
        cells = [told.cell(known.get(path.format(n), Estimate(not_estimable="not told"))) for path in _OF_FLAGS]
        body.append([Paragraph(style.markup(short(one.label)), style.CELL_SMALL), *cells, told.evidence(known.items())])
    caption = (
        "Flags: one point, so nothing is ranked and no curve is drawn. Net benefit in true positives per recording, "
        "when one acts at a risk as large as the share of positives: there acting on everybody and on nobody is worth "
        f"0. The rates beside it count every answer that was not given as wrong. {told.methods.legend()}"
    )
    widths = [24 * MM, *[29 * MM] * 4]
    return context.long(caption, table(body, [*widths, style.WIDTH - sum(widths)]))


_OF_FLAGS = (
    "labels.{}.operating.measures.kappa",
    "labels.{}.utility.points.0.model",
    "labels.{}.operating.measures.sensitivity_intended",
    "labels.{}.operating.measures.specificity_intended",
)


def _flag_estimates(place: int, one: LabelResult) -> Iterator[tuple[str, Estimate]]:
    """What is told of a flag, by where it stands in the results."""
    point, worth = one.operating, one.utility
    names: tuple[Measure, ...] = ("kappa", "sensitivity_intended", "specificity_intended")
    for name in names:
        if point is not None and name in point.measures:
            yield f"labels.{place}.operating.measures.{name}", point.measures[name]
    if worth is not None and worth.points:
        yield f"labels.{place}.utility.points.0.model", worth.points[0].model


def _named(one: LabelResult, point: OperatingPoint) -> Paragraph:
    """The label, its threshold, by which rule and on whom it was chosen."""
    at = "" if point.threshold is None else f"{style.decimal(point.threshold)}; "
    if point.threshold is None and point.thresholds:
        at = f"{style.interval(point.thresholds[0], point.thresholds[-1])} by fold; "
    how = style.markup(f"{at}{point.how}")
    muted = f'<font size="6.2" color="#{style.MUTED.hexval()[2:]}">{how}</font>'
    return Paragraph(f"{style.markup(short(one.label), style.BOLD)}<br/>{muted}", style.CELL_SMALL)


def _curves(model: ModelSection, series: int, context: Context) -> list[Any]:
    """Calibration above, decision curve below, of the labels with most patients in their smaller class."""
    evaluation = model.evaluation
    known = [one for one in evaluation.labels if one.calibration is not None and one.calibration.curve]
    chosen = {one.label for one in sorted(known, key=_smaller, reverse=True)[:DRAWN]}
    labels = [one.label for one in known if one.label in chosen]
    order = {evaluation.model: series}
    above = [calibration_of_models([evaluation], label, order) for label in labels]
    below = [net_benefit_of_models([evaluation], label, order) for label in labels]
    drawings = [_small(one) for one in (*above, *below) if one is not None]
    if not drawings:
        return []
    left_out = len(known) - len(labels)
    counted = any(one.calibration and one.calibration.risks for one in known)
    strips = f" The strip counts recordings by risk, {SIDES}" if counted else ""
    others = f" The {left_out} labels with fewer patients are not drawn." if left_out else ""
    told = (
        "Above, calibration: observed share over predicted risk with its pointwise band; on the dotted diagonal risks "
        f"come true.{strips} Below, net benefit of acting on the risk from a threshold on; dashed: acting on "
        f"everybody, grey line at 0: on nobody.{others} "
        f"Drawn from the results of run {style.markup(model.evaluation_job)}."
    )
    return [Spacer(1, 8), *context.figure(Grid(drawings, len(labels)), told)]


def _smaller(one: LabelResult) -> int:
    return min(one.auroc.positive_patients or 0, one.auroc.negative_patients or 0)


def _small(figure: Figure) -> CurvePlot:
    """The same plane at a third of the page's width; one model needs no key."""
    drawing = figure.drawing
    if not isinstance(drawing, CurvePlot):
        raise TypeError(f"{figure.name} is no plane of curves")
    return CurvePlot(
        drawing.plane, drawing.series, drawing.counts, width=Grid.cell_width(DRAWN), height=150.0, keyed=False
    )


def _risks(model: ModelSection, context: Context) -> list[Any]:
    rows = [(place, one) for place, one in enumerate(model.evaluation.labels) if one.calibration is not None]
    if not rows:
        return []
    parts = [list(_risk_estimates(place, one)) for place, one in rows]
    told = IntervalCells.of(model.evaluation_job, context, (one for part in parts for _, one in part))
    heads = ["Label", "Observed / expected", "Intercept", "Slope", "ICI", "Brier", "Evidence"]
    body: list[list[Any]] = [[Paragraph(head, style.HEAD) for head in heads]]
    for (_, one), part in zip(rows, parts, strict=True):
        cells = [told.cell(estimate) for _, estimate in part]
        cells += [Paragraph("not told", style.CELL_MUTED)] * (5 - len(cells))
        body.append([Paragraph(style.markup(short(one.label)), style.CELL_SMALL), *cells, told.evidence(part)])
    caption = (
        "Do predicted risks come true: 1, 0 and 1 are ideal for observed over expected, intercept and slope; a slope "
        "below 1 means risks that are too extreme. ICI: mean distance of curve and risk. Brier: mean squared error; "
        f"both 0 at best. {told.methods.legend()}"
    )
    widths = [20 * MM, *[22.4 * MM] * 5]
    return context.long(caption, table(body, [*widths, style.WIDTH - sum(widths)]))


def _risk_estimates(place: int, one: LabelResult) -> Iterator[tuple[str, Estimate]]:
    if one.calibration is not None:
        for name in ("observed_expected", "intercept", "slope", "ici"):
            yield f"labels.{place}.calibration.{name}", getattr(one.calibration, name)
    if one.overall is not None:
        yield f"labels.{place}.overall.brier", one.overall.brier


def _no_risks(labels: Sequence[LabelResult]) -> str:
    without = [one.label for one in labels if one.calibration is None]
    if not without:
        return ""
    which = "no label" if len(without) == len(labels) else f"not of {', '.join(without)}"
    known = "Calibration is told of" if len(without) == len(labels) else "Calibration is told,"
    what = "flags" if all(one.judged_as in FLAGS for one in labels if one.calibration is None) else "scores"
    return style.markup(f"{known} {which}: there are {what}, no probabilities.")


@dataclass(frozen=True)
class _Group:
    """One group of one attribute on one label, and where it stands in the results."""

    label: str
    attribute: str
    told: GroupResult
    path: str
    measure: str


def _groups(model: ModelSection, context: Context) -> list[Any]:
    found = [
        _Group(one.label, part.attribute, group, f"labels.{n}.subgroups.{k}.groups.{g}", part.measure)
        for n, one in enumerate(model.evaluation.labels)
        for k, part in enumerate(one.subgroups)
        for g, group in enumerate(part.groups)
    ]
    everything = len(model.evaluation.labels) <= WHOLE
    shown = [
        one for one in found if one.told.state != LACKING and (everything or one.told.state in ("lower", "higher"))
    ]
    notes = _group_notes(model, found, len(shown))
    if not shown:
        return [Paragraph("Groups of patients", style.H2), *notes] if notes else []
    estimates = [estimate for one in shown for estimate in (one.told.estimate, one.told.complement, one.told.gap)]
    told = IntervalCells.of(model.evaluation_job, context, estimates)
    measures = list(dict.fromkeys(one.measure for one in shown))
    heads = [
        "Label",
        "Group",
        measures[0] if len(measures) == 1 else "In the group",
        "Everybody else",
        "Gap",
        "p",
        "Verdict",
        "Evidence",
    ]
    body = [[Paragraph(head, style.HEAD) for head in heads], *(_group_row(one, told) for one in shown)]
    corrections = " and ".join(sorted({one.told.correction for one in shown if one.told.correction}))
    caption = (
        f"{' and '.join(measures)} in each group and in everybody else, and their gap on common resamples. "
        + (f"p values are corrected by {corrections}. " if corrections else "")
        + told.methods.legend()
    )
    widths = [17 * MM, 22 * MM, 23 * MM, 23 * MM, 26 * MM, 13 * MM, 18 * MM]
    return [*context.long(caption, table(body, [*widths, style.WIDTH - sum(widths)])), *notes]


def _group_row(one: _Group, told: IntervalCells) -> list[Any]:
    group = one.told
    parts = {name: getattr(group, name) for name in ("estimate", "complement", "gap")}
    p = "" if group.adjusted_p is None else _p(group.adjusted_p)
    strong = group.state in ("lower", "higher")
    verdict = style.markup(group.state, style.BOLD if strong else style.SANS)
    return [
        Paragraph(style.markup(short(one.label)), style.CELL_SMALL),
        Paragraph(style.markup(short(f"{_rate_of(one)}{one.attribute}: {group.group}")), style.CELL_SMALL),
        told.cell(group.estimate),
        told.cell(group.complement),
        told.cell(group.gap, sign=True),
        Paragraph(p, style.CELL_SMALL),
        Paragraph(f"<b>{verdict}</b>" if strong else verdict, style.CELL_SMALL),
        told.evidence((f"{one.path}.{name}", estimate) for name, estimate in parts.items()),
    ]


def _rate_of(one: _Group) -> str:
    return "" if one.measure == "AUROC" else f"{one.measure}, "


def _of_rate(one: _Group) -> str:
    return one.label if one.measure == "AUROC" else f"{one.measure.lower()} of {one.label}"


def _p(value: float) -> str:
    return "&lt; 0.001" if value < 0.001 else style.decimal(value)


def _group_notes(model: ModelSection, found: Sequence[_Group], shown: int) -> list[Any]:
    """Groups of which too little is known, and with many labels how many groups show no gap."""
    lines = []
    poor: dict[tuple[str, str], list[str]] = {}
    for one in found:
        if one.told.state == LACKING:
            poor.setdefault((one.attribute, one.told.group), []).append(_of_rate(one))
    parts = [part for one in model.evaluation.labels for part in one.subgroups]
    if poor:
        listed = "; ".join(f"{what}: {group} ({', '.join(labels)})" for (what, group), labels in poor.items())
        least = max(part.least_patients for part in parts)
        lines.append(
            f"Insufficient evidence, so nothing is said of how the model does there: {listed}. A group and everybody "
            f"else each need {least} patients of each class."
        )
    quiet = len(found) - shown - sum(map(len, poor.values()))
    if quiet:
        lines.append(f"{quiet:,} further groups show no gap; that is no proof that there is none.")
    lines += _unknown(parts)
    return [Paragraph(style.markup(line), style.NOTE) for line in lines]


def _unknown(parts: Sequence[SubgroupResults]) -> list[str]:
    most: dict[str, int] = {}
    for part in parts:
        most[part.attribute] = max(most.get(part.attribute, 0), part.unknown_records)
    return [f"{count:,} recordings of unknown {name} are in no group." for name, count in most.items() if count]
