"""The pages of drift: how unlike the local recordings are to those that a model is known on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.estimate import Estimate, Model
from engine.contract.model_source import NetworkModel
from engine.contract.page import Page
from engine.contract.version import CONTRACT_VERSION

REFERENCE, LOCAL = "reference", "local"
"""The two parts of the manifest of a comparison."""

GroupedBy = Literal["device", "year", "dataset"]


class DriftConfig(Page):
    """Hold local recordings against those of a reference, as one model sees them."""

    kind: Literal["drift"] = "drift"
    contract: int = CONTRACT_VERSION
    store: str = ""
    model: NetworkModel
    labels: tuple[str, ...] = Field((), description="Labels of the reference whose local share is reckoned.")
    by: tuple[GroupedBy, ...] = Field(
        ("device", "year"), description="Also every group of local recordings for itself, by these attributes."
    )
    cache: str = ""
    permutations: int = Field(1000, ge=99, le=100_000, description="Exchanges of sides that a p value rests on.")
    resamples: int = Field(2000, ge=100, le=100_000, description="Patient-clustered bootstrap resamples.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Start of every random draw: the same seed gives the same numbers."
    )
    batch_size: int = Field(64, ge=1, le=4096)
    threads: int = Field(0, ge=0, le=256)
    device: Literal["auto", "cpu", "cuda"] = "auto"


class KernelTest(Model):
    """Maximum mean discrepancy between two samples of embeddings, with a permutation test over patients."""

    squared: float = Field(description="Unbiased estimate of MMD^2; about 0, above or below, for equal distributions.")
    bandwidth: float = Field(description="Width of the Gaussian kernel: the median distance of the pooled sample.")
    p_value: float
    permutations: int
    reference_records: int
    local_records: int


class FeatureShift(Model):
    """How one plain feature (age, sex, heart rate, device ...) differs between reference and local."""

    feature: str
    kind: Literal["number", "category"]
    reference_records: int = Field(description="Recordings of which it is known.")
    local_records: int
    reference_centre: str = Field(description="Median, or the commonest value with its share.")
    local_centre: str
    distance: float | None = Field(None, description="Largest gap of the two distribution functions; 0 alike, 1 apart.")
    stability: float | None = Field(None, description="Population stability index over the reference's tenths.")
    p_value: float | None = Field(None, description="Of the distance, by permutation of patients; not corrected.")
    not_estimable: str = ""


class GroupShift(Model):
    """The local recordings of one device, year or place against the whole reference."""

    attribute: GroupedBy
    group: str
    classifier: Estimate = Field(description="As of all local recordings.")
    kernel: KernelTest | None = None
    adjusted_p: float | None = Field(None, description="Of the kernel test, Benjamini-Hochberg over all groups told.")
    records: int
    patients: int


class PriorShift(Model):
    """What share of a label the local scores speak for, if only its share differs from the reference."""

    label: str
    threshold: float
    reference: Estimate = Field(description="Share of the label among the reference's recordings.")
    local: Estimate = Field(description="Share that the local alerts imply, corrected for false ones.")
    observed: Estimate | None = Field(None, description="Share by local labels, where there are any.")


class DriftResults(Model):
    """Outcome of a comparison of local recordings with a reference, as one model sees them."""

    kind: Literal["drift"] = "drift"
    model: str
    model_sha256: str
    classifier: Estimate = Field(
        description="AUROC of telling local from reference by the embedding, on half of the patients; 0.5 when alike."
    )
    kernel: KernelTest | None
    features: list[FeatureShift]
    groups: list[GroupShift] = Field([], description="By attribute, the largest group first.")
    priors: list[PriorShift] = Field([], description="One for each label whose scores are known on both sides.")
    reference_records: int
    reference_patients: int
    local_records: int
    local_patients: int
    notes: list[str] = Field([], description="What a reader must know beside the numbers.")
    seed: int
    seconds: float
