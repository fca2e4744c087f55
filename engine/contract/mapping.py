"""How a table or an array becomes an ECG when the file does not say it itself: which lead stands where, unit, rate.

Files that name leads, unit and rate need no mapping. What a mapping says comes before what the file says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from engine.contract.complaints import complaints
from engine.contract.errors import UsageError
from engine.contract.page import Page

NOT_A_LEAD = "-"
"""Stands in `leads` for a column that is no lead."""

Unit = Literal["", "V", "mV", "uV", "nV"]
Axes = Literal["", "lead,time", "time,lead", "record,lead,time", "record,time,lead"]


class SignalTable(Page):
    """Where the ECG stands in tables (CSV, text, Parquet) and arrays (NumPy, HDF5)."""

    rate_hz: float | None = Field(None, ge=1, le=100_000, description="Samples a second of every lead.")
    unit: Unit = Field("", description="Unit of the numbers; empty where the file tells it, or mv_per_step does.")
    mv_per_step: float | None = Field(
        None, gt=0, le=1000, description="Millivolts of one step, for numbers that are steps of a converter."
    )
    leads: tuple[str, ...] = Field(
        (), max_length=512, description="Lead of each column, in the order of the file; - for a column that is none."
    )
    axes: Axes = Field("", description="What the axes of an array are; empty finds it where only one reading fits.")
    dataset: str = Field("", max_length=400, description="Dataset of an HDF5 file, or array of a .npz file.")
    ids: str = Field(
        "", max_length=400, description="Dataset, array or column that names the recordings of a file with many."
    )
    delimiter: Literal["", ",", ";", "tab", "space", "|"] = Field(
        "", description="What separates the columns of a text; empty finds it."
    )
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of a text.")
    header_lines: int | None = Field(
        None, ge=0, le=10_000, description="Lines of a text before the first sample; empty finds it."
    )

    @field_validator("leads", mode="before")
    @classmethod
    def _leads_from_text(cls, value: Any) -> Any:
        """A list may be one text: `I II III`."""
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("unit", mode="before")
    @classmethod
    def _unit_as_written(cls, value: Any) -> Any:
        """`µV`, `uv` and `UV` are one unit."""
        folded = str(value).strip().casefold().replace("µ", "u").replace("μ", "u")
        return {"v": "V", "mv": "mV", "uv": "uV", "nv": "nV"}.get(folded, value)

    @model_validator(mode="after")
    def _one_scale(self) -> SignalTable:
        if self.unit and self.mv_per_step is not None:
            raise ValueError("give unit or mv_per_step, not both")
        return self


def read_mapping(told: Sequence[str]) -> SignalTable:
    """A mapping from what the command line gives: the name of a TOML file, or `key=value` pairs, later ones winning.

    Args:
        told: each a path to a TOML file with the fields of `SignalTable`, or one `field=value`.

    Raises:
        UsageError: a file that cannot be read, an unknown field, or a value that cannot be.
    """
    fields: dict[str, Any] = {}
    for part in told:
        key, sign, value = part.partition("=")
        if sign:
            fields[key.strip()] = value.strip()
        else:
            fields |= _from_toml(Path(part))
    try:
        return SignalTable.model_validate(fields)
    except ValidationError as error:
        told_wrong = complaints(error, set(SignalTable.model_fields), ())
        raise UsageError("mapping", told_wrong, "Correct it; isoline import --help names the fields") from None


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise UsageError("mapping", "it is neither field=value nor a file", "Give --map rate_hz=500") from None
    except (OSError, ValueError) as error:
        raise UsageError(
            "mapping file", f"it cannot be read ({type(error).__name__})", "Write it as TOML: rate_hz = 500"
        ) from None
