"""Resampling once gives the crops that resampling each crop gives, but for the ends of crops."""

import numpy as np
import pytest
import torch

from engine.contract.config import PretrainConfig, S4Config
from engine.contract.events import EventWriter, Progress, SilentWriter, read_events
from engine.contract.run import ManifestRow, Stopped
from engine.data.resampled import list_derived
from engine.data.store import Store
from engine.signal.recording import Recording
from engine.training import once
from engine.training.pretrain import open_data


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "store") as writer:
        for seed, rate_hz in enumerate([500.0] * 4 + [400.0] * 3 + [240.0, 120.0]):
            rng = np.random.default_rng(seed)
            signal_CT = np.cumsum(rng.normal(0, 0.05, (12, int(10 * rate_hz))), 1).astype(np.float32)
            signal_CT = signal_CT - np.linspace(0, 1, signal_CT.shape[1], dtype=np.float32) * signal_CT[:, -1:]
            writer.append(Recording(signal_CT, rate_hz, file_sha256=f"{seed:064x}"))
    return Store.open(tmp_path / "store")


def rows(store):
    ids = [store.entry(row).record_id for row in range(len(store))]
    return [ManifestRow(record_id, record_id, "validation" if n == 3 else "train") for n, record_id in enumerate(ids)]


def config(store, **changes):
    return PretrainConfig(store=str(store.path), backbone=S4Config(width=8, depth=1), batch_size=4, **changes)


def test_a_derived_store_gives_the_same_recordings_in_the_same_steps(store):
    crop = open_data(config(store), rows(store), SilentWriter())
    whole = open_data(config(store, resample="once"), rows(store), SilentWriter())
    assert [whole.training.records(step) for step in range(4)] == [crop.training.records(step) for step in range(4)]
    assert whole.training.read(0).shape == (4, 12, 600)
    assert len(whole.validation.crops) == len(crop.validation.crops) == 4
    assert [derived.records for derived in list_derived(store.path)] == [8]  # the slow one is left out of both


def test_crops_differ_near_their_ends_alone(store):
    crop = next(iter(open_data(config(store), rows(store), SilentWriter()).validation)).x_BCT
    whole = next(iter(open_data(config(store, resample="once"), rows(store), SilentWriter()).validation)).x_BCT
    torch.testing.assert_close(whole[:, :, 25:-25], crop[:, :, 25:-25], atol=2e-3, rtol=0)


def test_a_second_run_finds_what_the_first_has_made(store, monkeypatch):
    first = open_data(config(store, resample="once"), rows(store), SilentWriter()).training.read(3)
    monkeypatch.setattr("engine.data.resampled._make", None)
    second = open_data(config(store, resample="once"), rows(store), SilentWriter()).training.read(3)
    assert torch.equal(first, second)


def test_how_far_it_is_is_told_and_a_wish_to_stop_is_heeded(store, tmp_path, monkeypatch):
    monkeypatch.setattr(once, "TELL_S", -1)
    monkeypatch.setattr("engine.data.resampled.BATCH", 2)
    events = EventWriter(tmp_path / "events.jsonl")
    open_data(config(store, resample="once"), rows(store), events)
    events.close()
    told = [event for event in read_events(tmp_path / "events.jsonl")[0] if isinstance(event, Progress)]
    assert [event.done for event in told] == [0, 2, 4, 6]
    assert {(event.total, event.unit, event.message) for event in told} == {(8, "recordings", "resampling them once")}
    with pytest.raises(Stopped):
        open_data(config(store, resample="once"), rows(store), SilentWriter(), stop_asked=lambda: True)
