"""The base of every config page."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Page(BaseModel):
    """Base of every config: frozen, no unknown fields, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
