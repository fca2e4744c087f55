"""Where the model of a run comes from: a checkpoint, random weights, age and sex, or scores that somebody supplied."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.contract.backbone import BackboneConfig
from engine.contract.page import Page


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


BaselineFeature = Literal["age", "sex", "measurements"]


class BaselineModel(Page):
    """What is known without a model: age and sex, and what the cart itself measured. The humble comparator."""

    source: Literal["baseline"] = "baseline"
    name: str
    features: tuple[BaselineFeature, ...] = ("age", "sex")


class PredictionsModel(Page):
    """Scores that somebody else computed: no model, no probe, only statistics."""

    source: Literal["predictions"] = "predictions"
    name: str
    file: str = Field(description="predictions.npz made by the app: record_id, label, score.")
    output: Literal["probability", "score"] = Field(
        "score",
        description="Whether somebody says that the scores are probabilities: calibration is told of these alone.",
    )


ModelSource = Annotated[NativeModel | RandomModel | BaselineModel | PredictionsModel, Field(discriminator="source")]
