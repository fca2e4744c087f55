"""The base of every config page."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

BOOLEAN = "boolean_for_another"
"""Type of the fault that a boolean stands where none belongs; its context names the field."""


class Page(BaseModel):
    """Base of every config: frozen, no unknown fields, no NaN, and true is no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, data: Any) -> Any:
        """Pydantic would read true as 1: `--set steps=true` is a slip, not one step."""
        for name, value in data.items() if isinstance(data, dict) else ():
            inner = value if isinstance(value, (list, tuple)) else (value,)
            found = [part for part in inner if isinstance(part, bool)]
            if found and _is_number(cls, str(name)):
                told = f"a number is needed, not {str(found[0]).lower()}"
                raise PydanticCustomError(BOOLEAN, "{told}", {"field": str(name), "told": told})
        return data


@cache
def _is_number(page: type[BaseModel], field: str) -> bool:
    """Whether a field is of numbers, and of no booleans beside them."""

    def kinds(kind: Any) -> set[Any]:
        return {kind}.union(*(kinds(part) for part in get_args(kind)))

    there = kinds(page.model_fields[field].annotation) if field in page.model_fields else set()
    return bool(there & {int, float}) and not there & {bool, Any}
