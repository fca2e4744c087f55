"""From axes to runs: every combination of the axes' values is one pretraining config, or a sentence why it cannot be.

Axes that name something of the study itself are in `OWN_AXES`; every other axis is a field of the pretraining's config,
dotted where it lies deeper ("backbone.width"), and overrides what the study's base says.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from typing import Any

from pydantic import ValidationError

from engine.contract.config import PretrainConfig, StudyConfig, explain
from engine.contract.errors import UsageError, WorldError
from engine.contract.study import AxisValue
from engine.study.subsets import Subsets

OWN_AXES = ("backbone", "objective", "records", "corpus", "start")
FIDELITY = "objective.fidelity"

Values = dict[str, AxisValue]


@dataclass(frozen=True)
class Cell:
    """One run of a study: its place on the axes, and its config or why it is refused."""

    number: int
    name: str
    values: Values
    config: PretrainConfig | None
    refusal: str = ""
    as_asked: bool = False
    """Whether what was asked is to blame for the refusal, and not that there are too few recordings."""


def cells(study: StudyConfig, subsets: Subsets) -> list[Cell]:
    """All runs of a study, numbered from 1; the last axis varies fastest.

    Args:
        study: what was asked.
        subsets: what a place on the axes trains on.

    Raises:
        UsageError: an axis or a base field that no pretraining has, a base that an axis would replace; also no run
            that can work, or, with `refused = "fail"`, one that cannot, where what was asked is to blame.
        WorldError: likewise, where there are too few recordings.
    """
    _refuse_replaced(study)
    grid = [dict(zip(study.axes, point, strict=True)) for point in product(*study.axes.values())]
    made = [_cell(study, number, values, subsets) for number, values in enumerate(grid, start=1)]
    stuck = [cell for cell in made if cell.config is None]
    if stuck and (study.refused == "fail" or len(stuck) == len(made)):
        told = f"run {stuck[0].number} ({stuck[0].name}) cannot work: {stuck[0].refusal}"
        fault = UsageError if stuck[0].as_asked else WorldError
        raise fault(f"study {study.name}", told, "Correct base, axes or entries, or set refused = skip")
    return made


def _refuse_replaced(study: StudyConfig) -> None:
    """An axis names whole backbones or objectives: what the base says of one would go nowhere."""
    for axis in ("backbone", "objective"):
        if axis in study.axes and study.base.get(axis):
            raise UsageError(
                f"study {study.name}",
                f"base.{axis} is given beside the axis {axis}, whose entries [{axis}s.NAME] would take its place",
                f"Set it in each of the entries, or as an axis {axis}.FIELD, and leave base.{axis} out",
            )


def run_name(values: Mapping[str, AxisValue]) -> str:
    """For people: "s4 cpc records 1000 width 64 seed 0"."""
    told = [
        str(v) if axis in ("backbone", "objective", "corpus", "start") else _spelled(axis, v)
        for axis, v in values.items()
    ]
    return " ".join(told)


def _spelled(axis: str, value: AxisValue) -> str:
    if axis == "records" and value == 0:
        return "all records"
    return f"{axis.rpartition('.')[2]} {value:g}" if isinstance(value, float) else f"{axis.rpartition('.')[2]} {value}"


def _cell(study: StudyConfig, number: int, values: Values, subsets: Subsets) -> Cell:
    name, subset = run_name(values), subsets.of(values)
    fields = _fields(study, values)
    try:
        if study.budget == "epochs":
            fields["steps"] = _steps(study.epochs, len(subset.rows), PretrainConfig.model_validate(fields))
        config = PretrainConfig.model_validate(fields | {"name": name[:60]})
    except ValidationError as error:
        foreign = [fault for fault in error.errors() if fault["type"] == "extra_forbidden"]
        if foreign:
            field = ".".join(str(part) for part in foreign[0]["loc"])
            raise UsageError(
                f"study {study.name}", f"no pretraining has a field {field}", "Correct base or axes"
            ) from None
        return Cell(number, name, values, None, explain(error), as_asked=True)
    few = f"{len(subset.rows)} training records are fewer than a batch of {config.batch_size}"
    refusal = subset.refusal or (few if len(subset.rows) < config.batch_size else "")
    return Cell(number, name, values, None if refusal else config, refusal)


def _fields(study: StudyConfig, values: Values) -> dict[str, Any]:
    """Base, then the axes' entries in place of the base's, then single fields, then the direction."""
    fields: dict[str, Any] = deepcopy(study.base) | {"kind": "pretrain", "store": study.store}
    fields.setdefault("backbone", {"name": "s4"})
    fields.setdefault("objective", {"name": "cpc"})
    for axis, entries in (("backbone", study.backbones), ("objective", study.objectives)):
        if axis in values:
            fields[axis] = entries[str(values[axis])].model_dump(mode="json")
    for axis, value in values.items():
        if axis not in OWN_AXES:
            _put(fields, axis.split("."), value, study.name)
    if "start" in values:
        _begin(fields, values["start"], study.name)
    if study.released_signal and values.get(FIDELITY) == "as_released" and "normalisation" not in values:
        fields["normalisation"] = "none" if fields["objective"]["name"] == "cpc" else "ptbxl_as_released"
    if study.directions == "by_objective" and "backbone.causal" not in values:
        fields["backbone"]["causal"] = _causal(fields)
    return fields


def _begin(fields: dict[str, Any], start: AxisValue, study: str) -> None:
    if start not in ("fresh", "continued") or not fields.get("parent"):
        reason = "axes.start is fresh or continued, and base.parent names what is gone on from"
        raise UsageError(f"study {study}", reason, "Set base.parent to a model")
    if start == "fresh":
        fields["parent"] = ""


def _causal(fields: dict[str, Any]) -> bool:
    """CPC needs the causal variant; the published Net1D ignored that wish and leaked (method specification, 9.7)."""
    objective, backbone = fields["objective"], fields["backbone"]["name"]
    leaks = objective.get("fidelity") == "as_released" and backbone == "net1d"
    return objective["name"] == "cpc" and not leaks


def _put(fields: dict[str, Any], place: list[str], value: AxisValue, study: str) -> None:
    inner = fields
    for part in place[:-1]:
        inner = inner.setdefault(part, {})
        if not isinstance(inner, dict):
            raise UsageError(f"study {study}", f"{'.'.join(place)} lies in no table", "Correct the axes")
    inner[place[-1]] = value


def _steps(epochs: float, records: int, config: PretrainConfig) -> int:
    """Steps of so many epochs; what does not fill a batch is left out of an epoch (method specification, 1.3)."""
    return max(1, int(epochs * (records // config.batch_size)))
