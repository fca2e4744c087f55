import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import rfc8785

from app.core import audit
from app.core.database import Database
from app.core.schema import AuditEvent


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "isoline.db")
    made.migrate()
    with made.write() as session:
        for n in range(3):
            audit.append(session, "cohort created", f"cohort {n}", {"records": n, "share": 0.1 * n, "name": "Ä\u2028"})
    yield made
    made.close()


def raw(db: Database, statement: str, *values: object) -> None:
    """Another program with the file: no pragmas of ours, recursive triggers off as SQLite has them by default."""
    with closing(sqlite3.connect(db.path)) as connection, connection:
        connection.execute(statement, values)


def drop_guards(db: Database) -> None:
    with closing(sqlite3.connect(db.path)) as connection, connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in names:
            connection.execute(f"DROP TRIGGER {name}")


def verdict(db: Database):
    with db.read() as session:
        return audit.verify(session)


def test_each_hash_is_sha256_of_the_previous_hash_and_the_canonical_event(db: Database) -> None:
    with closing(sqlite3.connect(db.path)) as connection:
        rows = connection.execute(
            "SELECT seq, time, actor, action, subject, detail, previous, hash FROM audit ORDER BY seq"
        ).fetchall()
    previous = "0" * 64
    for seq, time, actor, action, subject, detail, stored_previous, stored in rows:
        body = {
            "seq": seq,
            "time": time,
            "actor": actor,
            "action": action,
            "subject": subject,
            "detail": json.loads(detail),
        }
        expected = hashlib.sha256(bytes.fromhex(previous) + rfc8785.dumps(body)).hexdigest()
        assert (stored_previous, stored) == (previous, expected)
        previous = expected
    assert verdict(db).intact
    assert verdict(db).head == previous
    assert verdict(db).events == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET subject = 'x' WHERE seq = 2",
        "UPDATE OR REPLACE audit SET seq = 1 WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
        "REPLACE INTO audit SELECT seq, time, actor, action, 'x', detail, previous, hash FROM audit WHERE seq = 3",
        "INSERT OR REPLACE INTO audit SELECT seq, time, actor, action, 'x', detail, previous, 'n' FROM audit LIMIT 1",
        "REPLACE INTO audit SELECT 4, time, actor, action, 'x', detail, hash, hash FROM audit WHERE seq = 3",
        "INSERT OR IGNORE INTO audit SELECT seq, time, actor, action, 'x', detail, previous, 'n' FROM audit LIMIT 1",
        "INSERT INTO audit SELECT 5, time, actor, action, subject, detail, hash, 'new' FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT 4, time, actor, action, subject, detail, previous, 'new' FROM audit WHERE seq = 3",
        "INSERT INTO audit (time, actor, action, subject, detail, previous, hash) SELECT '', '', '', '', '', '', ''",
    ],
)
def test_the_file_itself_refuses_every_change_of_the_trail(db: Database, statement: str) -> None:
    before = verdict(db)
    with pytest.raises(sqlite3.IntegrityError, match="audit trail"):
        raw(db, statement)
    assert verdict(db) == before


def test_the_first_event_must_follow_from_nothing(tmp_path: Path) -> None:
    db = Database(tmp_path / "empty.db")
    db.migrate()
    with pytest.raises(sqlite3.IntegrityError, match="audit trail"):
        raw(db, "INSERT INTO audit VALUES (1, '', '', '', '', '{}', 'feed', 'beef')")
    db.close()


@pytest.mark.parametrize("column", ["time", "actor", "action", "subject"])
def test_a_changed_word_is_found_when_the_guards_were_taken_away(db: Database, column: str) -> None:
    drop_guards(db)
    raw(db, f"UPDATE audit SET {column} = 'changed' WHERE seq = 2")
    assert not verdict(db).intact
    assert verdict(db).fault == "event 2 was changed after it was written"


@pytest.mark.parametrize("detail", ['{"records":7}', '{"records": 1}', "[]", "no json", '{"records":1,"records":2}'])
def test_a_changed_detail_is_found(db: Database, detail: str) -> None:
    drop_guards(db)
    raw(db, "UPDATE audit SET detail = ? WHERE seq = 2", detail)
    assert verdict(db).fault == "event 2 was changed after it was written"


def test_a_missing_event_is_found(db: Database) -> None:
    drop_guards(db)
    raw(db, "DELETE FROM audit WHERE seq = 2")
    assert verdict(db).fault == "event 2 is missing"


def test_an_event_that_was_hashed_anew_is_found_at_the_next_one(db: Database) -> None:
    drop_guards(db)
    with db.read() as session:
        found = session.get(AuditEvent, 2)
        assert found is not None
        forged = audit.link(found.previous, {**vars(found), "subject": "forged"})
    raw(db, "UPDATE audit SET subject = 'forged', hash = ? WHERE seq = 2", forged)
    assert verdict(db).fault == "event 3 does not follow from the one before it"


def test_an_event_and_its_change_stand_or_fall_together(db: Database) -> None:
    def change_and_fail() -> None:
        with db.write() as session:
            audit.append(session, "cohort created", "never")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert verdict(db).events == 3


def test_the_newest_events_come_first_and_pages_go_on(db: Database) -> None:
    with db.read() as session:
        assert [row.seq for row in audit.rows(session, limit=2)] == [3, 2]
        assert [row.seq for row in audit.rows(session, limit=2, before=2)] == [1]
        assert audit.rows(session)[0].detail == {"records": 2, "share": 0.2, "name": "Ä\u2028"}
        assert "@" in audit.rows(session)[0].actor
