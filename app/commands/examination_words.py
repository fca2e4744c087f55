"""What a stress bench and a comparison of recordings found, for people."""

from __future__ import annotations

from app import printing
from app.examination_words import change, feature_row, observed, p_value, sweep_row
from engine.contract.drift import DriftResults, GroupShift
from engine.contract.stress import StressResults


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
        head.append(("Kernel test", f"MMD² {told.squared:.4g}, p {p_value(told.p_value, told.permutations)}"))
    blocks = [printing.fields(head)]
    heads: tuple[str, ...] = ("Fact", "Reference", "Local", "Distance", "p", "Stability index")
    blocks.append(printing.table(heads, [feature_row(one, results) for one in results.features]))
    if results.groups:
        heads = ("Group", "Records", "Patients", "Told apart: AUROC", "MMD²", "Adjusted p")
        blocks.append(printing.table(heads, [_group_row(one) for one in results.groups], right=heads[1:3]))
    if results.priors:
        rows = [
            (one.label, printing.estimate(one.reference), printing.estimate(one.local), observed(one.observed))
            for one in results.priors
        ]
        heads = ("Label", "Share in the reference", "Share that local scores imply", "Share by local labels")
        blocks.append(printing.table(heads, rows))
    return "\n\n".join([*blocks, *(printing.paragraph(note) for note in results.notes)])


def _group_row(one: GroupShift) -> tuple[str, ...]:
    counts = f"{one.attribute}: {one.group}", f"{one.records:,}", f"{one.patients:,}"
    if one.kernel is None or one.adjusted_p is None:
        return *counts, printing.estimate(one.classifier), "", ""
    return *counts, printing.estimate(one.classifier), f"{one.kernel.squared:.4g}", f"{one.adjusted_p:.3f}"


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
        blocks.append(printing.table(heads, [sweep_row(sweep) for sweep in graded]))
    if single:
        rows = [(sweep.title, change(sweep.levels[0]), printing.estimate(sweep.levels[0].macro)) for sweep in single]
        blocks.append(printing.table(("Fault", "Change of macro AUROC", "Macro AUROC"), rows))
    blocks += [printing.paragraph(note) for note in results.notes]
    return "\n\n".join(blocks)
