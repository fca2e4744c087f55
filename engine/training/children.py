"""The ranks that rank 0 starts on its own machine: the same command, another place in the environment."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace

from engine.contract.run import RunFolder
from engine.training.placement import LEASH, Placement
from engine.training.slurm import engine_command

LEAVE_S = 10.0
"""How long a rank may take to end by itself once the run is over."""


class Children:
    """Processes of rank 1 and up; what they print goes to rank-1.log and so on in the run folder.

    Args:
        folder: the run.
        place: of rank 0.
        port: where rank 0 listens.
    """

    def __init__(self, folder: RunFolder, place: Placement, port: int) -> None:
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        try:
            for rank in range(1, place.world):
                self._processes[rank] = _start(folder, replace(place, rank=rank, local_rank=rank, port=port))
        except BaseException:
            self.end(0)
            raise

    def lost(self) -> int | None:
        """A rank that failed or was killed; None while all live or have ended well."""
        return next((rank for rank, process in self._processes.items() if process.poll()), None)

    def end(self, patience_s: float | None = None) -> None:
        """Wait for all to end, `LEAVE_S` unless told otherwise, and kill those that do not."""
        limit = time.monotonic() + (LEAVE_S if patience_s is None else patience_s)
        for process in self._processes.values():
            try:
                process.wait(max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin:
                process.stdin.close()


def _start(folder: RunFolder, place: Placement) -> subprocess.Popen[bytes]:
    environment = os.environ | place.environment() | {LEASH: "1"}
    with (folder.path / f"rank-{place.rank}.log").open("ab") as log:
        return subprocess.Popen(
            [*engine_command(), "pretrain", str(folder.path)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
