"""A run is a folder: config, manifest, events, checkpoints, results, lock, and a stop file when somebody asked.

Alive or dead is asked of the lock, never of a process id. On POSIX it is a record lock (`fcntl.lockf`), since a
`flock` is inherited by forked data-loader children and outlives its owner. A POSIX record lock is dropped when the
owner closes *any* descriptor of the file, so a process never probes a lock it holds itself (`_held`).
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.contract.config import AnyConfig, config_json, load_config
from engine.contract.errors import WorldError

_held: set[str] = set()

PROBE_S = 0.2
"""Seconds for which taking a lock is tried again before its holder is named."""


@dataclass(frozen=True)
class ManifestRow:
    """One recording of a run: its id, its patient's pseudonym, and where it stands in the split. Never a label.

    `split` is "train", "validation", "test" or a fold ("fold-0" ... "fold-4").
    """

    record_id: str
    patient: str
    split: str


class Lock:
    """An exclusive lock on a file, held for the life of a process and dropped by the system when it dies."""

    def __init__(self, path: Path, thing: str = "run") -> None:
        self.path, self.thing = path, thing
        self._file: IO[str] | None = None

    def acquire(self, note: str = "") -> None:
        """Take the lock or say who holds it. Raises WorldError if another process (or this one) has it."""
        key = str(self.path.resolve())
        if key in _held:
            raise WorldError(self.thing, "this process is already working on it", "Wait until it has ended")
        file = self.path.open("a+", encoding="utf-8")
        if not _lock_within(file, PROBE_S):
            holder = self.holder()
            file.close()
            raise WorldError(self.thing, f"it is held by {holder}", "Wait until that has ended, or stop it there")
        _held.add(key)
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "note": note}))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            _unlock(self._file)
            self._file.close()
            self._file = None
            _held.discard(str(self.path.resolve()))

    def is_held(self) -> bool:
        """Whether a living process (this one included) holds the lock."""
        if str(self.path.resolve()) in _held:
            return True
        if not self.path.exists():
            return False
        with self.path.open("a+", encoding="utf-8") as file:
            free = _try_lock(file)
            if free:
                _unlock(file)
        return not free

    def holder(self) -> str:
        """Who holds it, for people: "import (process 4242 on host ward7)"."""
        try:
            with self.path.open(encoding="utf-8") as file:
                told = json.loads(file.read(4096) or "{}")
        except (OSError, ValueError):
            told = {}
        if not told:
            return "another process"
        return f"{told.get('note') or 'a process'} (process {told.get('pid')} on host {told.get('host')})"

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _lock_within(file: IO[str], seconds: float) -> bool:
    """Try for a moment: somebody who only asks whether a lock is held takes it for an instant."""
    limit = time.monotonic() + seconds
    while not _try_lock(file):
        if time.monotonic() > limit:
            return False
        time.sleep(0.005)
    return True


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run and the names of what stands in it."""

    path: Path

    @classmethod
    def create(
        cls, path: Path, config: AnyConfig, manifest: Iterable[ManifestRow] = (), inputs: Sequence[str] = ()
    ) -> RunFolder:
        """Make a run folder, whole or not at all. Raises WorldError if one stands there already."""
        if path.exists():
            raise WorldError(f"run folder {path.name}", "it exists already", "Choose another name")
        draft = path.with_name(path.name + ".tmp")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        folder = cls(draft)
        folder.config_path.write_text(config_json(config), encoding="utf-8")
        folder._write_manifest(manifest)
        if inputs:
            (draft / "inputs.json").write_text(json.dumps(list(inputs), ensure_ascii=False), encoding="utf-8")
        draft.replace(path)
        return cls(path)

    @property
    def config_path(self) -> Path:
        """What was asked, with the contract version."""
        return self.path / "config.json"

    @property
    def manifest_path(self) -> Path:
        """Record ids and splits, never labels."""
        return self.path / "manifest.csv"

    @property
    def events_path(self) -> Path:
        """What the run said."""
        return self.path / "events.jsonl"

    @property
    def console_path(self) -> Path:
        """What the process printed."""
        return self.path / "console.log"

    @property
    def results_path(self) -> Path:
        """What came out; written once, whole."""
        return self.path / "results.json"

    @property
    def labels_path(self) -> Path:
        """Labels that the protocol opened for this run; deleted at its end."""
        return self.path / "labels.npz"

    @property
    def leaks_path(self) -> Path:
        """What was known of leaks when an evaluation was started; the run tells it and keeps it."""
        return self.path / "leaks.json"

    @property
    def key_path(self) -> Path:
        """The workspace's key, lent to an import for its pseudonyms; deleted at its end."""
        return self.path / "pseudonyms.key"

    def lend_key(self, key: bytes) -> None:
        """Write the key so that it is never readable by others, not even for a moment."""
        self.key_path.unlink(missing_ok=True)
        with os.fdopen(os.open(self.key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)

    def read_key(self) -> bytes | None:
        """The key that was lent, or None: a run that nobody lends one makes no pseudonyms."""
        return self.key_path.read_bytes() if self.key_path.exists() else None

    @property
    def export_path(self) -> Path:
        """Stands in a folder that left its workspace, to be worked on elsewhere: of which job it is."""
        return self.path / "export.json"

    @property
    def checkpoints(self) -> Path:
        """Folder of complete checkpoints, `step-000500` each."""
        return self.path / "checkpoints"

    @property
    def lock(self) -> Lock:
        """The lock of the process that works on this run."""
        return Lock(self.path / "lock", f"run {self.path.name}")

    def config(self) -> AnyConfig:
        """The validated config. Raises WorldError when it is missing or of another contract version."""
        return load_config(self.config_path)

    def manifest(self) -> list[ManifestRow]:
        """The rows of the manifest, in order."""
        with self.manifest_path.open(newline="", encoding="utf-8") as file:
            return [ManifestRow(**row) for row in csv.DictReader(file)]

    def inputs(self) -> list[str]:
        """The paths an import run reads."""
        return list(json.loads((self.path / "inputs.json").read_text(encoding="utf-8")))

    def ask_stop(self) -> None:
        """Ask the worker to checkpoint and end as `stopped`."""
        (self.path / "stop").touch()

    def clear_stop(self) -> None:
        """Forget an earlier wish to stop; done when a run is started again."""
        (self.path / "stop").unlink(missing_ok=True)

    def stop_asked(self) -> bool:
        """Whether somebody asked the run to stop."""
        return (self.path / "stop").exists()

    def write_results(self, results: dict[str, Any]) -> None:
        """Write results.json whole or not at all."""
        write_whole(self.results_path, json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def _write_manifest(self, rows: Iterable[ManifestRow]) -> None:
        with self.manifest_path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["record_id", "patient", "split"])
            writer.writerows([row.record_id, row.patient, row.split] for row in rows)


def write_whole(path: Path, text: str) -> None:
    """Replace a file by new text so that a reader (or a power cut) sees the old or the new one, never half."""
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


if sys.platform == "win32":
    import msvcrt

    # The byte far behind any content: msvcrt locks are mandatory and would hide the note from readers.
    _FAR = 1 << 30

    def _try_lock(file: IO[str]) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: IO[str]) -> None:
        file.flush()
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try_lock(file: IO[str]) -> bool:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(file: IO[str]) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN)


class Stopped(Exception):
    """Raised by a worker after it has checkpointed because somebody asked it to stop."""
