"""A workspace as a folder: database, key, store, run folders, models, reports, cache.

workspace.json   id, creation time, version
secret.key       32 random bytes for the pseudonyms; readable by the owner only, never in a report
isoline.db       the database
store/ runs/J0001/ models/<sha256>/ reports/ cache/
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core import audit
from app.core.clock import utc_now
from app.core.database import Database
from app.core.places import refuse_network_drive
from engine.contract.errors import WorldError
from engine.contract.run import RunFolder, write_whole
from engine.contract.version import VERSION


@dataclass(frozen=True)
class Home:
    """An open workspace: where its parts stand, and its database."""

    path: Path
    id: str
    key: bytes
    db: Database

    @property
    def store(self) -> Path:
        """The recordings."""
        return self.path / "store"

    @property
    def models(self) -> Path:
        """Weights and score files by content hash."""
        return self.path / "models"

    @property
    def reports(self) -> Path:
        """Copies of the exported PDFs."""
        return self.path / "reports"

    @property
    def cache(self) -> Path:
        """Embeddings that can be computed again."""
        return self.path / "cache"

    def run(self, job_id: str) -> RunFolder:
        """The run folder of a job."""
        return RunFolder(self.path / "runs" / job_id)

    @classmethod
    def create(cls, path: Path) -> Home:
        """Make a workspace in an absent or empty folder.

        Raises:
            WorldError: the folder is in use, on a network drive, or cannot be written.
        """
        path = path.expanduser().resolve()
        refuse_network_drive(path)
        try:
            if path.exists() and any(path.iterdir()):
                raise WorldError("workspace", "the folder exists and is not empty", "Choose a new or an empty folder")
            return cls._make(path)
        except OSError as error:
            _unmake(path)
            reason = f"the folder cannot be written ({error.strerror or type(error).__name__})"
            raise WorldError("workspace", reason, "Choose a folder on a local disk that you may write") from None

    @classmethod
    def _make(cls, path: Path) -> Home:
        for part in _FOLDERS:
            (path / part).mkdir(parents=True, exist_ok=True)
        key, made = secrets.token_bytes(32), {"id": str(uuid.uuid4()), "created": utc_now(), "version": VERSION}
        _write_secret(path / "secret.key", key)
        db = Database(path / "isoline.db")
        with _closed_on_failure(db):
            db.migrate()
            with db.write() as session:
                audit.append(session, "workspace created", made["id"], {"version": VERSION})
            write_whole(path / "workspace.json", json.dumps(made, indent=1) + "\n")
        return cls(path, made["id"], key, db)

    @classmethod
    def open(cls, path: Path) -> Home:
        """Open a workspace and bring its schema up to date.

        Raises:
            WorldError: there is none, it is on a network drive, damaged, or of a newer version.
        """
        path = path.expanduser().resolve()
        if not (path / "workspace.json").is_file():
            both = "Open the folder that has one, or make one in a new folder: isoline init DIR"
            raise WorldError("workspace", "there is none in this folder", both)
        refuse_network_drive(path)
        try:
            told = json.loads((path / "workspace.json").read_text(encoding="utf-8"))
            key = (path / "secret.key").read_bytes()
            if len(key) != 32 or not (path / "isoline.db").is_file():
                raise ValueError
            home = cls(path, str(told["id"]), key, Database(path / "isoline.db"))
        except (OSError, ValueError, KeyError, TypeError):
            reason = "workspace.json, secret.key or isoline.db is missing or damaged"
            raise WorldError("workspace", reason, "Restore the folder from your backup") from None
        with _closed_on_failure(home.db):
            home.db.migrate()
        return home


@contextlib.contextmanager
def _closed_on_failure(db: Database) -> Iterator[None]:
    """Let go of the file when it is of no use: Windows deletes no file that is open."""
    try:
        yield
    except BaseException:
        db.close()
        raise


_FOLDERS = ("store", "runs", "models", "reports", "cache")


def _unmake(path: Path) -> None:
    """Take away what an attempt that failed has left: nothing stands half-made."""
    for part in _FOLDERS:
        shutil.rmtree(path / part, ignore_errors=True)
    for name in ("secret.key", "workspace.json", "isoline.db", "isoline.db-wal", "isoline.db-shm"):
        with contextlib.suppress(OSError):
            (path / name).unlink(missing_ok=True)


def _write_secret(path: Path, key: bytes) -> None:
    """Write the key so that it is never readable by others, not even for a moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
