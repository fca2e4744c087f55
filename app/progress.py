"""A progress line for the terminal, with the time that is left; plain lines where nobody watches.

It writes to the error stream, so that what a verb prints for scripts stays clean.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from engine.contract.errors import WorldError

if TYPE_CHECKING:
    from app.core.rows import JobRow
    from app.workspace import Workspace

BAR_CELLS = 24
PLAIN_EVERY_S = 10.0
"""How often a plain line is printed where the stream is no terminal."""


class RunStopped(WorldError):
    """Somebody asked the run to stop before it was done: nothing is wrong, and it can go on."""


class ProgressLine:
    """One named line that moves from nothing to done.

    Args:
        title: what is going on ("Pretrain"); padded so that several lines stand aligned.
        stream: where it is drawn; the error stream unless told.
        clock: seconds from any origin; replaced in tests.
    """

    def __init__(self, title: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._stream = stream if stream is not None else sys.stderr
        self._clock = clock
        self._began, self._spoke = clock(), float("-inf")
        self._drawn = 0
        self._live = self._stream.isatty()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if kind is not None and self._drawn:
            self._stream.write("\n")
            self._stream.flush()

    def show(self, done: int, total: int, unit: str = "", seconds_left: float | None = None, waiting: str = "") -> None:
        """Draw how far it is: `done` of `total` in `unit`, and the time left when it is known.

        Before there is a total, `waiting` says what it waits for.
        """
        left = "" if seconds_left is None else f"{duration(seconds_left)} left"
        count = f"{done:,} of {total:,} {unit}".strip() if total else waiting
        if self._live:
            self._draw(f"{self._title:<18} {self._bar(done, total)} {percent(done, total)}  {count:<22} {left}")
        elif self._clock() - self._spoke >= PLAIN_EVERY_S and count:
            self._spoke = self._clock()
            self._stream.write(f"{self._title}: {count}{', ' + left if left else ''}\n")
            self._stream.flush()

    def finish(self, outcome: str) -> None:
        """Replace the bar by what came out, with the time it took, and move to the next line."""
        took = duration(self._clock() - self._began)
        text = f"{self._title:<18} {outcome}  ({took})"
        if self._live:
            self._draw(text)
            self._stream.write("\n")
            self._drawn = 0
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def _draw(self, text: str) -> None:
        text = text.rstrip()
        self._stream.write("\r" + text.ljust(self._drawn))
        self._stream.flush()
        self._drawn = len(text)

    def _bar(self, done: int, total: int) -> str:
        full, empty = ("█", "░") if _can_print(self._stream, "█░") else ("#", "-")
        filled = round(BAR_CELLS * min(done / total, 1.0)) if total else 0
        return full * filled + empty * (BAR_CELLS - filled)


def percent(done: int, total: int) -> str:
    """Share done, four characters wide and never 100 % before the end."""
    return f"{int(100 * done / total) if total else 0:>3} %"


def duration(seconds: float) -> str:
    """A time span for people: "4 s", "2 min 05 s", "3 h 10 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def follow(workspace: Workspace, job_id: str, title: str) -> JobRow:
    """Wait for a job with a progress line.

    Raises:
        RunStopped: somebody asked it to stop.
        WorldError: the job failed or was interrupted.
    """
    with ProgressLine(title) as line:

        def draw(job: JobRow) -> None:
            """Bring the line up to where the job stands."""
            step = job.progress
            line.show(step.done, step.total, step.unit, step.seconds_left, job.message)

        job = workspace.wait(job_id, draw)
        line.finish("done" if job.state == "done" else job.state)
    if job.state != "done":
        raise (RunStopped if job.state == "stopped" else WorldError)(
            f"job {job_id}",
            job.message or f"it ended as {job.state}",
            job.next_step or f"See: isoline jobs show {job_id}",
        )
    return job


def _can_print(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
