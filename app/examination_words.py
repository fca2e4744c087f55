"""What stress benches and drift checks found, line by line: command line and window say it alike."""

from __future__ import annotations

from app import printing
from engine.contract.drift import DriftResults, FeatureShift
from engine.contract.estimate import Estimate
from engine.contract.stress import BreakingPoint, StressLevel, StressSweep
from engine.contract.trying import TriedOutput


def trial_numbers(output: TriedOutput) -> list[tuple[str, str]]:
    """What one output of a model said of a recording: each class with its number."""
    numbers = zip(output.classes, output.values, strict=True) if output.classes else ()
    return [(name, "none" if value is None else f"{value:.4g}") for name, value in numbers]


def sweep_row(sweep: StressSweep) -> tuple[str, str, str, str, str]:
    """Of a growing fault: title, where it breaks, the interval of that, where it still holds, the most tried."""
    found = sweep.breaking
    assert found is not None
    worst = f"{severity(sweep.levels[-1].severity, sweep.unit)}: {change(sweep.levels[-1])}"
    if found.not_estimable:
        return sweep.title, f"not estimable: {found.not_estimable}", "", "", worst
    held = "nothing shown" if found.held is None else severity(found.held, sweep.unit)
    broken = "nowhere tried" if found.broken is None else severity(found.broken, sweep.unit)
    return sweep.title, broken, _interval(found, sweep.unit), held, worst


def change(level: StressLevel) -> str:
    """What a fault does to the macro AUROC."""
    return printing.estimate(level.change, signed=True)


def severity(value: float, unit: str) -> str:
    """A severity with its unit."""
    return f"{value:g} {unit}" if unit != "times" else f"{value:g} times"


def _interval(found: BreakingPoint, unit: str) -> str:
    if found.low is None:
        return "beyond what was tried"
    high = "beyond what was tried" if found.high is None else severity(found.high, unit)
    return f"{severity(found.low, unit)} to {high}"


def feature_row(one: FeatureShift, results: DriftResults) -> tuple[str, str, str, str, str, str]:
    """Of a plain fact: name, centre on both sides, distance, p value, stability index."""
    if one.distance is None or one.p_value is None or one.stability is None:
        return one.feature, one.reference_centre, one.local_centre, f"not estimable: {one.not_estimable}", "", ""
    permutations = results.kernel.permutations if results.kernel else 0
    return (
        one.feature,
        one.reference_centre,
        one.local_centre,
        f"{one.distance:.3f}",
        p_value(one.p_value, permutations),
        f"{one.stability:.3f}",
    )


def observed(estimate: Estimate | None) -> str:
    """The share that local labels give."""
    return "no labels" if estimate is None else printing.estimate(estimate)


def p_value(value: float, permutations: int) -> str:
    """A p value; the smallest that the permutations can show is said as a bound."""
    least = 1 / (permutations + 1) if permutations else 0.0
    return f"at most {least:.4g}" if value <= least else f"{value:.3f}"
