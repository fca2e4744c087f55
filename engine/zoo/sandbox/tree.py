"""A process and all that came from it, read from /proc: who they are, what they hold, how they are ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
ROUNDS = 200
"""Looks at a tree that goes on growing while it is stopped."""


class Use(NamedTuple):
    """What a tree of processes holds together."""

    tasks: int
    resident_bytes: int
    cpu_s: float


def descendants(root: int) -> list[int]:
    """Every living process below `root`, parents before children, `root` itself left out."""
    found: list[int] = []
    queue = [root]
    while queue:
        children = _children(queue.pop())
        found += children
        queue += children
    return found


def _children(pid: int) -> list[int]:
    """Of all threads of a process; empty when it is gone."""
    children: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{task}/children", "rb") as stream:
                children += map(int, stream.read().split())
    return children


def used(root: int) -> Use:
    """What `root` and all below it hold now; whoever ended meanwhile counts nothing."""
    tasks, pages, ticks = 0, 0, 0
    for pid in [root, *descendants(root)]:
        with suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{pid}/stat", "rb") as stream:
                # The name stands in brackets and may hold anything, brackets too.
                after = stream.read().rpartition(b")")[2].split()
            # proc(5): 14 utime, 15 stime, 16 cutime, 17 cstime, 20 num_threads, 24 rss; `after` begins at field 3.
            ticks += sum(int(field) for field in after[11:15])
            tasks += int(after[17])
            pages += int(after[21])
    return Use(tasks, pages * PAGE, ticks * TICK_S)


def peak_bytes(root: int) -> int:
    """The most memory that each process of a tree has held, summed over those that live."""
    total = 0
    for pid in [root, *descendants(root)]:
        with suppress(OSError, ValueError), open(f"/proc/{pid}/status", encoding="utf-8") as stream:
            total += sum(1024 * int(line.split()[1]) for line in stream if line.startswith("VmHWM:"))
    return total


def end_below(root: int, send: Callable[[int, int], None] = os.kill) -> None:
    """Kill everything below `root`: stopped first, so that nothing is born while the others are killed."""
    stopped: set[int] = set()
    for _ in range(ROUNDS):
        fresh = [pid for pid in descendants(root) if pid not in stopped]
        if not fresh:
            break
        for pid in fresh:
            with suppress(OSError):
                send(pid, signal.SIGSTOP)
        stopped.update(fresh)
    for pid in stopped:
        with suppress(OSError):
            send(pid, signal.SIGKILL)
