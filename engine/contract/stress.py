"""The pages of the stress bench: what is broken on purpose, and what that does to a model's AUROC."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.estimate import Estimate, Model
from engine.contract.model_source import NetworkModel
from engine.contract.page import Page
from engine.contract.version import CONTRACT_VERSION


class StressConfig(Page):
    """Break the test recordings on purpose and see what a model still tells apart.

    A linear probe is fitted on whole recordings; a vendor's own outputs are taken as they are.
    """

    kind: Literal["stress"] = "stress"
    contract: int = CONTRACT_VERSION
    store: str = ""
    model: NetworkModel
    labels: tuple[str, ...] = Field(min_length=1, description="Labels to predict.")
    faults: tuple[str, ...] = Field(
        (), description='Faults or groups of them, by name, a fault at some severities as "low_pass=40,25"; empty: all.'
    )
    mode: Literal["linear", "own"] = Field(
        "linear", description="What answers: a linear probe on the model's embedding, or a vendor's own outputs."
    )
    classes: dict[str, str] = Field(
        {}, description="By label: the class of the model's own outputs that answers it, where names differ."
    )
    margin: float = Field(0.05, gt=0, lt=0.5, description="Loss of macro AUROC that counts as broken.")
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


class LabelStress(Model):
    """One label under one fault."""

    label: str
    auroc: Estimate
    change: Estimate = Field(description="AUROC under the fault minus AUROC without it, on common resamples.")


class StressLevel(Model):
    """One severity of a fault."""

    severity: float
    macro: Estimate
    change: Estimate = Field(description="Macro AUROC under the fault minus that without it, on common resamples.")
    labels: list[LabelStress]


class BreakingPoint(Model):
    """Where in a sweep a model breaks: loses `margin` of its AUROC or more.

    `broken` and the ends of its interval are severities that were tried, never something between two. Where the
    interval is open, more than its tail of the resamples do not break at all within the sweep.
    """

    margin: float
    broken: float | None = Field(description="Mildest severity that loses the margin; None when none does.")
    low: float | None = Field(description="Mild end of the interval.")
    high: float | None = Field(description="Severe end of the interval; None: beyond the sweep.")
    confidence: float
    unbroken_share: float = Field(description="Share of the resamples that do not break within the sweep.")
    held: float | None = Field(
        description="Severest tried severity up to which the interval of the change excludes a loss of the margin;"
        " None when not even the mildest does."
    )
    resamples: int
    not_estimable: str = ""


class StressSweep(Model):
    """One fault over its severities, mildest first."""

    name: str
    group: str
    title: str
    unit: str
    note: str = ""
    levels: list[StressLevel]
    breaking: BreakingPoint | None = Field(None, description="None for a fault of a single severity.")


class StressResults(Model):
    """Outcome of a stress bench: one evaluated model, its probe unchanged, its test recordings broken on purpose."""

    kind: Literal["stress"] = "stress"
    model: str
    model_sha256: str
    mode: str
    clean: Estimate = Field(description="Macro AUROC of the recordings as they are.")
    sweeps: list[StressSweep]
    split_id: str
    test_sha256: str
    records: int
    patients: int
    refused: int = Field(0, description="Recordings that the model cannot take; the same ones under every fault.")
    notes: list[str] = Field([], description="What a reader must know beside the numbers.")
    seed: int
    resamples: int
    seconds: float
