"""The figures of a measurement of cost: what batch sizes give, and the model among others that were measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.report.compared_costs import COSTS, cost_of_models, round_marks, short_number
from app.report.curve_plot import CurvePlot, Plane, Series
from app.report.figure import Figure
from app.report.figure_numbers import csv_text
from engine.contract.efficiency import BatchCost, EfficiencyResults
from engine.contract.results import EvaluateResults

HEADS = (
    *("device", "threads", "batch", "p50_ms", "p95_ms", "crops_per_s", "memory_bytes", "kwh_per_million_crops"),
    "problem",
)


def figures(
    results: EfficiencyResults,
    others: Sequence[EfficiencyResults] = (),
    evaluations: Sequence[EvaluateResults] = (),
) -> list[Figure]:
    """Cost against AUROC where models were evaluated on one split, else throughput against parameters; then batches.

    Args:
        results: of the run.
        others: of other models' newest measurements.
        evaluations: of one split, of the model and of others; empty where the model has none.
    """
    measured = {one.model: one for one in (*others, results)}
    order = {name: place for place, name in enumerate([results.model, *(one.model for one in others)])}
    known = [cost_of_models(evaluations, measured, order, cost.name) for cost in COSTS] if evaluations else []
    told = [one for one in known if one is not None]
    return [*(told or _throughput([results, *others])), *_batches(results)]


def _throughput(measured: Sequence[EfficiencyResults]) -> Iterator[Figure]:
    """Most crops a second of any batch size over parameters, one point a model; on the device that all have."""
    device = "cuda" if all(_best(one, "cuda") for one in measured) else "cpu"
    series, rows = [], []
    for place, one in enumerate(measured):
        if (best := _best(one, device)) is None or best.crops_per_s is None or not one.parameters:
            continue
        point = (float(one.parameters), best.crops_per_s)
        told = f"{short_number(point[1])} crops a second, {best.batch:,} at a time"
        series.append(Series(one.model, [point], place, told, marked=True))
        rows.append((one.model, one.parameters, best.crops_per_s, best.batch, best.device_name or best.device))
    if not series:
        return
    where = "the GPU" if device == "cuda" else "the processor"
    words = f"The most crops a second on {where} over parameters; left and high is good. No evaluation tells the AUROC."
    plane = _plane("Throughput and parameters", "parameters", "crops a second", series)
    numbers = csv_text(("model", "parameters", "crops_per_s", "batch", "device"), rows)
    yield Figure("throughput", "Throughput and parameters", words, CurvePlot(plane, series), numbers)


def _best(results: EfficiencyResults, device: str) -> BatchCost | None:
    told = [one for one in results.costs if one.device == device and one.crops_per_s]
    return max(told, key=lambda one: one.crops_per_s or 0.0, default=None)


def _batches(results: EfficiencyResults) -> Iterator[Figure]:
    """What larger batches give, on each device."""
    series = []
    for place, device in enumerate(dict.fromkeys(one.device for one in results.costs)):
        told = sorted((one for one in results.costs if one.device == device), key=lambda one: one.batch)
        points = [(float(one.batch), one.crops_per_s) for one in told if one.crops_per_s]
        name = next((one.device_name for one in told if one.device_name), device)
        if points:
            series.append(
                Series(name, points, place, f"at most {short_number(max(y for _, y in points))}", marked=True)
            )
    if not any(len(one.points) > 1 for one in series):
        return
    words = f"Crops a second of '{results.model}' over crops at a time. Where it is flat, larger batches gain nothing."
    plane = _plane("Throughput and batch size", "crops at a time", "crops a second", series)
    rows = [[getattr(one, name) for name in HEADS] for one in results.costs]
    yield Figure(
        "throughput-batches", "Throughput and batch size", words, CurvePlot(plane, series), csv_text(HEADS, rows)
    )


def _plane(title: str, x_name: str, y_name: str, series: Sequence[Series]) -> Plane:
    x = [place for one in series for place, _ in one.points]
    y = [place for one in series for _, place in one.points]
    wide = max(1.6, (max(x) / min(x)) ** 0.15)
    low, high = min(x) / wide, max(x) * wide
    marks = sorted(set(x)) if x_name == "crops at a time" else round_marks(low, high)
    return Plane(title, x_name, y_name, (low, high), (0.0, 1.08 * max(y)), True, marks, short_number)
