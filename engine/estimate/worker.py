"""The worker of an estimate: a pretraining's config in, what it would take out. It leaves no checkpoint behind.

Two kinds of numbers: those that follow from the config alone (parameters, tokens, steps, disk) and those measured here
(time, memory, energy), which other work on the machine moves.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from typing import Any

import torch

from engine.backbones.base import count_trainable
from engine.contract.config import EstimateConfig, PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Progress
from engine.contract.results import EstimateResults
from engine.contract.run import RunFolder, Stopped
from engine.data.manifest import Manifest
from engine.estimate.footprint import footprint, too_large_to_build
from engine.estimate.probing import probe_points, probe_seconds
from engine.estimate.rehearsal import Rehearsal, Warm, room_before
from engine.estimate.resampling import NOTHING, Once, resampling_of
from engine.training.device import pick_device, set_threads
from engine.training.faults import is_out_of_memory, largest_that_fits, out_of_memory
from engine.training.learner import Learner
from engine.training.parent import load_parent
from engine.training.pretrain import open_data
from engine.training.state import state_files

EVENT_BYTES = 700
"""A metric and a progress event together, about once a second."""

LOOK_BYTES = 1500
"""What a look at the held-out loss adds to the log: metrics, collapse watch, checkpoint."""

CARD_BYTES = 4000
"""Model card and checksums of a checkpoint."""


@dataclass(frozen=True)
class Fixed:
    """What follows from the config and the recordings alone; `once` also has a time, which is measured."""

    device: str
    parameters: int
    tokens: int
    steps: int
    checkpoint_bytes: int
    once: Once = NOTHING


def run(folder: RunFolder, config: EstimateConfig, events: EventWriter) -> EstimateResults:
    """Tell what a pretraining would take here, and whether it fits.

    Raises:
        Stopped: somebody asked.
        WorldError: records missing, no usable parent, a device that is not there.
    """
    asked = config.pretrain
    threads, device = set_threads(asked.threads), pick_device(asked.device)
    before = room_before(device)
    found = footprint(asked)
    if refusal := too_large_to_build(asked, found, before.free, device.type, _ranks_here(asked, device)):
        unbuilt = Fixed(_name(device), found.parameters, _tokens(asked), asked.steps, found.checkpoint + CARD_BYTES)
        return _results(folder, asked, unbuilt, None, refusal)
    learner = Learner(asked, device, load_parent(asked).backbone if asked.parent else None)
    manifest = Manifest.read(folder.manifest_path)
    fixed = _fixed(asked, learner, device, resampling_of(asked, manifest, folder.path))
    try:
        # An estimate makes nothing: what a run would resample once it resamples crop by crop.
        crop_by_crop = asked.model_copy(update={"resample": "crop"})
        data = open_data(crop_by_crop, manifest, events)
    except WorldError as error:
        if error.fault != "too_few_records":
            raise
        return _results(folder, asked, fixed, None, _refused(error))
    rehearsal = Rehearsal(asked, learner, data, device, threads, before)
    try:
        return _rehearsed(folder, config, events, fixed, rehearsal)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    # Outside of the except block: the exception holds the tensors of the failed attempt.
    fits = largest_that_fits(learner.rehearse, rehearsal.part // 2)
    return _results(folder, asked, fixed, None, _too_large(asked, fits, device))


def _rehearsed(
    folder: RunFolder, config: EstimateConfig, events: EventWriter, fixed: Fixed, rehearsal: Rehearsal
) -> EstimateResults:
    """Warm up, unless the memory is foretold not to suffice."""
    asked = config.pretrain

    def told(done: int, message: str = "warm-up") -> None:
        events.emit(Progress(done=min(done, config.warmup), total=config.warmup, unit="steps", message=message))
        if folder.stop_asked():
            raise Stopped

    told(0, "small batches")
    rehearsal.prepare()
    fits = rehearsal.largest_part(lambda: told(0, "small batches"))
    if fits < rehearsal.part:
        return _results(folder, asked, fixed, None, _too_large(asked, fits, rehearsal.device))
    warm = rehearsal.warm_up(config.warmup, told)
    looks = rehearsal.look_seconds(warm) * -(-asked.steps // asked.evaluate_every)
    written = rehearsal.checkpoint_seconds(folder.path) * _checkpoints(asked)
    warm = rehearsal.with_checkpoint(warm)
    probes = probe_seconds(config, rehearsal.backbone, rehearsal.device)
    refusal = {} if warm.room.is_enough else _too_large(asked, rehearsal.part // 2, rehearsal.device)
    results = _results(folder, asked, fixed, (warm, looks + written + probes + fixed.once.seconds), refusal)
    return results.model_copy(update={"notes": [*_of_probes(config, probes), *results.notes]})


def _ranks_here(config: PretrainConfig, device: torch.device) -> int:
    """Ranks that share the memory of this machine; a GPU has one of its own."""
    return config.ranks if device.type == "cpu" else 1


def _checkpoints(config: PretrainConfig) -> int:
    """How many are written; with an early stop that keeps the best, at most one more a look."""
    looks = config.steps // config.evaluate_every if config.keeps_best else 0
    return -(-config.steps // config.checkpoint_every) + looks


def _of_probes(config: EstimateConfig, seconds: float) -> list[str]:
    """What the probes add to the time, or that they are not in it."""
    points, probe = probe_points(config), config.pretrain.probe
    if probe is None:
        return []
    if not seconds:
        return [f"{points} linear probes come on top: each embeds the cohort '{probe.cohort}' once"]
    return [
        f"{points} linear probes of the cohort '{probe.cohort}' are in the time: some {seconds / points:.1f} s each"
    ]


def _fixed(config: PretrainConfig, learner: Learner, device: torch.device, once: Once) -> Fixed:
    return Fixed(
        device=_name(device),
        parameters=count_trainable(learner.backbone),
        tokens=_tokens(config),
        steps=config.steps,
        checkpoint_bytes=sum(map(len, state_files(learner, config, {}).values())) + _moment_bytes(learner) + CARD_BYTES,
        once=once,
    )


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _tokens(config: PretrainConfig) -> int:
    return config.backbone.tokens(config.samples)


def _moment_bytes(learner: Learner) -> int:
    """What AdamW keeps from its first step on: two moments and a count for each parameter, as they are written."""
    trained = [p for group in learner.optimizer.param_groups for p in group["params"]]
    buffer = io.BytesIO()
    torch.save([(torch.zeros(p.shape), torch.zeros(p.shape), torch.zeros(())) for p in trained], buffer)
    return buffer.tell()


def _results(
    folder: RunFolder,
    config: PretrainConfig,
    fixed: Fixed,
    measured: tuple[Warm, float] | None,
    refusal: dict[str, Any],
) -> EstimateResults:
    seconds = _seconds(config, *measured) if measured else None
    kept, free = disk_bytes(config, fixed.checkpoint_bytes, seconds or 0.0), shutil.disk_usage(folder.path).free
    if not refusal:
        refusal = _too_much(config, kept, free, fixed.once)
    told: dict[str, Any] = {}
    if measured is not None and seconds is not None:
        warm, _ = measured
        told = {
            "seconds_per_step": warm.seconds_per_step,
            "crops_per_s": config.batch_size / warm.seconds_per_step,
            "seconds": seconds,
            "memory_bytes": warm.room.taken,
            "memory_free_bytes": warm.room.free,
            "energy_wh": warm.watts * config.ranks * seconds / 3600,
            "energy_source": warm.energy_source,
        }
    return EstimateResults(
        fits=not refusal,
        device=fixed.device,
        parameters=fixed.parameters,
        tokens=fixed.tokens,
        steps=fixed.steps,
        disk_bytes=kept + fixed.once.bytes,
        disk_free_bytes=free,
        notes=_notes(config, measured[0] if measured else None, fixed.once),
        **told,
        **refusal,
    )


def _seconds(config: PretrainConfig, warm: Warm, beside: float) -> float:
    """Steps, and what stands beside them: looks, checkpoints, probes."""
    return config.steps * warm.seconds_per_step + beside


def disk_bytes(config: PretrainConfig, checkpoint_bytes: int, seconds: float) -> int:
    """Kept checkpoints, the one that is being written beside them, and the log."""
    written = -(-config.steps // config.checkpoint_every)
    held = min(config.keep_checkpoints + 1 + config.keeps_best, written + 1 + config.keeps_best)
    looks = -(-config.steps // config.evaluate_every)
    log = int(min(seconds, config.steps)) * EVENT_BYTES + (looks + written) * LOOK_BYTES
    return held * checkpoint_bytes + log


def _notes(config: PretrainConfig, warm: Warm | None, once: Once) -> list[str]:
    told = []
    if once.records:
        where = f", on the store's own disk with {once.free / 1e9:.1f} GB free" if once.elsewhere else ""
        told.append(
            f"{once.records:,} recordings are resampled once before the first step: {once.bytes / 1e9:.2f} GB{where} "
            f"and some {once.seconds:,.0f} s of it; later runs at this rate find them there"
        )
    if warm is not None and warm.foretold_from:
        told.append(f"Foretold from {warm.foretold_from} crops at a time, since a whole step takes long here")
    if config.ranks > 1:
        told.append(f"Measured on one of {config.ranks} ranks, without what they exchange")
    if config.early_stop:
        told.append("An early stop may end it sooner")
    return told


def _too_large(config: PretrainConfig, fits: int, device: torch.device) -> dict[str, Any]:
    """The batch does not fit; `fits` is the part of it that does, for one rank."""
    asked = config.batch_size // config.accumulate // config.ranks
    error = out_of_memory(config, asked, fits, device.type)
    return _refused(error) | {"largest_batch": fits * config.accumulate * config.ranks or None}


def _too_much(config: PretrainConfig, kept: int, free: int, once: Once) -> dict[str, Any]:
    """Refusal and advice where a disk lacks the room; empty where there is enough."""
    resampled = 0 if once.elsewhere else once.bytes
    if once.elsewhere and once.bytes > once.free:
        reason = f"the recordings resampled once take {once.bytes / 1e9:.2f} GB, the store's disk has "
        advice = 'Free some space there, or set resample = "crop"'
        return {"refusal": f"{reason}{once.free / 1e9:.2f} GB left", "advice": advice}
    if kept + resampled <= free:
        return {}
    what = "its checkpoints and log" + (" and the recordings resampled once" if resampled else "")
    reason = f"{what} take {(kept + resampled) / 1e9:.2f} GB, the disk has {free / 1e9:.2f} GB left"
    advice = "Free some space" + (", or set keep_checkpoints = 1" if config.keep_checkpoints > 1 else "")
    return {"refusal": reason, "advice": advice + (', or set resample = "crop"' if resampled else "")}


def _refused(error: WorldError) -> dict[str, Any]:
    return {"refusal": error.reason, "advice": error.next_step}
