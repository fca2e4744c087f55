"""Small trainings for tests, alone and shared: run as a program, this file is one rank of them all.

`python training_cases.py STORE OUT` with RANK, WORLD_SIZE, BATCH and a rendezvous file in the environment trains every
objective for three steps and writes losses and final state to OUT.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from engine.contract.config import (
    CPCConfig,
    Data2vecConfig,
    DinoSRConfig,
    HuBERTConfig,
    JEPAConfig,
    PretrainConfig,
    S4Config,
)
from engine.contract.events import EventWriter, SilentWriter, read_events
from engine.contract.run import ManifestRow, RunFolder
from engine.data.store import Store
from engine.signal.recording import Recording
from engine.training import pretrain
from engine.training.batches import Share
from engine.training.checkpoint import newest_checkpoint
from engine.training.learner import Learner
from engine.training.ledger import Ledger
from engine.training.loop import FITTING
from engine.training.pretrain import open_data

HEAD = {"head_state_size": 4}
OBJECTIVES = {
    "cpc": CPCConfig(offsets=(3,), negatives=8),
    "data2vec": Data2vecConfig(**HEAD, decay=0.9),
    "dinosr": DinoSRConfig(**HEAD, codes=8, decay=0.9),
    "jepa": JEPAConfig(**HEAD, least_context=2, decay=0.9),
    "hubert": HuBERTConfig(codes=(6, 8), decay=0.9),
    "hubert, plain": HuBERTConfig(targets="offline_kmeans", codes=(6,), decay=0.9),
}
STEPS = 3
SETTINGS = {"cpc, in parts": {"accumulate": 2}, "jepa, in parts": {"accumulate": 2}}
OBJECTIVES |= {name: OBJECTIVES[name.split(",")[0]] for name in SETTINGS}


def make_store(path, recordings=28):
    generator = np.random.default_rng(0)
    with Store.create(path) as writer:
        for number in range(recordings):
            signal_CT = np.cumsum(generator.normal(0, 0.05, (12, 500)), 1).astype(np.float32)
            writer.append(Recording(signal_CT, 250.0, file_sha256=f"{number:064x}"))


def manifest(store):
    """All but the last five recordings to train on."""
    count = len(store)
    ids = [store.entry(row).record_id for row in range(count)]
    return [ManifestRow(r, f"p{i}", "train" if i < count - 5 else "validation") for i, r in enumerate(ids)]


def case(store, objective, **settings):
    """A small config; `objective` is a name of `OBJECTIVES` or a config."""
    told = OBJECTIVES.get(objective, objective) if isinstance(objective, str) else objective
    backbone = S4Config(width=16, depth=2, state_size=4, causal=told.name == "cpc")
    small = {"window_s": 0.5, "rate_hz": 100.0, "batch_size": 8, "steps": STEPS, "device": "cpu", "threads": 1}
    known = SETTINGS.get(objective, {}) if isinstance(objective, str) else {}
    return PretrainConfig(
        **{"store": str(store), "backbone": backbone, "objective": told, **small, **known, **settings}
    )


def begin(store, path, objective="cpc", rows=None, **settings):
    """A run folder on the store."""
    config = case(store, objective, **{"evaluate_every": 4, "checkpoint_every": 3, "steps": 8, **settings})
    return RunFolder.create(path, config, rows or manifest(Store.open(store)))


def work(folder, probe=None):
    """The training of a run folder, without lock and without an end among its events."""
    events = EventWriter(folder.events_path)
    try:
        return pretrain.run(folder, folder.config(), events, probe)
    finally:
        events.close()


def said(folder, kind):
    """What a run said, of one kind of event."""
    return [event for event in read_events(folder.events_path)[0] if isinstance(event, kind)]


def weights(folder):
    """Bytes of the newest checkpoint's weights."""
    return (newest_checkpoint(folder.checkpoints).path / "weights.safetensors").read_bytes()


def before_step(monkeypatch, step, act):
    """Do something just before a training step, once."""
    honest = Learner.step

    def stepped(self, parts):
        if parts[0].draws.position == step:
            monkeypatch.setattr(Learner, "step", honest)
            act()
        return honest(self, parts)

    monkeypatch.setattr(Learner, "step", stepped)


def train(config, share):
    """Losses by step, held-out measures and final state, flat."""
    data = open_data(config, manifest(Store.open(config.store)), SilentWriter(), share)
    learner, ledger = Learner(config, torch.device("cpu")), Ledger()
    told = {}
    for step in range(config.steps):
        if learner.objective.fits_at(step):
            learner.fit((data.training.whole(step + i) for i in range(FITTING)), step)
        ledger.note(step, learner.step(data.training.parts(step, data.training.read(step))))
        told |= {f"step {step}/{name}": np.asarray(value) for name, value in ledger.read().items()}
    told |= {f"look/{name}": np.asarray(value) for name, value in learner.validate(data.validation).items()}
    return told | {f"state/{name}": value.numpy() for name, value in learner.objective.state_dict().items()}


def main(store, out):
    torch.set_num_threads(1)
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    dist.init_process_group(
        "gloo",
        init_method=Path(os.environ["MEETING"]).as_uri(),
        rank=rank,
        world_size=world,
        timeout=timedelta(seconds=60),
    )
    told = {}
    for name in os.environ["OBJECTIVES"].split(";"):
        config = case(store, name, batch_size=int(os.environ["BATCH"]))
        told |= {f"{name}/{key}": value for key, value in train(config, Share(rank, world)).items()}
    np.savez(out, **told)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    # What it was asked for is written; taking all modules of torch apart takes a second, for which a test would wait.
    os._exit(0)
