"""Results of stress benches, drift checks, vettings and measurements of cost as lines of the run's view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import printing
from app.examination_words import change, feature_row, observed, p_value, sweep_row, trial_numbers
from app.ui.form_words import sentence
from app.ui.run_fact import Fact
from engine.contract.drift import DriftResults, GroupShift
from engine.contract.efficiency import BatchCost, EfficiencyResults
from engine.contract.stress import StressResults
from engine.contract.trying import TryResults
from engine.contract.vetting import RULES, VetResults


def stress_facts(results: Mapping[str, Any]) -> list[Fact]:
    """Where each growing fault breaks the model, and what each single one costs."""
    told = StressResults.model_validate(results)
    lines = [
        Fact("Model", f"{told.model} ({told.mode})"),
        Fact("Recordings", f"{told.records:,} of {told.patients:,} patients"),
        Fact("As they are", f"macro AUROC {printing.estimate(told.clean)}"),
    ]
    for sweep in told.sweeps:
        if sweep.breaking is None:
            lines.append(Fact(sweep.title, change(sweep.levels[0])))
            continue
        title, broken, interval, held, worst = sweep_row(sweep)
        reach = f" ({interval})" if interval else ""
        breaks = f"loses {sweep.breaking.margin:g} at {broken}{reach}"
        holds = f"holds to {held}" if sweep.breaking.held is not None else "nowhere shown to hold"
        lines.append(Fact(title, f"{breaks}; {holds}. {worst}"))
    return [*lines, *(Fact("Note", note) for note in told.notes)]


def vet_facts(results: Mapping[str, Any]) -> list[Fact]:
    """What weighs most of a vetting; the model's own page tells all of it."""
    told = VetResults.model_validate(results)
    grave = [*told.weighing("blocking"), *told.weighing("serious")]
    lines = [
        Fact("Model", f"{told.model}, version {told.version}"),
        Fact("In order", f"{len(told.passed)} of {len(RULES)} rules"),
        *(Fact(one.weight.capitalize(), f"{RULES[one.rule]}: {one.found}") for one in grave),
        Fact("Notes", f"{len(told.weighing('note')):,}"),
        Fact("Parity", told.parity.verdict),
        Fact("Same answers", told.determinism.state),
        *(Fact("Works, only worse", f"{one.title}: {one.why}") for one in told.dangerous),
    ]
    return [*lines, *(Fact("Note", note) for note in told.notes)]


def try_facts(results: Mapping[str, Any]) -> list[Fact]:
    """What a model said of one recording."""
    told = TryResults.model_validate(results)
    lines = [Fact("Model", told.model), Fact("Recording", told.record_id)]
    lines += [Fact("Refused", told.refused)] if told.refused else [Fact("Windows", f"{len(told.starts_s):,}")]
    for output in told.outputs:
        numbers = ", ".join(f"{name} {value}" for name, value in trial_numbers(output)) or f"{output.width:,} numbers"
        lines.append(Fact(f"Output {output.name}", numbers))
    return [*lines, *(Fact("Note", note) for note in told.notes)]


def drift_facts(results: Mapping[str, Any]) -> list[Fact]:
    """How well the sides are told apart, in which facts and in which groups they differ."""
    told = DriftResults.model_validate(results)
    lines = [
        Fact("Model", told.model),
        Fact("Reference", f"{told.reference_records:,} recordings of {told.reference_patients:,} patients"),
        Fact("Local", f"{told.local_records:,} recordings of {told.local_patients:,} patients"),
        Fact("Told apart", f"AUROC {printing.estimate(told.classifier)}; 0.5 when alike"),
    ]
    if (kernel := told.kernel) is not None:
        p = p_value(kernel.p_value, kernel.permutations)
        lines.append(Fact("Kernel test", f"MMD² {kernel.squared:.4g}, p {p}"))
    for one in told.features:
        name, reference, local, distance, p, _ = feature_row(one, told)
        apart = f"distance {distance}, p {p}" if p else distance
        lines.append(Fact(name.capitalize(), f"{reference} there, {local} here; {apart}"))
    lines += [_group(one) for one in told.groups]
    for prior in told.priors:
        shares = f"{printing.estimate(prior.reference)} there, {printing.estimate(prior.local)} implied here"
        lines.append(Fact(f"Share of {prior.label}", f"{shares}; by local labels: {observed(prior.observed)}"))
    return [*lines, *(Fact("Note", note) for note in told.notes)]


def _group(one: GroupShift) -> Fact:
    counts = f"{one.records:,} recordings of {one.patients:,} patients"
    p = "" if one.adjusted_p is None else f", adjusted p {one.adjusted_p:.3f}"
    return Fact(f"{one.attribute.capitalize()} {one.group}", f"{counts}: AUROC {printing.estimate(one.classifier)}{p}")


def efficiency_facts(results: Mapping[str, Any]) -> list[Fact]:
    """Parameters, true FLOPs beside the counter's, and what each batch size takes."""
    told = EfficiencyResults.model_validate(results)
    tokens = "" if told.tokens is None else f", {told.tokens:,} tokens"
    lines = [
        Fact("Model", f"{told.model}: {told.backbone}"),
        Fact("Input", f"{told.crop_s:g} s at {told.rate_hz:g} Hz{tokens}"),
        Fact("Parameters", _parameters(told)),
        *_operations(told),
    ]
    lines += [_cost(cost) for cost in told.costs]
    return [*lines, *(Fact("Note", sentence(note)) for note in told.notes)]


def _parameters(told: EfficiencyResults) -> str:
    if told.parameters is None:
        return "its file does not tell"
    return f"{told.parameters:,}" + ("" if told.trainable is None else f", {told.trainable:,} of them trainable")


def _operations(told: EfficiencyResults) -> list[Fact]:
    """True operations beside the counter's; of a vendor's model what can be counted."""
    flops = told.flops
    if flops is None:
        counted = "not counted: its graph is not looked into" if told.products is None else _giga(told.products)
        return [Fact("Forward", f"{counted}{'' if told.products is None else ' a crop, its products alone'}")]
    return [
        Fact("Forward", f"{_giga(flops.forward)} a crop; torch's counter: {_giga(flops.counter_forward)}"),
        Fact("Training pass", f"{_giga(flops.forward_backward)}; counter: {_giga(flops.counter_forward_backward)}"),
    ]


def _giga(flops: int) -> str:
    return f"{flops / 1e9:,.4f} GFLOPs"


def _cost(cost: BatchCost) -> Fact:
    name = f"{cost.device_name or cost.device}, {cost.batch:,} at a time"
    if cost.problem:
        return Fact(name, f"not measured: {cost.problem}")
    parts = [
        None if cost.p50_ms is None else f"median {cost.p50_ms:,.1f} ms",
        None if cost.p95_ms is None else f"95 % within {cost.p95_ms:,.1f} ms",
        None if cost.crops_per_s is None else f"{cost.crops_per_s:,.1f} crops a second",
        None if cost.memory_bytes is None else printing.size(cost.memory_bytes),
        None if cost.kwh_per_million_crops is None else f"{cost.kwh_per_million_crops:,.3f} kWh a million",
    ]
    return Fact(name, ", ".join(part for part in parts if part))
