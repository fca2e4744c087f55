"""The figure of several stress benches: how models that were broken in the same ways hold up beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.report import style
from app.report.curve_plot import CurvePlot, Plane, Series
from app.report.drawn import Drawn, draw_marker, draw_text
from app.report.figure import Figure
from app.report.grid import Grid
from app.report.stress_figures import SHORT
from app.report.stress_numbers import AS_IT_IS, stress_numbers
from engine.contract.results import Estimate
from engine.contract.stress import StressResults, StressSweep

COLUMNS, PLOT_HEIGHT, KEY_HEIGHT = 3, 128.0, 16.0


@dataclass(frozen=True)
class _Fault:
    """One growing fault with each model's sweep of it, and all severities that were tried, mildest first."""

    title: str
    unit: str
    severities: tuple[float, ...]
    sweeps: Mapping[str, StressSweep]


def stress_of_models(benches: Mapping[str, StressResults], order: Mapping[str, int]) -> Figure | None:
    """Macro AUROC of every model under every growing fault, one small plot a fault; None where no fault grows.

    Args:
        benches: by model.
        order: by model: its colour and marker.
    """
    faults = _faults(benches)
    if not faults:
        return None
    ends = [end for bench in benches.values() for end in _ends(bench)]
    limits = (max(0.0, min([*ends, 0.5]) - 0.02), min(1.0, max(ends) + 0.02))
    plots = [_plot(fault, benches, order, limits) for fault in faults]
    key = [(model, order.get(model, 0)) for model in benches]
    told = (
        "Macro AUROC under growing faults, mildest at the left, with intervals; the mark at the far left is of the "
        "recordings as they are. Each model keeps the probe that it was evaluated with."
    )
    return Figure(
        "stress-of-models", "Growing faults", told, KeyedGrid(key, Grid(plots, COLUMNS)), stress_numbers(benches)
    )


class KeyedGrid(Drawn):
    """Small plots with one key for all of them, in a line above."""

    def __init__(self, key: Sequence[tuple[str, int]], grid: Grid) -> None:
        super().__init__()
        self.key, self.grid = list(key), grid
        self.width = grid.width
        self._rows = self._broken()
        self.height = grid.height + KEY_HEIGHT * len(self._rows) + 8

    def draw(self) -> None:
        """Draw the key, and below it the plots."""
        for row, entries in enumerate(self._rows):
            y = self.height - KEY_HEIGHT * row - 9
            for x, name, series in entries:
                color = style.SERIES[series % len(style.SERIES)]
                draw_marker(self.canv, x + 3, y, 2.5, style.MARKERS[series % len(style.MARKERS)], color)
                draw_text(self.canv, x + 9, y - 2.6, name, style.BOLD, 7.5, color)
        self.grid.canv = self.canv
        self.grid.draw()

    def _broken(self) -> list[list[tuple[float, str, int]]]:
        """The key's entries in as many lines as they need."""
        rows: list[list[tuple[float, str, int]]] = [[]]
        x = 0.0
        for name, series in self.key:
            short = style.fit_text(name, style.BOLD, 7.5, 0.5 * self.width)
            wide = style.text_width(short, style.BOLD, 7.5) + 24
            if rows[-1] and x + wide > self.width:
                rows.append([])
                x = 0.0
            rows[-1].append((x, short, series))
            x += wide
        return rows


def _faults(benches: Mapping[str, StressResults]) -> list[_Fault]:
    found: dict[str, dict[str, StressSweep]] = {}
    for model, bench in benches.items():
        for sweep in bench.sweeps:
            if sweep.breaking is not None:
                found.setdefault(sweep.name, {})[model] = sweep
    faults = []
    for sweeps in found.values():
        first = next(iter(sweeps.values()))
        severities = dict.fromkeys(level.severity for sweep in sweeps.values() for level in sweep.levels)
        faults.append(_Fault(SHORT.get(first.title, first.title), first.unit, tuple(severities), sweeps))
    return faults


def _plot(
    fault: _Fault, benches: Mapping[str, StressResults], order: Mapping[str, int], limits: tuple[float, float]
) -> CurvePlot:
    lines = [_line(model, fault, benches[model].clean, order.get(model, 0)) for model in fault.sweeps]
    plane = Plane(
        title=fault.title,
        x_name="times the amplitude" if fault.unit == "times" else fault.unit,
        y_name="macro AUROC",
        x=(-1.4, len(fault.severities) - 0.6),
        y=limits,
        x_marks=[float(place) for place in range(-1, len(fault.severities))],
        words=lambda place: AS_IT_IS if place < 0 else f"{fault.severities[round(place)]:g}",
    )
    return CurvePlot(plane, lines, width=Grid.cell_width(COLUMNS), height=PLOT_HEIGHT, keyed=False)


def _line(model: str, fault: _Fault, clean: Estimate, series: int) -> Series:
    told = [(-1.0, clean)]
    for level in fault.sweeps[model].levels:
        told.append((float(fault.severities.index(level.severity)), level.macro))
    shift = 0.06 * series  # intervals of two models at one severity stand beside each other
    return Series(
        name=model,
        points=[(place + shift, one.value) for place, one in sorted(told, key=_place) if one.value is not None],
        series=series,
        spans=[(place + shift, one.interval.low, one.interval.high) for place, one in told if one.interval],
        marked=True,
    )


def _place(told: tuple[float, Estimate]) -> float:
    return told[0]


def _ends(bench: StressResults) -> list[float]:
    macros = [bench.clean, *(level.macro for sweep in bench.sweeps if sweep.breaking for level in sweep.levels)]
    spans = [end for one in macros if one.interval for end in (one.interval.low, one.interval.high)]
    return [*spans, *(one.value for one in macros if one.value is not None)]
