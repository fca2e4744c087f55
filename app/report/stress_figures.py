"""The figures of a stress bench: a small plot for each growing fault, and what each single fault costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.fault_words import GROUP_NAMES
from app.report import style
from app.report.curve_plot import CurvePlot, Plane, Series
from app.report.figure import Figure
from app.report.forest import ForestAxis, ForestPlot, ForestRow
from app.report.grid import Grid
from app.report.stress_numbers import stress_numbers
from engine.contract.results import Estimate
from engine.contract.stress import BreakingPoint, StressResults, StressSweep

COLUMNS = 3
PLOT_HEIGHT = 128.0
SHORT = {"Recorded at a lower rate": "Lower rate", "Recorded at a higher rate": "Higher rate"}


def figures(results: StressResults) -> list[Figure]:
    """All figures that the bench's faults allow."""
    return [*_sweeps(results), *_single(results)]


def _sweeps(results: StressResults) -> Iterator[Figure]:
    graded = [sweep for sweep in results.sweeps if sweep.breaking is not None]
    if not graded:
        return
    low, high = _limits(results, graded)
    plots = [_sweep_plot(results, sweep, (low, high)) for sweep in graded]
    margin = graded[0].breaking.margin if graded[0].breaking else 0.0
    told = (
        f"Macro AUROC of '{results.model}' under growing faults, mildest at the left, with intervals. Upper dotted "
        f"line: recordings as they are. Lower dotted line: {margin:g} less, which counts as broken; a ring stands at "
        "the first severity that falls below it."
    )
    yield Figure("stress-sweeps", "Growing faults", told, Grid(plots, COLUMNS), _numbers(results, graded))


def _sweep_plot(results: StressResults, sweep: StressSweep, limits: tuple[float, float]) -> CurvePlot:
    places = [float(n) for n in range(len(sweep.levels))]
    known = [(n, level) for n, level in zip(places, sweep.levels, strict=True) if level.macro.value is not None]
    line = Series(
        name=results.model,
        points=[(n, level.macro.value or 0.0) for n, level in known],
        series=0,
        spans=[(n, level.macro.interval.low, level.macro.interval.high) for n, level in known if level.macro.interval],
        chosen=_broken(sweep),
        marked=True,
    )
    clean = results.clean.value or 0.0
    margin = sweep.breaking.margin if sweep.breaking else 0.0
    left, right = -0.4, places[-1] + 0.4
    plane = Plane(
        title=SHORT.get(sweep.title, sweep.title),
        x_name=_x_name(sweep),
        y_name="macro AUROC",
        x=(left, right),
        y=limits,
        x_marks=places,
        words=lambda place: f"{sweep.levels[round(place)].severity:g}",
        guides=[((left, level), (right, level)) for level in (clean, clean - margin)],
    )
    return CurvePlot(plane, [line], width=Grid.cell_width(COLUMNS), height=PLOT_HEIGHT, keyed=False)


def _broken(sweep: StressSweep) -> list[tuple[float, float]]:
    found: BreakingPoint | None = sweep.breaking
    if found is None or found.broken is None:
        return []
    place = next(n for n, level in enumerate(sweep.levels) if level.severity == found.broken)
    return [(float(place), sweep.levels[place].macro.value or 0.0)]


def _x_name(sweep: StressSweep) -> str:
    return "times the amplitude" if sweep.unit == "times" else sweep.unit


def _limits(results: StressResults, sweeps: Sequence[StressSweep]) -> tuple[float, float]:
    """One height for all plots, so that they can be held against each other; from a half, or lower where it must."""
    ends = [end for sweep in sweeps for level in sweep.levels for end in _ends(level.macro)]
    values = [*ends, *_ends(results.clean), 0.5]
    return max(0.0, min(values) - 0.02), min(1.0, max(values) + 0.02)


def _ends(estimate: Estimate) -> list[float]:
    span = estimate.interval
    told = [] if estimate.value is None else [estimate.value]
    return told if span is None else [*told, span.low, span.high]


def _single(results: StressResults) -> Iterator[Figure]:
    once = [sweep for sweep in results.sweeps if sweep.breaking is None]
    if not once:
        return
    rows = [ForestRow(sweep.title, sweep.levels[0].change, GROUP_NAMES.get(sweep.group, sweep.group)) for sweep in once]
    axis = ForestAxis("Single faults", "change of macro AUROC (interval of the paired difference)", 0.0, signed=True)
    told = (
        f"Change of the macro AUROC of '{results.model}' under faults of one severity, paired with the recordings as "
        "they are. Left of the line: the fault costs discrimination."
    )
    drawing = ForestPlot(axis, rows, style.WIDTH)
    yield Figure("stress-faults", "Single faults", told, drawing, _numbers(results, once))


def _numbers(results: StressResults, sweeps: list[StressSweep]) -> str:
    """The numbers of these faults, as a comparison of models writes them."""
    return stress_numbers({results.model: results.model_copy(update={"sweeps": sweeps})})
