"""The one page of configuration: what a run is asked to do.

Form, command line, database column, run folder and recipe all use these models. They are frozen, forbid unknown
fields and are told apart by `kind`. Field descriptions double as tooltips and help texts, so they are written for the
analyst. Units stand in the field names (`_s` seconds, `_hz` hertz).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from engine.contract.backbone import AnyBackboneConfig as AnyBackboneConfig
from engine.contract.backbone import BackboneConfig as BackboneConfig
from engine.contract.backbone import Net1DConfig as Net1DConfig
from engine.contract.backbone import S4Config as S4Config
from engine.contract.backbone import TransformerConfig as TransformerConfig
from engine.contract.complaints import complaints
from engine.contract.deidentification import Deidentification as Deidentification
from engine.contract.drift import DriftConfig as DriftConfig
from engine.contract.efficiency import EfficiencyConfig as EfficiencyConfig
from engine.contract.errors import WorldError
from engine.contract.evaluation import EvaluateConfig as EvaluateConfig
from engine.contract.evaluation import EvaluationSettings as EvaluationSettings
from engine.contract.evaluation import FewLabels as FewLabels
from engine.contract.evaluation import HeadTraining as HeadTraining
from engine.contract.evaluation import Mode as Mode
from engine.contract.leakage import LeakageConfig as LeakageConfig
from engine.contract.mapping import SignalTable as SignalTable
from engine.contract.model_source import BaselineModel as BaselineModel
from engine.contract.model_source import ExternalModel as ExternalModel
from engine.contract.model_source import ModelSource as ModelSource
from engine.contract.model_source import NativeModel as NativeModel
from engine.contract.model_source import PredictionsModel as PredictionsModel
from engine.contract.model_source import RandomModel as RandomModel
from engine.contract.objective import AnyObjectiveConfig as AnyObjectiveConfig
from engine.contract.objective import CPCConfig as CPCConfig
from engine.contract.objective import Data2vecConfig as Data2vecConfig
from engine.contract.objective import DinoSRConfig as DinoSRConfig
from engine.contract.objective import HuBERTConfig as HuBERTConfig
from engine.contract.objective import JEPAConfig as JEPAConfig
from engine.contract.objective import ObjectiveConfig as ObjectiveConfig
from engine.contract.page import Page
from engine.contract.pretraining import PretrainConfig as PretrainConfig
from engine.contract.pretraining import ProbeConfig as ProbeConfig
from engine.contract.recheck import RecheckConfig as RecheckConfig
from engine.contract.stress import StressConfig as StressConfig
from engine.contract.study import EstimateConfig as EstimateConfig
from engine.contract.study import StudyConfig as StudyConfig
from engine.contract.trying import TryConfig as TryConfig
from engine.contract.version import CONTRACT_VERSION
from engine.contract.version_change import VersionConfig as VersionConfig
from engine.contract.vetting import VetConfig as VetConfig


class ImportConfig(Page):
    """Read recordings from files and append them to the store."""

    kind: Literal["import"] = "import"
    contract: int = CONTRACT_VERSION
    store: str = Field(description="Folder of the store that is filled.")
    inputs: str = Field("inputs.json", description="File in the run folder that lists the paths to read.")
    dataset: str = Field("local", description="Name of the collection the recordings belong to.", max_length=60)
    workers: int = Field(0, ge=0, le=64, description="Processes that read at once; 0 takes one a core.")
    deidentify: Deidentification = Field(
        Deidentification(), description="What is removed of what identifies patients, staff, places and devices."
    )
    mapping: SignalTable | None = Field(
        None, description="What tables and arrays do not say themselves: leads, unit, rate."
    )


class VerifyConfig(Page):
    """Read the whole store and hold every recording against its checksums."""

    kind: Literal["verify"] = "verify"
    contract: int = CONTRACT_VERSION
    store: str = Field(description="Folder of the store that is read.")


class EmbedConfig(Page):
    """Compute one embedding per (model, record) and keep it in the cache."""

    kind: Literal["embed"] = "embed"
    contract: int = CONTRACT_VERSION
    store: str = ""
    model: ModelSource
    cache: str = Field("", description="Folder of cached embeddings, keyed by model hash and record.")
    keep_for: tuple[Mode, ...] = Field(
        (), description="Modes that are asked of these recordings next: what their heads are trained on is kept, too."
    )
    token_gb: float = Field(20.0, ge=0, le=100_000, description="Disk that tokens may take in the cache, in GB.")
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
    labels: tuple[str, ...] = Field((), description="Labels that all evaluations have.")
    targets: tuple[str, ...] = Field((), description="Measured numbers that all evaluations have.")
    split_id: str = ""
    resamples: int = Field(2000, ge=100, le=100_000, description="Patient-clustered bootstrap resamples.")
    confidence: float = Field(0.95, gt=0.5, lt=1)
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Start of every random draw: the same seed gives the same numbers."
    )

    margin: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Loss of AUROC that would be accepted, set before: non-inferiority is judged by it.",
    )
    confirmatory: bool = Field(
        False, description="Whether the labels were named in advance: Holm's correction, else Benjamini-Hochberg's."
    )
    cka_kernel: Literal["linear", "rbf"] = Field(
        "linear", description="Kernel that layers are compared by: linear, or Gaussian, which sees bent relations too."
    )
    cka_width: float = Field(
        0.5, gt=0, le=10, description="Width of the Gaussian kernel, as a share of the median distance."
    )

    @model_validator(mode="after")
    def _names_match(self) -> CompareConfig:
        if len(self.names) != len(self.evaluations):
            raise ValueError("names and evaluations need the same length")
        return self


AnyConfig = (
    ImportConfig
    | VerifyConfig
    | RecheckConfig
    | PretrainConfig
    | EstimateConfig
    | EfficiencyConfig
    | StudyConfig
    | EmbedConfig
    | EvaluateConfig
    | CompareConfig
    | LeakageConfig
    | StressConfig
    | DriftConfig
    | VersionConfig
    | VetConfig
    | TryConfig
)
Config = Annotated[AnyConfig, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[AnyConfig] = TypeAdapter(Config)

KINDS = (
    *("import", "verify", "recheck", "pretrain", "estimate", "efficiency", "study"),
    *("embed", "evaluate", "compare", "leakage", "stress", "drift", "version", "vet", "try"),
)
_BACKBONES = ("s4", "transformer", "net1d")


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
    """All faults of a config in one line: `field: what is wrong with it; field: ...`."""
    return complaints(error, _settings_there_are(), (*KINDS, *_BACKBONES))


def _settings_there_are() -> set[str]:
    """Names of all settings of a run, to find the one that a misspelt one was meant to be."""
    return {
        name
        for page in (*get_args(AnyConfig), *get_args(AnyObjectiveConfig), *get_args(AnyBackboneConfig), ProbeConfig)
        for name in page.model_fields
    }


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
