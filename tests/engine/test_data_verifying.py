"""The verification run reads everything, tells what is damaged, and goes on where it was stopped."""

import json

import pytest
from test_data_store import fill, recording

from engine.contract.config import VerifyConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Progress, SilentWriter, read_events
from engine.contract.run import RunFolder, Stopped
from engine.data import verifying
from engine.data.checking import faults_of
from engine.data.verifying import run


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
    shard = store / "shard-00000.bin"
    block = bytearray(shard.read_bytes())
    block[row * 500 * 24 + 7] ^= 4
    shard.write_bytes(block)


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
    assert json.loads((folder.path / "verified.json").read_text())["done"] == 2
    read = []
    monkeypatch.setattr(verifying, "faults_of", lambda *told: read.append(told[1:]) or faults_of(*told))
    results = work()
    assert [fault.row for fault in results.faults] == [1]
    assert read == [(2, 4), (4, 6), (6, 7)]


def test_without_a_store_there_is_nothing_to_verify(begun, tmp_path):
    folder, _, _ = begun
    with pytest.raises(WorldError, match="there is none"):
        run(folder, VerifyConfig(store=str(tmp_path / "none")), SilentWriter())
