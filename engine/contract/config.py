"""The one page of configuration: what a run is asked to do.

Form, command line, database column, run folder and recipe all use these models. They are frozen, forbid unknown
fields and are told apart by `kind`. Field descriptions double as tooltips and help texts, so they are written for the
analyst. Units stand in the field names (`_s` seconds, `_hz` hertz).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from engine.contract.errors import WorldError
from engine.contract.version import CONTRACT_VERSION


class Page(BaseModel):
    """Base of every config: frozen, no unknown fields, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ImportConfig(Page):
    """Read recordings from files and append them to the store."""

    kind: Literal["import"] = "import"
    contract: int = CONTRACT_VERSION
    store: str = Field(description="Folder of the store that is filled.")
    inputs: str = Field("inputs.json", description="File in the run folder that lists the paths to read.")
    dataset: str = Field("local", description="Name of the collection the recordings belong to.", max_length=60)


class S4Config(Page):
    """Convolutional stem and S4 backbone (method specification, sections 2.1 and 2.2)."""

    name: Literal["s4"] = "s4"
    width: int = Field(512, ge=8, le=2048, description="Features per token.")
    depth: int = Field(4, ge=1, le=24, description="Number of S4 blocks.")
    state_size: int = Field(8, ge=2, le=256, multiple_of=2, description="State size N of each channel's linear system.")
    causal: bool = Field(True, description="Look at the past only. CPC needs it.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Dropout, one mask per record and channel.")
    stem_kernels: tuple[int, ...] = Field((3, 1, 1, 1), description="Kernel of each stem convolution.")
    stem_strides: tuple[int, ...] = Field((2, 1, 1, 1), description="Stride of each stem convolution.")

    @model_validator(mode="after")
    def _stem_is_whole(self) -> S4Config:
        if len(self.stem_kernels) != len(self.stem_strides) or not self.stem_kernels:
            raise ValueError("stem_kernels and stem_strides need one entry per stem convolution")
        if any(k < 1 or k % 2 == 0 for k in self.stem_kernels) or any(s < 1 for s in self.stem_strides):
            raise ValueError("stem kernels are odd and positive, strides positive")
        return self

    @property
    def summary(self) -> str:
        """As cards tell it: "S4, causal, width 512, depth 4"."""
        return f"S4, {'causal' if self.causal else 'bidirectional'}, width {self.width}, depth {self.depth}"


BackboneConfig = S4Config
"""Union of all backbone configs; it grows into a discriminated union on `name`."""


class CPCConfig(Page):
    """Contrastive predictive coding (method specification, section 3.5)."""

    name: Literal["cpc"] = "cpc"
    fidelity: Literal["intended", "as_released"] = Field(
        "intended", description="As the method intends, or as the published code behaves. For CPC on S4 they agree."
    )
    offset: int = Field(
        14, ge=1, le=500, description="How many tokens ahead is predicted (14 = 116.7 ms at 120 tokens/s)."
    )
    negatives: int = Field(128, ge=1, le=4096, description="Negatives per position, drawn from the same crop.")


ObjectiveConfig = CPCConfig
"""Union of all objective configs; it grows into a discriminated union on `name`."""


class PretrainConfig(Page):
    """Pretrain a backbone on recordings of the store, without labels."""

    kind: Literal["pretrain"] = "pretrain"
    contract: int = CONTRACT_VERSION
    name: str = Field("pretraining", min_length=1, max_length=60, description="Name of the model that this makes.")
    store: str = Field("", description="Folder of the store that is read.")
    backbone: BackboneConfig = Field(default_factory=S4Config)
    objective: ObjectiveConfig = Field(default_factory=CPCConfig)
    rate_hz: float = Field(240.0, gt=0, le=2000, description="Sampling rate that the model sees.")
    window_s: float = Field(2.5, gt=0, le=60, description="Length of a training crop.")
    clip_mv: float = Field(3.0, gt=0, le=100, description="Signals are clipped to plus or minus this many millivolts.")
    batch_size: int = Field(64, ge=1, le=4096, description="Crops per optimiser step.")
    steps: int = Field(2000, ge=1, le=10_000_000, description="Optimiser steps.")
    learning_rate: float = Field(3e-3, gt=0, le=1, description="Rate of the objective's head.")
    backbone_factor: float = Field(0.1, ge=0, le=10, description="Backbone rate as a share of the head's.")
    stem_factor: float = Field(0.01, ge=0, le=10, description="Stem rate as a share of the head's.")
    weight_decay: float = Field(1e-3, ge=0, le=1, description="Pull of the weights towards zero at each step.")
    validation_fraction: float = Field(0.1, ge=0, lt=0.9, description="Share of patients held out to watch the loss.")
    evaluate_every: int = Field(200, ge=1, description="Steps between looks at the held-out loss.")
    checkpoint_every: int = Field(200, ge=1, description="Steps between checkpoints.")
    keep_checkpoints: int = Field(2, ge=1, le=100, description="How many of the newest checkpoints are kept.")
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Start of every random draw: the same seed gives the same numbers."
    )
    threads: int = Field(0, ge=0, le=256, description="CPU threads; 0 leaves one core for the window.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where it runs.")

    @model_validator(mode="after")
    def _pair_can_work(self) -> PretrainConfig:
        if self.objective.name == "cpc" and not self.backbone.causal:
            raise ValueError(
                "CPC needs a causal backbone: one that sees the future can copy the answer. Set backbone.causal = true"
            )
        tokens = self.window_s * self.rate_hz
        for stride in self.backbone.stem_strides:
            tokens = tokens // stride
        if tokens <= self.objective.offset:
            raise ValueError(
                f"a crop of {self.window_s} s gives {int(tokens)} tokens, "
                f"too few to predict {self.objective.offset} ahead"
            )
        return self


