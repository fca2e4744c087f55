"""The worker of an efficiency run: what a model takes to embed crops, each batch size in a process of its own.

A process of its own, since memory that an earlier batch gave back would hide what the next one takes, and since a batch
that the system ends for its memory must not take the run with it. Models run as they do when they embed: prepared for
inference, by compiled loops where those are.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection

import numpy as np
import torch

from engine.backbones.base import count_parameters, count_trainable
from engine.backbones.fused import Encoder, for_inference
from engine.contract.config import NativeModel, RandomModel
from engine.contract.efficiency import BatchCost, EfficiencyConfig, EfficiencyResults
from engine.contract.errors import UsageError
from engine.contract.events import EventWriter, Progress
from engine.contract.run import RunFolder, Stopped
from engine.estimate import memory
from engine.estimate.energy import ASSUMED, WATTS_PER_CORE, EnergyMeter
from engine.estimate.flops import flops_of
from engine.estimate.rehearsal import forget_peak, peak
from engine.training.device import pick_device, set_threads
from engine.training.faults import is_out_of_memory
from engine.zoo.native import LoadedModel, load_model

WARM_CALLS, LEAST_CALLS, MOST_CALLS = 2, 5, 20_000
CALLS_FOR_P95 = 20
POLL_S = 0.25
KWH_PER_JOULE = 1 / 3.6e6


def run(folder: RunFolder, config: EfficiencyConfig, events: EventWriter) -> EfficiencyResults:
    """Measure a model.

    Raises:
        Stopped: somebody asked.
        UsageError: the model is no network.
        WorldError: the model is missing or damaged, or there is no such device.
    """
    began = time.monotonic()
    if not isinstance(config.model, NativeModel | RandomModel):
        raise UsageError(f"model {config.model.name}", "it has no layers to measure", "Choose a network")
    devices = config.devices or (("cpu", "cuda") if torch.cuda.is_available() else ("cpu",))
    for device in devices:
        pick_device(device)
    asked = [(device, batch) for device in devices for batch in config.batches]
    model = load_model(config.model)
    samples = samples_of(model)
    flops = flops_of(model.module, samples)
    costs = []
    for done, (device, batch) in enumerate(asked):
        events.emit(Progress(done=done, total=len(asked), unit="batch sizes", message=f"{device}, {batch} at a time"))
        costs.append(_isolated(folder, config, device, batch))
    events.emit(Progress(done=len(asked), total=len(asked), unit="batch sizes", message="measured"))
    return EfficiencyResults(
        model=config.model.name,
        model_sha256=model.sha256,
        backbone=model.backbone.summary,
        crop_s=model.preprocessing.window_s,
        rate_hz=model.preprocessing.rate_hz,
        tokens=model.backbone.tokens(samples),
        parameters=count_parameters(model.module),
        trainable=count_trainable(model.module),
        flops=flops,
        costs=costs,
        notes=["Time, memory and energy are of this machine at this hour: other work on it moves them"],
        seconds=round(time.monotonic() - began, 3),
    )


def samples_of(model: LoadedModel) -> int:
    """Samples of a crop that the model takes."""
    return round(model.preprocessing.window_s * model.preprocessing.rate_hz)


def _isolated(folder: RunFolder, config: EfficiencyConfig, device: str, batch: int) -> BatchCost:
    """A batch size in a fresh process, which is ended when somebody asks to stop."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, config.model_dump_json(), device, batch), daemon=True)
    process.start()
    theirs.close()
    try:
        while not ours.poll(POLL_S):
            if folder.stop_asked():
                raise Stopped
        return BatchCost.model_validate_json(ours.recv())
    except EOFError:
        process.join()
        reason = f"the system ended the process (exit code {process.exitcode}), most likely for its memory"
        return BatchCost(device=device, device_name="", threads=config.threads, batch=batch, problem=reason)
    finally:
        process.kill()
        process.join()
        ours.close()


def _child(pipe: Connection, config_json: str, device: str, batch: int) -> None:
    pipe.send(measured(EfficiencyConfig.model_validate_json(config_json), device, batch).model_dump_json())


def measured(config: EfficiencyConfig, device_name: str, batch: int) -> BatchCost:
    """What a batch size takes, in this process."""
    assert isinstance(config.model, NativeModel | RandomModel)
    threads, device = set_threads(config.threads), pick_device(device_name)
    cost = BatchCost(device=device.type, device_name=named(device), threads=threads, batch=batch)
    before = memory.resident_bytes()
    forget_peak(device)
    try:
        model = load_model(config.model)
        with torch.inference_mode():
            return cost.model_copy(update=_timed(config, model, device, threads, batch, before))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return cost.model_copy(update={"problem": "the device has too little memory for this batch"})


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
    each: list[float] = []
    meter, began, worked = EnergyMeter(device, threads), time.perf_counter(), time.process_time()
    while len(each) < LEAST_CALLS or (time.perf_counter() - began < config.seconds and len(each) < MOST_CALLS):
        at = time.perf_counter()
        _call(encode, x_BCT)
        each.append(time.perf_counter() - at)
    seconds, core_seconds = time.perf_counter() - began, time.process_time() - worked
    joules, source = _energy(meter, device, seconds, core_seconds)
    crops = batch * len(each)
    on_gpu = device.type == "cuda"
    return {
        "calls": len(each),
        "p50_ms": 1e3 * float(np.median(each)),
        "p95_ms": 1e3 * float(np.quantile(each, 0.95)) if len(each) >= CALLS_FOR_P95 else None,
        "core_ms": 1e3 * core_seconds / len(each),
        "crops_per_s": crops / seconds,
        "memory_bytes": peak(device) if on_gpu else max(0, peak(device) - before),
        "memory_source": "tensors on the GPU" if on_gpu else "the process with the model, beyond torch itself",
        "watts": joules / seconds,
        "kwh_per_million_crops": 1e6 * joules / crops * KWH_PER_JOULE,
        "energy_source": source,
    }


def _energy(meter: EnergyMeter, device: torch.device, seconds: float, core_seconds: float) -> tuple[float, str]:
    """Joules, and where the number comes from: without a counter so much for each second that a core really worked."""
    watts, source = meter.watts()
    if device.type == "cpu" and source.startswith(ASSUMED):
        return WATTS_PER_CORE * core_seconds, f"{ASSUMED}: {WATTS_PER_CORE:g} W for each core while it works"
    return watts * seconds, source


def _call(encode: Encoder, x_BCT: torch.Tensor) -> None:
    """One pass with its result at hand: reading a value waits for the device."""
    encode(x_BCT).tokens_BLD[0, 0, 0].item()
