"""What a model costs: the run that measures it, and its table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.contract.estimate import Model
from engine.contract.model_source import ModelSource
from engine.contract.page import Page
from engine.contract.version import CONTRACT_VERSION


class EfficiencyConfig(Page):
    """Measure what a model takes: parameters, FLOPs, time, memory and energy of embedding crops."""

    kind: Literal["efficiency"] = "efficiency"
    contract: int = CONTRACT_VERSION
    store: str = ""
    model: ModelSource
    devices: tuple[Literal["cpu", "cuda"], ...] = Field(
        (), description="Where it is measured; empty: the processor, and the GPU where there is one."
    )
    batches: tuple[int, ...] = Field((1, 64), min_length=1, max_length=8, description="Crops at a time.")
    seconds: float = Field(5.0, gt=0, le=600, description="How long each batch size is measured at least.")
    threads: int = Field(0, ge=0, le=256, description="Processor threads; 0 leaves one core for the window.")


class Flops(Model):
    """Floating-point operations of one crop, two for each multiply-add of a matrix product.

    The counter's figures are those of `torch.utils.flop_counter`, which sees no Fourier transforms and takes the weight
    gradient of a grouped convolution for that of a dense one.
    """

    forward: int = Field(description="Products and fast convolutions of a forward pass.")
    forward_backward: int = Field(description="The same of a training pass.")
    products_forward: int = Field(description="Products alone, as figures are published.")
    products_forward_backward: int
    counter_forward: int
    counter_forward_backward: int
    note: str = Field("", description="Why the counter says something else; empty when it does not.")


class BatchCost(Model):
    """What a batch size takes on a device, measured in a process of its own."""

    device: Literal["cpu", "cuda"]
    device_name: str
    threads: int
    batch: int
    calls: int = 0
    p50_ms: float | None = Field(None, description="Half of the calls are as fast.")
    p95_ms: float | None = Field(None, description="Of 20 calls 19 are as fast; None with fewer than 20 calls.")
    core_ms: float | None = Field(
        None, description="Processor time of a call over all cores, which waiting for other work does not lengthen."
    )
    crops_per_s: float | None = None
    memory_bytes: int | None = Field(None, description="The most that was taken at a time.")
    memory_source: str = ""
    kwh_per_million_crops: float | None = None
    watts: float | None = None
    energy_source: str = Field("", description="The counter it was read from, or what was assumed.")
    problem: str = Field("", description="Why nothing was measured; empty when it was.")


class EfficiencyResults(Model):
    """A model's table of costs."""

    kind: Literal["efficiency"] = "efficiency"
    model: str
    model_sha256: str
    backbone: str
    crop_s: float
    rate_hz: float
    tokens: int | None = Field(None, description="None of a model of somebody else's.")
    parameters: int | None = Field(None, description="None where a model's file does not tell.")
    trainable: int | None = Field(None, description="None of a model of somebody else's.")
    flops: Flops | None = Field(None, description="None of a model of somebody else's.")
    products: int | None = Field(
        None,
        description="Operations in the products of a forward pass of one crop, by torch's counter: of a model of"
        " somebody else's that is built here from its weights.",
    )
    costs: list[BatchCost]
    notes: list[str] = Field([])
    seconds: float
