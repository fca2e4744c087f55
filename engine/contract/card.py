"""The model card: what a model is, where it comes from, what it must be fed, what it may be used for.

"unknown" is an answer, and a finding. A card travels with the weights and is frozen once the model is registered.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from engine.contract.output_types import OutputType

UNKNOWN = "unknown"
RESEARCH_STAMP = "research use and technical due diligence, not a clinical validation or an approval"
DERIVED_STAMP = "derived model, research use, not the vendor's product"


class Part(BaseModel):
    """Base: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Positive = Annotated[float, Field(gt=0)]


class Preprocessing(Part):
    """The preprocessing contract: what reaches the model, in which order and unit.

    A recording is filled, turned (polarity), resampled, filtered, clipped, put into its unit, normalised and cut into
    windows, in this order; a normalisation "of each window" comes last.
    """

    leads: tuple[str, ...] = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    rate_hz: Positive
    window_s: Positive
    aggregation: str = Field("mean over non-overlapping windows", description="How windows become one record.")
    units: str = "mV"
    clip_mv: float | None = 3.0
    filters: str = "none"
    normalisation: str = "none"
    missing: str = "linear interpolation per lead, an absent lead is zero"
    stride_s: Positive | None = Field(
        None, description="From the start of a window to that of the next; empty: windows follow one another."
    )
    means: tuple[float, ...] = Field(
        (), description="By lead, in the unit that is fed: taken off by the normalisation by constants."
    )
    deviations: tuple[Positive, ...] = Field((), description="By lead: divided by in the normalisation by constants.")
    polarity: Literal["as recorded", "inverted"] = "as recorded"
    padding: Literal["refused", "zeros at the end", "repeated"] = Field(
        "refused", description="What becomes of a recording shorter than a window."
    )
    axes: Literal["batch lead time", "batch time lead", "batch 1 lead time", "batch time"] = Field(
        "batch lead time", description="Order of the input's axes; 'batch time' is for a model of one lead."
    )
    derived_leads: Literal["allowed", "refused"] = Field(
        "allowed", description="Whether leads that were computed from others may be fed."
    )

    @property
    def samples(self) -> int:
        """Of one window."""
        return round(self.window_s * self.rate_hz)

    @property
    def identity(self) -> str:
        """As JSON: two contracts that feed the same have the same; what stands at its default is left out."""
        later = ("stride_s", "means", "deviations", "polarity", "padding", "axes", "derived_leads")
        plain = {name for name in later if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump_json(exclude=plain)

    @model_validator(mode="after")
    def _one_constant_a_lead(self) -> Preprocessing:
        if self.axes == "batch time" and len(self.leads) != 1:
            raise ValueError(f"axes 'batch time' are for one lead, and there are {len(self.leads)}")
        for name in ("means", "deviations"):
            given = getattr(self, name)
            if given and len(given) != len(self.leads):
                raise ValueError(f"{name} needs {len(self.leads)} numbers, one a lead; it has {len(given)}")
        return self


OutputKind = Literal["embedding", "logits", "probability", "score", "flag"]
Activation = Literal["none", "sigmoid", "softmax"]
OverTime = Literal["none", "mean", "maximum"]


class Output(Part):
    """One named output of a model, and how it becomes numbers of a recording.

    Its first axis is the batch. The class or feature axis is the last one, or the second where `classes_second` says
    so; every other axis is time. The activation is applied first, then time is reduced, then the windows of a
    recording are put together as the preprocessing contract says.
    """

    name: str = Field(min_length=1, description="As in the graph.")
    kind: OutputKind
    classes: tuple[str, ...] = Field((), description="Names in the output's order; empty for an embedding.")
    activation: Activation = "none"
    over_time: OverTime = "none"
    classes_second: bool = Field(False, description="Whether classes stand in the second axis, before time.")

    @property
    def judged_as(self) -> OutputType:
        """What may be said of it: "none" for an embedding, which answers nothing by itself."""
        if self.kind == "embedding":
            return "none"
        if self.kind == "logits":
            return "score" if self.activation == "none" else "probability"
        return self.kind

    @model_validator(mode="after")
    def _named_classes(self) -> Output:
        if self.kind != "embedding" and not self.classes:
            raise ValueError(f"output {self.name} needs the names of its classes")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"output {self.name} names a class twice")
        return self


ModelFormat = Literal["onnx", "torchscript", "pt2", "safetensors", "command", "endpoint"]

FORMATS: dict[ModelFormat, str] = {
    "onnx": "ONNX graph",
    "torchscript": "TorchScript program",
    "pt2": "torch.export program",
    "safetensors": "weights of a known architecture",
    "command": "program of the vendor",
    "endpoint": "service on this machine",
}
"""As printed."""


LEAK_NOTE = "leaks the future: its backbone sees what the objective asks it to predict"
COLLAPSE_NOTE = "collapsed while it was pretrained"


class Lineage(Part):
    """How the weights came to be."""

    objective: str = UNKNOWN
    fidelity: str = UNKNOWN
    backbone: str = UNKNOWN
    parameters: int | None = None
    corpus: str = UNKNOWN
    corpus_sha256: str = UNKNOWN
    records: int | None = None
    patients: int | None = None
    steps: int | None = None
    seed: int | None = None
    run_id: str = UNKNOWN
    parent_sha256: str = ""
    parent_name: str = ""
    collapse: dict[str, float | None] = Field({}, description="Last measures of the collapse watch.")
    collapsed: str = Field("", description="Why the run counts as collapsed; empty when it does not.")


class ModelCard(Part):
    """Identity, origin, contract and permitted use of one model version."""

    name: str
    version: str = "1"
    source: Literal["native", "random", "baseline", "predictions", "external"]
    developer: str = UNKNOWN
    licence: str = UNKNOWN
    intended_use: str = UNKNOWN
    population: str = UNKNOWN
    output: str = Field(UNKNOWN, description="'embedding', 'uncalibrated score', 'probability', 'binary flag'")
    weights_sha256: str = UNKNOWN
    lineage: Lineage = Lineage()
    preprocessing: Preprocessing | None = None
    stamp: str = RESEARCH_STAMP
    notes: tuple[str, ...] = ()
    product: str = Field("", description="What it is a version of; empty where nothing else is one.")
    format: ModelFormat | None = Field(None, description="Of an external model.")
    architecture: str = Field("", description="Name of the network that safetensors weights belong to.")
    outputs: tuple[Output, ...] = Field((), description="Of an external model.")
    files: dict[str, str] = Field({}, description="sha256 of each file, by its name.")
    permitted_use: str = UNKNOWN
    non_commercial: bool | None = Field(None, description="Whether the licence forbids commercial use; none: unknown.")
    reason: str = Field("", description="Why a model of a non-commercial licence is used here.")
    eligibility: tuple[str, ...] = Field(
        (), description="Whom its maker means it for, as rules that a cohort understands: 'age 18..', 'paced no'."
    )
    declined: tuple[str, ...] = Field(
        (),
        description="Fields its maker was asked for and declined to tell ('preprocessing.units', 'lineage.corpus');"
        " where a value is needed all the same, what stands there is an assumption.",
    )
    assumed: tuple[str, ...] = Field(
        (), description="Fields that nobody told: what stands there is this program's default, an assumption."
    )
