"""A model card to be filled in: TOML with every field explained, "unknown" wherever the file itself tells nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from app.core.model_files import format_of
from app.core.onnx_outline import Outline, Port, outline
from engine.contract.card import UNKNOWN
from engine.signal.condition import SUPPORTED

_HEAD = """\
# Model card. Fill in what you know. "unknown" is an answer; so is "declined", where you asked and the maker would not
# tell: both are findings, and stand in every report. Check it with: isoline model card check THIS-FILE
"""
_IDENTITY = """\
name = {name}                      # as it is listed here
version = "1"
product = ""                        # what this is a version of: versions of one product can be held against each other
developer = "unknown"
licence = "unknown"                 # as written: "Apache-2.0", "CC BY-NC 4.0"
non_commercial = "unknown"          # true where the licence forbids commercial use: then say below why it is used here
reason = ""
permitted_use = "unknown"
intended_use = "unknown"
population = "unknown"              # whom its maker means it for, in his words ...
eligibility = []                    # ... and as rules: ["age 18..", "paced no", "seconds 10..", "leads I II V1"]
architecture = ""                   # of safetensors weights: the network that they belong to
"""
_LINEAGE = """\
[lineage]
objective = "unknown"
backbone = "unknown"
parameters = {parameters}
corpus = "unknown"                  # "PTB-XL folds 1-8": held against the recordings that it is tested on
records = "unknown"
patients = "unknown"
"""
_CONTRACT = """\
[preprocessing]                     # what must reach the model; a wrong line here may look as if it worked, only worse
leads = {leads}
rate_hz = "unknown"                 # needed
window_s = "unknown"                # needed{window}
axes = {axes}                       # "batch lead time", "batch time lead", "batch 1 lead time", or "batch time"
units = "unknown"                   # {units}
normalisation = "unknown"           # {normalisation}
# means = []                        # of the z-score by constants: one number a lead, in the unit that is fed
# deviations = []
filters = "unknown"                 # "none", or like "band-pass 0.5-40 Hz, Butterworth order 4, forward-backward"
clip_mv = "unknown"                 # "none", or the largest amplitude in mV
polarity = "unknown"                # "as recorded" or "inverted"
aggregation = "unknown"             # {aggregation}
# stride_s = 5.0                    # where windows overlap
padding = "unknown"                 # of short recordings: "refused", "zeros at the end" or "repeated"
missing = "unknown"                 # {missing}
derived_leads = "unknown"           # "allowed" or "refused": leads that were computed from others
"""
_OUTPUT = """\
[[outputs]]                         # one for each output that is to be read; leave out what is of no interest
name = {name}{axes}
kind = "unknown"                    # needed: "embedding", "logits", "probability", "score" or "flag"
classes = []                        # needed but for an embedding: names in the output's order
activation = "none"                 # of logits: "sigmoid" or "softmax" makes probabilities of them
over_time = "none"                  # where it has a time axis: "mean" or "maximum"
# classes_second = true             # where classes stand before time
"""
_REMARKS = 34
"""Column that remarks stand in."""


@dataclass(frozen=True)
class _Told:
    """What a file tells of itself."""

    outputs: tuple[Port, ...] = ()
    inputs: tuple[Port, ...] = ()
    parameters: int | None = None


def blank_card(path: Path | None = None) -> str:
    """The form, with what a model's file tells of itself.

    Raises:
        WorldError: the file is no model that is known.
    """
    told = _told_by(path) if path is not None else _Told()
    parameters = json.dumps(UNKNOWN) if told.parameters is None else f"{told.parameters:_}"
    axes, leads, window = _of_input(told.inputs)
    listed = {name: f"\n{'#':<{_REMARKS}}    ".join(map(json.dumps, able)) for name, able in SUPPORTED.items()}
    contract = _CONTRACT.format(leads=leads, window=window, axes=axes, **listed)
    outputs = [_OUTPUT.format(name=json.dumps(port.name), axes=_shape(port)) for port in told.outputs]
    parts = [
        _HEAD,
        _IDENTITY.format(name=json.dumps(_name(path), ensure_ascii=False)),
        _LINEAGE.format(parameters=parameters),
        contract,
        *(outputs or [_OUTPUT.format(name='"unknown"', axes="  # needed: as the model names it")]),
    ]
    return "\n".join(map(_aligned, parts))


def _aligned(part: str) -> str:
    """Remarks behind values, one below the other."""
    lines = []
    for line in part.split("\n"):
        value, mark, remark = line.partition("  #")
        lines.append(f"{value.rstrip():<{_REMARKS}}  #{remark}".rstrip() if mark and value.strip() else line)
    return "\n".join(lines)


def _name(path: Path | None) -> str:
    stem = path.stem if path is not None else ""
    return stem if stem and stem.isprintable() else UNKNOWN


def _told_by(path: Path) -> _Told:
    found = format_of(path)
    if found == "onnx":
        graph: Outline = outline(path)
        return _Told(tuple(graph.outputs), tuple(graph.inputs))
    return _Told(parameters=_numbers_in(path)) if found == "safetensors" else _Told()


def _numbers_in(path: Path) -> int:
    """How many numbers a safetensors file holds; batch norm's running values among them."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    shapes = [entry.get("shape", []) for name, entry in header.items() if name != "__metadata__"]
    return sum(prod(shape) for shape in shapes)


def _of_input(inputs: Sequence[Port]) -> tuple[str, str, str]:
    """Axes, leads and a word on the window, as far as the shape of a graph's one input tells them."""
    twelve = '["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]  # in the order that it takes'
    if len(inputs) != 1:
        return json.dumps(UNKNOWN), twelve, ""
    shape = inputs[0].axes
    numbers = [int(axis) if axis.isdigit() else 0 for axis in shape]
    samples = max(numbers, default=0)
    window = f"; its input '{inputs[0].name}' has the axes {' x '.join(shape)}" if shape else ""
    if len(shape) == 2:
        return '"batch time"', '"unknown"  # needed: the graph takes one lead, like ["II"]: which one?', window
    if len(shape) == 3 and samples > 12:
        axes = "batch lead time" if numbers[2] == samples else "batch time lead"
        count = numbers[1] if axes == "batch lead time" else numbers[2]
    elif len(shape) == 4 and numbers[1] == 1:
        axes, count = "batch 1 lead time", numbers[2]
    else:
        return json.dumps(UNKNOWN), twelve, window
    if count in (0, 12):
        return json.dumps(axes), twelve, window
    return json.dumps(axes), f'"unknown"  # the graph takes {count}: name them in its order', window


def _shape(port: Port) -> str:
    return f"  # axes {' x '.join(port.axes)}" if port.axes else ""
