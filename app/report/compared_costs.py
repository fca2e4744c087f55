"""What models cost against what they can: one point a model, cost on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.report import style
from app.report.curve_plot import CurvePlot, Plane, Series
from app.report.figure import Figure
from app.report.figure_numbers import csv_text
from engine.contract.efficiency import BatchCost, EfficiencyResults
from engine.contract.results import EvaluateResults


@dataclass(frozen=True)
class Cost:
    """One way to count what a model takes."""

    name: str
    title: str
    unit: str
    short: str
    of: Callable[[EfficiencyResults], float | None]


def _first(measure: Callable[[BatchCost], float | None], batch: int) -> Callable[[EfficiencyResults], float | None]:
    """A number of the first device on which a batch size was measured; the processor stands first."""

    def found(results: EfficiencyResults) -> float | None:
        """The number, or None where nothing was measured."""
        told = [measure(cost) for cost in results.costs if cost.batch == batch and not cost.problem]
        return next((value for value in told if value), None)

    return found


def _operations(results: EfficiencyResults) -> float | None:
    """Of a forward pass: all of a network of our own, the products of one that was built from a vendor's weights."""
    return float(results.flops.forward) if results.flops else results.products


COSTS = (
    Cost("parameters", "Parameters", "parameters", "", lambda one: one.parameters),
    Cost("flops", "FLOPs of a crop", "FLOPs, forward pass of one crop", "FLOPs", _operations),
    Cost("latency", "Time of a crop", "ms for one crop, half are as fast", "ms", _first(lambda one: one.p50_ms, 1)),
    Cost("memory", "Memory", "peak memory in MB, one crop", "MB", _first(lambda one: (one.memory_bytes or 0) / 1e6, 1)),
    Cost("energy", "Energy", "kWh per million crops", "kWh", _first(lambda one: one.kwh_per_million_crops, 64)),
)
"""What may stand on the axis of costs."""
NEAR, ASIDE = 0.002, 0.02
"""Shares of a cost: points nearer than the first hide each other, so the later one is drawn the second aside."""
MOST_MARKS = 6
"""Numbers on an axis: more run into each other."""


def cost_of_models(
    evaluations: Sequence[EvaluateResults],
    measured: Mapping[str, EfficiencyResults],
    order: Mapping[str, int],
    cost: str,
) -> Figure | None:
    """Macro AUROC over what a model costs; None where neither is known of any model.

    Args:
        evaluations: of the models.
        measured: by model: its table of costs; a model that is no network has none.
        order: by model: its colour and marker.
        cost: name of one of `COSTS`.
    """
    way = next(one for one in COSTS if one.name == cost)
    series: list[Series] = []
    rows: list[tuple[object, ...]] = []
    for one in evaluations:
        x = way.of(measured[one.model]) if one.model in measured else None
        span, y = one.macro.interval, one.macro.value
        if x is None or y is None:
            continue
        drawn = _aside(x, [line.points[0][0] for line in series])
        spans = [(drawn, span.low, span.high)] if span else []
        told = f"{short_number(x)} {way.short}".strip() + f", AUROC {style.decimal(y)}"
        series.append(Series(one.model, [(drawn, y)], order.get(one.model, 0), told, spans=spans, marked=True))
        rows.append((one.model, x, y, *((span.low, span.high) if span else (None, None)), _device(measured[one.model])))
    if not series:
        return None
    without = [one.model for one in evaluations if one.model not in {line.name for line in series}]
    told = f"Macro AUROC with its interval over {way.unit}; left and high is good.{_missing(without)}"
    numbers = csv_text(("model", way.unit, "macro_auroc", "low", "high", "device"), rows)
    drawing = CurvePlot(_plane(way, series), series)
    return Figure(f"cost-{way.name}", f"{way.title} and AUROC", told, drawing, numbers)


def _aside(x: float, taken: Sequence[float]) -> float:
    """A place beside those that are taken: models of one size would hide each other."""
    while any(abs(x / other - 1) < NEAR for other in taken):
        x *= 1 + ASIDE
    return x


def _plane(way: Cost, series: Sequence[Series]) -> Plane:
    sizes = [x for one in series for x, _ in one.points]
    ends = [end for one in series for _, low, high in one.spans for end in (low, high)]
    values = [*ends, *(y for one in series for _, y in one.points)]
    room = 0.06 * (max(values) - min(values) or 0.1)
    wide = max(1.6, (max(sizes) / min(sizes)) ** 0.15)
    low, high = min(sizes) / wide, max(sizes) * wide
    return Plane(
        title=f"{way.title} and AUROC",
        x_name=way.unit,
        y_name="macro AUROC",
        x=(low, high),
        y=(max(0.0, min(values) - room), min(1.0, max(values) + room)),
        log_x=True,
        x_marks=round_marks(low, high),
        words=short_number,
    )


def round_marks(low: float, high: float) -> list[float]:
    """Round values on a logarithmic axis between two limits, at most six of them."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        told = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if len(told) <= MOST_MARKS:
            return told
    return told[:: -(-len(told) // MOST_MARKS)]


def short_number(value: float) -> str:
    """A large number with its unit of a thousand: "12.3 M"."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def _device(results: EfficiencyResults) -> str:
    return next((cost.device_name for cost in results.costs if not cost.problem), "")


def _missing(names: Sequence[str]) -> str:
    return f" Not measured: {', '.join(names)}." if names else ""
