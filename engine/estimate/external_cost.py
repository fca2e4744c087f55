"""What a model of somebody else's takes: time through the sandbox's door, and processor and memory behind it.

The time is that of use: windows go to the process that is shut in, and outputs come back. Parameters are what the file
tells. Operations are counted where the network is built here from its weights: the products of a forward pass, which
torch's counter gets right.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from engine.contract.card import Preprocessing
from engine.contract.efficiency import BatchCost
from engine.contract.errors import WorldError
from engine.contract.model_source import ExternalModel
from engine.estimate import memory
from engine.estimate.call_times import WARM_CALLS, timed
from engine.estimate.energy import KWH_PER_JOULE, EnergyMeter
from engine.zoo.external import LoadedExternal, Runner, load_external
from engine.zoo.sandbox_runner import SandboxRunner
from engine.zoo.taken import Taken

FORMATS = {
    "onnx": "ONNX graph",
    "torchscript": "TorchScript program",
    "pt2": "torch.export program",
    "command": "program",
    "endpoint": "service on this machine",
}
NO_GPU = "a model of somebody else's runs on the processor here"


def words_of(source: ExternalModel) -> str:
    """What it is, as printed."""
    return source.architecture if source.format == "safetensors" else FORMATS[source.format]


def counts_of(source: ExternalModel) -> tuple[int | None, int | None]:
    """Parameters, and the products of a forward pass of one window; each None where it cannot be told.

    Raises:
        WorldError: the model cannot be loaded, or does not run.
    """
    with _started(source, 1) as (model, runner):
        if source.format != "safetensors":
            return runner.parameters, None
        assert model.layer_widths  # its own first calls are not to be counted
        with FlopCounterMode(display=False) as counter:
            model.of_windows(noise(source.preprocessing, 1), 1)
        return runner.parameters, counter.get_total_flops()


def measured(source: ExternalModel, cost: BatchCost, seconds: float) -> tuple[BatchCost, list[str]]:
    """What a batch size takes, and what was found while it ran; in this process, which loads nothing else.

    Args:
        source: the model.
        cost: device, threads and batch; a GPU is not measured.
        seconds: how long at least.
    """
    if cost.device == "cuda":
        return cost.model_copy(update={"problem": NO_GPU}), []
    notes: list[str] = []
    try:
        with _started(source, cost.threads) as (model, runner):
            told = _timed(source, model, runner, cost, seconds)
            notes = list(model.notes)
    except WorldError as error:
        told = {"problem": error.reason}
    return cost.model_copy(update=told), notes


def _timed(
    source: ExternalModel, model: LoadedExternal, runner: Runner, cost: BatchCost, seconds: float
) -> dict[str, object]:
    x_NCT, base = noise(source.preprocessing, cost.batch), memory.resident_bytes()
    memory.forget_peak()
    for _ in range(WARM_CALLS):
        model.of_windows(x_NCT, cost.batch)
    before, meter = _taken(runner, base), EnergyMeter(torch.device("cpu"), cost.threads)
    times = timed(lambda: _call(model, x_NCT), seconds)
    after, told = _taken(runner, base), times.told(cost.batch)
    if before is None or after is None:
        return told
    core_s, crops = after.cpu_s - before.cpu_s, cost.batch * len(times.each)
    joules, counter = meter.spent(times.seconds, core_s)
    return told | {
        "core_ms": 1e3 * core_s / len(times.each),
        "memory_bytes": after.peak_bytes,
        "memory_source": after.words,
        "watts": joules / times.seconds,
        "kwh_per_million_crops": 1e6 * joules / crops * KWH_PER_JOULE,
        "energy_source": counter,
    }


def noise(feed: Preprocessing, windows: int) -> NDArray[np.float32]:
    """Noise of half a millivolt's size in the shape that a model takes, [N, C, T]; the same in every run."""
    shape = (windows, len(feed.leads), feed.samples)
    return np.random.default_rng(0).normal(0, 0.5, shape).astype(np.float32)


def _call(model: LoadedExternal, x_NCT: NDArray[np.float32]) -> None:
    model.of_windows(x_NCT, len(x_NCT))


def _taken(runner: Runner, base: int) -> Taken | None:
    """Of the sandbox's process, or of this one where the network is built here, beyond what it held without input."""
    if isinstance(runner, SandboxRunner):
        return runner.taken()
    return Taken(time.process_time(), max(0, memory.peak_bytes() - base), "this process, beyond torch and the weights")


@contextmanager
def _started(source: ExternalModel, threads: int) -> Iterator[tuple[LoadedExternal, Runner]]:
    """The model with the runner that it is asked through, which is closed at the end."""
    model = load_external(source, threads)
    runner = model.start()
    with replace(model, start=lambda: runner).opened() as held:
        try:
            yield held, runner
        finally:
            runner.close()
