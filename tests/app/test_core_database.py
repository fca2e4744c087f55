import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from app.core import database
from app.core.database import MIGRATIONS, SCHEMA_HEAD, Database
from app.core.schema import Base
from engine.contract.errors import WorldError

NO_ROOM = """
import resource, sys
from pathlib import Path
from app.core.database import Database
from engine.contract.errors import WorldError
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    Database(Path(sys.argv[1])).revision()
except WorldError as error:
    print(error)
"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "isoline.db")
    made.migrate()
    yield made
    made.close()


def test_the_schema_that_the_program_speaks_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_HEAD]


def test_the_migrations_make_exactly_the_tables_of_the_schema(db: Database) -> None:
    engine = create_engine(f"sqlite:///{db.path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(db: Database) -> None:
    db.migrate()
    assert db.revision() == SCHEMA_HEAD


def test_a_schema_of_a_newer_version_is_refused(db: Database) -> None:
    with closing(sqlite3.connect(db.path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WorldError, match="newer version of Isoline"):
        db.migrate()
    assert db.revision() == "9999"


def test_a_migration_that_fails_leaves_an_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Database(tmp_path / "isoline.db")

    def fail(connection: object) -> None:
        real(connection)
        raise RuntimeError

    real = database._upgrade
    monkeypatch.setattr(database, "_upgrade", fail)
    with pytest.raises(RuntimeError):
        made.migrate()
    assert made.revision() is None
    with made.read() as session:
        assert session.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0
    made.close()


def test_both_doors_set_what_safety_needs(db: Database) -> None:
    for door in (db.read, db.write):
        with door() as session:
            told = {
                name: session.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
            }
        full = 2
        assert told == {
            "journal_mode": "wal",
            "synchronous": full,
            "foreign_keys": 1,
            "recursive_triggers": 1,
            "busy_timeout": 30000,
        }


def test_the_reading_door_cannot_write(db: Database) -> None:
    with pytest.raises(WorldError, match="cannot be written"), db.read() as session:
        session.execute(text("INSERT INTO labels (record_id, label, value, source_sha256) VALUES ('r', 'l', 1, '')"))


def test_a_write_takes_the_lock_before_it_reads(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0)
    second = Database(db.path)
    with db.write(), pytest.raises(WorldError, match="another program has been writing"), second.write():
        pass
    with db.write(), second.read() as session:
        assert session.execute(text("SELECT count(*) FROM jobs")).scalar() == 0
    second.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_without_room_is_never_told_as_a_damaged_database(db: Database) -> None:
    db.close()
    told = subprocess.run([sys.executable, "-c", NO_ROOM, str(db.path)], capture_output=True, text=True, check=True)
    assert "the disk" in told.stdout
    assert "damaged" not in told.stdout
    db.migrate()
    assert db.revision() == SCHEMA_HEAD


def test_a_file_that_is_no_database_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "isoline.db"
    path.write_bytes(b"this is no database" * 100)
    broken = Database(path)
    with pytest.raises(WorldError, match="damaged"):
        broken.migrate()
    broken.close()


ADDER = """
import sys
from sqlalchemy import text
from pathlib import Path
from app.core.database import Database
db = Database(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    with db.write() as session:
        number = session.execute(text("SELECT openings FROM cohorts WHERE number = 1")).scalar()
        session.execute(text("UPDATE cohorts SET openings = :n WHERE number = 1"), {"n": number + 1})
db.close()
"""


def add_from_two_processes(db: Database, times: int) -> int:
    with db.write() as session:
        session.execute(
            text("INSERT INTO cohorts VALUES (1, 'c', '', 0, '[]', NULL, 'S', 'k', 'h', 0, 0, 0, '{}', '[]', '{}')")
        )
    command = [sys.executable, "-c", ADDER, str(db.path), str(times)]
    children = [subprocess.Popen(command) for _ in range(2)]
    assert [child.wait(timeout=200) for child in children] == [0, 0]
    with db.read() as session:
        return int(session.execute(text("SELECT openings FROM cohorts")).scalar() or 0)


@pytest.mark.slow
def test_two_processes_that_add_300_times_each_lose_no_update(db: Database) -> None:
    assert add_from_two_processes(db, 300) == 600


def test_two_processes_that_add_30_times_each_lose_no_update(db: Database) -> None:
    assert add_from_two_processes(db, 30) == 60
