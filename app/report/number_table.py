"""All numbers of a run's results as one table: where each stands, its interval, its method and what it rests on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from engine.contract.results import Estimate, Model

HEADS = (
    *("place", "value", "low", "high", "confidence", "method", "low_beside", "high_beside", "method_beside"),
    *("records", "patients", "positive_records", "positive_patients", "negative_patients", "not_estimable"),
)
NAMES = ("name", "label", "severity", "layer", "model", "task", "subgroup")
"""Fields that a part of results is known by, in the order in which they are asked."""


def number_table(results: Model) -> str:
    """CSV text with one line for each estimate of a run's results, in their order; full precision."""
    file = io.StringIO()
    writer: Any = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADS)
    writer.writerows(_row(place, estimate) for place, estimate in estimates(results))
    return file.getvalue()


def estimates(part: object, place: str = "") -> Iterator[tuple[str, Estimate]]:
    """Every estimate below a part of results, with its place: "sweeps/emg/levels/0.1/macro"."""
    if isinstance(part, Estimate):
        yield place, part
    elif isinstance(part, Model):
        for name in type(part).model_fields:
            yield from estimates(getattr(part, name), f"{place}/{name}".lstrip("/"))
    elif isinstance(part, list | tuple):
        for number, item in enumerate(part):
            yield from estimates(item, f"{place}/{_name(item, number)}")
    elif isinstance(part, dict):
        for name, item in part.items():
            yield from estimates(item, f"{place}/{name}")


def _name(item: object, number: int) -> str:
    found = next((getattr(item, name) for name in NAMES if getattr(item, name, None) not in (None, "")), number)
    return f"{found:g}" if isinstance(found, float) else str(found)


def _row(place: str, told: Estimate) -> tuple[object, ...]:
    span, beside = told.interval, told.beside
    return (
        place,
        told.value,
        *((span.low, span.high, span.confidence, span.method) if span else ("", "", "", "")),
        *((beside.low, beside.high, beside.method) if beside else ("", "", "")),
        told.records,
        told.patients,
        told.positive_records,
        told.positive_patients,
        told.negative_patients,
        told.not_estimable,
    )
