"""The pages of a vetting: whether an external model is what its card says, and what happens where the card is wrong."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.card import ModelCard
from engine.contract.estimate import Estimate, Model
from engine.contract.model_source import ExternalModel
from engine.contract.page import Page
from engine.contract.version import CONTRACT_VERSION

GOLDEN, REFERENCE, CERTIFICATE, KEPT_OUTPUTS = (
    "golden.npz",
    "reference.npz",
    "certificate.json",
    "golden_outputs.npz",
)
"""Files of a vetting's run folder: the shipped ECGs, what the vendor supplied, the certificate, what the model said."""


class VetConfig(Page):
    """Hold an external model against its card, and the card against the model."""

    kind: Literal["vet"] = "vet"
    contract: int = CONTRACT_VERSION
    store: str = ""
    cache: str = ""
    model: ExternalModel
    card: ModelCard = Field(description="As it was when the vetting was asked for.")
    labels: tuple[str, ...] = Field((), description="Labels on which a loss of AUROC is looked for; needs a cohort.")
    classes: dict[str, str] = Field(
        {},
        description="By label: the class of the model's own outputs that answers it ('MI', or 'output: MI' where two"
        " outputs have one). A label left out is answered by the class of its name.",
    )
    cohort: str = Field("", description="Whose recordings; empty: the shipped ECGs alone.")
    split_id: str = ""
    reference_sha256: str = Field("", description="Of the file that the vendor supplied; empty: none was supplied.")
    tolerance: float = Field(
        1e-3, gt=0, lt=1, description="Largest difference from the vendor's outputs, as a share of their range."
    )
    loss: float = Field(0.01, gt=0, lt=0.5, description="Loss of AUROC from which a wrong contract item does harm.")
    most: int = Field(500, ge=16, le=100_000, description="Recordings at most on which contract items are broken.")
    repeats: int = Field(5, ge=2, le=100, description="How often the same input is run to see whether answers differ.")
    resamples: int = Field(2000, ge=100, le=100_000, description="Patient-clustered bootstrap resamples.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Start of every random draw: the same seed gives the same numbers."
    )
    batch_size: int = Field(64, ge=1, le=4096)
    threads: int = Field(0, ge=0, le=256)


Weight = Literal["blocking", "serious", "note"]

WEIGHTS: dict[Weight, str] = {
    "blocking": "its numbers cannot be made, or mean nothing",
    "serious": "its numbers may be wrong without anybody seeing it",
    "note": "to be known",
}
"""What a weight says, as printed."""

RULES: dict[str, str] = {
    "runs": "Loading and running",
    "inputs": "Number of inputs",
    "input-type": "Type of the input's numbers",
    "axes": "Order and number of the input's axes",
    "leads": "Leads against the input's channels",
    "window": "Window and rate against the input's samples",
    "batch": "Batches of 1, 2 and 64 windows",
    "outputs": "Outputs of the card against those of the graph",
    "classes": "Classes of the card against the outputs' axes",
    "values": "Numbers on the golden ECGs",
    "constant": "Outputs that differ between golden ECGs",
    "probabilities": "What is called a probability",
    "logits": "What is called logits",
    "units": "Unit against the contract's constants",
    "contract": "What the contract asks of this program",
    "declined": "What its maker declined to tell",
    "missing": "What is unknown on the card",
    "licence": "Licence and permitted use",
    "population": "Whom it is meant for, as rules",
    "sandbox": "Isolation by the sandbox",
    "determinism": "Same input, same output",
}
"""Everything that is looked at, by rule, as printed."""


class VetFinding(Model):
    """One thing that is not as it should be."""

    rule: str = Field(description="Of RULES.")
    weight: Weight
    subject: str = Field("", description="The field of the card or the output that it is about.")
    found: str = Field(description="What was found, in a sentence without its dot.")
    advice: str = Field("", description="What to do.")


class GraphPort(Model):
    """One input or output of a graph."""

    name: str
    dtype: str
    shape: list[int | str] | None = Field(None, description="Fixed sizes, and names of free axes; None: not told.")


class VettedGraph(Model):
    """What the file itself says of its inputs and outputs."""

    inputs: list[GraphPort]
    outputs: list[GraphPort]


class GoldenAnswer(Model):
    """What the model says of one shipped ECG."""

    name: str
    windows: int = 0
    refused: str = Field("", description="Why it cannot take it; empty when it can.")
    input_sha256: str = Field("", description="Of what was fed, float32, [windows, leads, samples].")
    output_sha256: str = Field("", description="Of all outputs of the recording, float32, in the card's order.")
    values: dict[str, dict[str, float | None]] = Field(
        {}, description="By output and class: the number of the recording; None where it is none. No embeddings."
    )


class Golden(Model):
    """The shipped ECGs through contract and model."""

    sha256: str = Field(description="Of the shipped ECGs, as they were fed to the contract.")
    answers: list[GoldenAnswer]


class OutputParity(Model):
    """One output of ours against the vendor's."""

    output: str
    compared: Literal["recordings", "windows"] = Field(
        description="Numbers of recordings as the card makes them, or what the model put out for each window."
    )
    fed: Literal["our input", "the vendor's input"] = "our input"
    records: int
    values: int
    largest_absolute: float
    largest_relative: float | None = Field(
        None,
        description="Largest of |difference| / |reference|, over references of more than a thousandth of the range.",
    )
    worst: str = Field("", description="Shipped ECG and class with the largest difference.")
    range: float = Field(
        description="Of the vendor's numbers: the largest minus the smallest, at least 1 for probabilities."
    )
    limit: float = Field(description="The tolerance in the output's own unit.")
    met: bool


