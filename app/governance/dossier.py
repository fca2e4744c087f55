"""The content of one dossier as plain data: collected from the database, drawn by `app.report`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.core.rows import CohortRow, Exposure, LabelSummary, LeakState, MetricSeries, SignalView
from engine.contract.card import ModelCard
from engine.contract.config import PretrainConfig
from engine.contract.results import CompareResults, EvaluateResults, PretrainResults
from engine.contract.selftest import Certificate
from engine.contract.vetting import ParityCertificate, VetResults
from engine.data.circularity import Circularity

if TYPE_CHECKING:
    from app.governance.change_record import ChangeRecord


@dataclass(frozen=True)
class DataSummary:
    """The local data, counted: who, what, from which device settings, of which quality."""

    datasets: tuple[str, ...]
    records: int
    patients: int
    female: int
    male: int
    sex_unknown: int
    age_median: float | None
    age_low_quartile: float | None
    age_high_quartile: float | None
    age_unknown: int
    rates_hz: tuple[float, ...]
    seconds_low: float
    seconds_high: float
    quality: dict[str, int]
    labels: tuple[LabelSummary, ...]
    manifest_sha256: str


@dataclass(frozen=True)
class ModelSection:
    """One model under examination: card, weight hash, and its evaluation."""

    card: ModelCard
    sha256: str
    evaluation_job: str
    evaluation: EvaluateResults


@dataclass(frozen=True)
class PretrainingSection:
    """How a native model came to be."""

    job_id: str
    config: PretrainConfig
    results: PretrainResults
    curves: tuple[MetricSeries, ...]
    card: ModelCard | None = None


@dataclass(frozen=True)
class ExampleECG:
    """The recording that is drawn to scale."""

    record_id: str
    dataset: str
    age_text: str
    sex: str
    signal: SignalView
    quality: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class RunProvenance:
    """What ties a run's numbers to files: hashes of config and results as they stand in the database."""

    job_id: str
    kind: str
    config_sha256: str
    results_sha256: str
    seed: int | None
    versions: dict[str, str]


@dataclass(frozen=True)
class Evidence:
    """One printed number: its id, where it comes from, and the value as the database holds it."""

    id: str
    job_id: str
    path: str
    value: float | None


@dataclass(frozen=True)
class LeaksSection:
    """What is known of leaks: into the cohort, between it and each model, and into its labels."""

    state: LeakState
    exposures: tuple[Exposure, ...] = ()
    labels: tuple[Circularity, ...] = ()


@dataclass(frozen=True)
class VettingSection:
    """The newest vetting of an external model, and the one whose parity certificate counts.

    `current` says whether the card still stands as it was vetted.
    """

    model: str
    job_id: str
    results: VetResults
    current: bool
    certified_by: str = ""
    certified: VetResults | None = None

    @property
    def parity(self) -> ParityCertificate:
        """The certificate that counts."""
        return (self.certified or self.results).parity

    @property
    def runs(self) -> dict[str, VetResults]:
        """What stands behind it, by run."""
        return {self.job_id: self.results} | ({self.certified_by: self.certified} if self.certified else {})


@dataclass(frozen=True)
class Dossier:
    """Everything that the PDF prints. `claims` and `limits` are whole sentences.

    `certificate` is what the self-test found when the dossier was collected; where it could not be run, `untested`
    says why.
    """

    title: str
    created: str
    workspace_id: str
    data: DataSummary
    cohort: CohortRow
    models: tuple[ModelSection, ...]
    comparison_job: str
    comparison: CompareResults
    pretrainings: tuple[PretrainingSection, ...]
    example: ExampleECG | None
    claims: tuple[str, ...]
    limits: tuple[str, ...]
    runs: tuple[RunProvenance, ...]
    evidence: tuple[Evidence, ...]
    audit_seq: int
    audit_head: str
    versions: dict[str, str] = field(default_factory=dict)
    leaks: LeaksSection | None = None
    certificate: Certificate | None = None
    untested: str = ""
    vettings: tuple[VettingSection, ...] = ()
    version_changes: tuple[ChangeRecord, ...] = ()
