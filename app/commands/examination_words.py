"""What a stress bench found, for people."""

from __future__ import annotations

from app import printing
from engine.contract.stress import BreakingPoint, StressLevel, StressResults, StressSweep


def stress_words(results: StressResults) -> str:
    """A stress bench for people: where each sweep breaks, then what each single fault does."""
    head = printing.fields(
        [
            ("Model", f"{results.model} ({results.mode})"),
            ("Data", f"{results.records:,} recordings of {results.patients:,} patients"),
            ("As they are", f"macro AUROC {printing.estimate(results.clean)}"),
        ]
    )
    blocks = [head]
    graded = [sweep for sweep in results.sweeps if sweep.breaking is not None]
    single = [sweep for sweep in results.sweeps if sweep.breaking is None]
    if graded:
        margin = graded[0].breaking.margin if graded[0].breaking else 0.0
        heads = ("Growing fault", f"Loses {margin:g} at", "Interval", "Holds to", "At the most")
        blocks.append(printing.table(heads, [_sweep_row(sweep) for sweep in graded]))
    if single:
        rows = [(sweep.title, _change(sweep.levels[0]), printing.estimate(sweep.levels[0].macro)) for sweep in single]
        blocks.append(printing.table(("Fault", "Change of macro AUROC", "Macro AUROC"), rows))
    blocks += [printing.paragraph(note) for note in results.notes]
    return "\n\n".join(blocks)


def _sweep_row(sweep: StressSweep) -> tuple[str, ...]:
    found = sweep.breaking
    assert found is not None
    worst = f"{_severity(sweep.levels[-1].severity, sweep.unit)}: {_change(sweep.levels[-1])}"
    if found.not_estimable:
        return sweep.title, f"not estimable: {found.not_estimable}", "", "", worst
    held = "nothing shown" if found.held is None else _severity(found.held, sweep.unit)
    broken = "nowhere tried" if found.broken is None else _severity(found.broken, sweep.unit)
    return sweep.title, broken, _interval(found, sweep.unit), held, worst


def _interval(found: BreakingPoint, unit: str) -> str:
    if found.low is None:
        return "beyond what was tried"
    high = "beyond what was tried" if found.high is None else _severity(found.high, unit)
    return f"{_severity(found.low, unit)} to {high}"


def _change(level: StressLevel) -> str:
    return printing.estimate(level.change, signed=True)


def _severity(value: float, unit: str) -> str:
    return f"{value:g} {unit}" if unit != "times" else f"{value:g} times"
