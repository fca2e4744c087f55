"""The page of regression: how far predicted numbers lie from measured ones."""

from __future__ import annotations

from pydantic import Field

from engine.contract.estimate import Estimate, Model


class RegressionResults(Model):
    """Errors of one target's predictions, in its own unit."""

    mae: Estimate = Field(description="Mean absolute error.")
    rmse: Estimate = Field(description="Root of the mean squared error.")
    r2: Estimate = Field(description="1 - squared errors over those of the sample's mean; 0 or less is useless.")
    bias: Estimate = Field(description="Mean of predicted - measured.")
    lower_limit: Estimate = Field(description="Lower limit of agreement: 2.5 % of differences lie below it.")
    upper_limit: Estimate = Field(description="Upper limit of agreement.")
    slope: Estimate = Field(
        description="Slope of measured on predicted; 1 is ideal, below 1 predictions are too spread."
    )
    between_sd: float | None = Field(None, description="Spread of differences between patients; None with one each.")
    within_sd: float | None = Field(None, description="Spread of differences within patients.")
    notes: list[str] = Field([])
