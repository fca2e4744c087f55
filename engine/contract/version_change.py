"""The pages of a version regression: an old and a new version of a product on the same test part of the same split.

Differences are always new minus old, on the recordings that both versions scored and on common resamples. Two policies
say what becomes of the threshold: "own", each version at the threshold chosen for it on training patients, and "kept",
the new version at the old one's, which is what happens where an update is installed and nobody touches the settings.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from engine.contract.estimate import Estimate, Model
from engine.contract.evaluation import Attribute, KnownLeaks
from engine.contract.operating import Share
from engine.contract.page import Page
from engine.contract.version import CONTRACT_VERSION

Policy = Literal["own", "kept"]
OutputKind = Literal["probability", "score", "flag", "none"]
Verdict = Literal["superior", "non-inferior", "not shown", "inferior", "unchanged"]
Direction = Literal["better", "worse", "no change shown", "unchanged", "insufficient evidence"]
LabelState = Literal["with label", "without label", "label unknown"]
FlipKind = Literal["new miss", "new false alarm", "miss mended", "false alarm gone"]
DriftTarget = Literal["sensitivity", "specificity", "alert rate"]

POLICIES: dict[Policy, str] = {
    "own": "each version at its own threshold",
    "kept": "the old threshold kept for the new version",
}
"""As printed."""

NEW_ERRORS: tuple[FlipKind, ...] = ("new miss", "new false alarm")
"""Flips by which the new version is wrong where the old one was right."""


class VersionConfig(Page):
    """Hold a new version against the old one: what flips, what regresses, what becomes of thresholds."""

    kind: Literal["version"] = "version"
    contract: int = CONTRACT_VERSION
    evaluations: tuple[str, str] = Field(description="Run folders of the evaluations: the old version's, the new's.")
    names: tuple[str, str] = Field(description="Names of the versions, in the same order.")
    labels: tuple[str, ...] = Field(min_length=1, description="Labels that both evaluations have.")
    split_id: str = ""
    margin: Share = Field(
        0.02,
        description="Loss of AUROC, average precision, sensitivity or specificity that would be accepted, set before.",
    )
    brier_margin: Share = Field(0.01, description="Rise of the Brier score that would be accepted, set before.")
    subgroups: tuple[Attribute, ...] = Field(
        ("sex", "age", "device"), description="Attributes within whose groups the versions are held together."
    )
    resamples: int = Field(2000, ge=100, le=100_000, description="Patient-clustered bootstrap resamples.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Start of every random draw: the same seed gives the same numbers."
    )

    @model_validator(mode="after")
    def _two_versions(self) -> VersionConfig:
        if self.evaluations[0] == self.evaluations[1]:
            raise ValueError("evaluations are one and the same")
        return self


class Change(Model):
    """One number of both versions, and their paired difference."""

    name: str = Field(description="'AUROC', 'average precision', 'sensitivity', 'specificity', 'Brier' ...")
    old: Estimate
    new: Estimate
    difference: Estimate = Field(description="New minus old.")
    p_value: float | None = Field(None, description="That the difference is 0; None where nothing tells it.")
    adjusted_p: float | None = Field(None, description="Corrected over the differences that are told together.")
    correction: str = Field("", description="'Holm' for what is confirmatory, 'Benjamini-Hochberg' for the rest.")
    margin: float = Field(description="Loss that would be accepted; of Brier the rise.")
    verdict: Verdict = Field(
        description="By the interval against the margin; 'unchanged' where both versions say the same of every"
        " recording."
    )
    direction: Direction = Field(description="By the interval against 0.")


class Flips(Model):
    """Recordings of one kind, by what the old and the new version call them."""

    name: LabelState
    records: int
    stayed_positive: int = 0
    stayed_negative: int = 0
    to_positive: int = Field(0, description="Negative by the old version, positive by the new one.")
    to_negative: int = Field(0, description="Positive by the old version, negative by the new one.")
    positive_to_none: int = Field(0, description="Positive by the old version, without output by the new one.")
    negative_to_none: int = 0
    none_to_positive: int = Field(0, description="Without output by the old version, positive by the new one.")
    none_to_negative: int = 0
    stayed_none: int = 0


class DisagreementTest(Model):
    """McNemar's question: whether the two versions err on one side more than on the other.

    Counts are of recordings on which both versions put something out and disagree.
    """

    name: LabelState | Literal["all recordings"] = Field(description="Among which recordings.")
    old_only: int = Field(description="Right by the old version alone; of 'all recordings' an alert by it alone.")
    new_only: int
    patients: int = Field(description="Patients whose recordings flip more one way than the other.")
    p_exact: float = Field(description="McNemar's exact test, which takes recordings for independent.")
    p_clustered: float | None = Field(description="The same question with patients as what was drawn.")
    statistic: float | None = Field(description="Obuchowski's chi squared for clustered pairs, 1 degree of freedom.")
    method: str = Field(description="Of p_clustered, as printed.")


class PolicyChange(Model):
    """Both versions at thresholds."""

    name: Policy
    not_estimable: str = Field("", description="Why there are no calls to compare; empty when there are.")
    flips: list[Flips] = Field([])
    tests: list[DisagreementTest] = Field([])
    changes: list[Change] = Field([], description="Sensitivity and specificity; with no output counted as wrong, too.")
    alerts_old: Estimate | None = Field(None, description="Per 100 recordings tested; no output is no alert.")
    alerts_new: Estimate | None = None
    alerts_difference: Estimate | None = None
    same_call: Estimate | None = Field(None, description="Share of recordings that both call alike.")
    kappa: Estimate | None = Field(None, description="Cohen's, between the versions.")


class ThresholdDrift(Model):
    """The threshold on the new scores that would do what the old version did on these recordings.

    It is read off the test part: a description of how scores moved, not a setting to adopt.
    """

    name: DriftTarget
    old_threshold: float | None = Field(None, description="None where each fold has its own.")
    old_value: float | None = Field(None, description="What the old version reaches at its threshold.")
    threshold: Estimate = Field(description="On the new version's scores.")
    sensitivity: float | None = Field(None, description="Of the new version there.")
    specificity: float | None = None
    alerts_per_100: float | None = None


class QuantileShift(Model):
    """How one quantile of the scores moved."""

    share: float
    old: float
    new: float
    shift: Estimate = Field(description="New minus old.")


class ScoreAgreement(Model):
    """The two versions' scores of the same recordings."""

    not_estimable: str = ""
    records: int = 0
    patients: int = 0
    identical: int = Field(0, description="Recordings with exactly the same score.")
    mean_difference: Estimate | None = Field(None, description="Bland and Altman's bias, new minus old.")
    spread: float | None = Field(None, description="Standard deviation of the differences.")
    lower_limit: Estimate | None = Field(None, description="Limit of agreement: bias less 1.96 standard deviations.")
    upper_limit: Estimate | None = None
    spearman: Estimate | None = Field(None, description="Correlation of ranks.")
    quantiles: list[QuantileShift] = Field([])


