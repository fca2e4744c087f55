"""From which checkpoint a run goes on, and whether it is this run's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from engine.contract.config import AnyBackboneConfig, PretrainConfig, S4Config
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Warned
from engine.contract.run import RunFolder
from engine.training.checkpoint import newest_checkpoint
from engine.training.parent import told_differences
from engine.training.state import read_about

NOT_OF_THE_RESULT = {
    *("name", "store", "parent", "probe", "early_stop", "evaluate_every", "checkpoint_every", "keep_checkpoints"),
    *("threads", "loaders", "ranks", "device", "contract", "early_stop_keeps"),
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
    theirs, ours = _as_told_today(json.loads(about["config"]), config), result_fields(config)
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
    if not _trains_dynamics(config.backbone):
        excluded = excluded | {"dynamics_decay"}
    fields: dict[str, Any] = {}
    for name, value in config.model_dump(mode="json", exclude=excluded).items():
        if isinstance(value, dict):
            fields |= {f"{name}.{inner}": inner_value for inner, inner_value in value.items()}
        else:
            fields[name] = value
    return fields


def _as_told_today(theirs: dict[str, Any], config: PretrainConfig) -> dict[str, Any]:
    """What a checkpoint says of its config, with the settings that came after it as they were before there were any.

    A new setting keeps what was done as its default, but for those in `before`. (Steps are no new setting: they are
    left out where they shape nothing.)
    """
    before = {"dynamics_decay": theirs.get("weight_decay")}
    later = [name for name in result_fields(config) if name not in theirs and name != "steps"]
    return theirs | {name: before.get(name, _default(config, name)) for name in later}


def _default(config: PretrainConfig, name: str) -> Any:
    """Default of a setting, as plain data."""
    table, _, field = name.rpartition(".")
    page = type(getattr(config, table)) if table else PretrainConfig
    return to_jsonable_python(page.model_fields[field].get_default(call_default_factory=True))


def _trains_dynamics(backbone: AnyBackboneConfig) -> bool:
    return isinstance(backbone, S4Config) and backbone.dynamics == "trained"


def _knows_its_end(config: PretrainConfig) -> bool:
    """Whether a step depends on how many there will be: then a run cannot be made longer."""
    return config.schedule == "cosine" or getattr(config.objective, "targets", "") == "offline_kmeans"
