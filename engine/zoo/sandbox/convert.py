"""Pickled checkpoints become safetensors: read inside the sandbox, looked at and written anew outside."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from engine.contract.errors import UsageError, disk_error
from engine.contract.sandbox import GIB, Confinement, Limits, SandboxState
from engine.zoo.sandbox.faults import world_error
from engine.zoo.sandbox.session import Session

ROOM = 6
"""Copies of a checkpoint that reading it and writing it anew takes in memory at the most."""


class Converted(NamedTuple):
    """What became of a checkpoint."""

    tensors: int
    values: int
    file_bytes: int
    state: SandboxState


def convert_checkpoint(
    source: Path,
    target: Path,
    *,
    key: str = "",
    confinement: Confinement | None = None,
    allow_incomplete: bool = False,
) -> Converted:
    """Write the weights of a pickled PyTorch checkpoint as a safetensors file.

    The pickle runs in the sandbox, where it can reach nothing; what comes back are bytes of a data format, which are
    parsed here and written anew from the tensors alone.

    Args:
        source: the checkpoint.
        target: the file to write; it must not be there yet.
        key: where in the checkpoint the weights are, with dots between levels ("model.ema"); empty takes the only
            dict of tensors that there is.
        confinement: the way of shutting it in; None takes the strongest.
        allow_incomplete: whether to go on where this machine isolates only in part.

    Raises:
        UsageError: `target` is there already, or `source` is not.
        WorldError: it is no checkpoint, needs classes of its maker's, or holds no weights or several.
    """
    if not source.is_file():
        raise UsageError("checkpoint", "there is no such file", "Name a checkpoint of PyTorch")
    if target.exists():
        raise UsageError("safetensors file", "it is there already", "Name a file that is not there")
    size = source.stat().st_size
    limits = Limits(memory_bytes=4 * GIB + ROOM * size, output_bytes=2 * size + GIB // 4)
    with tempfile.TemporaryDirectory(prefix="isoline-") as folder:
        # Alone in a folder: whatever else stands beside it is none of its business.
        alone = Path(folder) / "checkpoint"
        with suppress(OSError):
            os.link(source.resolve(), alone)
        if not alone.exists():
            shutil.copyfile(source, alone)
        with Session(
            "pickle",
            alone.parent,
            alone.name,
            limits=limits,
            confinement=confinement,
            allow_incomplete=allow_incomplete,
        ) as session:
            (content,) = session.run({}, [key] if key else None).values()
            state = session.state
    tensors = _parsed(content.tobytes())
    _write(save(tensors), target)
    values = sum(tensor.numel() for tensor in tensors.values())
    return Converted(len(tensors), values, target.stat().st_size, state)


def _parsed(content: bytes) -> dict[str, torch.Tensor]:
    """The tensors of what came back; it came from a process that is no longer ours."""
    try:
        return load(content)
    except (SafetensorError, ValueError, KeyError, RuntimeError):
        raise world_error("sandbox_protocol") from None


def _write(content: bytes, target: Path) -> None:
    """All of it under its name, or nothing."""
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise disk_error(error, "weights") from None
