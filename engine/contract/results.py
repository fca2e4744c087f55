"""What runs leave behind in `results.json`: numbers with their intervals, methods and counts.

An `Estimate` never stands alone: it says how its interval was made, from how many records, patients and events, or why
there is none. An undefined number is `None` with a reason, never 0.5.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from engine.contract.drift import DriftResults
from engine.contract.efficiency import EfficiencyResults
from engine.contract.estimate import Estimate as Estimate
from engine.contract.estimate import Interval as Interval
from engine.contract.estimate import Model as Model
from engine.contract.evaluation import EvaluateResults as EvaluateResults
from engine.contract.evaluation import KnownLeaks as KnownLeaks
from engine.contract.evaluation import LabelResult as LabelResult
from engine.contract.ranking import Ranking
from engine.contract.recheck import RecheckResults as RecheckResults
from engine.contract.scaling import Association, DataBudget
from engine.contract.scaling import ScalingFit as ScalingFit
from engine.contract.similarity import CKA as CKA
from engine.contract.similarity import EmbeddingSpread as EmbeddingSpread
from engine.contract.stress import StressResults as StressResults
from engine.contract.trying import TryResults
from engine.contract.version_change import VersionResults as VersionResults
from engine.contract.vetting import VetResults


class StoreFault(Model):
    """One recording of the store that is damaged, and how."""

    row: int
    record_id: str
    what: str


class VerifyResults(Model):
    """What reading the whole store found."""

    kind: Literal["verify"] = "verify"
    recordings: int
    bytes: int = Field(description="Samples that were read.")
    damaged: int
    extra: int = Field(0, description="Recordings whose further leads were read, or should have been there.")
    derived: int = Field(0, description="Recordings in resampled copies that were read.")
    faults: list[StoreFault] = Field([], description="The damaged recordings, at most 1,000 of them.")


class ImportResults(Model):
    """Counts of an import run."""

    kind: Literal["import"] = "import"
    imported: int
    duplicates: int
    refused: int
    store_records: int
    removed: dict[str, int] = Field({}, description="By kind: how many identifiers were taken out of the files.")
    unsearchable: int = Field(0, description="Identifiers too short or too common to be searched for in exports.")


class ProbePoint(Model):
    """A linear probe at a step of a pretraining."""

    step: int
    macro: Estimate
    labels: list[LabelResult]


class ProbeChange(Model):
    """Paired difference after - before of a probe's AUROC, by label and for "macro"."""

    label: str
    estimate: Estimate


class PretrainResults(Model):
    """Outcome of a pretraining run; the checkpoint folder holds weights.safetensors and card.json."""

    kind: Literal["pretrain"] = "pretrain"
    checkpoint: str = Field(description="Path below the run folder: checkpoints/step-000500")
    weights_sha256: str
    steps: int
    parameters: int
    final: dict[str, float | None] = Field(
        description="Last metrics: loss, validation_loss, trivial_loss, accuracy ..."
    )
    seconds: float
    kept_step: int | None = Field(
        None, description="The step whose weights are the result, where an early stop kept better ones than the last."
    )
    stopped_early: bool = False
    collapse: dict[str, float | None] = Field({}, description="Last measures of the collapse watch.")
    collapsed: str = Field("", description="Why the run counts as collapsed; empty when it does not.")
    probes: list[ProbePoint] = Field([], description="Linear probes along the way, in order of steps.")
    forgetting: list[ProbeChange] = Field([], description="Continued pretraining: last probe minus the first.")

    @property
    def ended(self) -> str:
        """What to add to its number of steps: ", stopped early, weights of step 400 kept (best held-out loss)"."""
        kept = "" if self.kept_step is None else f", weights of step {self.kept_step:,} kept (best held-out loss)"
        return ", stopped early" * self.stopped_early + kept


class EstimateResults(Model):
    """What a pretraining would cost on this machine, measured on a few warm-up steps."""

    kind: Literal["estimate"] = "estimate"
    fits: bool
    refusal: str = Field("", description="What does not fit, in a sentence; empty when all does.")
    advice: str = Field("", description="What would fit.")
    device: str
    parameters: int
    tokens: int
    steps: int
    seconds_per_step: float | None = None
    crops_per_s: float | None = None
    seconds: float | None = None
    memory_bytes: int | None = Field(None, description="Peak of the warm-up steps.")
    memory_free_bytes: int | None = None
    disk_bytes: int = Field(description="What kept checkpoints, log and recordings resampled once take.")
    disk_free_bytes: int
    energy_wh: float | None = None
    energy_source: str = Field("", description="The counter it was read from, or what was assumed.")
    largest_batch: int | None = Field(None, description="The largest batch that fits, where the asked one does not.")
    notes: list[str] = Field([], description="What is not counted, and how it was measured.")


class StudyRow(Model):
    """One run of a study."""

    number: int
    name: str
    values: dict[str, bool | str | int | float] = Field(description="Its place on the axes.")
    state: Literal["waiting", "running", "done", "failed", "refused", "stopped"] = "waiting"
    metrics: dict[str, float | None] = Field({}, description="Last metrics, collapse measures and probes of the run.")
    message: str = ""


