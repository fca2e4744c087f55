"""A thread of the host that starts a confined process, stays its parent, and ends it when it goes beyond its limits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from engine.contract.sandbox import Limits
from engine.zoo.sandbox import job, tree
from engine.zoo.sandbox.pipes import Ended

TICK_S = 0.1
SCRATCH_TICKS = 5
"""Looks at the tree between two looks at a scratch folder that lies on the disk."""
SETTLE_S = 2.0
"""Time for a process whose pipe broke to end, and for its last words to come."""
TAIL = 4000
"""Bytes kept of what the process wrote for people."""


class Watch(threading.Thread):
    """Starts the process and looks after it.

    The kernel ends a sandbox when the thread that started it ends (PR_SET_PDEATHSIG), so the thread that starts is this
    one, which lives as long as the process does.

    Args:
        command: the confined process.
        environment: all of its environment variables.
        limits: what it may use.
        scratch: a scratch folder on the disk whose size is watched; None where the kernel limits it.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], limits: Limits, scratch: Path | None
    ) -> None:
        super().__init__(name="sandbox watch", daemon=True)
        self._command, self._environment = list(command), dict(environment)
        self._limits, self._scratch = limits, scratch
        self._begun, self._leave = threading.Event(), threading.Event()
        self._cpu_from = self._cpu_seen = 0.0
        self._said, self._said_bytes = b"", 0
        self._failed: OSError | None = None
        self._job: job.Job | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.verdict = ""

    def begin(self) -> tuple[int, int]:
        """Start the process; file descriptors of the pipe to it and of the pipe back.

        Raises:
            OSError: it cannot be started.
        """
        self.start()
        self._begun.wait()
        if self._failed is not None:
            raise self._failed
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        return process.stdin.fileno(), process.stdout.fileno()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The outermost of the confined processes."""
        assert self._process is not None
        return self._process

    @property
    def said(self) -> str:
        """The end of what it wrote for people; it may quote anything, so it belongs into no log."""
        return self._said.decode("utf-8", "replace")

    def new_call(self) -> None:
        """From here on, to the length of a tick, the CPU time of the next call is counted."""
        self._cpu_from = self._cpu_seen

    def settle(self, error: Exception) -> None:
        """The pipe broke: give the thread the time to find out why, when it is that the process ended."""
        if isinstance(error, Ended):
            self.join(SETTLE_S)

    def run(self) -> None:
        """The thread's work."""
        try:
            self._job = job.Job(self._limits.memory_bytes, self._limits.processes) if sys.platform == "win32" else None
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                creationflags=job.CREATE_SUSPENDED | job.CREATE_NO_WINDOW if self._job else 0,
            )
            if self._job:
                self._job.take(int(self._process._handle))  # type: ignore[attr-defined]
        except OSError as error:
            self._failed = error
            if self._process is not None:
                self._process.kill()
            return
        finally:
            self._begun.set()
        listening = threading.Thread(target=self._listen, name="sandbox words", daemon=True)
        listening.start()
        count = 0
        while not self.verdict and self._process.poll() is None and not self._leave.wait(TICK_S):
            count += 1
            self.verdict = self.verdict or self._beyond(look_at_scratch=count % SCRATCH_TICKS == 0)
        self._end()
        listening.join(SETTLE_S)

    def stop(self) -> None:
        """End the process and all that it started, and wait for it."""
        self._leave.set()
        self.join()

    def _listen(self) -> None:
        """Take what it writes for people; only the end of it is kept."""
        stream = self.process.stderr
        assert stream is not None
        with stream:
            while found := os.read(stream.fileno(), 2**16):
                self._said_bytes += len(found)
                self._said = (self._said + found)[-TAIL:]
                if self._said_bytes > self._limits.output_bytes:
                    self.verdict = "sandbox_output"

    def _beyond(self, *, look_at_scratch: bool) -> str:
        """The limit that was broken, if one was."""
        used, limits = tree.used(self.process.pid), self._limits
        self._cpu_seen = used.cpu_s
        if used.resident_bytes > limits.memory_bytes:
            return "sandbox_memory"
        if used.tasks > limits.processes + 3:  # those that shut it in stand above it
            return "sandbox_processes"
        if used.cpu_s - self._cpu_from > limits.cpu_s:
            return "sandbox_cpu"
        if look_at_scratch and self._scratch is not None and _size(self._scratch) > limits.scratch_bytes:
            return "sandbox_disk"
        return ""

    def _end(self) -> None:
        process = self.process
        if process.poll() is None:
            if sys.platform == "linux":
                tree.end_below(process.pid)
            with suppress(OSError):
                process.kill()
        if self._job:
            self._job.close()
        process.wait()


def _size(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_blocks * 512
    return total
