"""From which checkpoint a run goes on, and whether it is this run's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Warned
from engine.contract.run import RunFolder
from engine.training.checkpoint import newest_checkpoint
from engine.training.parent import told_differences
from engine.training.state import read_about

NOT_OF_THE_RESULT = {
    *("name", "store", "parent", "probe", "early_stop", "evaluate_every", "checkpoint_every", "keep_checkpoints"),
    *("threads", "loaders", "ranks", "device", "contract"),
}
"""Config fields in which a checkpoint may differ from the run that goes on from it: they do not shape a step. (Sums
over another number of ranks or threads differ in their last bits.)"""


def find_checkpoint(
    folder: RunFolder, config: PretrainConfig, events: EventWriter
) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint to go on from and what it says of itself; None when the run is at its beginning.

    Raises:
        WorldError: there are checkpoints and none is whole, or the newest was made with another config.
    """
    found = newest_checkpoint(folder.checkpoints)
    if found.path is None:
        if found.damaged:
            raise WorldError(
                f"run {folder.path.name}",
                f"none of its checkpoints is whole ({', '.join(found.damaged)})",
                "Restore one from a backup, or start a copy of the run from the beginning",
                fault="checkpoint",
            )
        return None
    for name in found.damaged:
        events.emit(Warned(message=f"checkpoint {name} is damaged and passed over; going on from {found.path.name}"))
    about = read_about(found.path)
    theirs, ours = json.loads(about["config"]), result_fields(config)
    if theirs != ours:
        raise WorldError(
            f"checkpoint {found.path.name}",
            f"it was made with another config than this run's: {told_differences(theirs, ours)}",
            "Restore the run's config.json, or start a new run",
            fault="checkpoint",
        )
    return found.path, about


def result_fields(config: PretrainConfig) -> dict[str, Any]:
    """The config without the fields that do not shape a step, one level deep: "backbone.width"."""
    excluded = NOT_OF_THE_RESULT if _knows_its_end(config) else NOT_OF_THE_RESULT | {"steps"}
    fields: dict[str, Any] = {}
    for name, value in config.model_dump(mode="json", exclude=excluded).items():
        if isinstance(value, dict):
            fields |= {f"{name}.{inner}": inner_value for inner, inner_value in value.items()}
        else:
            fields[name] = value
    return fields


def _knows_its_end(config: PretrainConfig) -> bool:
    """Whether a step depends on how many there will be: then a run cannot be made longer."""
    return config.schedule == "cosine" or getattr(config.objective, "targets", "") == "offline_kmeans"
