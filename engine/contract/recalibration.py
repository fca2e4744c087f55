"""The page of recalibration: what a correction fitted on held-out patients offers, and what it changes on the test."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.calibration import CalibrationResults
from engine.contract.estimate import Estimate, Model

Correction = Literal["none", "intercept", "intercept and slope", "isotonic"]


class RecalibrationResults(Model):
    """A correction of one label's probabilities."""

    correction: Correction = Field(description="Chosen on held-out patients alone.")
    reason: str = Field(description="The rule that chose it.")
    intercept: float | None = Field(None, description="Of the corrected logit: intercept + slope * logit.")
    slope: float | None = None
    steps: list[tuple[float, float]] = Field([], description="Isotonic: probability and its correction.")
    held_out_records: int = 0
    held_out_patients: int = 0
    before: CalibrationResults | None = Field(None, description="On the test.")
    after: CalibrationResults | None = None
    brier_change: Estimate | None = Field(None, description="After - before on common resamples; below 0 is better.")
    log_loss_change: Estimate | None = None
    not_estimable: str = ""
