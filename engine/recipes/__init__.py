"""Recipes: pretraining configs as TOML files, each headed by its command, its cost and the expected result."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from engine.contract.errors import UsageError, WorldError

FOLDER = Path(__file__).parent


def recipe_names() -> list[str]:
    """Names of the shipped recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_recipe(name_or_path: str) -> dict[str, Any]:
    """Fields of a pretraining config, without the store.

    Args:
        name_or_path: a shipped recipe's name, or the path of a TOML file.

    Raises:
        UsageError: no such recipe.
        WorldError: the file is not readable TOML.
    """
    if name_or_path in recipe_names():
        path = FOLDER / f"{name_or_path}.toml"
    elif name_or_path.endswith(".toml") and Path(name_or_path).is_file():
        path = Path(name_or_path)
    else:
        known = ", ".join(recipe_names())
        raise UsageError(
            f"recipe '{name_or_path}'", "there is none of that name", f"Name a TOML file, or one of: {known}"
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        told = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        raise WorldError(
            f"recipe '{path.name}'", f"it cannot be read ({told})", "Correct the file and try again"
        ) from None
