"""What was dropped on the Models page: told by content, without running or unpickling anything. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from app import printing
from app.core.card_files import plain_card, read_text
from app.core.file_outline import read_outline
from app.core.model_files import format_of
from app.core.models import CARD, WEIGHTS
from app.core.onnx_outline import Port, outline
from app.core.prediction_table import is_table
from engine.contract.card import FORMATS, ModelFormat
from engine.contract.errors import WorldError

Kind = Literal["model", "predictions", "checkpoint", "program"]

CARDS = (".toml", ".json")
"""Suffixes of model cards: they are text, which no content tells from other text."""


@dataclass(frozen=True)
class FileLook:
    """What a file or folder is.

    Attributes:
        path: where it stands.
        kind: an external model's file, a table of predictions, a checkpoint of Isoline, the folder of a program.
        format: of a model's file.
        told: in words.
        inputs: ports of a graph that tells them.
        outputs: as above.
        card: plain data of a card that was dropped along with it, or stands beside it.
        parameters: how many, where the engine has told.
    """

    path: Path
    kind: Kind
    format: ModelFormat | None
    told: str
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    card: dict[str, Any] | None = None
    parameters: int | None = None


def look_at(path: Path, card: Path | None = None) -> FileLook:
    """Tell what a file or folder is; called off the window's thread.

    Args:
        path: the file or folder.
        card: a model card as TOML or JSON.

    Raises:
        WorldError: it cannot be read, is refused (a pickled checkpoint), or is nothing that is known.
    """
    if path.is_dir():
        if is_checkpoint(path):
            return FileLook(path, "checkpoint", None, "Checkpoint of Isoline, with its card")
        return FileLook(path, "program", "command", f"Folder {path.name}, taken as that of a vendor's program")
    if is_table(path):
        return FileLook(path, "predictions", None, f"Table of predictions, {_size(path)}")
    format = format_of(path)
    graph = outline(path) if format == "onnx" else None
    told = f"{FORMATS[format]}, told by its content, {_size(path)}"
    inputs, outputs = (tuple(graph.inputs), tuple(graph.outputs)) if graph else ((), ())
    return FileLook(path, "model", format, told, inputs, outputs, None if card is None else plain_card(read_text(card)))


def is_checkpoint(path: Path) -> bool:
    """Whether a folder is a checkpoint of Isoline."""
    return (path / WEIGHTS).is_file() and (path / CARD).is_file()


def sorted_out(paths: list[Path]) -> tuple[Path, Path | None]:
    """The model among dropped paths, and the card that came with it.

    Raises:
        WorldError: none, or more than one thing that may be a model.
    """
    cards = [path for path in paths if path.suffix.lower() in CARDS and path.is_file()]
    others = [path for path in paths if path not in cards]
    if len(others) != 1:
        reason = "nothing of it is a model's file or folder" if not others else "one model is registered at a time"
        raise WorldError("what was dropped", reason, "Drop one file or folder, and its card as TOML or JSON beside it")
    return others[0], cards[0] if cards else None


def graph_words(look: FileLook) -> str:
    """What a graph tells of its input and outputs, in a line or two."""
    if not look.inputs and not look.outputs:
        return ""
    ports = [f"{port.name} ({' × '.join(port.axes) or 'shape not told'})" for port in (*look.inputs, *look.outputs)]
    count = len(look.inputs)
    return f"The file takes {', '.join(ports[:count])} and gives {', '.join(ports[count:])}."


def read_in_sandbox(look: FileLook) -> FileLook:
    """What only the engine can tell of a file, read in the sandbox; called off the window's thread.

    Raises:
        WorldError: the engine does not answer, or the model cannot be loaded.
    """
    assert look.format is not None
    told = read_outline(look.path, look.format)
    return replace(look, inputs=told.inputs, outputs=told.outputs, parameters=told.parameters)


def is_readable(look: FileLook | None) -> bool:
    """Whether the engine could tell more of a file than its content tells here."""
    return look is not None and look.format in ("torchscript", "pt2") and not look.inputs


def told_fields(look: FileLook) -> dict[str, object]:
    """Fields of the card that a graph tells by itself: its outputs' names, the order of its input's axes."""
    told: dict[str, object] = {} if look.parameters is None else {"lineage.parameters": look.parameters}
    if look.outputs:
        told["outputs"] = [
            {"name": port.name, "kind": "logits", "over_time": "mean" if len(port.axes) > 2 else "none"}
            for port in look.outputs
        ]
    if len(look.inputs) == 1:
        told |= _of_axes([int(axis) if axis.isdigit() else 0 for axis in look.inputs[0].axes])
    return told


def window_fault(look: FileLook, samples: int) -> str:
    """Why windows of this many samples do not fit the file; empty where they do, or where the file leaves it open."""
    axes = look.inputs[0].axes if len(look.inputs) == 1 else ()
    fixed = [int(axis) for axis in axes if axis.isdigit() and int(axis) > 12]
    if len(fixed) != 1 or samples == fixed[0]:
        return ""
    return f"rate times window are {samples:,} samples, and the file takes {fixed[0]:,}"


def _of_axes(sizes: list[int]) -> dict[str, object]:
    """The order of the axes, by which of them is the longest; nothing where that cannot be told."""
    if len(sizes) == 2:
        return {"preprocessing.axes": "batch time"}
    if len(sizes) == 3 and max(sizes) > 12:
        last = sizes[2] == max(sizes)
        return {"preprocessing.axes": "batch lead time" if last else "batch time lead"}
    return {"preprocessing.axes": "batch 1 lead time"} if len(sizes) == 4 and sizes[1] == 1 else {}


def _size(path: Path) -> str:
    return printing.size(path.stat().st_size)
