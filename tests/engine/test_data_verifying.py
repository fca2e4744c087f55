"""The verification run reads everything, tells what is damaged, and goes on where it was stopped."""

import json

import numpy as np
import pytest
from test_data_store import fill, recording

from engine.contract.config import VerifyConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Progress, SilentWriter, read_events
from engine.contract.run import ManifestRow, RunFolder, Stopped
from engine.data import resampled, verifying
from engine.data.checking import faults_of
from engine.data.extra_leads import keep_extra
from engine.data.store import Store
from engine.data.verifying import run
from engine.signal.acquisition import ExtraLeads


@pytest.fixture
def begun(tmp_path, monkeypatch):
    monkeypatch.setattr(verifying, "BLOCK_ROWS", 2)
    fill(tmp_path / "store", 7)
    folder = RunFolder.create(tmp_path / "J0001", VerifyConfig(store=str(tmp_path / "store")))

    def work():
        events = EventWriter(folder.events_path)
        try:
            return run(folder, folder.config(), events)
        finally:
            events.close()

    return folder, work, tmp_path / "store"


def hurt(store, row):
    hurt_at(store / "shard-00000.bin", row * 500 * 24 + 7, 4)


def hurt_at(path, place, bit):
    block = bytearray(path.read_bytes())
    block[place] ^= bit
    path.write_bytes(block)


def test_a_store_that_is_whole_is_told_to_be(begun):
    folder, work, _ = begun
    results = work()
    assert (results.recordings, results.damaged, results.faults) == (7, 0, [])
    assert results.bytes == 7 * 500 * 24
    told = [event for event in read_events(folder.events_path)[0] if isinstance(event, Progress)]
    assert (told[-1].done, told[-1].total, told[-1].unit) == (7, 7, "recordings")


def test_damaged_recordings_are_named_by_their_ids(begun):
    _, work, store = begun
    hurt(store, 1)
    hurt(store, 6)
    results = work()
    assert results.damaged == 2
    assert [fault.record_id for fault in results.faults] == [recording(1).record_id, recording(6).record_id]


def test_a_run_that_was_stopped_goes_on_and_keeps_what_it_found(begun, monkeypatch):
    folder, work, store = begun
    hurt(store, 1)
    folder.ask_stop()
    with pytest.raises(Stopped):
        work()
    folder.clear_stop()
    assert json.loads((folder.path / "verified.json").read_text())["done"] == {"recordings": 2}
    read = []
    monkeypatch.setattr(verifying, "faults_of", lambda *told: read.append(told[1:]) or faults_of(*told))
    (folder.path / "verified.json").write_text(  # as version 0.1 wrote it
        (folder.path / "verified.json").read_text().replace('{"recordings": 2}', "2")
    )
    results = work()
    assert [fault.row for fault in results.faults] == [1]
    assert read == [(2, 4), (4, 6), (6, 7)]


def test_further_leads_that_are_damaged_or_gone_are_named(begun, tmp_path):
    folder, work, store = begun
    extra = ExtraLeads(("V7", "V8"), np.ones((2, 400), dtype=np.float32))
    for seed in range(4):
        keep_extra(store, recording(seed).record_id, extra)
    hurt_at(store / "extra" / f"{recording(1).record_id}.npz", -1200, 16)
    (store / "extra" / f"{recording(2).record_id}.npz").write_bytes(b"PK")
    (store / "extra" / f"{recording(3).record_id}.npz").unlink()
    rows = [ManifestRow(recording(seed).record_id, "", "extra") for seed in range(4)]
    folder._write_manifest(rows)
    results = work()
    assert (results.damaged, results.extra) == (3, 4)
    assert {fault.record_id: fault.what for fault in results.faults} == {
        recording(1).record_id: "its extra leads do not match their checksum",
        recording(2).record_id: "its extra leads are damaged",
        recording(3).record_id: "its extra leads are gone",
    }
    assert all(
        fault.row == seed for fault, seed in zip(sorted(results.faults, key=lambda f: f.row), (1, 2, 3), strict=True)
    )


def test_resampled_copies_are_read_too_and_a_damaged_one_is_named_with_what_to_do(begun):
    _, work, store = begun
    made = resampled.derive(Store.open(store), np.arange(4), resampled.Recipe(rate_hz=240.0, clip_mv=3.0))
    key = made.path.name
    assert (whole := work()).damaged == 0
    assert whole.derived == 4
    hurt_at(made.path / "shard-00000.bin", 240 * 24 + 7, 4)
    (made.path.parent.parent.parent / "J0001" / "verified.json").unlink()
    (fault,) = work().faults
    assert fault.what == (
        f"resampled copy {key}: its samples do not match their checksum; delete it with: isoline store forget {key}"
    )
    (made.path / "store.json").write_text('{"layout": 99}')
    (made.path.parent.parent.parent / "J0001" / "verified.json").unlink()
    assert work().faults[0].what.startswith(f"resampled copy {key}: ")
    assert [one.key for one in resampled.list_derived(store)] == [key]


def test_without_a_store_there_is_nothing_to_verify(begun, tmp_path):
    folder, _, _ = begun
    with pytest.raises(WorldError, match="there is none"):
        run(folder, VerifyConfig(store=str(tmp_path / "none")), SilentWriter())
