"""A recipe's config with single settings changed, as `--set key=value` asks for it."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from engine.contract.config import AnyConfig, PretrainConfig, StudyConfig, parse_config
from engine.contract.errors import UsageError, WorldError
from engine.recipes import load_recipe, load_study


def recipe_config(recipe: str, settings: Sequence[str], settled: Mapping[str, Any] | None = None) -> PretrainConfig:
    """The config of a recipe with `--set` applied.

    Args:
        recipe: name of a shipped recipe, or path of a TOML file.
        settings: `key=value`, dotted keys.
        settled: what a parent model settles; it goes before the recipe, and `--set` before both. Its objective is
            taken where the recipe names none.

    Raises:
        UsageError: a setting that does not exist or is out of range, or a recipe of another backbone than the parent's.
    """
    named = load_recipe(recipe)
    _check_backbone(recipe, named, settled)
    data = {"kind": "pretrain", **named, **_of_parent(settled)}
    if settled and settled.get("objective_settings"):
        data.setdefault("objective", settled["objective_settings"])
    config = _parsed(f"recipe {recipe}", data, settings)
    if not isinstance(config, PretrainConfig):
        raise UsageError(f"recipe {recipe}", f"it describes a run of kind {config.kind}", "Name a pretraining recipe")
    return config


def _check_backbone(recipe: str, named: Mapping[str, Any], settled: Mapping[str, Any] | None) -> None:
    """A recipe's name speaks of its backbone, so the model it makes may not quietly have another one."""
    backbone = named.get("backbone")
    theirs = (settled or {}).get("backbone", {}).get("name")
    ours = backbone.get("name") if isinstance(backbone, Mapping) else None
    if theirs and ours and ours != theirs:
        raise UsageError(
            f"recipe {recipe}",
            f"backbone.name is {ours} in it, the model that is gone on from is of {theirs}",
            f"Choose a recipe of {theirs}, or one that names no backbone (domain)",
        )


def _of_parent(settled: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (settled or {}).items() if not name.startswith("objective")}


def study_config(study: str, settings: Sequence[str], settled: Mapping[str, Any] | None = None) -> StudyConfig:
    """The config of a study with `--set` applied.

    Args:
        study: name of a shipped study, or path of a TOML file.
        settings: `key=value`, dotted keys.
        settled: what the model that its runs go on from settles; it goes before the study's base.

    Raises:
        UsageError: a setting that does not exist or is out of range.
    """
    data = {"kind": "study", **load_study(study)}
    if settled:
        own = "backbone" in data.get("axes", {})  # then the axis names whole backbones, each to be held to the parent
        theirs = {name: value for name, value in _of_parent(settled).items() if not (own and name == "backbone")}
        data["base"] = {**data.get("base", {}), **theirs}
    config = _parsed(f"study {study}", data, settings)
    if not isinstance(config, StudyConfig):
        raise UsageError(f"study {study}", f"it describes a run of kind {config.kind}", "Name a study")
    return config


def _parsed(thing: str, data: dict[str, Any], settings: Sequence[str]) -> AnyConfig:
    try:
        return parse_config(with_settings(data, settings))
    except UsageError:
        raise
    except WorldError as error:
        raise UsageError(thing, error.reason, "Correct the named settings and try again") from None


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
