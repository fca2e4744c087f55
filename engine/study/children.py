"""The runs of a study as processes: the same engine command that a terminal would use, one run folder each.

A run that outlived a killed study is found by its lock and waited for, never started twice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.events import Finished, read_events
from engine.contract.run import ManifestRow, RunFolder

LABELS, PROBE = "labels.npz", "probe.csv"


def engine_command() -> list[str]:
    """The engine that runs this study; a frozen program is itself the engine."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "engine"]


class Child:
    """One pretraining of a study, worked on by a process of its own.

    Args:
        folder: its run folder.
        gpu: name of the one GPU that it may see; None leaves the choice to it.
    """

    def __init__(self, folder: RunFolder, gpu: str | None = None) -> None:
        self.folder, self.gpu = folder, gpu
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the engine on the run, unless an earlier one still works on it.

        Raises:
            WorldError: the engine cannot be started.
        """
        if self.folder.lock.is_held():
            return
        environment = dict(os.environ)
        if self.gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = self.gpu
        try:
            with self.folder.console_path.open("ab") as console:
                self._process = subprocess.Popen(
                    [*engine_command(), "pretrain", str(self.folder.path.resolve())],
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    cwd=self.folder.path,
                    env=environment,
                )
        except OSError as error:
            reason = f"it cannot be started ({error.strerror or type(error).__name__})"
            raise WorldError("engine", reason, "Install Isoline again, then resume the study") from None

    def alive(self) -> bool:
        """Whether somebody works on the run."""
        return self.folder.lock.is_held() if self._process is None else self._process.poll() is None

    def ask_stop(self) -> None:
        """Ask it to checkpoint and end; asked again until it does, since a run forgets such a wish when it starts."""
        self.folder.ask_stop()


def child_folder(parent: RunFolder, number: int, config: PretrainConfig, manifest: Iterable[ManifestRow]) -> RunFolder:
    """The run folder `runs/0001` of a study's run, made when it is not there yet.

    Raises:
        WorldError: what stands there was made from another config.
    """
    folder = RunFolder(run_path(parent, number))
    if not folder.config_path.exists():
        folder.path.parent.mkdir(exist_ok=True)
        return RunFolder.create(folder.path, config, manifest)
    if folder.config() != config:
        raise WorldError(
            f"run {number} of the study", "it was begun with another config", "Start a copy of the study instead"
        )
    return folder


def run_path(parent: RunFolder, number: int) -> Path:
    """Where a study's run lies."""
    return parent.path / "runs" / f"{number:04d}"


def lend_labels(parent: RunFolder, child: RunFolder) -> None:
    """Copy what the probe needs into a run. The run deletes its labels when it ends, as every run does.

    Raises:
        WorldError: the study holds none.
    """
    try:
        for name in (LABELS, PROBE):
            shutil.copyfile(parent.path / name, child.path / name)
    except FileNotFoundError:
        raise WorldError(
            "labels of the probe", "they are not in the study's folder", "Start the study from Isoline"
        ) from None


def take_labels_back(child: RunFolder) -> None:
    """Delete a run's labels, however it ended."""
    child.labels_path.unlink(missing_ok=True)


def last_word(folder: RunFolder) -> Finished | None:
    """How a run said that it ended; None when it was cut."""
    events, _ = read_events(folder.events_path)
    return events[-1] if events and isinstance(events[-1], Finished) else None
