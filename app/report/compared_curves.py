"""Curves of several models on one label: ROC, precision and recall, calibration, net benefit; few labels on all.

Every function takes evaluations of the same test part and gives one plane with one series a model, or None where no
model has what the curve is made of. With one evaluation it is the figure of that evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from app.core.law_words import law_words
from app.report import style
from app.report.curve_plot import Counts, CurvePlot, Plane, Series
from app.report.figure import Figure
from app.report.figure_numbers import csv_text, slug
from engine.contract.calibration import CalibrationResults, RiskDistribution
from engine.contract.operating import ThresholdCurve
from engine.contract.results import Estimate, EvaluateResults, LabelResult, ScalingFit
from engine.contract.utility import UtilityResults

Order = Mapping[str, int]
LEAST_TOP = 0.05
"""The axis of net benefit reaches at least so high."""
DASHES: tuple[tuple[float, ...], ...] = ((), (5.0, 2.0), (1.5, 1.5))
ASIDE = 1.12
"""How much further right the last of several few-label curves stands than the first: intervals at one place hide."""
MOST_BANDS = 2
"""Bands in one plane: more hide each other."""
SIDES = "with the label upwards, without it downwards, each side to its own scale."
"""How a distribution of risks is read."""
MOST_STRIPS = 4
"""Distributions of risks below one plane: more push it off the page."""
NO_BANDS = " With more than two models the bands are left out; the numbers hold them."


def roc_of_models(evaluations: Sequence[EvaluateResults], label: str, order: Order) -> Figure | None:
    """ROC curves of one label, with the operating point of each model."""
    series, rows = [], []
    for model, result in _of_label(evaluations, label):
        curve = result.curve
        if curve is None or not curve.positives or not curve.negatives:
            continue
        places = [(false / curve.negatives, true / curve.positives) for true, false in _counts(curve)]
        line = [(0.0, 0.0), *places, (1.0, 1.0)]
        chosen = _chosen(result, "roc")
        series.append(
            Series(model, line, order.get(model, 0), _value(result.auroc), chosen=chosen, dash=_dash(model, order))
        )
        rows += [(model, at, *place) for at, place in zip(curve.thresholds, places, strict=True)]
    if not series:
        return None
    plane = Plane(f"{label}: ROC", "1 − specificity", "sensitivity", guides=[((0, 0), (1, 1))], square=True)
    told = f"Sensitivity over false alarms for '{label}', AUROC with its interval. The dotted line is chance." + _ring(
        series
    )
    numbers = csv_text(("model", "threshold", "false_positive_rate", "sensitivity"), rows)
    return Figure(f"roc-{slug(label)}", f"ROC, {label}", told, CurvePlot(plane, series), numbers)


def precision_of_models(evaluations: Sequence[EvaluateResults], label: str, order: Order) -> Figure | None:
    """Precision over recall of one label; a dotted line at the prevalence is what chance gives."""
    series, rows, prevalence = [], [], 0.0
    for model, result in _of_label(evaluations, label):
        curve = result.curve
        if curve is None or not curve.positives:
            continue
        prevalence = curve.positives / (curve.positives + curve.negatives)
        known = [(at, true, false) for at, (true, false) in zip(curve.thresholds, _counts(curve), strict=True)]
        places = [(at, true / curve.positives, true / (true + false)) for at, true, false in known if true + false]
        line = [(recall, precision) for _, recall, precision in places]
        value = "" if result.auprc is None else _value(result.auprc)
        series.append(
            Series(
                model, line, order.get(model, 0), value, chosen=_chosen(result, "precision"), dash=_dash(model, order)
            )
        )
        rows += [(model, *place) for place in places]
    if not series:
        return None
    guides = [((0.0, prevalence), (1.0, prevalence))]
    plane = Plane(
        f"{label}: precision and recall", "recall (sensitivity)", "precision (PPV)", guides=guides, square=True
    )
    told = (
        f"Precision over recall for '{label}', average precision with its interval. The dotted line is the share of "
        f"positives, {prevalence:.3f}, which is what chance gives.{_ring(series)}"
    )
    numbers = csv_text(("model", "threshold", "recall", "precision"), rows)
    return Figure(
        f"precision-recall-{slug(label)}", f"Precision and recall, {label}", told, CurvePlot(plane, series), numbers
    )


def calibration_of_models(evaluations: Sequence[EvaluateResults], label: str, order: Order) -> Figure | None:
    """Smooth calibration curves of one label with their bands, and below them how many recordings have which risk."""
    series, counts, rows = [], [], []
    bins: list[tuple[object, ...]] = []
    for model, result in _of_label(evaluations, label):
        found = result.calibration
        if found is None or not (found.curve or found.risks):
            continue
        line = _calibration(model, found, order.get(model, 0))
        series.append(replace(line, dash=_dash(model, order)))
        rows += [(model, "curve", one.predicted, one.observed, one.low, one.high) for one in found.curve]
        if found.risks is not None:
            counts.append(Counts(found.risks.with_label, found.risks.without_label, order.get(model, 0)))
            bins += _bins(model, found.risks)
    if not series:
        return None
    series, without = _banded(series)
    plane = Plane(f"{label}: calibration", "predicted risk", "observed share", guides=[((0, 0), (1, 1))], square=True)
    told = (
        f"Observed share of '{label}' over the predicted risk, smoothed. On the dotted diagonal "
        f"risks come true; below it they are too high. A slope of 1 is ideal, a lower one too extreme."
        f"{without if any(one.points for one in series) else ''}"
    )
    shown = [replace(one, series=None) for one in counts] if len(series) == 1 else counts
    shown = shown if len(shown) <= MOST_STRIPS else []
    told += _risks_told(evaluations, shown, counts) + _curveless(evaluations, label)
    heads = ("model", "row", "predicted", "observed", "low", "high", "from", "to", "with_label", "without_label")
    numbers = csv_text(heads, [*((*row, *[None] * 4) for row in rows), *bins])
    drawing = CurvePlot(plane, series, shown)
    return Figure(f"calibration-{slug(label)}", f"Calibration, {label}", told, drawing, numbers)


def _calibration(model: str, found: CalibrationResults, series: int) -> Series:
    known = [(one.predicted, one.low, one.high) for one in found.curve if one.low is not None and one.high is not None]
    return Series(
        name=model,
        points=[(one.predicted, one.observed) for one in found.curve],
        series=series,
        told=f"slope {_value(found.slope, 2)}" if found.curve else "no curve",
        band=known,
    )


def _bins(model: str, risks: RiskDistribution) -> Iterator[tuple[object, ...]]:
    """Rows of the numbers: a part of the axis, and how many recordings lie in it."""
    many = len(risks.with_label)
    for place, pair in enumerate(zip(risks.with_label, risks.without_label, strict=True)):
        yield model, "risks", None, None, None, None, place / many, (place + 1) / many, *pair


def _risks_told(evaluations: Sequence[EvaluateResults], shown: Sequence[Counts], counts: Sequence[Counts]) -> str:
    """How the strips of counts are read, and whose model gave the risks."""
    if not counts:
        return ""
    if not shown:
        return f" With more than {MOST_STRIPS} models the distributions of risks are left out; the numbers hold them."
    apart = any(one.split_kind.startswith("out-of-fold") for one in evaluations)
    fold = " Each patient's risk is that of a fold that had not seen the patient." if apart else ""
    strips = "The strip counts" if len(shown) == 1 else "The strips, in the order of the key, count"
    return f" {strips} recordings by their risk, {SIDES}{fold}"


def _curveless(evaluations: Sequence[EvaluateResults], label: str) -> str:
    """Why there is no curve of those that have none."""
    told = [
        f"{model}: {result.calibration.curve_method}"
        for model, result in _of_label(evaluations, label)
        if result.calibration is not None and result.calibration.risks is not None and not result.calibration.curve
    ]
    return f" No curve of {'; '.join(told)}." if told else ""


def net_benefit_of_models(evaluations: Sequence[EvaluateResults], label: str, order: Order) -> Figure | None:
    """Decision curves of one label beside treating all and treating none."""
    series, rows = [], []
    found: UtilityResults | None = None
    for model, result in _of_label(evaluations, label):
        if result.utility is None or len(result.utility.points) < 2:
            continue
        found = result.utility
        known = [one for one in found.points if one.model.value is not None]
        points = [(one.threshold, one.model.value or 0.0) for one in known]
        band = [(one.threshold, one.model.interval.low, one.model.interval.high) for one in known if one.model.interval]
        series.append(Series(model, points, order.get(model, 0), band=band, dash=_dash(model, order)))
        rows += [(model, one.threshold, *_ends(one.model), one.treat_all) for one in known]
    if found is None or not any(one.points for one in series):
        return None
    series, without = _banded(series)
    everybody = [(one.threshold, one.treat_all) for one in found.points]
    references = [Series("treat all", everybody, dash=(3.0, 2.0)), _none(everybody)]
    tops = [high for one in series for _, _, high in one.band] + [y for one in series for _, y in one.points]
    top = max([*tops, everybody[0][1], LEAST_TOP])
    plane = Plane(
        title=f"{label}: decision curve",
        x_name="risk from which on one would act",
        y_name="net benefit, true positives per person",
        x=(everybody[0][0], everybody[-1][0]),
        y=(-0.35 * top, 1.08 * top),
    )
    told = (
        f"Net benefit of acting on the risk of '{label}', beside acting on everybody and on "
        f"nobody. A model helps at thresholds where it lies above both.{without}"
    )
    numbers = csv_text(("model", "threshold", "net_benefit", "low", "high", "treat_all"), rows)
    drawing = CurvePlot(plane, [*series, *references])
    return Figure(f"decision-curve-{slug(label)}", f"Decision curve, {label}", told, drawing, numbers)


def few_labels_of_models(evaluations: Sequence[EvaluateResults], order: Order) -> Figure | None:
    """Macro AUROC over the number of labelled patients, every repeat's interval, and the law fitted to each curve."""
    series: list[Series] = []
    rows: list[tuple[object, ...]] = []
    drawn = [one for one in evaluations if one.few_labels is not None]
    for nth, one in enumerate(drawn):
        assert one.few_labels is not None
        known = sorted((at for at in one.few_labels.points if at.macro.value is not None), key=lambda at: at.patients)
        if len(known) < 2:
            continue
        place = order.get(one.model, 0)
        beside = ASIDE ** ((nth - (len(drawn) - 1) / 2) / max(len(drawn) - 1, 1))
        spans = [
            (at.patients * beside, at.macro.interval.low, at.macro.interval.high) for at in known if at.macro.interval
        ]
        fit = one.few_labels.fit
        series.append(
            Series(
                name=one.model,
                points=[(at.patients * beside, at.macro.value or 0.0) for at in known],
                series=place,
                told="" if fit is None else f"1 − ({law_words(fit, minus='−', size='n')})",
                spans=spans,
                marked=True,
                law=_law(fit, known[0].patients, known[-1].patients),
            )
        )
        rows += [(one.model, at.share, at.patients, at.records, *_ends(at.macro), _repeats(at.repeats)) for at in known]
    if not series:
        return None
    longest = max((one.few_labels.points for one in drawn if one.few_labels is not None), key=len)
    plane = _few_plane(series, sorted({at.patients for at in longest if at.macro.value is not None}))
    told = (
        "Macro AUROC over the number of labelled patients that trained the probe, mean and interval over repeated "
        "draws. The dashed line is the power law fitted to each curve, drawn as far as it was tried."
    )
    numbers = csv_text(("model", "share", "patients", "records", "macro_auroc", "low", "high", "repeats"), rows)
    return Figure("few-labels", "Few labels", told, CurvePlot(plane, series), numbers)


