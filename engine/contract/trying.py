"""The pages of a trial: one recording, what an external model was fed of it, and what it said."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.card import OutputKind
from engine.contract.estimate import Model
from engine.contract.model_source import ExternalModel
from engine.contract.output_types import OutputType
from engine.contract.page import Page
from engine.contract.version import CONTRACT_VERSION

SEEN = "seen.npz"
"""File of a trial's run folder: `x`, the windows as they were fed, float32 [windows, leads of the card, samples]."""


class TryConfig(Page):
    """Show one recording to an external model."""

    kind: Literal["try"] = "try"
    contract: int = CONTRACT_VERSION
    store: str = ""
    model: ExternalModel
    batch_size: int = Field(64, ge=1, le=4096)
    threads: int = Field(0, ge=0, le=256)


class TriedOutput(Model):
    """What one output said; None where it gave no number."""

    name: str
    kind: OutputKind
    judged_as: OutputType
    classes: list[str] = Field(description="Empty for an embedding, which is told by its width alone.")
    width: int
    values: list[float | None] = Field([], description="Of the recording, one a class, as every evaluation takes them.")
    windows: list[list[float | None]] = Field([], description="Of each window, one a class.")


class TryResults(Model):
    """Outcome of a trial."""

    kind: Literal["try"] = "try"
    model: str
    model_sha256: str
    record_id: str
    refused: str = Field("", description="Why the model cannot be fed this recording; empty when it can.")
    leads: list[str]
    rate_hz: float
    units: str = Field(description="Of what was fed, before a normalisation that has none.")
    window_s: float
    starts_s: list[float] = Field([], description="Where each window begins in the recording.")
    outputs: list[TriedOutput] = Field([])
    notes: list[str] = Field([])
    seconds: float
