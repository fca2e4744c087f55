"""Pages of planning: how many recordings a test needs, and how precise the test at hand will be."""

from __future__ import annotations

from pydantic import Field

from engine.contract.estimate import Model


class Anticipated(Model):
    """What one expects of the model where it is to be tested; the plan is as good as these numbers."""

    prevalence: float = Field(gt=0, lt=1)
    auroc: float = Field(0.8, gt=0.5, lt=1)
    slope: float = Field(1.0, gt=0, description="Calibration slope.")
    lp_mean: float | None = Field(None, description="Mean of the logits of risk; from prevalence and AUROC when None.")
    lp_sd: float | None = Field(None, gt=0, description="Their standard deviation.")
    threshold: float | None = Field(None, gt=0, lt=1, description="Risk from which on one acts.")
    sensitivity: float | None = Field(None, gt=0, lt=1, description="At the threshold; None leaves these rows out.")
    specificity: float | None = Field(None, gt=0, lt=1)
    design_effect: float = Field(
        1.0, ge=1, description="Variance for recordings of the same patients over that of as many strangers."
    )


class Precision(Model):
    """The precision of one measure with a number of recordings."""

    measure: str
    anticipated: float
    standard_error: float = Field(description="On the scale of the method: of O/E that of its logarithm.")
    low: float = Field(description="Expected interval.")
    high: float
    records: int
    positives: int
    method: str


class SampleSizeResults(Model):
    """Recordings that a test needs, one row a measure; the largest counts."""

    anticipated: Anticipated
    confidence: float
    needs: list[Precision] = Field(description="At the smallest number of recordings that is precise enough.")
    records: int
    positives: int
    driven_by: str = Field(description="The measure that needs most.")


class PlannedPrecision(Model):
    """How wide the intervals of a test will be, told before it is opened."""

    anticipated: Anticipated
    confidence: float
    records: int
    expected: list[Precision]
    notes: list[str] = Field([])


class ContinuousNeeds(Model):
    """Recordings that a test of a regression needs."""

    r2: int = Field(description="For the interval of R2.")
    in_the_large: int = Field(description="For the interval of the mean difference.")
    slope: int = Field(description="For the interval of the calibration slope.")
    spread: int = Field(description="For the residual standard deviation, within a factor.")
    records: int = Field(description="The largest.")
