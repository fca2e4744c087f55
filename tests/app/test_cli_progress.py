"""The progress line, on a terminal and off it."""

import io

import pytest

from app.core.rows import JobRow, ProgressRow
from app.progress import PLAIN_EVERY_S, ProgressLine, RunStopped, duration, follow, percent
from engine.contract.errors import WorldError


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def job(state, message="", next_step="", done=0):
    progress = ProgressRow(done=done, total=10, unit="steps", seconds_left=4.0)
    return JobRow("J0001", "pretrain", "demo", state, "", "", "", progress, message, next_step)


class Waiting:
    """A workspace whose job passes through the given rows."""

    def __init__(self, *rows):
        self.rows = rows

    def wait(self, job_id, on_progress=None, timeout_s=None):
        for row in self.rows:
            on_progress(row)
        return self.rows[-1]


def test_a_terminal_gets_one_line_that_is_redrawn_with_the_time_left():
    stream = Terminal()
    line = ProgressLine("Pretrain", stream)
    line.show(30, 120, "steps", 95.0)
    line.show(60, 120, "steps", 61.0)
    drawn = stream.getvalue()
    assert "\n" not in drawn
    assert drawn.count("\r") == 2
    assert "25 %" in drawn
    assert "60 of 120 steps" in drawn
    assert "1 min 01 s left" in drawn


def test_before_there_is_a_total_the_line_says_what_it_waits_for():
    stream = Terminal()
    ProgressLine("Pretrain", stream).show(0, 0, waiting="waits for its turn")
    assert stream.getvalue().endswith("0 %  waits for its turn")


def test_a_shorter_line_wipes_the_longer_one_before_it():
    stream = Terminal()
    line = ProgressLine("Pretrain", stream)
    line.show(1000, 1200, "steps", 7000.0)
    longest = len(stream.getvalue()) - 1
    line.finish("done")
    assert len(stream.getvalue().rsplit("\r", 1)[1].rstrip("\n")) == longest


def test_without_a_terminal_a_plain_line_comes_at_most_every_ten_seconds():
    stream, clock = io.StringIO(), Clock()
    line = ProgressLine("Import", stream, clock)
    for second in range(25):
        clock.now = float(second)
        line.show(second, 25, "files", 25.0 - second)
    line.finish("done")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1 + int(24 // PLAIN_EVERY_S) + 1
    assert lines[0] == "Import: 0 of 25 files, 25 s left"
    assert lines[-1].startswith("Import")
    assert "\r" not in stream.getvalue()


def test_a_console_without_block_characters_gets_hashes():
    stream = Terminal()
    stream.encoding = "ascii"
    ProgressLine("Import", stream).show(1, 2, "files")
    assert stream.getvalue().isascii()
    assert "############------------" in stream.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(-3, "0 s"), (4.4, "4 s"), (125, "2 min 05 s"), (11400, "3 h 10 min")])
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_a_hundred_percent_is_never_shown_before_the_end():
    assert percent(999, 1000) == " 99 %"
    assert percent(1000, 1000) == "100 %"
    assert percent(0, 0) == "  0 %"


def test_following_a_job_returns_it_when_it_is_done():
    assert follow(Waiting(job("running"), job("done", done=10)), "J0001", "Pretrain").state == "done"


def test_following_a_job_that_fails_says_reason_and_next_step():
    waiting = Waiting(job("running"), job("failed", "disk: it is full", "Free some space"))
    with pytest.raises(WorldError, match=r"job J0001: disk: it is full\. Free some space\."):
        follow(waiting, "J0001", "Pretrain")


@pytest.mark.parametrize("state", ["stopped", "interrupted"])
def test_following_a_job_that_ends_early_points_to_what_the_database_knows(state):
    with pytest.raises(WorldError, match=rf"it ended as {state}\. See: isoline jobs show J0001") as told:
        follow(Waiting(job(state)), "J0001", "Pretrain")
    assert isinstance(told.value, RunStopped) == (state == "stopped")
