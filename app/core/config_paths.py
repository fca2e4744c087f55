"""Configs as the database keeps them: paths below the workspace are relative, so that a moved folder still works.

The run folder gets the same config with absolute paths, written anew at each launch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import rfc8785

from engine.contract.config import AnyConfig, parse_config

_PATHS = ("store", "cache", "parent")
_OF_MODELS = ("checkpoint", "file", "folder")


def portable(config: AnyConfig, root: Path) -> dict[str, Any]:
    """The config as plain data with paths relative to the workspace."""
    return _mapped(config.model_dump(mode="json"), lambda text: _relative(text, root))


def resolved(data: dict[str, Any], root: Path) -> AnyConfig:
    """The config with absolute paths, validated. Raises WorldError when it is of another contract version."""
    return parse_config(_mapped(data, lambda text: str(root / text) if text else text))


def config_sha256(data: dict[str, Any]) -> str:
    """SHA-256 of a portable config as canonical JSON."""
    return hashlib.sha256(rfc8785.dumps(data)).hexdigest()


def portable_text(data: dict[str, Any]) -> str:
    """A portable config as text for the database."""
    return json.dumps(data, indent=1, ensure_ascii=False)


def portable_again(data: dict[str, Any]) -> dict[str, Any]:
    """The plain data of a run folder's config, of any contract version, with paths relative to where it was written.

    Raises:
        KeyError: it is no config of a run.
    """
    root = _root_of(data)
    return _mapped(data, lambda text: _relative(text, root))


def _root_of(data: dict[str, Any]) -> Path:
    """Where the workspace stood when this config was written: it may have been moved since."""
    if "evaluations" in data:
        return Path(data["evaluations"][0]).parent.parent
    return Path(data.get("pretrain", data)["store"]).parent


def _mapped(data: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The same plain data with every path changed; a study's and an estimate's pretraining have paths of their own."""
    made = dict(data)
    for part in ("pretrain", "base"):
        if part in made:
            made[part] = _mapped(made[part], change)
    for name in _PATHS:
        if name in made:
            made[name] = change(made[name])
    if "evaluations" in made:
        made["evaluations"] = [change(path) for path in made["evaluations"]]
    if "model" in made:
        made["model"] = {k: change(v) if k in _OF_MODELS else v for k, v in made["model"].items()}
    return made


def _relative(text: str, root: Path) -> str:
    if text and Path(text).is_relative_to(root):
        return str(PurePosixPath(Path(text).relative_to(root)))
    return text


def absolute_model(definition: dict[str, Any], root: Path) -> dict[str, Any]:
    """A model's definition with absolute paths."""
    return {k: str(root / v) if k in _OF_MODELS and v else v for k, v in definition.items()}
