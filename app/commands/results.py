"""Results of runs for people, as verbs print them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app import printing
from app.commands.efficiency_words import efficiency_words
from app.commands.evaluation_words import evaluation_words
from app.commands.examination_words import drift_words, stress_words
from app.commands.inside_words import ranking_words, similarity_words, spread_words
from app.commands.leakage import found_words
from app.commands.scaling_words import associations_words, budgets_words, fits_words
from app.commands.trying_words import trial_words
from app.commands.version_words import version_words
from app.commands.vetting_words import vetting_words
from app.progress import duration
from engine.contract.results import (
    AnyResults,
    CompareResults,
    Estimate,
    EstimateResults,
    PretrainResults,
    ProbePoint,
    StudyResults,
    StudyRow,
)

Fields = list[tuple[str, object]]


def shown(results: AnyResults | None) -> str:
    """Results of a run for people."""
    if results is None:
        return "no results"
    told = _WAYS.get(results.kind)
    if told is not None:
        return told(results)
    return printing.fields([(name.replace("_", " "), value) for name, value in results.model_dump().items()])


def study_table(axes: Sequence[str], rows: Sequence[StudyRow]) -> str:
    """The runs of a study: place on the axes, state, and the numbers that runs are compared by."""
    named = [name for name in _RUN_METRICS if any(row.metrics.get(name) is not None for row in rows)]
    heads = ("Run", *axes, "State", *(_RUN_METRICS[name] for name in named))
    cells = [
        (row.number, *(row.values.get(axis, "") for axis in axes), row.state, *(_number(row.metrics, n) for n in named))
        for row in rows
    ]
    return printing.table(heads, cells, right=("Run", *(_RUN_METRICS[name] for name in named)))


_RUN_METRICS = {
    "validation_loss": "Held-out loss",
    "validation_trivial_loss": "Trivial level",
    "effective_rank": "Effective rank",
    "probe_after": "Probe AUROC",
    "seconds": "Seconds",
}


def _number(metrics: Mapping[str, float | None], name: str) -> str:
    value = metrics.get(name)
    return "-" if value is None else f"{value:.4g}"


def _compare(results: CompareResults) -> str:
    blocks = [printing.differences(results.differences)]
    if results.further:
        blocks.append(printing.further_differences(results.further))
    if results.ranking is not None and len(results.models) > 2:
        blocks.append(ranking_words(results.ranking))
    if results.cka:
        blocks.append(similarity_words(results.cka))
    if results.spread:
        blocks.append(spread_words(results.spread))
    return "\n\n".join([*blocks, *(printing.paragraph(note) for note in results.notes)])


def _pretrain(results: PretrainResults) -> str:
    head: Fields = [("steps", f"{results.steps:,}{results.ended}")]
    head += [("parameters", f"{results.parameters:,}"), ("weights sha256", results.weights_sha256)]
    head += [(name.replace("_", " "), _number(results.final, name)) for name in results.final]
    head += [(name.replace("_", " "), _number(results.collapse, name)) for name in results.collapse]
    if results.collapsed:
        head.append(("collapsed", results.collapsed))
    blocks = [printing.fields(head)]
    if results.probes:
        blocks.append(_probes(results.probes))
    if results.forgetting:
        rows = [(one.label, printing.estimate(one.estimate, signed=True)) for one in results.forgetting]
        blocks.append(printing.table(("Forgetting: last minus first probe", "AUROC (interval)"), rows))
    return "\n\n".join(blocks)


def _probes(points: Sequence[ProbePoint]) -> str:
    labels = [one.label for one in points[0].labels]
    rows = [
        (f"{point.step:,}", printing.estimate(point.macro), *(_short(one.auroc) for one in point.labels))
        for point in points
    ]
    return printing.table(("Probe at step", "macro AUROC (interval)", *labels), rows, right=("Probe at step",))


def _short(estimate: Estimate) -> str:
    return "-" if estimate.value is None else f"{estimate.value:.3f}"


def _estimate(results: EstimateResults) -> str:
    head: Fields = [("Verdict", "it fits" if results.fits else f"it does not fit: {results.refusal}")]
    if results.advice:
        head.append(("Instead", results.advice))
    time = "not measured" if results.seconds is None else duration(results.seconds)
    pace = "" if results.crops_per_s is None else f", {results.crops_per_s:,.1f} crops a second"
    head += [("Time", f"{time} for {results.steps:,} steps{pace}"), ("Device", results.device)]
    head.append(("Memory", _of(results.memory_bytes, results.memory_free_bytes)))
    head.append(("Disk", _of(results.disk_bytes, results.disk_free_bytes)))
    if results.energy_wh is not None:
        head.append(("Energy", f"{results.energy_wh:,.1f} Wh ({results.energy_source})"))
    if results.largest_batch is not None:
        head.append(("Largest batch", f"{results.largest_batch:,}"))
    head.append(("Model", f"{results.parameters:,} parameters, {results.tokens:,} tokens a crop"))
    return "\n".join([printing.fields(head), *(printing.paragraph(note) for note in results.notes)])


def _of(needed: int | None, free: int | None) -> str:
    told = "not measured" if needed is None else printing.size(needed)
    return told if free is None else f"{told} of {printing.size(free)} free"


def _study(results: StudyResults) -> str:
    blocks = [study_table(results.axes, results.rows)]
    if told := [cell for cell in results.cells if cell.works is not None]:
        verdicts = [(cell.name, cell.seeds, "yes" if cell.works else "no", cell.shortfall) for cell in told]
        blocks.append(printing.table(("Over seeds", "Seeds", "Works", "What it lacks"), verdicts, right=("Seeds",)))
    if results.differences:
        gaps = [
            (
                d.metric.replace("_", " "),
                f"{d.examined} minus {d.reference}",
                d.among,
                printing.estimate(d.estimate, True),
            )
            for d in results.differences
        ]
        blocks.append(printing.table(("Number", "Paired difference", "Among", "Mean over seeds (interval)"), gaps))
    if results.fits:
        blocks.append(fits_words(results.fits))
    if results.budgets:
        blocks.append(budgets_words(results.budgets))
    if results.associations:
        blocks.append(associations_words(results.associations))
    blocks += [printing.paragraph(note) for note in results.notes]
    return "\n\n".join(blocks)


_WAYS: dict[str, Callable[[Any], str]] = {
    "evaluate": evaluation_words,
    "compare": _compare,
    "pretrain": _pretrain,
    "estimate": _estimate,
    "study": _study,
    "leakage": found_words,
    "stress": stress_words,
    "drift": drift_words,
    "version": version_words,
    "efficiency": efficiency_words,
    "vet": vetting_words,
    "try": trial_words,
}