class NativeModel(Page):
    """A checkpoint of our own format."""

    source: Literal["native"] = "native"
    name: str
    checkpoint: str = Field(description="Folder with weights.safetensors and card.json.")


class RandomModel(Page):
    """A backbone with random weights: what the architecture gives without any pretraining."""

    source: Literal["random"] = "random"
    name: str
    backbone: BackboneConfig
    rate_hz: float = 240.0
    window_s: float = 2.5
    clip_mv: float = 3.0
    seed: int = 0


class BaselineModel(Page):
    """Age and sex alone: the humble comparator."""

    source: Literal["baseline"] = "baseline"
    name: str
    features: tuple[Literal["age", "sex"], ...] = ("age", "sex")


class PredictionsModel(Page):
    """Scores that somebody else computed: no model, no probe, only statistics."""

    source: Literal["predictions"] = "predictions"
    name: str
    file: str = Field(description="predictions.npz made by the app: record_id, label, score.")


ModelSource = Annotated[NativeModel | RandomModel | BaselineModel | PredictionsModel, Field(discriminator="source")]


class EmbedConfig(Page):
    """Compute one embedding per (model, record) and keep it in the cache."""

    kind: Literal["embed"] = "embed"
    contract: int = CONTRACT_VERSION
    store: str = ""
    model: ModelSource
    cache: str = Field("", description="Folder of cached embeddings, keyed by model hash and record.")
    batch_size: int = Field(64, ge=1, le=4096)
    threads: int = Field(0, ge=0, le=256)
    device: Literal["auto", "cpu", "cuda"] = "auto"


class EvaluateConfig(Page):
    """Probe one model on labelled recordings, scored with patient-clustered intervals."""

    kind: Literal["evaluate"] = "evaluate"
    contract: int = CONTRACT_VERSION
    store: str = ""
    model: ModelSource
    mode: Literal["linear"] = Field("linear", description="Linear probe on mean-pooled features of the frozen model.")
    labels: tuple[str, ...] = Field(min_length=1, description="Labels to predict.")
    split_id: str = Field("", description="Id of the patient-wise split.")
    cache: str = ""
    resamples: int = Field(2000, ge=100, le=100_000, description="Patient-clustered bootstrap resamples.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Start of every random draw: the same seed gives the same numbers."
    )
    batch_size: int = Field(64, ge=1, le=4096)
    threads: int = Field(0, ge=0, le=256)
    device: Literal["auto", "cpu", "cuda"] = "auto"


class CompareConfig(Page):
    """Paired differences between evaluations of one split, and CKA between their models' layers."""

    kind: Literal["compare"] = "compare"
    contract: int = CONTRACT_VERSION
    evaluations: tuple[str, ...] = Field(
        min_length=2, description="Run folders of the evaluations; the first is the model examined."
    )
    names: tuple[str, ...] = Field(min_length=2, description="Names of their models, in the same order.")
    labels: tuple[str, ...] = Field(min_length=1)
    split_id: str = ""
    resamples: int = Field(2000, ge=100, le=100_000, description="Patient-clustered bootstrap resamples.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Start of every random draw: the same seed gives the same numbers."
    )

    @model_validator(mode="after")
    def _names_match(self) -> CompareConfig:
        if len(self.names) != len(self.evaluations):
            raise ValueError("names and evaluations need the same length")
        return self


Config = Annotated[
    ImportConfig | PretrainConfig | EmbedConfig | EvaluateConfig | CompareConfig, Field(discriminator="kind")
]
_ADAPTER: TypeAdapter[ImportConfig | PretrainConfig | EmbedConfig | EvaluateConfig | CompareConfig] = TypeAdapter(
    Config
)
AnyConfig = ImportConfig | PretrainConfig | EmbedConfig | EvaluateConfig | CompareConfig

KINDS = ("import", "pretrain", "embed", "evaluate", "compare")


def parse_config(data: dict[str, Any]) -> AnyConfig:
    """Validate a config, with one sentence per fault.

    Raises:
        WorldError: unknown kind, unknown field, value out of range, or another contract version.
    """
    if data.get("contract", CONTRACT_VERSION) != CONTRACT_VERSION:
        raise WorldError(
            "config",
            f"it was written for contract version {data.get('contract')}, this engine speaks {CONTRACT_VERSION}",
            "Open it with the version of Isoline that wrote it",
        )
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        raise WorldError("config", explain(error), "Correct the named fields and try again") from None


def explain(error: ValidationError) -> str:
    """All faults of a config in one line: `field: message; field: message`."""
    parts = []
    for fault in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in fault["loc"][1:] or fault["loc"]) or "config"
        parts.append(f"{where}: {fault['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts)


def load_config(path: Path) -> AnyConfig:
    """Read a config file (JSON) and validate it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorldError(
            f"config {path.name}", f"it cannot be read ({type(error).__name__})", "Make the run again"
        ) from None
    return parse_config(data)


def config_json(config: BaseModel) -> str:
    """A config as JSON text, stable in order, for run folders and the database."""
    return json.dumps(config.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
