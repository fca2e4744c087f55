"""What a model takes, for people."""

from __future__ import annotations

from app import printing
from engine.contract.efficiency import BatchCost, EfficiencyResults


def efficiency_words(results: EfficiencyResults) -> str:
    """An efficiency table for people."""
    tokens = "" if results.tokens is None else f", {results.tokens:,} tokens"
    head: list[tuple[str, object]] = [
        ("Model", f"{results.model}: {results.backbone}"),
        ("Input", f"{results.crop_s:g} s at {results.rate_hz:g} Hz{tokens}"),
        ("Parameters", _parameters(results)),
        *_operations(results),
    ]
    heads = ("Device", "Crops", "Median ms", "95 % ms", "Core ms", "Crops/s", "Memory", "kWh per million")
    rows = [_row(cost) for cost in results.costs]
    notes = [f"torch's counter differs: {results.flops.note}."] if results.flops and results.flops.note else []
    for told in dict.fromkeys(cost.energy_source for cost in results.costs if cost.energy_source):
        notes.append(f"Energy: {told}.")
    for told in dict.fromkeys(cost.memory_source for cost in results.costs if cost.memory_source):
        notes.append(f"Memory: {told}.")
    notes += [f"{cost.device}, {cost.batch} at a time: {cost.problem}." for cost in results.costs if cost.problem]
    notes += [_sentence(note) for note in results.notes]
    blocks = [printing.fields(head), printing.table(heads, rows, right=heads[1:])]
    return "\n\n".join([*blocks, "\n".join(printing.paragraph(note) for note in notes)])


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}{'' if note.endswith('.') else '.'}"


def _parameters(results: EfficiencyResults) -> str:
    if results.parameters is None:
        return "its file does not tell"
    return f"{results.parameters:,}" + (
        "" if results.trainable is None else f", {results.trainable:,} of them trainable"
    )


def _operations(results: EfficiencyResults) -> list[tuple[str, object]]:
    """True operations beside the counter's; of a vendor's model what can be counted."""
    flops = results.flops
    if flops is None and results.products is None:
        return [("Forward", "not counted: its graph is not looked into")]
    if flops is None:
        return [("Forward", f"{_giga(results.products or 0)} GFLOPs a crop, its products alone")]
    training = f"{_giga(flops.forward_backward)} GFLOPs (products alone {_giga(flops.products_forward_backward)})"
    return [
        ("Forward", f"{_giga(flops.forward)} GFLOPs a crop (products alone {_giga(flops.products_forward)})"),
        ("Training pass", training),
        ("torch's counter", f"{_giga(flops.counter_forward)} and {_giga(flops.counter_forward_backward)} GFLOPs"),
    ]


def _row(cost: BatchCost) -> tuple[str, ...]:
    def told(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    where = cost.device_name or cost.device
    return (
        f"{where}, {cost.threads} thread{'s' * (cost.threads != 1)}" if cost.device == "cpu" else where,
        f"{cost.batch:,}",
        told(cost.p50_ms, ",.1f"),
        told(cost.p95_ms, ",.1f"),
        told(cost.core_ms, ",.1f"),
        told(cost.crops_per_s, ",.1f"),
        "-" if cost.memory_bytes is None else printing.size(cost.memory_bytes),
        told(cost.kwh_per_million_crops, ",.3f"),
    )


def _giga(flops: int) -> str:
    return f"{flops / 1e9:,.4f}"
