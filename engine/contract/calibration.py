"""Pages of calibration and overall performance: do predicted risks come true, and how far off are they."""

from __future__ import annotations

from pydantic import Field

from engine.contract.estimate import Estimate, Model


class CurvePoint(Model):
    """One point of a smooth calibration curve, with its pointwise band."""

    predicted: float
    observed: float = Field(description="Share of positives that the curve gives.")
    low: float | None = Field(None, description="Lower edge of the band; None when it cannot be told.")
    high: float | None = None


class RiskDistribution(Model):
    """How many recordings have which risk: counts in equally wide parts of 0 to 1, a risk of 1 in the last one."""

    with_label: list[int]
    without_label: list[int] = Field(description="As many parts as `with_label` has.")


class CalibrationResults(Model):
    """Calibration of one label's probabilities."""

    observed_expected: Estimate = Field(description="Observed positives over the sum of probabilities; 1 is ideal.")
    intercept: Estimate = Field(description="Calibration in the large on the logit scale, slope held at 1; 0 is ideal.")
    slope: Estimate = Field(description="1 is ideal; below 1 the probabilities are too extreme.")
    curve: list[CurvePoint] = Field([], description="Empty when it cannot be fitted.")
    curve_method: str = Field("", description="How it was smoothed, or why there is none.")
    ici: Estimate = Field(description="Mean distance of curve and probability (integrated calibration index).")
    e50: Estimate = Field(description="Median of that distance.")
    e90: Estimate = Field(description="Its 90th percentile.")
    emax: Estimate = Field(description="The largest distance.")
    ece: Estimate = Field(description="Expected calibration error of ten bins: for comparison with older papers only.")
    risks: RiskDistribution | None = Field(
        None, description="Of the recordings of known label; None of scores that are no risks, and in older results."
    )
    notes: list[str] = Field([])


class MurphyParts(Model):
    """Brier = reliability - resolution + uncertainty + within, over groups of about equal size."""

    groups: int
    reliability: float
    resolution: float
    uncertainty: float
    within: float = Field(description="What the groups hide: 0 when all probabilities of a group are equal.")


class CorpParts(Model):
    """Brier = miscalibration - discrimination + uncertainty, by isotonic regression: no bins to choose."""

    miscalibration: Estimate
    discrimination: Estimate
    uncertainty: Estimate


class OverallResults(Model):
    """Overall performance of one label's probabilities."""

    brier: Estimate = Field(description="Mean squared difference; 0 is ideal.")
    scaled_brier: Estimate = Field(description="1 - Brier / that of the prevalence; 1 is ideal, 0 useless.")
    log_loss: Estimate
    murphy: MurphyParts | None = None
    corp: CorpParts | None = None
