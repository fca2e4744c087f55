"""Pretraining as config: objective, backbone, signal, loop, machine (method specification, sections 1.2 and 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from engine.contract.backbone import BackboneConfig, S4Config
from engine.contract.errors import WorldError
from engine.contract.objective import CPCConfig, JEPAConfig, ObjectiveConfig, SpanMasked
from engine.contract.page import Page
from engine.contract.version import CONTRACT_VERSION

Normalisation = Literal["none", "ptbxl", "ptbxl_as_released"]
SEED_TEXT = "Start of every random draw: the same seed gives the same numbers."


class ProbeConfig(Page):
    """A linear probe on a labelled cohort while the model learns, and before and after it."""

    every: int = Field(0, ge=0, description="Steps between probes; 0 probes at the first and the last step only.")
    cohort: str = Field("", max_length=60, description="Name of the labelled cohort.")
    labels: tuple[str, ...] = Field((), description="Labels to predict; none takes all that the cohort has.")
    folds: bool = Field(True, description="Score out of fold; otherwise fit on train, score on test.")


def too_few_records(records: int, batch_size: int) -> WorldError:
    """What is told of a corpus that does not fill a batch; `records` are those to train on that can be used."""
    return WorldError(
        "pretraining",
        f"{records} training records are fewer than a batch of {batch_size}",
        f"Set batch_size to {records} or less, or choose a larger cohort"
        if records
        else "Choose a cohort with training records that are long enough",
        fault="too_few_records",
    )


class PretrainConfig(Page):
    """Pretrain a backbone on recordings of the store, without labels."""

    kind: Literal["pretrain"] = "pretrain"
    contract: int = CONTRACT_VERSION
    name: str = Field("pretraining", min_length=1, max_length=60, description="Name of the model that this makes.")
    store: str = Field("", description="Folder of the store that is read.")
    parent: str = Field("", description="Checkpoint that is gone on from; none starts fresh.")
    backbone: BackboneConfig = Field(default_factory=S4Config)
    objective: ObjectiveConfig = Field(default_factory=CPCConfig)
    rate_hz: float = Field(240.0, gt=0, le=2000, description="Sampling rate that the model sees.")
    window_s: float = Field(2.5, gt=0, le=60, description="Length of a training crop.")
    clip_mv: float = Field(3.0, gt=0, le=100, description="Signals are clipped to plus or minus this many millivolts.")
    resample: Literal["crop", "once"] = Field(
        "crop",
        description="Each crop as it is read, as the study does, or whole recordings once before the first step, kept "
        "beside the store.",
    )
    normalisation: Normalisation = Field(
        "none", description="Millivolts as they are, or z-scores by PTB-XL's statistics; as released in a wrong order."
    )
    batch_size: int = Field(64, ge=1, le=65_536, description="Crops per optimiser step, over all devices.")
    accumulate: int = Field(1, ge=1, le=1024, description="Parts that a batch is computed in, to save memory.")
    steps: int = Field(2000, ge=1, le=10_000_000, description="Optimiser steps.")
    learning_rate: float = Field(3e-3, gt=0, le=1, description="Rate of the objective's head.")
    backbone_factor: float = Field(0.1, ge=0, le=10, description="Backbone rate as a share of the head's.")
    stem_factor: float = Field(0.01, ge=0, le=10, description="Stem rate as a share of the head's.")
    dynamics_factor: float = Field(
        0.01, ge=0, le=10, description="Rate of trained S4 dynamics as a share of the head's."
    )
    schedule: Literal["constant", "cosine"] = Field("constant", description="How the rates go after the warm-up.")
    warmup_steps: int = Field(0, ge=0, le=1_000_000, description="Steps over which the rates rise from zero.")
    final_rate: float = Field(0.0, ge=0, le=1, description="Where the cosine ends, as a share of the full rate.")
    weight_decay: float = Field(1e-3, ge=0, le=1, description="Pull of the weights towards zero at each step.")
    dynamics_decay: float = Field(
        0.0, ge=0, le=1, description="The same pull on trained S4 dynamics; the authors of S4 leave it off."
    )
    clip_norm: float = Field(0.0, ge=0, le=1e6, description="Longest gradient; a longer one is shortened. 0 is off.")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="Numbers of the matrix products.")
    validation_fraction: float = Field(0.1, ge=0, lt=0.9, description="Share of patients held out to watch the loss.")
    evaluate_every: int = Field(200, ge=1, description="Steps between looks at the held-out loss.")
    early_stop: int = Field(
        0, ge=0, le=10_000, description="Looks without a better held-out loss until it ends. 0 is off."
    )
    early_stop_keeps: Literal["best", "last"] = Field(
        "best", description="With an early stop, the result: the weights of the best held-out loss, or the last ones."
    )
    probe: ProbeConfig | None = Field(None, description="A linear probe on a labelled cohort along the way.")
    checkpoint_every: int = Field(200, ge=1, description="Steps between checkpoints.")
    keep_checkpoints: int = Field(2, ge=1, le=100, description="How many of the newest checkpoints are kept.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description=SEED_TEXT)
    threads: int = Field(0, ge=0, le=256, description="CPU threads; 0 leaves one core for the window.")
    loaders: int = Field(0, ge=0, le=64, description="Processes that read crops ahead; 0 reads them in a thread.")
    ranks: int = Field(1, ge=1, le=1024, description="Processes that share each batch, one a GPU.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where it runs.")

    def beside(self, folder: Path) -> PretrainConfig:
        """The config with store and parent absolute: in a folder that may be moved they are told relative to it."""
        places = {name: value for name in ("store", "parent") if (value := getattr(self, name))}
        return self.model_copy(update={name: str(folder.resolve() / value) for name, value in places.items()})

    @property
    def samples(self) -> int:
        """Samples of a crop."""
        return round(self.window_s * self.rate_hz)

    @property
    def leaks(self) -> bool:
        """Whether the backbone sees what the objective asks it to predict."""
        return self.objective.name == "cpc" and not self.backbone.causal

    @property
    def keeps_best(self) -> bool:
        """Whether the weights of the best held-out loss are the result."""
        return self.early_stop > 0 and self.early_stop_keeps == "best"

    @property
    def cautions(self) -> list[str]:
        """What is allowed and hardly meant, in a sentence each."""
        if self.warmup_steps <= self.steps:
            return []
        share = f"{self.steps / self.warmup_steps:.0%}"
        more = f"warmup_steps = {self.warmup_steps:,} is more than steps = {self.steps:,}"
        return [f"{more}: the learning rates never reach more than {share} of what is set."]

    @model_validator(mode="after")
    def _pair_can_work(self) -> PretrainConfig:
        if self.leaks and self.objective.fidelity == "intended":
            raise ValueError(
                "CPC needs a causal backbone: one that sees the future can copy the answer. Set backbone.causal = true"
            )
        tokens, needed = self.backbone.tokens(self.samples), self.objective.least_tokens
        if tokens < needed:
            raise ValueError(
                f"a crop of {self.window_s:g} s gives {tokens} tokens, {self.objective.name} needs {needed}"
            )
        return self

    @model_validator(mode="after")
    def _targets_can_be_made(self) -> PretrainConfig:
        if self.objective.name in ("data2vec", "dinosr") and self.objective.top_layers > self.backbone.wide_blocks:
            raise ValueError(
                f"top_layers = {self.objective.top_layers}, but the backbone has {self.backbone.wide_blocks} blocks of "
                "full width to make targets of"
            )
        return self

    @model_validator(mode="after")
    def _context_can_be_shown(self) -> PretrainConfig:
        tokens = self.backbone.tokens(self.samples)
        if isinstance(self.objective, JEPAConfig) and self.objective.least_context > tokens:
            raise ValueError(
                f"objective.least_context = {self.objective.least_context}, but a crop of {self.window_s:g} s has "
                f"{tokens} tokens. Set it lower, or a longer window_s"
            )
        return self

    @model_validator(mode="after")
    def _something_is_masked(self) -> PretrainConfig:
        if isinstance(self.objective, SpanMasked):
            spans = self.batch_size * self.backbone.tokens(self.samples) * self.objective.midpoint_probability
            if spans < 1:
                raise ValueError(f"a batch would have {spans:.2g} masked spans. Set objective.mask_probability higher")
        return self

    @model_validator(mode="after")
    def _early_stop_has_a_loss_to_watch(self) -> PretrainConfig:
        if self.early_stop and not self.validation_fraction:
            raise ValueError(
                "early_stop watches the held-out loss, and validation_fraction = 0 holds nothing out. Set one of them"
            )
        return self

    @model_validator(mode="after")
    def _batch_can_be_split(self) -> PretrainConfig:
        parts = self.accumulate * self.ranks
        if self.batch_size % parts:
            raise ValueError(
                f"a batch of {self.batch_size} cannot be split into {self.ranks} ranks times {self.accumulate} parts"
            )
        return self
