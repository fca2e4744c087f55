"""Files read by several processes at once; a reader that hangs, crashes or eats memory costs its own file only.

The processes are spawned, never forked: what a reader's library leaves in memory reaches nobody else. Outcomes come
back in the order of the files, whoever was faster, so that the store's rows do not depend on the number of processes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.contract.errors import WorldError
from engine.data.reading import REPORT_IT, ReadFile

Read = Callable[[int, str], ReadFile]

READ_S = 2.0
"""Seconds that a file may take; larger ones get `BYTES_PER_S` on top."""
BYTES_PER_S = 20e6
LONGEST_S = 60.0
PATIENCE = 10.0
"""A file may take so many times its time while its process is not at work: other programs may hold cores and disk."""
START_S = 120.0
MEMORY_BYTES = (64 + 3 * 512) * 2**20
"""What a process may take on top of what it has at its start: three times the largest recording, as float64."""
AHEAD = 8
"""Outcomes held back per process while an earlier file is still being read."""
ASKED = 2
"""Files that a process has at hand: it never waits for the next one."""
FILES_EACH = 16
"""With fewer files a further process takes longer to start than it saves."""
MOST = 16


def pool_size(asked: int, files: int) -> int:
    """Processes for so many files: as asked, or one a core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(asked or min(cores, MOST), -(-files // FILES_EACH)))


@dataclass
class _Worker:
    """One process, its end of the pipe, and what it has at hand."""

    process: Any
    pipe: Connection
    ready: bool = False
    since: float = field(default_factory=time.monotonic)
    cpu: float = 0.0
    at_hand: deque[tuple[int, str]] = field(default_factory=deque)


class ReadingPool:
    """Processes that read files. Use it as a context manager.

    Args:
        read: called in the processes with position and source; must be importable there.
        count: number of processes.
        seconds: time that a file may take at least.
    """

    def __init__(self, read: Read, count: int, seconds: float = READ_S) -> None:
        self._read, self._seconds = read, seconds
        self._context = multiprocessing.get_context("spawn")
        self._failed_starts = 0
        self._workers = [self._start() for _ in range(count)]

    def outcomes(self, files: Iterable[tuple[int, str]]) -> Iterator[ReadFile]:
        """The outcome of each (position, source), in this order.

        Raises:
            WorldError: no process can be started.
        """
        left, order = deque(files), deque[int]()
        found: dict[int, ReadFile] = {}
        while left or order:
            self._hand_out(left, order, len(found))
            for outcome in self._news(left):
                found[outcome.index] = outcome
            while order and order[0] in found:
                yield found.pop(order.popleft())

    def __enter__(self) -> ReadingPool:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            if worker.at_hand or not worker.ready:
                worker.process.kill()
            worker.process.join(timeout=5)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._read), daemon=True)
        try:
            process.start()
        except OSError as error:
            reason = f"a process to read files in cannot be started ({type(error).__name__})"
            raise WorldError("import", reason, "Close other programs and resume it") from None
        theirs.close()
        return _Worker(process, ours)

    def _hand_out(self, left: deque[tuple[int, str]], order: deque[int], held: int) -> None:
        for depth in range(ASKED):
            for worker in self._workers:
                if not left or held > AHEAD * len(self._workers):
                    return
                if worker.ready and len(worker.at_hand) == depth:
                    self._give(worker, left.popleft(), order)

    def _give(self, worker: _Worker, file: tuple[int, str], order: deque[int]) -> None:
        if not worker.at_hand:
            self._restart_clock(worker)
        worker.at_hand.append(file)
        if file[0] not in order:  # one that a dead process had at hand keeps its place
            order.append(file[0])
        with contextlib.suppress(OSError):  # its death is noticed where its answers are awaited
            worker.pipe.send(file)

    def _news(self, left: deque[tuple[int, str]]) -> Iterator[ReadFile]:
        """What came in, after a short wait at most; and the files of processes that ended or had to be ended."""
        spoke = set(wait([worker.pipe for worker in self._workers], timeout=0.1))
        for n, worker in enumerate(self._workers):
            if worker.pipe in spoke:
                try:
                    yield from self._hear(worker)
                    continue
                except (EOFError, OSError):
                    reason = "its reader crashed"
            elif self._too_slow(worker):
                reason = f"reading it took more than {self._allowed(worker):.0f} s" if worker.ready else ""
            else:
                continue
            yield from self._replace(n, reason, left)

    def _hear(self, worker: _Worker) -> Iterator[ReadFile]:
        told = worker.pipe.recv()
        if not worker.ready:
            worker.ready, self._failed_starts = True, 0
            return
        worker.at_hand.popleft()
        self._restart_clock(worker)
        yield told

    def _replace(self, n: int, reason: str, left: deque[tuple[int, str]]) -> Iterator[ReadFile]:
        """Put a new process in the place of one that is lost; the file it was at is told, the next goes back."""
        worker = self._workers[n]
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        if not worker.ready:
            self._failed_starts += 1
        if self._failed_starts > 3:
            raise WorldError("import", "the processes that read files end at their start", "Resume it; see its log")
        lost = list(worker.at_hand)
        left.extendleft(reversed(lost[1:]))
        self._workers[n] = self._start()
        if lost:
            yield ReadFile(lost[0][0], reason=reason, next_step=REPORT_IT)

    def _restart_clock(self, worker: _Worker) -> None:
        worker.since, worker.cpu = time.monotonic(), cpu_seconds(worker.process.pid) or 0.0

    def _too_slow(self, worker: _Worker) -> bool:
        waited = time.monotonic() - worker.since
        if not worker.ready:
            return waited > START_S
        allowed = self._allowed(worker)
        if not worker.at_hand or waited < allowed:
            return False
        worked = cpu_seconds(worker.process.pid)
        return worked is None or worked - worker.cpu > allowed or waited > PATIENCE * allowed

    def _allowed(self, worker: _Worker) -> float:
        try:
            size = Path(worker.at_hand[0][1].partition("::")[0]).stat().st_size
        except (OSError, ValueError, IndexError):
            size = 0
        return min(self._seconds + size / BYTES_PER_S, max(LONGEST_S, self._seconds))


def cpu_seconds(pid: int) -> float | None:
    """Processor time of a process so far; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def _work(pipe: Connection, read: Read) -> None:
    """The life of a process: read what it is given until nobody gives any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _be_silent()
    _limit_memory()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        pipe.send("ready")
        while True:
            pipe.send(read(*pipe.recv()))
    except (EOFError, OSError):
        return


def _be_silent() -> None:
    """What libraries print may quote a file; a run's console is kept."""
    if os.environ.get("ISOLINE_DEBUG"):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(nowhere, stream.fileno())


def _limit_memory() -> None:
    """Let an allocation beyond the limit fail in the process, before the machine suffers."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY_BYTES
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))
    except (ImportError, OSError, ValueError):
        return  # a system without such limits; readers have their own bounds


def _end_with_parent() -> None:
    """A process whose parent was killed while a file hangs would stay for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