class InputParity(Model):
    """What we feed against what the vendor says that he feeds."""

    record: str
    largest_absolute: float
    range: float
    met: bool
    hint: str = Field("", description="What the difference looks like; empty when nothing fits.")


ParityVerdict = Literal["met", "not met", "no reference supplied"]


class ParityCertificate(Model):
    """How far our numbers are from the vendor's own, on shipped ECGs that both have run."""

    verdict: ParityVerdict
    model: str
    version: str
    model_sha256: str
    files: dict[str, str] = Field({})
    contract_sha256: str = Field(description="Of the preprocessing contract.")
    golden_sha256: str
    reference_sha256: str = ""
    tolerance: float = Field(description="As a share of the output's range.")
    outputs: list[OutputParity] = Field([])
    inputs: list[InputParity] = Field([])
    left_out: list[str] = Field([], description="What could not be compared, and why.")
    versions: dict[str, str] = Field({})
    date: str = Field(description="UTC, ISO 8601.")


DeterminismState = Literal["deterministic", "differs by batch", "differs by call", "not measured"]


class OutputDeterminism(Model):
    """Largest differences of one output for the same input, in the output's own unit."""

    output: str
    by_call: float
    by_order: float | None = Field(None, description="In another order within a batch; None: it takes no batches.")
    by_size: float | None = Field(None, description="In batches of other sizes.")
    range: float = Field(description="Largest minus smallest number of the output.")


class Determinism(Model):
    """Whether the same input gives the same output."""

    state: DeterminismState
    repeats: int = 0
    batches: list[int] = Field([], description="Sizes of batches that were tried and that it takes.")
    outputs: list[OutputDeterminism] = Field([])
    limit: float = Field(1e-5, description="Share of an output's range below which a difference counts as rounding.")
    note: str = ""


SensitivityVerdict = Literal["breaks loudly", "no difference", "works, only worse", "works, differs", "not tried"]

VERDICTS: dict[SensitivityVerdict, str] = {
    "breaks loudly": "refused, no numbers, or numbers that are off for everybody to see",
    "no difference": "the outputs stay as they are",
    "works, only worse": "plausible outputs that tell less: nobody would notice",
    "works, differs": "plausible outputs that are others; no loss of that size was shown",
    "not tried": "",
}
"""What a verdict says, as printed."""


class LabelLoss(Model):
    """One label with one contract item wrong."""

    label: str
    auroc: Estimate
    change: Estimate = Field(description="AUROC with the item wrong minus AUROC with it right, on common resamples.")


class SensitivityItem(Model):
    """One item of the preprocessing contract, made wrong on purpose."""

    name: str = Field(description="Short and stable: 'gain_up'.")
    field: str = Field(description="Of the contract: 'units', 'leads', 'rate_hz'.")
    title: str = Field(description="For people: 'Microvolts read as millivolts'.")
    verdict: SensitivityVerdict
    why: str = Field("", description="What the verdict rests on, in a sentence without its dot.")
    refused: int = Field(
        0, description="Recordings that the model refuses with the item wrong, and takes with it right."
    )
    lost: int = Field(0, description="Recordings without a number with the item wrong, and with one with it right.")
    spearman: float | None = Field(
        None, description="Rank correlation of wrong with right over the recordings, mean over classes or features."
    )
    shift: float | None = Field(
        None, description="Mean absolute difference in standard deviations of the right outputs, mean over classes."
    )
    changed_calls: float | None = Field(
        None,
        description="Share of recordings whose call changes: the class of the largest value, or a probability"
        " that crosses 0.5. None where the model calls nothing.",
    )
    macro: Estimate | None = None
    change: Estimate | None = Field(None, description="Of the macro AUROC, on common resamples.")
    labels: list[LabelLoss] = Field([])


class Sensitivity(Model):
    """What each contract item does when it is wrong."""

    records: int
    patients: int
    where: str = Field(description="'cohort ward7', 'shipped ECGs'")
    mode: str = Field("", description="'the model's own outputs', 'linear probe'; empty without labels.")
    clean: Estimate | None = Field(None, description="Macro AUROC with the contract as it stands.")
    loss: float = Field(description="Loss of AUROC from which an item does harm.")
    items: list[SensitivityItem]
    notes: list[str] = Field([])


class VettedSandbox(Model):
    """What held the model while it was vetted."""

    means: list[str] = Field([])
    complete: bool
    missing: list[str] = Field([])
    told: str = Field("", description="In words, for what runs outside a sandbox.")


class VetResults(Model):
    """Outcome of a vetting."""

    kind: Literal["vet"] = "vet"
    model: str
    version: str
    model_sha256: str
    contract_sha256: str = Field(description="Of the preprocessing contract that was vetted.")
    findings: list[VetFinding]
    passed: list[str] = Field(description="Rules that were looked at and found nothing, as in RULES.")
    unchecked: dict[str, str] = Field({}, description="By rule: why it could not be looked at.")
    graph: VettedGraph | None = Field(None, description="None where the file tells none, or could not be loaded.")
    sandbox: VettedSandbox | None = None
    golden: Golden | None = None
    parity: ParityCertificate
    determinism: Determinism
    sensitivity: Sensitivity | None = None
    notes: list[str] = Field([])
    seconds: float

    @property
    def dangerous(self) -> list[SensitivityItem]:
        """Items whose violation nobody would notice and that cost: those to be shown in red."""
        return (
            []
            if self.sensitivity is None
            else [item for item in self.sensitivity.items if item.verdict == "works, only worse"]
        )

    def weighing(self, weight: Weight) -> list[VetFinding]:
        """Findings of one weight."""
        return [finding for finding in self.findings if finding.weight == weight]