class OutputChange(Model):
    """Recordings of the test part without an output."""

    old: Estimate = Field(description="Share of the recordings tested.")
    new: Estimate
    difference: Estimate
    lost: int = Field(description="Recordings with an output of the old version and none of the new.")
    gained: int
    p_exact: float | None = None
    p_clustered: float | None = None
    direction: Direction = Field(description="'worse' where more recordings go without an output.")


class GroupChange(Model):
    """One group of patients or recordings, one label."""

    name: str = Field(description="As printed: 'sex: female'.")
    attribute: str
    group: str
    direction: Direction = Field(description="The worst of its changes; 'insufficient evidence' where none is told.")
    reason: str = Field("", description="Why nothing is told of it.")
    records: int
    patients: int
    changes: list[Change] = Field([], description="AUROC, sensitivity and specificity at each version's own threshold.")


class Flip(Model):
    """One recording that the versions call differently, to be looked at."""

    record: str
    label: str
    kind: FlipKind
    policy: Policy
    old_score: float
    new_score: float
    moved: float = Field(
        description="How far it moved among all scores: its quantile by the new version minus that by the old one."
    )


class LabelChange(Model):
    """All that is told of one label."""

    label: str
    old_output: OutputKind
    new_output: OutputKind
    identical: bool = Field(description="Whether both versions say exactly the same of every recording.")
    changes: list[Change] = Field([], description="AUROC, average precision, Brier; each where both versions have it.")
    left_out: list[str] = Field([], description="What cannot be told, a sentence each.")
    policies: list[PolicyChange] = Field([])
    drift: list[ThresholdDrift] = Field([])
    agreement: ScoreAgreement
    output: OutputChange
    groups: list[GroupChange] = Field([])
    flips: list[Flip] = Field([], description="New errors first, of each kind those that moved most.")


class VersionResults(Model):
    """Outcome of a version regression."""

    kind: Literal["version"] = "version"
    old: str
    new: str
    old_sha256: str
    new_sha256: str
    old_mode: str
    new_mode: str
    macro: Change
    labels: list[LabelChange]
    margin: float
    brier_margin: float
    split_id: str
    split_kind: str
    test_sha256: str
    records: int
    patients: int
    old_leaks: KnownLeaks | None = Field(None, description="As known when the old version was evaluated.")
    new_leaks: KnownLeaks | None = None
    notes: list[str] = Field([])
    seed: int
    resamples: int
    confidence: float
    seconds: float
