"""A number with its interval, its method and its counts: the one form in which every page of results tells numbers.

An `Estimate` never stands alone: it says how its interval was made, from how many records, patients and events, or why
there is none. An undefined number is `None` with a reason, never 0.5.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Base: frozen, no unknown fields, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Interval(Model):
    """One interval and how it was made."""

    low: float
    high: float
    method: str = Field(description="As printed: 'patient-clustered bootstrap, 2,000 resamples, logit percentile'.")
    confidence: float = 0.95


class Estimate(Model):
    """A number, its reported interval, the interval beside it, and what it rests on."""

    value: float | None = None
    interval: Interval | None = None
    beside: Interval | None = Field(None, description="The second method's interval, for comparison.")
    not_estimable: str = Field("", description="Why there is no value or no interval; empty when there is one.")
    records: int = 0
    patients: int = 0
    positive_records: int | None = None
    positive_patients: int | None = None
    negative_patients: int | None = None
