"""The recheck run judges what the store holds as an import would, and goes on where it was stopped."""

import json
from pathlib import Path

import pytest

from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Progress, SilentWriter, read_events
from engine.contract.recheck import RecheckConfig
from engine.contract.run import RunFolder, Stopped
from engine.data import rechecking
from engine.data.rechecking import VERDICTS, read_verdicts, run
from engine.data.store import Store
from engine.signal.quality import assess
from engine.signal.readers import read_recording

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples" / "ptbxl"


@pytest.fixture(scope="module")
def recordings():
    return [read_recording(str(header)) for header in sorted(SAMPLES.glob("*.hea"))[:4]]


@pytest.fixture
def begun(tmp_path, recordings):
    with Store.create(tmp_path / "store") as store:
        for recording in recordings:
            store.append(recording)
    folder = RunFolder.create(tmp_path / "J0001", RecheckConfig(store=str(tmp_path / "store")))

    def work():
        events = EventWriter(folder.events_path)
        try:
            return run(folder, folder.config(), events)
        finally:
            events.close()

    return folder, work


def test_verdicts_from_the_store_are_those_of_the_files(begun, recordings):
    folder, work = begun
    results = work()
    told = list(read_verdicts(folder.path / VERDICTS))
    fresh = [assess(recording) for recording in recordings]
    assert [one["record_id"] for one in told] == [recording.record_id for recording in recordings]
    assert [(one["quality"], one["quality_reasons"]) for one in told] == [(q.verdict, list(q.reasons)) for q in fresh]
    assert [one["evidence"] for one in told] == [json.loads(json.dumps(q.evidence)) for q in fresh]
    assert results.recordings == sum(results.verdicts.values()) == 4
    progress = [event for event in read_events(folder.events_path)[0] if isinstance(event, Progress)]
    assert (progress[-1].done, progress[-1].total) == (4, 4)


def test_a_run_that_was_stopped_goes_on_behind_its_last_whole_line(begun, monkeypatch):
    folder, work = begun
    folder.ask_stop()
    with pytest.raises(Stopped):
        work()
    folder.clear_stop()
    path = folder.path / VERDICTS
    assert len(list(read_verdicts(path))) == 1
    path.write_bytes(path.read_bytes() + b'{"record_id": "r0')  # as a kill leaves it
    judged, judge = [], rechecking.judge
    monkeypatch.setattr(rechecking, "judge", lambda store, row: judged.append(row) or judge(store, row))
    assert work().recordings == 4
    assert judged == [1, 2, 3]
    assert len({one["record_id"] for one in read_verdicts(path)}) == 4


def test_without_a_store_there_is_nothing_to_judge(tmp_path):
    folder = RunFolder.create(tmp_path / "J0001", RecheckConfig(store=str(tmp_path / "none")))
    with pytest.raises(WorldError):
        run(folder, folder.config(), SilentWriter())