def _dash(model: str, order: Order) -> tuple[float, ...]:
    """Whole for the first round of colours, dashed for the next."""
    return DASHES[order.get(model, 0) // len(style.SERIES) % len(DASHES)]


def _banded(series: list[Series]) -> tuple[list[Series], str]:
    """The series with as many bands as can be seen, and what to say where they are left out."""
    if len(series) <= MOST_BANDS:
        return series, " Bands are pointwise."
    return [replace(one, band=()) for one in series], NO_BANDS


def _few_plane(series: Sequence[Series], marks: Sequence[float]) -> Plane:
    sizes = [x for one in series for x, _ in one.points]
    ends = [end for one in series for _, low, high in one.spans for end in (low, high)]
    values = [*ends, *(y for one in series for _, y in one.points)]
    room = 0.04 * (max(values) - min(values) or 0.1)
    return Plane(
        title="Few labels",
        x_name="labelled patients",
        y_name="macro AUROC",
        x=(min(sizes) / 1.1, max(sizes) * 1.1),
        y=(max(0.0, min(values) - room), min(1.0, max(values) + room)),
        log_x=True,
        x_marks=marks,
        words=lambda size: f"{size:,.0f}",
    )


def _law(fit: ScalingFit | None, low: float, high: float) -> list[tuple[float, float]]:
    """The fitted law over the sizes that were tried, at evenly spaced logarithms."""
    if fit is None or low <= 0:
        return []
    sizes = [low * (high / low) ** (step / 48) for step in range(49)]
    return [(size, 1 - (fit.a * size**-fit.b + fit.c)) for size in sizes]


def _of_label(evaluations: Sequence[EvaluateResults], label: str) -> Iterator[tuple[str, LabelResult]]:
    for one in evaluations:
        for told in one.labels:
            if told.label == label:
                yield one.model, told


def _counts(curve: ThresholdCurve) -> Iterator[tuple[int, int]]:
    """True and false positives at each threshold, from high to low."""
    return zip(curve.true_positives, curve.false_positives, strict=True)


def _chosen(told: LabelResult, way: str) -> list[tuple[float, float]]:
    """Where the model's own threshold stands; nowhere where there is none."""
    point = told.operating
    if point is None or point.not_estimable:
        return []
    found, missed = point.true_positives, point.false_negatives
    alarms, quiet = point.false_positives, point.true_negatives
    if not found + missed or not alarms + quiet:
        return []
    if way == "roc":
        return [(alarms / (alarms + quiet), found / (found + missed))]
    return [(found / (found + missed), found / (found + alarms))] if found + alarms else []


def _ring(series: Sequence[Series]) -> str:
    chosen = any(one.chosen for one in series)
    return " A ring stands at the threshold, chosen on training patients or given." if chosen else ""


def _none(everybody: Sequence[tuple[float, float]]) -> Series:
    return Series("treat none", [(everybody[0][0], 0.0), (everybody[-1][0], 0.0)])


def _ends(told: Estimate) -> tuple[object, ...]:
    span = told.interval
    return (told.value, *((span.low, span.high) if span else (None, None)))


def _repeats(values: Sequence[float | None]) -> str:
    return " ".join("n/e" if value is None else repr(value) for value in values)


def _value(told: Estimate, places: int = 3) -> str:
    """A number with its interval in words, as the key of a plot says it."""
    if told.value is None:
        return "not estimable"
    span = told.interval
    value = style.decimal(told.value, places)
    return value if span is None else f"{value} ({style.interval(span.low, span.high, places)})"
