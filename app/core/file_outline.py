"""Asks the engine, as a process of its own, what a model's file says of its inputs and outputs."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.engine_command import engine_command
from app.core.onnx_outline import Port
from engine.contract.card import ModelFormat
from engine.contract.errors import WorldError

TIMEOUT_S = 180
"""Time that the sandbox has to load a large model, and a little more."""


@dataclass(frozen=True)
class FileOutline:
    """Ports of a model, and how many parameters it has, where its file tells."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    parameters: int | None


def read_outline(path: Path, format: ModelFormat) -> FileOutline:
    """What a model's file says of itself, read in the sandbox; takes seconds.

    Raises:
        WorldError: the engine does not answer, or the model cannot be loaded.
    """
    command = [*engine_command(), "outline", str(path), "--format", format]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        told = dict(json.loads(done.stdout))
        if "reason" in told:
            raise WorldError(str(told["thing"]), str(told["reason"]), str(told["next_step"]))
        return FileOutline(_ports(told["inputs"]), _ports(told["outputs"]), told["parameters"])
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        raise WorldError("engine", "it does not say what the file holds", "Try: isoline selftest") from None


def _ports(told: list[dict[str, Any]]) -> tuple[Port, ...]:
    return tuple(Port(str(one["name"]), tuple(str(axis) for axis in one["axes"])) for one in told)
