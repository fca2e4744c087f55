"""Configs of contract version 1, as workspaces made before the five objectives keep them.

They are read for reports and to be asked for again; the engine goes on with runs of its own version only.
"""

from __future__ import annotations

from typing import Any

from engine.contract.config import PretrainConfig
from engine.contract.version import CONTRACT_VERSION


def pretraining_of(data: dict[str, Any]) -> PretrainConfig:
    """The config of a pretraining of any version. Version 1 knew CPC only, with one offset."""
    return PretrainConfig.model_validate(in_todays_words(data))


def in_todays_words(data: dict[str, Any]) -> dict[str, Any]:
    """A pretraining's settings as this version names them."""
    if data.get("contract") != 1:
        return data
    objective = dict(data["objective"])
    if "offset" in objective:
        objective["offsets"] = [objective.pop("offset")]
    return {**data, "contract": CONTRACT_VERSION, "objective": objective}
