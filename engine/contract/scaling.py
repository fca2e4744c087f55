"""What the size of the data buys, as results: fitted laws, their checks, and what more data would bring."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.estimate import Estimate, Interval, Model


class ScalingCheck(Model):
    """The largest size foretold by a law that was fitted without it."""

    size: float
    foretold: Estimate
    observed: float = Field(description="Mean of what was found at that size.")
    gap: Estimate = Field(description="Observed minus foretold, on common draws.")
    holds: bool | None = Field(None, description="Whether the gap's interval holds 0; None where there is no interval.")


class ScalingFit(Model):
    """E(N) = a N^-b + c over the data sizes of one series; c is 0 in the second fit."""

    series: str
    metric: str
    a: float
    b: float
    c: float
    points: int
    r_squared: float | None = None
    a_interval: Interval | None = None
    b_interval: Interval | None = None
    c_interval: Interval | None = None
    no_interval: str = Field("", description="Why the parameters have no interval; empty when they have one.")
    check: ScalingCheck | None = Field(None, description="None with too few sizes to leave one out.")


class Forecast(Model):
    """What a law says of a size of the data beyond the largest that was tried."""

    times: float = Field(description="Over the largest size that was tried.")
    size: float
    error: Estimate
    gain: Estimate = Field(description="Error at the largest size tried minus error at this one.")
    gain_without_floor: Estimate = Field(description="The same by the law whose c is 0.")
    verdict: Literal["worth it", "not worth it", "cannot be told", "not asked"]
    reason: str


class DataBudget(Model):
    """What 2, 5, 10 times the data would buy, and whether that is worth it."""

    series: str
    metric: str
    size_now: float
    worth: float | None = Field(None, description="Least fall of the error that is worth the data; None: not asked.")
    forecasts: list[Forecast]


class LabelsNeeded(Model):
    """How many labels a target needs, by a law fitted to a few-label curve."""

    series: str
    metric: str
    target: float = Field(description="Error that is wanted.")
    labels: Estimate
    fit: ScalingFit | None


class Association(Model):
    """How two numbers go together over the sizes of one objective: pretraining loss and downstream error."""

    series: str
    x: str
    y: str
    points: int
    pearson: Estimate
    spearman: Estimate
