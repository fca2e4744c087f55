"""The pages of an evaluation: how a model is probed, on what, and what is told of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.contract.calibration import CalibrationResults, OverallResults
from engine.contract.estimate import Estimate, Model
from engine.contract.gallery import Failure
from engine.contract.model_source import ModelSource
from engine.contract.operating import EffectiveSize, OperatingPoint, Share, ThresholdCurve, ThresholdRule
from engine.contract.output_types import OutputType
from engine.contract.page import Page
from engine.contract.recalibration import RecalibrationResults
from engine.contract.regression import RegressionResults
from engine.contract.scaling import LabelsNeeded, ScalingFit
from engine.contract.subgroups import SubgroupResults
from engine.contract.utility import UtilityResults
from engine.contract.version import CONTRACT_VERSION

Mode = Literal["linear", "linear-adamw", "frozen", "finetune", "supervised", "own"]
Attribute = Literal["sex", "age", "device", "year", "dataset"]
Rate = Annotated[float, Field(gt=0, le=1)]

MODES: dict[Mode, str] = {
    "linear": "linear probe",
    "linear-adamw": "linear probe, trained as in the study",
    "frozen": "frozen, attention pooling",
    "finetune": "finetuned",
    "supervised": "supervised from scratch",
    "own": "the model's own outputs",
}
"""As printed."""

HEADS: tuple[Mode, ...] = ("linear-adamw", "frozen")
"""Modes that train a head on a frozen model: what they see is kept from whichever pass through it comes first."""


class HeadTraining(Page):
    """How heads are trained on crops, and with them what else a mode trains; the study's values."""

    epochs: int = Field(
        100, ge=1, le=10_000, description="Passes over the training recordings, a random crop or window of each."
    )
    crops: Literal["windows", "random"] = Field(
        "windows",
        description="What the head of a frozen model sees of a recording in an epoch: one of its windows, whose tokens"
        " are kept, or a crop cut anywhere, as in the study, for which it goes through the model in every epoch.",
    )
    batch_size: int = Field(64, ge=1, le=4096, description="Crops a step.")
    head_rate: Rate = Field(1e-3, description="Learning rate of the head; in mode 'supervised' of everything.")
    backbone_rate: Rate = Field(1e-4, description="Learning rate of the backbone, where it is finetuned.")
    stem_rate: Rate = Field(1e-5, description="Learning rate of the stem, where it is finetuned.")
    weight_decay: float = Field(1e-3, ge=0, le=1)
    validation_share: float = Field(
        0.15,
        gt=0,
        lt=0.5,
        description="Of the training patients: held out to choose the epoch, where the split has no validation part.",
    )
    keep_model: bool = Field(False, description="Keep the finetuned weights as a checkpoint in the run folder.")


class FewLabels(Page):
    """A curve over fewer labelled patients: nested subsets of the training patients, drawn again in every repeat."""

    shares: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (1.0, 0.5, 0.25, 0.125, 0.0625), min_length=2, description="Shares of the training patients."
    )
    repeats: int = Field(5, ge=5, le=100)
    target: Share | None = Field(None, description="Macro AUROC of which the labels needed are told.")


class EvaluationSettings(Page):
    """All that an analyst may set for an evaluation beside model, cohort and labels."""

    mode: Mode = Field(
        "linear",
        description="What is trained on the labels: a linear probe, an attention-pooling head on the frozen model,"
        " the model itself; or nothing, where a vendor's model answers by its own outputs.",
    )
    classes: dict[str, str] = Field(
        {},
        description="By label: the class of the model's own outputs that answers it ('MI', or 'output: MI' where two"
        " outputs have one). A label left out is answered by the class of its name.",
    )
    training: HeadTraining = Field(HeadTraining(), description="For all modes but 'linear'.")
    few_labels: FewLabels | None = Field(None, description="Also with fewer labelled patients (mode 'linear').")
    subgroups: tuple[Attribute, ...] = Field(
        ("sex", "age"), description="Attributes whose groups are told apart from everybody else."
    )
    gap_margin: Share | None = Field(None, description="A gap of a subgroup's AUROC that would not matter.")
    confirmatory: bool = Field(
        False, description="Whether the subgroups were named in advance: Holm's correction, else Benjamini-Hochberg's."
    )
    decision_range: tuple[Share, Share] = Field(
        (0.01, 0.5), description="Risks between which clinicians would act: the range of the decision curve."
    )
    threshold: ThresholdRule = Field(ThresholdRule(), description="How thresholds are chosen on training patients.")
    given_thresholds: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(
        {},
        description="By label: a threshold on the model's scores that is not chosen here, as the one a product ships"
        " with. A score is positive when it is not below it.",
    )
    local_prevalence: dict[str, tuple[Share, ...]] = Field(
        {}, description="By label: shares of positives elsewhere, to which predictive values are carried."
    )
    resamples: int = Field(2000, ge=100, le=100_000, description="Patient-clustered bootstrap resamples.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Start of every random draw: the same seed gives the same numbers."
    )
    keep_for: tuple[Mode, ...] = Field(
        (),
        description="Modes that are asked of the same recordings next: what their heads are trained on is kept from the"
        " same pass through the model.",
    )
    token_gb: float = Field(
        20.0,
        ge=0,
        le=100_000,
        description="Disk that tokens of frozen models may take in the cache, in GB; where a run's do not fit, mode"
        " 'frozen' passes recordings through the model in every epoch.",
    )
    batch_size: int = Field(64, ge=1, le=4096)
    threads: int = Field(0, ge=0, le=256)
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @model_validator(mode="after")
    def _range_rises(self) -> EvaluationSettings:
        if self.decision_range[0] >= self.decision_range[1]:
            raise ValueError("decision_range must rise")
        return self


