"""The numbers behind the figures of stress benches as CSV text: one model's, or several models' below each other."""

from __future__ import annotations

from collections.abc import Mapping

from app.report.figure_numbers import csv_text
from engine.contract.results import Estimate
from engine.contract.stress import StressLevel, StressResults, StressSweep

AS_IT_IS = "–"
"""Mark of the recordings as they are, left of every severity."""
HEADS = ("fault", "unit", "severity", "model", "macro_auroc", "low", "high", "change", "change_low", "change_high")


def stress_numbers(benches: Mapping[str, StressResults]) -> str:
    """A line for the recordings as they are and for every severity of every fault, with its paired change.

    Args:
        benches: by model.
    """
    rows: list[tuple[object, ...]] = []
    for model, bench in benches.items():
        rows.append((AS_IT_IS, "", "", model, *_cells(bench.clean), "", "", ""))
        rows += [_row(model, sweep, level) for sweep in bench.sweeps for level in sweep.levels]
    return csv_text(HEADS, rows)


def _row(model: str, sweep: StressSweep, level: StressLevel) -> tuple[object, ...]:
    return (sweep.title, sweep.unit, level.severity, model, *_cells(level.macro), *_cells(level.change))


def _cells(told: Estimate) -> tuple[object, ...]:
    span = told.interval
    return (told.value, *((span.low, span.high) if span else ("", "")))
