"""The SQLite file of a workspace: how it is opened, read and written.

Two doors. `read()` is a snapshot on connections that cannot write (`query_only`). `write()` starts with BEGIN
IMMEDIATE: SQLAlchemy's deferred default lets two processes read the same value and both write it back, and silently
lost 288 of 600 such updates when it was measured. The busy timeout is set before the journal mode, since turning on
WAL needs a lock itself. `recursive_triggers` makes REPLACE fire delete triggers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.orm import Session

from engine.contract.errors import WorldError

SCHEMA_HEAD = "0004"
"""Revision that this program speaks; a test holds it against the newest migration."""

BUSY_S = 30
"""Seconds that a write waits for another one before it gives up."""

MIGRATIONS = Path(__file__).resolve().parent / "migrations"


class Database:
    """The database of one workspace. Safe to use from several threads; ORM rows stay inside the two doors."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = _engine(path, begin="BEGIN", query_only=True)
        self._writer = _engine(path, begin="BEGIN IMMEDIATE", query_only=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent snapshot. Raises WorldError when the file is damaged or locked for too long."""
        with Session(self._reader) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction that nobody else writes beside: committed at the end, undone on any error."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            session.connection()  # BEGIN IMMEDIATE now, not at the first statement
            yield session

    def migrate(self) -> None:
        """Bring the schema up to date, inside one transaction. Raises WorldError when it is newer than this program."""
        if self.revision() == SCHEMA_HEAD:
            return
        with self._writer.begin() as connection:
            _upgrade(connection)

    def revision(self) -> str | None:
        """The schema revision in the file, or None in an empty one."""
        with self._reader.begin() as connection:
            known = sqlalchemy.inspect(connection).has_table("alembic_version")
            if not known:
                return None
            found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            return found

    def close(self) -> None:
        """Give back all connections."""
        self._reader.dispose()
        self._writer.dispose()


def _engine(path: Path, begin: str, query_only: bool) -> sqlalchemy.Engine:
    made = sqlalchemy.create_engine(
        URL.create("sqlite", database=str(path)), hide_parameters=True, connect_args={"timeout": BUSY_S}
    )

    @event.listens_for(made, "connect")
    def _settings(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_S * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",
            f"query_only={'ON' if query_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(made, "handle_error", _in_plain_words, retval=True)
    return made


def _in_plain_words(context: ExceptionContext) -> BaseException | None:
    """What SQLite says of the world, as a WorldError; anything else stays a bug."""
    found = context.original_exception
    if not isinstance(found, sqlite3.DatabaseError):
        return None
    told = str(found)
    if "locked" in told or "busy" in told:
        reason = f"another program has been writing to it for more than {BUSY_S} s"
        return WorldError("workspace", reason, "Wait until that has ended and try again")
    if "full" in told:
        return WorldError("workspace", "the disk is full", "Free some space and try again")
    if "readonly" in told or "unable to open" in told:
        return WorldError("workspace", "its database cannot be written", "Check the rights of the folder")
    if "disk I/O" in told:  # so says SQLite also when a full disk has no room for its shared memory
        return WorldError("workspace", "the disk refuses to serve its database", "Make sure that the disk has room")
    if "malformed" in told or "not a database" in told:
        return WorldError("workspace", "its database is damaged", "Restore the folder from your backup")
    return None


def _upgrade(connection: Connection) -> None:
    """Run the missing migrations on this connection, whose transaction is open."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}

    def steps(current: Any, _: Any) -> Any:
        """What leads from the revision that stands to ours; alembic asks this while it is connected."""
        if any(revision not in known for revision in current or ()):
            raise WorldError(
                "workspace", "it was written by a newer version of Isoline", "Open it with that version or a later one"
            )
        return scripts._upgrade_revs(SCHEMA_HEAD, current)

    with EnvironmentContext(config, scripts, fn=steps, destination_rev=SCHEMA_HEAD) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
