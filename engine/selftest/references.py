"""Reference values: inputs, what independent software makes of them, and how near ours must come.

Each file of `references/` is made by the script of the same name in `sources/`, which writes down command and version.
No value was typed from memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.contract.errors import WorldError


class Page(BaseModel):
    """Base: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Case(Page):
    """One input and what must come of it.

    Attributes:
        name: what it is about, unique in its file.
        inputs: what the subject's function is called with.
        expected: quantity to value; its keys are those of the function's answer that are compared.
        tolerance: largest allowed difference: absolute below 1, relative above (|a - b| <= tolerance max(1, |b|)).
    """

    name: str
    inputs: dict[str, Any]
    expected: dict[str, float]
    tolerance: float = Field(gt=0, le=0.1)


class Reference(Page):
    """One file: a subject, the software that computed its values, and the cases."""

    subject: str
    software: str
    version: str
    command: str
    cases: list[Case] = Field(min_length=1)


def references() -> Iterator[Reference]:
    """Every reference file, in the order of their names.

    Raises:
        WorldError: a file is damaged, or there is none.
    """
    files = _files()
    if not files:
        raise WorldError("reference values", "there is none in this installation", "Install Isoline again")
    for file in files:
        try:
            yield Reference.model_validate_json(file.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            reason = f"it cannot be read ({type(error).__name__})"
            raise WorldError(f"reference values {file.name}", reason, "Install Isoline again") from None


def references_sha256() -> str:
    """One digest over all reference files."""
    digest = hashlib.sha256()
    for file in _files():
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files() -> list[Traversable]:
    folder = resources.files("engine.selftest") / "references"
    return sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name)
