"""Which of a run's checkpoints is its result: the last, or with an early stop the one of the best held-out loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from engine.backbones.base import Backbone
from engine.backbones.weights import load_backbone
from engine.contract.config import PretrainConfig
from engine.contract.results import ProbePoint
from engine.contract.run import RunFolder
from engine.training.checkpoint import checkpoint_name, is_whole, sha256
from engine.training.state import WEIGHTS, read_about
from engine.training.stopping import EarlyStop


class Kept(NamedTuple):
    """A checkpoint, and what was measured of it when it was written.

    Attributes:
        step: after how many steps.
        path: its folder.
        about: "metrics", "collapse" and "collapsed" of that step, as every checkpoint tells of itself.
    """

    step: int
    path: Path
    about: dict[str, Any]

    @property
    def sha256(self) -> str:
        """Hash of its weights."""
        return sha256(self.path / WEIGHTS)

    def backbone(self) -> Backbone:
        """Its backbone, in evaluation mode, on the CPU."""
        return load_backbone(self.path / WEIGHTS)[0].eval()


def better_than_last(folder: RunFolder, config: PretrainConfig, early: EarlyStop, last: int) -> Kept | None:
    """The checkpoint of the best held-out loss, where that is not the last step's; None where the last is the result.

    Also None where it is damaged, or was not kept by the version that began the run.
    """
    step = early.best_step
    if not config.keeps_best or step is None or step == last:
        return None
    path = folder.checkpoints / checkpoint_name(step)
    return Kept(step, path, read_about(path)) if is_whole(path) else None


def points_of(probes: list[ProbePoint], step: int) -> list[ProbePoint]:
    """The probes up to a step, in order: later ones are of weights that were not kept."""
    return sorted((point for point in probes if point.step <= step), key=lambda point: point.step)
