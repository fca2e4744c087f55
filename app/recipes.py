"""A recipe's config with single settings changed, as `--set key=value` asks for it."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Sequence
from typing import Any

from engine.contract.config import PretrainConfig, parse_config
from engine.contract.errors import UsageError, WorldError
from engine.recipes import load_recipe


def recipe_config(recipe: str, settings: Sequence[str]) -> PretrainConfig:
    """The config of a recipe with `--set` applied.

    Raises:
        UsageError: a setting that does not exist or is out of range.
    """
    data = with_settings({"kind": "pretrain", **load_recipe(recipe)}, settings)
    try:
        config = parse_config(data)
    except WorldError as error:
        raise UsageError(f"recipe {recipe}", error.reason, "Correct the named settings and try again") from None
    if not isinstance(config, PretrainConfig):
        raise UsageError(f"recipe {recipe}", f"it describes a run of kind {config.kind}", "Name a pretraining recipe")
    return config


def with_settings(config: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """A config with `--set` applied: dotted keys, values in TOML; a bare word that is no TOML value is text.

    Raises:
        UsageError: a setting without `=`, or a key below something that is no table.
    """
    changed = copy.deepcopy(config)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {setting}", "it is not of the form key=value", "Write: --set backbone.width=64")
        *parents, last = key.strip().split(".")
        level = changed
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise UsageError(f"--set {key}", f"{parent} has no settings below it", "Check the key")
        level[last] = _value(text.strip())
    return changed


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
