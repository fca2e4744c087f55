"""Recipes: pretrainings and studies as TOML files, each headed by its command, its cost and the expected result."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from engine.contract.errors import UsageError, WorldError

FOLDER = Path(__file__).parent
STUDIES = FOLDER / "studies"


def recipe_names() -> list[str]:
    """Names of the shipped pretraining recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def study_names() -> list[str]:
    """Names of the shipped studies."""
    return sorted(path.stem for path in STUDIES.glob("*.toml"))


def load_recipe(name_or_path: str) -> dict[str, Any]:
    """Fields of a pretraining config, without the store.

    Args:
        name_or_path: a shipped recipe's name, or the path of a TOML file.

    Raises:
        UsageError: no such recipe.
        WorldError: the file is not readable TOML.
    """
    return _load("recipe", name_or_path, FOLDER, recipe_names())


def load_study(name_or_path: str) -> dict[str, Any]:
    """Fields of a study's config, without the store.

    Args:
        name_or_path: a shipped study's name, or the path of a TOML file.

    Raises:
        UsageError: no such study.
        WorldError: the file is not readable TOML.
    """
    return _load("study", name_or_path, STUDIES, study_names())


def _load(what: str, name_or_path: str, folder: Path, names: list[str]) -> dict[str, Any]:
    thing = f"{what} '{name_or_path}'"
    if name_or_path in names:
        path = folder / f"{name_or_path}.toml"
    elif name_or_path.endswith(".toml") and Path(name_or_path).is_file():
        path = Path(name_or_path)
    else:
        known = ", ".join(names) or "none is shipped"
        raise UsageError(thing, "there is none of that name", f"Name a TOML file, or one of: {known}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # tables that lie too deep
        told = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        raise WorldError(
            f"{what} '{path.name}'", f"it cannot be read ({told})", "Correct the file and try again"
        ) from None
