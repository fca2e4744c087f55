"""The life of a run in the engine process: lock, events, work, results, end.

Starting and resuming are the same call: a worker finds out from the folder what is done already.
"""

from __future__ import annotations

import importlib
import os
import platform
import signal
import socket
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from engine.contract.config import AnyConfig
from engine.contract.errors import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_WORLD,
    WorldError,
    crash_line,
    crash_text,
    disk_error,
    is_disk_fault,
)
from engine.contract.events import EventWriter, Finished, SilentWriter, Started
from engine.contract.results import Model
from engine.contract.run import RunFolder, Stopped
from engine.contract.version import VERSION
from engine.training.placement import placed

Worker = Callable[[RunFolder, Any, EventWriter], Model]

WORKERS = {
    "import": "engine.data.importing:run",
    "verify": "engine.data.verifying:run",
    "recheck": "engine.data.rechecking:run",
    "pretrain": "engine.workers:pretrain",
    "estimate": "engine.estimate.worker:run",
    "efficiency": "engine.estimate.efficiency:run",
    "study": "engine.study.runner:run",
    "embed": "engine.evaluation.runs:embed",
    "evaluate": "engine.evaluation.runs:evaluate",
    "compare": "engine.evaluation.runs:compare",
    "leakage": "engine.data.leakage:run",
    "stress": "engine.evaluation.stress:run",
    "drift": "engine.evaluation.drift:run",
    "version": "engine.evaluation.version_change:run",
    "vet": "engine.evaluation.vetting.worker:run",
    "try": "engine.evaluation.trying:run",
}
"""Where the work of each kind of run is done; imported only when it is asked for, so that the lock comes first."""


def work(kind: str, path: Path) -> int:
    """Do (or go on with) the run in `path`; the exit code says how it ended."""
    folder = RunFolder(path)
    if not folder.config_path.exists():
        raise WorldError(f"run folder {path.name}", "it holds no config.json", "Name a run folder made by Isoline")
    config = folder.config()
    if config.kind != kind:
        raise WorldError(
            f"run folder {path.name}", f"it holds a run of kind {config.kind}", f"Use: isoline-engine {config.kind}"
        )
    place = placed(getattr(config, "ranks", 1))
    if place and place.rank:  # rank 0 holds lock, events and results
        return _work(kind, folder, config, SilentWriter())
    lock = folder.lock
    lock.acquire(f"isoline-engine {kind}")
    try:
        return _hold(kind, folder, config)
    finally:
        lock.release()


def _hold(kind: str, folder: RunFolder, config: AnyConfig) -> int:
    """Work on a run whose lock this process holds; what was opened for it is closed however it ends."""
    folder.clear_stop()
    events = EventWriter(folder.events_path)
    try:
        return _work(kind, folder, config, events)
    finally:
        # An exported run has nobody who would open its labels again: until it is done it keeps them.
        if not folder.export_path.exists() or folder.results_path.exists():
            folder.labels_path.unlink(missing_ok=True)
        folder.key_path.unlink(missing_ok=True)
        events.close()


def _work(kind: str, folder: RunFolder, config: AnyConfig, events: EventWriter) -> int:
    events.emit(Started(kind=kind, host=socket.gethostname(), pid=os.getpid(), versions=versions()))
    _interrupt_is_stop(folder)
    try:
        results = _worker(kind)(folder, config, events)
        if not isinstance(events, SilentWriter):
            folder.write_results(results.model_dump(mode="json"))
    except Stopped:
        events.emit(Finished(outcome="stopped", message="stopped as asked", next_step="Resume it to go on"))
        return EXIT_DONE
    except WorldError as error:
        return _failed(events, error)
    except OSError as error:
        return _failed(events, disk_error(error, "files")) if is_disk_fault(error) else _broken(events, error)
    except Exception as error:
        return _broken(events, error)
    events.emit(Finished(outcome="done"))
    return EXIT_DONE


def _failed(events: EventWriter, error: WorldError) -> int:
    # The event first: on a full disk the console may take nothing any more.
    events.emit(
        Finished(
            outcome="failed",
            message=f"{error.thing}: {error.reason}",
            next_step=error.next_step,
            fault=error.fault,
        )
    )
    print(error, file=sys.stderr)
    return EXIT_WORLD


def _broken(events: EventWriter, error: Exception) -> int:
    events.emit(Finished(outcome="failed", message=crash_line(error), next_step="Report it with the log", bug=True))
    print(crash_text(error), file=sys.stderr)
    return EXIT_BUG


def _worker(kind: str) -> Worker:
    module, _, name = WORKERS[kind].partition(":")
    worker: Worker = getattr(importlib.import_module(module), name)
    return worker


def _interrupt_is_stop(folder: RunFolder) -> None:
    """Ctrl+C and terminate ask the run to stop at the next safe point instead of cutting it."""

    def ask(*_: object) -> None:
        folder.ask_stop()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)


def versions() -> dict[str, str]:
    """Versions that a number may depend on, without importing any of the packages."""
    told = {"isoline": VERSION, "python": platform.python_version()}
    for package in ("numpy", "scipy", "torch"):
        told[package] = metadata.version(package)
    return told
