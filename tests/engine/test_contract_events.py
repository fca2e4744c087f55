"""The event stream survives a kill at any byte."""

import errno
import os

import pytest
from pydantic import ValidationError

from engine.contract import events
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Finished, Metric, Progress, finite, parse_event, read_events


@pytest.fixture
def stream(tmp_path):
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    for step in range(5):
        writer.emit(Metric(step=step, values={"loss": 5.0 - step}))
    writer.close()
    return path


def test_a_stream_cut_at_any_byte_still_gives_every_complete_event(stream, tmp_path):
    whole = stream.read_bytes()
    for cut in range(len(whole) + 1):
        torn = tmp_path / "torn.jsonl"
        torn.write_bytes(whole[:cut])
        events, offset = read_events(torn)
        assert len(events) == whole[:cut].count(b"\n")
        assert offset == whole[:cut].rfind(b"\n") + 1


@pytest.mark.parametrize("tail", [1, 3, 7, 64])
@pytest.mark.parametrize(
    "text", [b"", b"torn", b"a\n", b"a\nbc", b"one line\nanother one\nand a torn one that is long"]
)
def test_what_stands_behind_the_last_line_is_cut_however_it_is_looked_for(tmp_path, monkeypatch, text, tail):
    monkeypatch.setattr(events, "TAIL", tail)
    path = tmp_path / "events.jsonl"
    path.write_bytes(text)
    events._cut_torn_line(path)
    assert path.read_bytes() == text[: text.rfind(b"\n") + 1]


def test_a_writer_goes_on_behind_a_torn_line_with_the_next_number(stream):
    with stream.open("ab") as file:
        file.write(b'{"seq": 5, "type": "met')
    writer = EventWriter(stream)
    writer.emit(Finished(outcome="done"))
    writer.close()
    events, _ = read_events(stream)
    assert [event.seq for event in events] == [0, 1, 2, 3, 4, 5]
    assert isinstance(events[-1], Finished)


def test_reading_from_an_offset_gives_only_what_is_new(stream):
    _, offset = read_events(stream)
    writer = EventWriter(stream)
    writer.emit(Progress(done=1, total=2, unit="files"))
    writer.close()
    events, after = read_events(stream, offset)
    assert [event.type for event in events] == ["progress"]
    assert after == stream.stat().st_size


def test_an_event_of_an_unknown_kind_is_refused():
    with pytest.raises(ValidationError):
        parse_event('{"type": "rumour", "seq": 0}')


def test_numbers_that_json_cannot_hold_become_null():
    assert finite({"loss": float("nan"), "rate": float("inf"), "good": 1.0}) == {
        "loss": None,
        "rate": None,
        "good": 1.0,
    }


class FullDisk:
    """A file on a disk with room for a few bytes more: a write ends short, the next one fails."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, line):
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self.file.write(line[: self.room])
        self.room -= written
        return written

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_a_disk_that_fills_up_within_a_line_leaves_no_torn_line_for_the_next_one(stream):
    before = stream.read_bytes()
    writer = EventWriter(stream)
    writer._file = FullDisk(writer._file, room=20)
    with pytest.raises(WorldError, match="it is full"):
        writer.emit(Progress(done=1, total=2, unit="files"))
    assert stream.read_bytes() == before
    writer._file.room = 10_000
    writer.emit(Finished(outcome="failed"))
    writer.close()
    events, _ = read_events(stream)
    assert [event.seq for event in events] == [0, 1, 2, 3, 4, 5]
    assert isinstance(events[-1], Finished)
