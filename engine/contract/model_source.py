"""Where the model of a run comes from: a checkpoint, random weights, a vendor, age and sex, or scores of others."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from engine.contract.backbone import BackboneConfig
from engine.contract.card import ModelFormat, Output, Preprocessing
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


AnswerKind = Literal["probability", "score", "flag", "category"]
"""What an answer is; a category counts as a flag, once somebody has signed which label it means."""


class PredictionsModel(Page):
    """Scores that somebody else computed: no model, no probe, only statistics."""

    source: Literal["predictions"] = "predictions"
    name: str
    file: str = Field(
        description="predictions.npz made by the app: record_id, label, score; or record_id, labels, scores [N, L]."
    )
    output: AnswerKind = Field(
        "score", description="What somebody says that the answers are: what is told of them follows from it."
    )
    outputs: dict[str, AnswerKind] = Field({}, description="By label, where its answers are something else.")

    def kind_of(self, label: str) -> AnswerKind:
        """What the answers of a label are."""
        return self.outputs.get(label, self.output)


class ExternalModel(Page):
    """A network or program of somebody else's; whatever of it is code runs in the sandbox alone."""

    source: Literal["external"] = "external"
    name: str
    format: ModelFormat
    folder: str = Field("", description="Folder that holds its files and nothing else; read by hash, never written.")
    entry: str = Field("", description="The file that is loaded; what else stands in the folder belongs to it.")
    files: dict[str, str] = Field({}, description="sha256 of each file, by its name: held against what is loaded.")
    architecture: str = Field("", description="Of format 'safetensors': which network the weights belong to.")
    command: tuple[str, ...] = Field((), description="Of format 'command': program and arguments.")
    address: str = Field("", description="Of format 'endpoint': an http address on this machine.")
    sha256: str = Field(description="Of its files; of its address or command where it has none.")
    preprocessing: Preprocessing
    outputs: tuple[Output, ...] = Field(min_length=1)
    allow_incomplete: bool = Field(
        False, description="Whether somebody agreed to run it where the sandbox cannot isolate it fully."
    )

    @property
    def identity(self) -> str:
        """Hash of all that its numbers follow from beside what it is fed: files, network, and how outputs are read."""
        read = "\n".join(output.model_dump_json() for output in self.outputs)
        return hashlib.sha256(f"{self.sha256}\n{self.architecture}\n{read}".encode()).hexdigest()


NetworkModel = Annotated[NativeModel | RandomModel | ExternalModel, Field(discriminator="source")]
"""What turns recordings into features."""

ModelSource = Annotated[
    NativeModel | RandomModel | ExternalModel | BaselineModel | PredictionsModel, Field(discriminator="source")
]
