"""The worker of an efficiency run: what a model takes to embed crops, each batch size in a process of its own.

A process of its own, since memory that an earlier batch gave back would hide what the next one takes, and since a batch
that the system ends for its memory must not take the run with it. Models run as they do when they embed: prepared for
inference, by compiled loops where those are.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import torch

from engine.backbones.base import count_parameters, count_trainable
from engine.backbones.fused import Encoder, for_inference
from engine.contract.config import NativeModel, RandomModel
from engine.contract.efficiency import BatchCost, EfficiencyConfig, EfficiencyResults
from engine.contract.errors import UsageError
from engine.contract.events import EventWriter, Progress
from engine.contract.model_source import ExternalModel
from engine.contract.run import RunFolder, Stopped
from engine.estimate import external_cost, memory
from engine.estimate.call_times import WARM_CALLS, timed
from engine.estimate.energy import KWH_PER_JOULE, EnergyMeter
from engine.estimate.flops import flops_of
from engine.estimate.rehearsal import forget_peak, peak
from engine.training.device import pick_device, set_threads
from engine.training.faults import is_out_of_memory
from engine.zoo.native import LoadedModel, load_model

NOTE = "Time, memory and energy are of this machine at this hour: other work on it moves them"
POLL_S = 0.25


def run(folder: RunFolder, config: EfficiencyConfig, events: EventWriter) -> EfficiencyResults:
    """Measure a model.

    Raises:
        Stopped: somebody asked.
        UsageError: the model is no network.
        WorldError: the model is missing or damaged, or there is no such device.
    """
    began = time.monotonic()
    source = config.model
    if not isinstance(source, NativeModel | RandomModel | ExternalModel):
        raise UsageError(f"model {source.name}", "it has no layers to measure", "Choose a network")
    asked = [(device, batch) for device in _devices(config) for batch in config.batches]
    counts = _counted_external(source) if isinstance(source, ExternalModel) else _counted(source)
    costs, notes = [], [NOTE]
    for done, (device, batch) in enumerate(asked):
        events.emit(Progress(done=done, total=len(asked), unit="batch sizes", message=f"{device}, {batch} at a time"))
        cost, told = _isolated(folder, config, device, batch)
        costs.append(cost)
        notes += [note for note in told if note not in notes]
    events.emit(Progress(done=len(asked), total=len(asked), unit="batch sizes", message="measured"))
    return EfficiencyResults(
        model=source.name, **counts, costs=costs, notes=notes, seconds=round(time.monotonic() - began, 3)
    )


def _devices(config: EfficiencyConfig) -> Sequence[str]:
    """Where it is measured: what is somebody else's, on the processor alone."""
    there = not isinstance(config.model, ExternalModel) and torch.cuda.is_available()
    devices = config.devices or (("cpu", "cuda") if there else ("cpu",))
    for device in devices:
        pick_device(device)
    return devices


def _counted(source: NativeModel | RandomModel) -> dict[str, Any]:
    """What is told of a network of our own before anything is timed."""
    model = load_model(source)
    samples = samples_of(model)
    return {
        "model_sha256": model.sha256,
        "backbone": model.backbone.summary,
        "crop_s": model.preprocessing.window_s,
        "rate_hz": model.preprocessing.rate_hz,
        "tokens": model.backbone.tokens(samples),
        "parameters": count_parameters(model.module),
        "trainable": count_trainable(model.module),
        "flops": flops_of(model.module, samples),
    }


def _counted_external(source: ExternalModel) -> dict[str, Any]:
    """What its file and card tell."""
    parameters, products = external_cost.counts_of(source)
    return {
        "model_sha256": source.sha256,
        "backbone": external_cost.words_of(source),
        "crop_s": source.preprocessing.window_s,
        "rate_hz": source.preprocessing.rate_hz,
        "parameters": parameters,
        "products": products,
    }


def samples_of(model: LoadedModel) -> int:
    """Samples of a crop that the model takes."""
    return round(model.preprocessing.window_s * model.preprocessing.rate_hz)


def _isolated(folder: RunFolder, config: EfficiencyConfig, device: str, batch: int) -> tuple[BatchCost, list[str]]:
    """A batch size, and notes, of a fresh process, which is ended when somebody asks to stop."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, config.model_dump_json(), device, batch), daemon=True)
    process.start()
    theirs.close()
    try:
        while not ours.poll(POLL_S):
            if folder.stop_asked():
                raise Stopped
        told, notes = ours.recv()
        return BatchCost.model_validate_json(told), notes
    except EOFError:
        process.join()
        reason = f"the system ended the process (exit code {process.exitcode}), most likely for its memory"
        return BatchCost(device=device, device_name="", threads=config.threads, batch=batch, problem=reason), []
    finally:
        process.kill()
        process.join()
        ours.close()


def _child(pipe: Connection, config_json: str, device: str, batch: int) -> None:
    cost, notes = measured(EfficiencyConfig.model_validate_json(config_json), device, batch)
    pipe.send((cost.model_dump_json(), notes))


def measured(config: EfficiencyConfig, device_name: str, batch: int) -> tuple[BatchCost, list[str]]:
    """What a batch size takes, in this process, and what was found meanwhile."""
    assert isinstance(config.model, NativeModel | RandomModel | ExternalModel)
    threads, device = set_threads(config.threads), pick_device(device_name)
    cost = BatchCost(device=device.type, device_name=named(device), threads=threads, batch=batch)
    if isinstance(config.model, ExternalModel):
        return external_cost.measured(config.model, cost, config.seconds)
    before = memory.resident_bytes()
    forget_peak(device)
    try:
        model = load_model(config.model)
        with torch.inference_mode():
            return cost.model_copy(update=_timed(config, model, device, threads, batch, before)), []
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return cost.model_copy(update={"problem": "the device has too little memory for this batch"}), []


def named(device: torch.device) -> str:
    """The device as people know it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _timed(
    config: EfficiencyConfig, model: LoadedModel, device: torch.device, threads: int, batch: int, before: int
) -> dict[str, object]:
    encode = for_inference(model.module.to(device))
    generator = torch.Generator().manual_seed(0)
    x_BCT = torch.randn(batch, 12, samples_of(model), generator=generator).to(device)
    for _ in range(WARM_CALLS):
        _call(encode, x_BCT)
    meter, worked = EnergyMeter(device, threads), time.process_time()
    times = timed(lambda: _call(encode, x_BCT), config.seconds)
    core_seconds = time.process_time() - worked
    joules, source = meter.spent(times.seconds, core_seconds)
    crops = batch * len(times.each)
    on_gpu = device.type == "cuda"
    return {
        **times.told(batch),
        "core_ms": 1e3 * core_seconds / len(times.each),
        "memory_bytes": peak(device) if on_gpu else max(0, peak(device) - before),
        "memory_source": "tensors on the GPU" if on_gpu else "the process with the model, beyond torch itself",
        "watts": joules / times.seconds,
        "kwh_per_million_crops": 1e6 * joules / crops * KWH_PER_JOULE,
        "energy_source": source,
    }


def _call(encode: Encoder, x_BCT: torch.Tensor) -> None:
    """One pass with its result at hand: reading a value waits for the device."""
    encode(x_BCT).tokens_BLD[0, 0, 0].item()
