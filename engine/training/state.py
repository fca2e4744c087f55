"""What must survive a kill: weights for everyone, and everything else that training needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.backbones.weights import weights_bytes
from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.training.learner import Learner

WEIGHTS, TRAINER = "weights.safetensors", "trainer.pt"


def state_files(learner: Learner, config: PretrainConfig, about: dict[str, Any]) -> dict[str, bytes | memoryview]:
    """The state as files of a checkpoint: the backbone's weights, and all else (heads, teachers, optimiser)."""
    rest = {k: v for k, v in learner.objective.state_dict().items() if not k.startswith("backbone.")}
    written = _Written()
    torch.save({"objective": rest, "optimizer": learner.optimizer.state_dict(), "about": about}, written)  # type: ignore[arg-type]
    return {WEIGHTS: weights_bytes(learner.backbone, config.backbone), TRAINER: memoryview(written.content)}


class _Written:
    """A file in memory that gives its content away without a copy, of a large model two thirds of what training holds.

    `io.BytesIO` does so, too, but complains when it is thrown away before the one who looks at it, after a failure.
    """

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, part: bytes | memoryview) -> int:
        """Take the next part; gives its length in bytes."""
        before = len(self.content)
        self.content += part
        return len(self.content) - before

    def flush(self) -> None:
        """Nothing: all is there at once."""


def read_about(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint says of itself, read before a weight is used.

    Raises:
        WorldError: it was not made by this program.
    """
    return dict(_trainer(checkpoint, torch.device("cpu"))["about"])


def restore_state(learner: Learner, checkpoint: Path, device: torch.device) -> None:
    """Take up the state of a checkpoint whose checksums were verified and whose config fits.

    Raises:
        WorldError: its tensors do not fit what the config describes.
    """
    rest = _trainer(checkpoint, device)
    try:
        weights = load_file(checkpoint / WEIGHTS, device=str(device))
        backbone = {f"backbone.{name}": value for name, value in weights.items()}
        learner.objective.load_state_dict({**rest["objective"], **backbone}, strict=True)
        learner.optimizer.load_state_dict(rest["optimizer"])
    except (RuntimeError, ValueError, SafetensorError):
        raise _foreign(checkpoint, "its tensors do not fit this run's model") from None


def is_finite(learner: Learner) -> bool:
    """Whether every weight is a number: no checkpoint is written of anything else."""
    floats = [value for value in learner.objective.state_dict().values() if value.is_floating_point()]
    return bool(torch.stack([torch.isfinite(value).all() for value in floats]).all())


def _trainer(checkpoint: Path, device: torch.device) -> dict[str, Any]:
    try:
        told = torch.load(checkpoint / TRAINER, map_location=device, weights_only=True)
        return {name: told[name] for name in ("objective", "optimizer", "about")}
    except Exception as error:  # torch.load raises whatever the bytes make its parts raise
        if isinstance(error, MemoryError):
            raise
        raise _foreign(checkpoint, "it cannot be read as a checkpoint of this version") from None


def _foreign(checkpoint: Path, reason: str) -> WorldError:
    return WorldError(
        f"checkpoint {checkpoint.name}", reason, "Restore it from a backup, or start a new run", fault="checkpoint"
    )
