"""What a stress bench and a comparison of recordings found, for people."""

from __future__ import annotations

from app import printing
from engine.contract.drift import DriftResults, FeatureShift, GroupShift
from engine.contract.estimate import Estimate
from engine.contract.stress import BreakingPoint, StressLevel, StressResults, StressSweep


def drift_words(results: DriftResults) -> str:
    """A comparison of local recordings with a reference for people."""
    sides = [
        f"{results.reference_records:,} recordings of {results.reference_patients:,} patients",
        f"{results.local_records:,} recordings of {results.local_patients:,} patients",
    ]
    head = [("Model", results.model), ("Reference", sides[0]), ("Local", sides[1])]
    head.append(("Told apart", f"AUROC {printing.estimate(results.classifier)}; 0.5 when alike"))
    if results.kernel is not None:
        told = results.kernel
        head.append(("Kernel test", f"MMD² {told.squared:.4g}, p {_p(told.p_value, told.permutations)}"))
    blocks = [printing.fields(head)]
    heads: tuple[str, ...] = ("Fact", "Reference", "Local", "Distance", "p", "Stability index")
    blocks.append(printing.table(heads, [_feature_row(one, results) for one in results.features]))
    if results.groups:
        heads = ("Group", "Records", "Patients", "Told apart: AUROC", "MMD²", "Adjusted p")
        blocks.append(printing.table(heads, [_group_row(one) for one in results.groups], right=heads[1:3]))
    if results.priors:
        rows = [
            (one.label, printing.estimate(one.reference), printing.estimate(one.local), _observed(one.observed))
            for one in results.priors
        ]
        heads = ("Label", "Share in the reference", "Share that local scores imply", "Share by local labels")
        blocks.append(printing.table(heads, rows))
    return "\n\n".join([*blocks, *(printing.paragraph(note) for note in results.notes)])


def _feature_row(one: FeatureShift, results: DriftResults) -> tuple[str, ...]:
    if one.distance is None or one.p_value is None or one.stability is None:
        return one.feature, one.reference_centre, one.local_centre, f"not estimable: {one.not_estimable}", "", ""
    permutations = results.kernel.permutations if results.kernel else 0
    return (
        one.feature,
        one.reference_centre,
        one.local_centre,
        f"{one.distance:.3f}",
        _p(one.p_value, permutations),
        f"{one.stability:.3f}",
    )


def _group_row(one: GroupShift) -> tuple[str, ...]:
    counts = f"{one.attribute}: {one.group}", f"{one.records:,}", f"{one.patients:,}"
    if one.kernel is None or one.adjusted_p is None:
        return *counts, printing.estimate(one.classifier), "", ""
    return *counts, printing.estimate(one.classifier), f"{one.kernel.squared:.4g}", f"{one.adjusted_p:.3f}"


def _observed(estimate: Estimate | None) -> str:
    return "no labels" if estimate is None else printing.estimate(estimate)


def _p(value: float, permutations: int) -> str:
    """A p value; the smallest that the permutations can show is said as a bound."""
    least = 1 / (permutations + 1) if permutations else 0.0
    return f"at most {least:.4g}" if value <= least else f"{value:.3f}"


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
