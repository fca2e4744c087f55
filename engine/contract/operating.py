"""Pages of results about a threshold: how it was chosen, what it finds and misses, and what it would elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.contract.estimate import Estimate, Model

Share = Annotated[float, Field(gt=0, lt=1)]

Measure = Literal[
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "accuracy",
    "f1",
    "kappa",
    "lr_positive",
    "lr_negative",
    "alerts_per_100",
    "screened_per_finding",
    "alerts_per_finding",
    "sensitivity_intended",
    "specificity_intended",
]
"""What is told at a threshold. `screened_per_finding` is the number needed to screen; the `_intended` count every
recording without an output as wrong (intention to diagnose)."""

NAMES: dict[Measure, str] = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "accuracy": "Accuracy",
    "f1": "F1",
    "kappa": "Cohen's kappa",
    "lr_positive": "Positive likelihood ratio",
    "lr_negative": "Negative likelihood ratio",
    "alerts_per_100": "Alerts per 100 recordings",
    "screened_per_finding": "Recordings screened per finding",
    "alerts_per_finding": "Alerts per finding",
    "sensitivity_intended": "Sensitivity, no output counted as missed",
    "specificity_intended": "Specificity, no output counted as a false alarm",
}
"""As printed."""


class ThresholdRule(Model):
    """How a threshold is chosen on training patients."""

    kind: Literal["sensitivity", "specificity", "youden"] = "youden"
    target: float | None = Field(None, gt=0, lt=1, description="Least sensitivity or specificity; none for Youden's.")

    @property
    def words(self) -> str:
        """As printed: "sensitivity at least 0.90"."""
        return "largest Youden index" if self.kind == "youden" else f"{self.kind} at least {self.target or 0.9:.2f}"


class ThresholdCurve(Model):
    """Counts at thresholds from high to low: the points of the ROC and of the precision-recall curve.

    A recording is called positive when its score is not below the threshold.
    """

    thresholds: list[float]
    true_positives: list[int]
    false_positives: list[int]
    positives: int
    negatives: int
    distinct: int = Field(description="Distinct thresholds there are; fewer are kept where they are many.")


class AtPrevalence(Model):
    """What a threshold would mean where the label is more or less frequent, sensitivity and specificity alike."""

    prevalence: float
    counted: int = Field(0, description="Recordings that the prevalence was counted on; 0: taken as exactly known.")
    ppv: Estimate
    npv: Estimate
    alerts_per_100: Estimate
    screened_per_finding: Estimate


class OperatingPoint(Model):
    """One label at a threshold."""

    threshold: float | None = Field(None, description="None where each fold has its own.")
    thresholds: list[float] = Field([], description="The folds' own, lowest first.")
    rule: str = Field(description="As printed: 'largest Youden index'.")
    chosen_on: str = Field(description="Whose recordings: 'training patients of each fold'; empty where it was given.")
    not_estimable: str = Field("", description="Why there is no threshold; empty when there is one.")
    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    true_negatives: int = 0
    positives_without_output: int = 0
    negatives_without_output: int = 0
    measures: dict[Measure, Estimate] = Field({})
    elsewhere: list[AtPrevalence] = Field([])

    @property
    def own(self) -> list[float]:
        """The threshold, or the folds' own, lowest first; empty where there is none."""
        if self.not_estimable:
            return []
        return self.thresholds if self.threshold is None else [self.threshold]

    @property
    def how(self) -> str:
        """Where the threshold comes from, as printed: "largest Youden index, chosen on training patients"."""
        return f"{self.rule}, chosen on {self.chosen_on}" if self.chosen_on else self.rule


class EffectiveSize(Model):
    """How much several recordings of one patient tell: as many independent ones as would give the same precision."""

    design_effect: float | None = Field(
        None, description="Variance of the AUROC over what it were if every recording were of another patient."
    )
    records: float | None = None
    not_estimable: str = ""
