"""Studies and estimates as config: many pretrainings that differ in named ways, and what one of them would cost."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from engine.contract.backbone import BackboneConfig
from engine.contract.objective import ObjectiveConfig
from engine.contract.page import Page
from engine.contract.pretraining import PretrainConfig
from engine.contract.version import CONTRACT_VERSION

AxisValue = bool | str | int | float

MOST_RUNS = 2000
"""A larger grid is a slip: its table could not be read and its runs would not end."""

_NO_AXES = ("name", "store", "parent", "kind", "contract", "probe")
"""What the study itself settles for its runs."""


class EstimateConfig(Page):
    """A few warm-up steps of a pretraining, to tell its time, memory, disk and energy before it is started."""

    kind: Literal["estimate"] = "estimate"
    contract: int = CONTRACT_VERSION
    pretrain: PretrainConfig
    warmup: int = Field(5, ge=2, le=1000, description="Steps that are measured, after one that is not.")
    probe_recordings: int = Field(0, ge=0, description="Recordings of the probe's cohort; no label is opened for it.")
    probe_windows: int = Field(0, ge=0, description="Windows of a crop's length that these recordings have together.")


class StudyConfig(Page):
    """A grid of pretrainings with one manifest.

    `axes` maps what varies to its values. An axis is "backbone" or "objective" (values name an entry of `backbones` or
    `objectives`), "records" (number of training recordings, 0 for all), or any field of a pretraining's config, dotted
    ("learning_rate", "backbone.width", "window_s", "objective.fidelity", "seed"). An axis "corpus" takes the training
    recordings of one collection, by the names in the corpora.csv of the run folder (record_id, corpus). An axis "start"
    goes on from base.parent ("continued") or takes random weights ("fresh").
    """

    kind: Literal["study"] = "study"
    contract: int = CONTRACT_VERSION
    name: str = Field("study", min_length=1, max_length=60, description="Name of the study.")
    store: str = Field("", description="Folder of the store that is read.")
    base: dict[str, Any] = Field({}, description="Fields of the pretraining config that all runs share.")
    backbones: dict[str, BackboneConfig] = Field({}, description="Backbones by the name that the axis uses.")
    objectives: dict[str, ObjectiveConfig] = Field({}, description="Objectives by the name that the axis uses.")
    axes: dict[str, Annotated[tuple[AxisValue, ...], Field(min_length=1)]] = Field(
        min_length=1, description="What varies, and its values."
    )
    layout: Literal["nested", "partitions"] = Field(
        "nested", description="Smaller data sizes are parts of the larger ones, or, as published, different recordings."
    )
    budget: Literal["steps", "epochs"] = Field("steps", description="Every run as many steps, or as many epochs.")
    epochs: float = Field(10.0, gt=0, le=100_000, description="Epochs of each run, with budget = epochs.")
    directions: Literal["by_objective", "as_named"] = Field(
        "by_objective",
        description="CPC gets each backbone's causal variant, the others the bidirectional one; or all as named.",
    )
    released_signal: bool = Field(
        True, description="As an axis, as released also means the released normalisation (CPC has none)."
    )
    subset_seed: int = Field(0, ge=0, le=2**31 - 1, description="Which patients the smaller data sizes take.")
    parallel: int = Field(0, ge=0, le=64, description="Runs beside each other; 0 is one a GPU, one without a GPU.")
    refused: Literal["skip", "fail"] = Field("skip", description="What to do with a pair that cannot work.")

    @model_validator(mode="after")
    def _axes_name_entries(self) -> StudyConfig:
        for axis, known in (("backbone", self.backbones), ("objective", self.objectives)):
            unknown = [str(v) for v in self.axes.get(axis, ()) if v not in known]
            if unknown:
                raise ValueError(f"axes.{axis}: {', '.join(unknown)} is not among [{axis}s.NAME] of the study")
        return self

    @model_validator(mode="after")
    def _grid_can_be_run(self) -> StudyConfig:
        for axis, values in self.axes.items():
            if axis.split(".")[0] in _NO_AXES:
                raise ValueError(f"axes.{axis}: the study settles it for all runs, so it cannot vary")
            twice = [str(value) for number, value in enumerate(values) if value in values[:number]]
            if twice:
                raise ValueError(f"axes.{axis}: {', '.join(twice)} stands there twice")
        runs = prod(len(values) for values in self.axes.values())
        if runs > MOST_RUNS:
            raise ValueError(f"its axes make {runs:,} runs, and a study has at most {MOST_RUNS:,}")
        return self