class StudyCell(Model):
    """The runs of a study that differ in their seed alone: means over seeds, with intervals over seeds."""

    name: str
    values: dict[str, bool | str | int | float] = Field(description="Its place on the axes, without the seed.")
    seeds: int = Field(description="Runs that are done.")
    metrics: dict[str, Estimate] = Field({})
    ranks: dict[str, int] = Field({}, description="By metric: 1 is best; whoever may equal the group's leader shares.")
    works: bool | None = Field(None, description="Whether it learns (docs/pairs.md); None when that cannot be told.")
    shortfall: str = Field("", description="What it lacks, where it does not work.")


class StudyDifference(Model):
    """What changing one axis does, all else alike: paired by seed, the value examined minus the axis's first value."""

    axis: str
    examined: str
    reference: str
    among: str = Field("", description="Where on the other axes.")
    metric: str
    estimate: Estimate


class StudyResults(Model):
    """Outcome of a study: one row a run; study.csv in the run folder holds the same."""

    kind: Literal["study"] = "study"
    name: str
    axes: list[str]
    rows: list[StudyRow]
    cells: list[StudyCell] = Field([])
    differences: list[StudyDifference] = Field([])
    fits: list[ScalingFit] = Field([])
    budgets: list[DataBudget] = Field([], description="What more data would buy, a series and number each.")
    associations: list[Association] = Field([], description="Loss against downstream error, an objective each.")
    notes: list[str] = Field([])
    seconds: float


class EmbedResults(Model):
    """Outcome of an embedding run."""

    kind: Literal["embed"] = "embed"
    model_sha256: str
    records: int
    computed: int
    layers: list[str]
    width: int


LESS_IS_BETTER = ("Brier", "MAE")
"""Measures of differences of which the smaller is the better one."""


class Difference(Model):
    """Paired difference `model - reference` on common resamples; `model` is the one examined."""

    model: str
    reference: str
    label: str = Field(description="A label's name, or 'macro'.")
    estimate: Estimate
    measure: str = Field("AUROC", description="What differs; of Brier and MAE less is better.")
    p_value: float | None = Field(None, description="That the difference is 0; None where nothing tells it.")
    adjusted_p: float | None = Field(None, description="Corrected over the differences that are told together.")
    correction: str = Field("", description="'Holm' for what is confirmatory, 'Benjamini-Hochberg' for the rest.")
    verdict: str = Field(
        "", description="Against the margin: 'superior', 'non-inferior', 'not shown', 'inferior'; empty without one."
    )


class CompareResults(Model):
    """Outcome of a comparison: the model examined, minus each of the others in turn."""

    kind: Literal["compare"] = "compare"
    examined: str
    models: list[str]
    differences: list[Difference] = Field(description="Of AUROC.")
    further: list[Difference] = Field([], description="Of other measures, where both models have them.")
    margin: float | None = Field(None, description="Loss of AUROC that would be accepted; None when none was set.")
    ranking: Ranking | None = Field(None, description="Over the labels as tasks.")
    cka: list[CKA]
    spread: list[EmbeddingSpread] = Field([], description="Of each model's last layer.")
    split_id: str
    test_sha256: str
    seed: int
    resamples: int
    notes: list[str] = Field([])
    seconds: float


class Copies(Model):
    """Two recordings that are one: the second is a copy of the first, or of the same original."""

    record: str
    other: str = Field(description="Record id; of a pack that of its corpus.")
    part: str
    other_part: str
    score: float = Field(description="Agreement of both, 1 for a copy, about 0 by chance.")
    overlap_s: float
    shift_s: float = Field(description="What is at t seconds in `other` is at t + shift_s in `record`.")
    exact: bool
    same_patient: bool | None = Field(None, description="None when nobody told the patients apart.")


class Meeting(Model):
    """What meets between two sides: patients, equal samples, copies. Each recording of `part` counts once."""

    part: str
    other: str
    leak: bool = Field(description="Whether the two sides must be apart; copies within one part are no leak.")
    patients: int = 0
    patient_records: int = Field(0, description="Recordings of `part` whose patient is on the other side too.")
    exact: int = Field(0, description="Recordings of `part` that are on the other side with equal samples.")
    copies: int = Field(0, description="Recordings of `part` of which a changed copy is on the other side.")


class CheckedPack(Model):
    """A fingerprint pack that was searched."""

    corpus: str
    licence: str
    note: str
    records: int
    sha256: str


class LeakageResults(Model):
    """Outcome of a search for leaks."""

    kind: Literal["leakage"] = "leakage"
    leaks: bool
    findings: list[str] = Field(description="One sentence for each leak.")
    notes: list[str] = Field([])
    records: int
    patients: int
    parts: dict[str, int]
    packs: list[CheckedPack] = Field([])
    meetings: list[Meeting] = Field([])
    pairs: list[Copies] = Field([], description="At most 10,000, leaks first.")
    pairs_found: int = 0
    unchecked: int = Field(0, description="Recordings too short, too flat or with too few leads to compare.")
    method: str
    seconds: float


AnyResults = (
    ImportResults
    | VerifyResults
    | RecheckResults
    | PretrainResults
    | EstimateResults
    | EfficiencyResults
    | StudyResults
    | EmbedResults
    | EvaluateResults
    | CompareResults
    | LeakageResults
    | StressResults
    | DriftResults
    | VersionResults
    | VetResults
    | TryResults
)
_ADAPTER: TypeAdapter[AnyResults] = TypeAdapter(Annotated[AnyResults, Field(discriminator="kind")])


def parse_results(text: str) -> AnyResults:
    """Read results.json. Raises pydantic's ValidationError when it is not one of ours."""
    return _ADAPTER.validate_json(text)