class EvaluateConfig(EvaluationSettings):
    """Probe one model on labelled recordings, scored with patient-clustered intervals."""

    kind: Literal["evaluate"] = "evaluate"
    contract: int = CONTRACT_VERSION
    store: str = ""
    model: ModelSource
    labels: tuple[str, ...] = Field((), description="Labels of two classes to predict.")
    targets: tuple[str, ...] = Field((), description="Measured numbers to predict.")
    task: str = Field("", description="Task of the study that named labels and targets.")
    split_id: str = Field("", description="Id of the patient-wise split.")
    cache: str = ""

    @model_validator(mode="after")
    def _asks_for_something(self) -> EvaluateConfig:
        if not self.labels and not self.targets:
            raise ValueError("labels or targets are needed")
        return self


class LabelResult(Model):
    """What is told of one label; of probes along a pretraining the AUROC alone."""

    label: str
    auroc: Estimate
    auprc: Estimate | None = Field(None, description="Average precision; chance gives the prevalence.")
    prevalence: Estimate | None = Field(None, description="Share of positives among recordings of known label.")
    effective: EffectiveSize | None = None
    operating: OperatingPoint | None = None
    curve: ThresholdCurve | None = Field(None, description="Points of the ROC and precision-recall curves.")
    calibration: CalibrationResults | None = Field(None, description="None where there are scores, no probabilities.")
    overall: OverallResults | None = None
    utility: UtilityResults | None = None
    recalibration: RecalibrationResults | None = None
    subgroups: list[SubgroupResults] = Field([], description="AUROC by attribute.")
    failures: list[Failure] = Field([], description="The recordings that it gets most wrong.")
    judged_as: OutputType | None = Field(
        None, description="What the model's numbers for it are said to be; of a flag nothing that needs ranks is told."
    )


class TargetResult(Model):
    """What is told of one measured number."""

    target: str
    unit: str = ""
    regression: RegressionResults
    standardised_mae: Estimate | None = Field(
        None, description="Mean absolute error in standard deviations of the training patients, as the study counts."
    )
    subgroups: list[SubgroupResults] = Field([], description="Mean absolute error by attribute.")


class FewLabelPoint(Model):
    """One size of a few-label curve."""

    share: float = Field(description="Of the training patients.")
    patients: float = Field(description="Labelled patients that trained, mean over repeats and folds.")
    records: float
    macro: Estimate = Field(description="Macro AUROC, mean over repeats; its interval is over repeats.")
    repeats: list[float | None] = Field(description="Macro AUROC of each repeat; None where no label could be scored.")


class FewLabelResults(Model):
    """Macro AUROC over the number of labelled patients."""

    points: list[FewLabelPoint]
    fit: ScalingFit | None = Field(None, description="1 - macro AUROC = a n^-b + c over n labelled patients.")
    needed: LabelsNeeded | None = Field(None, description="None when no target was named.")
    notes: list[str] = Field([])


class EpochScore(Model):
    """One epoch of a head's training on held-out training patients."""

    epoch: int
    train_loss: float
    validation: float | None = Field(description="Macro AUROC, less the mean absolute error in SD of targets.")


class HeadHistory(Model):
    """The training of one part's head."""

    part: str = Field(description="'fold-3', or 'test'.")
    best_epoch: int
    epochs: list[EpochScore]


class KnownLeaks(Model):
    """What was known of leaks when a model was scored: into the cohort, and between model and cohort."""

    verdict: Literal["not searched", "searching", "none found", "leaks"] = Field(
        description="Of the cohort's parts: patients and copies of recordings that stand in two."
    )
    searched: str = Field("", description="When the parts were searched; empty when they never were.")
    job: str = Field("", description="The search.")
    recordings: int = Field(0, description="Recordings that it compared.")
    findings: list[str] = Field([], description="One sentence for each leak.")
    unsearched: list[str] = Field([], description="One sentence for each thing that nobody has looked for.")
    off_label: list[str] = Field(
        [], description="Recordings that the model is not meant for by its card's rules, one sentence a model."
    )


class EvaluateResults(Model):
    """Outcome of an evaluation: one model, one split, several labels.

    Out-of-fold scores stand in predictions.npz (record_id, patient, fold, scores [records, labels], labels), the
    pooled features per layer in features.safetensors ([records, width] float32 per layer), when the model has any.
    """

    kind: Literal["evaluate"] = "evaluate"
    model: str
    model_sha256: str
    mode: str = Field(description="'linear probe', 'age + sex', 'scores as supplied'")
    macro: Estimate
    labels: list[LabelResult]
    targets: list[TargetResult] = Field([])
    macro_mae: Estimate | None = Field(None, description="Mean over targets of the standardised MAE.")
    task: str = ""
    few_labels: FewLabelResults | None = None
    training: list[HeadHistory] = Field([], description="One a part that was trained; empty in mode 'linear'.")
    checkpoint: str = Field("", description="Path below the run folder of the finetuned model, where it is kept.")
    split_id: str
    split_kind: str = Field(description="'out-of-fold over 5 patient folds' or 'held-out test patients'")
    test_sha256: str
    records: int
    patients: int
    labels_sha256: dict[str, str] = Field({}, description="By label: which tested recording had which value.")
    missing_scores: int = 0
    layers: list[str] = Field([])
    notes: list[str] = Field([])
    leaks: KnownLeaks | None = Field(None, description="None: nobody told the run, so nothing is known.")
    seed: int
    resamples: int
    seconds: float
